-- Functions of numbers.
--@ routed
SELECT width_bucket(n, -500, 500.5, 7) AS b, count(*) FROM facts GROUP BY 1;
--@ routed
SELECT width_bucket(n, 500, -500, 11) AS b, count(*) FROM facts GROUP BY 1;
--@ routed
SELECT width_bucket(f, -3, 4.75, 31) AS b, count(*) FROM facts GROUP BY 1;
--@ routed
SELECT width_bucket(value, -8, 24, 10), count(*) FROM readings GROUP BY 1;
--@ routed
SELECT sensor, at, width_bucket(value, -9, 30, 7) FROM readings;
--@ routed
SELECT width_bucket(fx, 1, nullif(fx, 1) + 1, 3), width_bucket(fx, 0, 2, nullif(lines, 2)), count(*) FROM invoices GROUP BY 1, 2;
--@ routed
SELECT width_bucket(load, 0, 100, 10), count(*) FROM readings GROUP BY 1;
--@ routed
SELECT width_bucket(load, 90, 10, 4), width_bucket(load, nullif(quality, 1), 200, 4), count(*) FROM readings GROUP BY 1, 2;
--@ failed when it ran
SELECT max(width_bucket(f, 3, -3, 5)) FROM facts;
--@ failed when it ran
SELECT max(width_bucket(n, 3, 3, 5)) FROM facts;
--@ failed when it ran
SELECT max(width_bucket(n, 1, 3, g)) FROM facts;
--@ routed
SELECT width_bucket(n, 0, 1000, 10) AS b, min(n), max(n) FROM facts GROUP BY 1;
--@ routed
SELECT width_bucket(i, ARRAY[-10, 0, 10]) AS b, count(*) FROM facts GROUP BY 1;
--@ routed
SELECT width_bucket(n, ARRAY[-10.5, 0, 10, 100.25]) AS b, count(*) FROM facts GROUP BY 1;
--@ constant
SELECT max(width_bucket(i, ARRAY[10, 0])) FROM facts;
--@ routed
SELECT max(lcm(i, 6)), min(gcd(big, 12)), max(lcm(big, 4)) FROM facts;
--@ failed when it ran
SELECT max(lcm(big, 2147483647)) FROM facts;
--@ routed
SELECT max(factorial(g)), min(factorial(g + 16)) FROM facts;
--@ failed when it ran
SELECT max(factorial(i)) FROM facts;
--@ routed
SELECT id, div(n, 7.3), mod(n, 7.3), scale(n), min_scale(n), trim_scale(n), min_scale(loose), trim_scale(loose), scale(loose) FROM facts;
--@ failed when it ran
SELECT max(div(n, n - n)) FROM facts;
--@ routed
SELECT div(n, 100) AS hundreds, count(*) FROM facts GROUP BY 1;
--@ routed
SELECT max(min_scale(n)), count(*) FILTER (WHERE scale(loose) > 2) FROM facts;
--@ routed
SELECT id, sqrt(abs(n)), sqrt(abs(n) * 100000000), sqrt(abs(n) / 100000) FROM facts;
--@ failed when it ran
SELECT max(sqrt(n)) FROM facts;
--@ routed
SELECT count(*) FROM facts WHERE sqrt(abs(n)) > 12.5;
--@ routed
SELECT sum(sqrt(abs(n))) FROM facts;
--@ routed
SELECT max(power(i, 2)), min(i ^ 3), max(power(g, 9)) FROM facts;
--@ failed when it ran
SELECT max(power(f, 2)) FROM facts;
--@ failed when it ran
SELECT max(power(big, 2)) FROM facts;
--@ function
SELECT max(power(i, 0.5)) FROM facts;
--@ function
SELECT max(ln(abs(i) + 1)) FROM facts;
--@ routed
SELECT bit_xor(i), bit_xor(big), bit_xor(i) FILTER (WHERE id < 0) FROM facts;
--@ routed
SELECT max(((n / 8)::numeric(20, 10))::float8), min((n * 1000000)::float8), max(floor(n / 3)::float8) FROM facts;
--@ failed when it ran
SELECT max((n / 7)::float8) FROM facts;
