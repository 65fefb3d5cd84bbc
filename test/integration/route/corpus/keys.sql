-- What rows are grouped by: floating point numbers, documents, numbers of differing digits, the key of a table.
--@ routed
SELECT f, count(*), sum(i) FROM facts GROUP BY f ORDER BY f;
--@ routed
SELECT r4, max(f) FROM facts GROUP BY r4 HAVING r4 > 2;
--@ failed when it ran
SELECT f * 0, count(*) FROM facts GROUP BY 1;
--@ routed
SELECT f + 1, f * 2 + count(*) FROM facts GROUP BY f;
--@ routed
SELECT count(DISTINCT f), count(DISTINCT r4), count(DISTINCT f * 0), count(DISTINCT f) FILTER (WHERE i > 3) FROM facts;
--@ routed
SELECT DISTINCT f, r4 FROM facts WHERE i > 3 ORDER BY f DESC, r4 LIMIT 7;
--@ routed
SELECT DISTINCT f / 2 FROM facts;
--@ routed
SELECT x, count(*) FROM (SELECT DISTINCT f AS x, g FROM facts) s GROUP BY x ORDER BY x;
--@ routed
SELECT f, g, count(*) FROM facts GROUP BY ROLLUP (f, g);
--@ routed
SELECT DISTINCT ON (f) f, id FROM facts ORDER BY f, id DESC;
--@ routed
SELECT floor(f * 3), ceil(f / 2.5), count(*) FROM facts WHERE f > 0 GROUP BY 1, 2;
--@ failed when it ran
SELECT j, count(*) FROM facts GROUP BY j;
--@ routed
SELECT j, count(*) FROM facts WHERE i > 3 AND NOT j ? 'n' GROUP BY j;
--@ routed
SELECT DISTINCT payload FROM hits WHERE NOT payload ? 'price';
--@ routed
SELECT p.id, p.name, p.score, count(o.id) FROM people p LEFT JOIN orders o ON o.person = p.id GROUP BY p.id;
--@ routed
SELECT p.*, count(*) FROM people p JOIN orders o ON o.person = p.id GROUP BY p.id HAVING p.score > 0 ORDER BY p.name, p.id;
--@ routed
SELECT o.id, p.name, p.m, count(*) FROM orders o LEFT JOIN people p ON p.id = o.person GROUP BY o.id, p.id ORDER BY p.name DESC NULLS LAST, o.id LIMIT 30;
--@ routed
SELECT ps_partkey, ps_suppkey, ps_availqty, sum(l_quantity) FROM partsupp JOIN lineitem ON l_partkey = ps_partkey AND l_suppkey = ps_suppkey GROUP BY ps_partkey, ps_suppkey ORDER BY 1, 2;
--@ routed
SELECT upper(p.name) || '!', p.score * 2 + count(*), CASE WHEN p.m = 'ok' THEN p.ratio END FROM people p JOIN orders o ON o.person = p.id GROUP BY p.id;
--@ routed
SELECT x.name, x.n FROM (SELECT p.id, p.name, count(*) AS n FROM people p JOIN orders o ON o.person = p.id GROUP BY p.id) x WHERE x.n > 4;
--@ routed
SELECT p.id, p.name, rank() OVER (PARTITION BY p.name ORDER BY p.score, p.id), sum(count(*)) OVER (ORDER BY p.born, p.id) FROM people p GROUP BY p.id;
--@ routed
SELECT DISTINCT p.name, p.flag, count(*) FROM people p JOIN orders o ON o.person = p.id GROUP BY p.id;
--@ routed
SELECT a.name, a.settings, a.created_at, count(i.id), sum(i.net) FROM accounts a LEFT JOIN invoices i ON i.account = a.id GROUP BY a.id ORDER BY a.created_at;
--@ routed
SELECT p.id, (SELECT count(*) FROM orders o WHERE o.person = p.id), p.name FROM people p GROUP BY p.id ORDER BY p.id LIMIT 20;
--@ routed
SELECT qty / 3.0 AS x, count(*) FROM orders GROUP BY 1 ORDER BY 1;
--@ routed
SELECT amount / qty AS r, count(*), min(id) FROM orders WHERE qty > 0 GROUP BY amount / qty HAVING amount / qty > 10 ORDER BY r DESC LIMIT 5;
--@ routed
SELECT q, max(n), sum(q) FROM (SELECT qty / 7.0 AS q, count(*) AS n FROM orders GROUP BY 1) s GROUP BY q;
--@ failed when it ran
SELECT CASE WHEN i > 0 THEN 1 WHEN i < 0 THEN 1.00 END AS x, count(*) FROM facts GROUP BY 1;
--@ failed when it ran
SELECT loose, count(*) FROM facts GROUP BY loose;
--@ routed
SELECT loose, count(*) FROM facts WHERE g <> 2 GROUP BY loose;
--@ numeric_scale
SELECT DISTINCT qty / 3.0 FROM orders;
--@ routed
SELECT CASE status WHEN 'O' THEN 1 WHEN 'F' THEN 2.5 END AS w, qty / 3.0, avg(amount) FROM orders GROUP BY 1, 2;
-- numbers of many digits
--@ routed
SELECT sum(loose * n), avg(loose * n), max(loose * loose) FROM facts;
--@ failed when it ran
SELECT sum(amount * amount * amount * amount * amount * amount * amount) FROM orders;
--@ failed when it ran
SELECT max(amount * amount * amount * amount * amount * amount * amount) FROM orders;
--@ failed when it ran
SELECT max(big::numeric * big * big * big * big * big * big) FROM facts;
--@ routed
SELECT sum((payload->>'price')::numeric * (payload->>'qty')::numeric - 1.5) FROM hits WHERE payload ? 'price';
--@ routed
SELECT sum(loose), avg(loose), sum(loose + n * loose) FROM facts;
-- sums of whole floating point numbers
--@ routed
SELECT sum(i::float8), avg(i::float8), sum(big::float8), avg(date_part('year', ts)), sum(CASE WHEN i > 0 THEN 1.0::float8 ELSE 0 END), avg(coalesce(g::float8, 0)) FROM facts;
--@ routed
SELECT g, avg(i::float8) FILTER (WHERE i > 0), sum(i::float8) OVER (PARTITION BY g) FROM facts GROUP BY g, i;
--@ failed when it ran
SELECT sum((big * 1000000)::float8) FROM facts;
--@ float_aggregate_order
SELECT sum(f) FROM facts;
--@ float_aggregate_order
SELECT avg(date_part('epoch', ts)) FROM facts;
--@ routed
SELECT regr_count(f, n), regr_count(i, tz2::date - date '2024-01-01'), regr_count(n, f) FILTER (WHERE g = 1) FROM facts;
-- units as people write them
--@ routed
SELECT date_trunc('MONTH', d), date_trunc('Hours', ts), date_part('YEAR', d), date_part('mins', ts), date_trunc('Days', tz), count(*) FROM facts GROUP BY 1, 2, 3, 4, 5;
--@ routed
SELECT max(extract('Epoch' FROM ts)), min(date_part('SECONDS', ts)), max(date_part('Days', ts2 - ts)) FROM facts;
--@ routed
SELECT count(*) FROM facts WHERE concat(c, '|', m) = 'ab  |ok' OR concat_ws('-', name, c, i) LIKE 'bob-a%';
-- percentiles of differences
--@ routed
SELECT g, percentile_cont(0.5) WITHIN GROUP (ORDER BY tz2 - tz), percentile_cont(0.9) WITHIN GROUP (ORDER BY ts2 - ts DESC), percentile_disc(0.3) WITHIN GROUP (ORDER BY tz2 - tz) FROM facts GROUP BY g;
--@ routed
SELECT percentile_cont(0) WITHIN GROUP (ORDER BY ts2 - ts), percentile_cont(1) WITHIN GROUP (ORDER BY ts2 - ts), percentile_cont(0.333) WITHIN GROUP (ORDER BY ts - ts2), percentile_cont(0.71) WITHIN GROUP (ORDER BY tz2 - tz) FILTER (WHERE i < 3), mode() WITHIN GROUP (ORDER BY ts - ts2) FROM facts;
--@ routed
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY tz2 - tz) FROM facts WHERE id < 0;
--@ routed
SELECT s, percentile_cont(0.25) WITHIN GROUP (ORDER BY x) FROM (SELECT id % 9 AS s, tz2 - tz AS x FROM facts) q GROUP BY s;
-- DISTINCT inside
--@ routed
SELECT array_agg(DISTINCT status), array_agg(DISTINCT status ORDER BY status DESC), string_agg(DISTINCT status::text, ',') FROM orders;
--@ type_unsupported
SELECT g, array_agg(DISTINCT m)::text, array_agg(DISTINCT m ORDER BY m DESC)::text FROM facts GROUP BY g;
--@ routed
SELECT g, array_to_string(array_agg(DISTINCT m::text ORDER BY m::text DESC), ','), array_agg(DISTINCT c), array_agg(c ORDER BY id) FROM facts WHERE id < 90 GROUP BY g;
-- regular expressions of the whole text
--@ routed
SELECT regexp_replace(t, '^(a)?([a-z ]+).*$', '\2-\1'), count(*) FROM facts GROUP BY 1;
--@ routed
SELECT regexp_replace(website, '^https?://(?:www\.)?([^/]+)/.*$', '\1'), count(*) FROM accounts GROUP BY 1;
--@ routed
SELECT regexp_replace(path, '^/(shop/)?([a-z]*)(/.*)?$', '[\1][\2]'), count(*) FROM hits GROUP BY 1;
--@ routed
SELECT count(*), regexp_replace(email, '^(User[.])?([0-9]+)@(.*)$', '\3 \2 \1') FROM accounts GROUP BY 2;
--@ like_pattern
SELECT regexp_replace(t, '^(a?)(ab)?(b?)$', '\1-\2-\3'), count(*) FROM facts GROUP BY 1;
--@ like_pattern
SELECT regexp_replace(t, '^((a)?b*)(.*)$', '\1'), count(*) FROM facts GROUP BY 1;
--@ routed
SELECT substring(email FROM '[^@]*$'), substring(email FROM '[a-z.]+$'), count(*) FROM accounts GROUP BY 1, 2;
--@ routed
SELECT (regexp_match(website, '^https?://(www\.)?([^/]+)/.*$'))[1], count(*) FROM accounts GROUP BY 1;
--@ routed
SELECT count(*) FROM accounts WHERE name ILIKE ANY (ARRAY['%acme%', '%FOODS%']) OR name NOT ILIKE ALL (ARRAY['%co%', '%s.a.%']);
