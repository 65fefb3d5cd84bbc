-- NULLs, empty sets, parameters, bounds.
--! PREPARE a1 (numeric) AS SELECT id, amount * $1, amount + $1, $1 / 3, amount / $1, round($1, 1), greatest(amount, $1), coalesce(price, $1), CASE WHEN id % 2 = 0 THEN $1 ELSE amount END FROM orders WHERE id < 40
--@ routed
EXECUTE a1(1.50);
--@ routed
EXECUTE a1(-0.001);
--@ routed
EXECUTE a1(NULL);
EXECUTE a1(0);
--@ routed
EXECUTE a1(12345678901234567890.123456789);
--@ routed
EXECUTE a1(1e30);
--! PREPARE a2 (int, text, date, char) AS SELECT id, qty + $1, note || $2, day - $3, status = $4, $1 / 2, -$1, left(note, $1), lpad($2, 3) FROM orders WHERE id < 40 AND (note = $2 OR day > $3 OR qty < $1)
--@ routed
EXECUTE a2(3, 'x_y', '1995-03-01', 'O');
--@ routed
EXECUTE a2(-3, NULL, '1900-01-01', 'O  ');
--@ routed
EXECUTE a2(NULL, '', NULL, NULL);
EXECUTE a2(2147483647, 'é', '2299-12-31', '');
--! PREPARE a3 (mood, mood[], int[], numeric[], text[]) AS SELECT id FROM people WHERE m = $1 OR m = ANY ($2) OR boss = ANY ($3) OR score = ANY ($4) OR name <> ALL ($5)
--@ routed
EXECUTE a3('ok', '{sad}', '{1,2}', '{1.5}', '{P1,P2}');
EXECUTE a3('ok', '{sad,NULL}', '{1,NULL}', NULL, '{}');
--! PREPARE a4 (int) AS SELECT p.id, (SELECT sum(amount) FROM orders o WHERE o.person = p.id AND o.qty > $1), EXISTS (SELECT 1 FROM orders o WHERE o.person = p.id AND o.k2 = $1) FROM people p ORDER BY p.id LIMIT $1
--@ routed
EXECUTE a4(3);
--@ routed
EXECUTE a4(0);
--@ routed
SELECT count(*) FROM orders a WHERE id < 300 AND (EXISTS (SELECT 1 FROM people p WHERE p.boss = a.k2 AND p.m = 'ok') OR a.qty IS NULL OR NOT EXISTS (SELECT 1 FROM orders b WHERE b.person = a.person AND b.id > a.id));
--@ routed
SELECT id FROM orders a WHERE qty NOT IN (SELECT qty FROM orders b WHERE b.id < 5) OR qty IS NULL;
--@ routed
SELECT id FROM orders a WHERE NOT (qty IN (SELECT qty FROM orders b WHERE b.id > 100000));
--@ expression
SELECT id, qty NOT IN (SELECT x FROM empty), NULL::int IN (SELECT x FROM empty), NULL::int IN (SELECT id FROM people) FROM orders WHERE id < 4;
--@ subquery
SELECT id FROM orders WHERE (k2, qty) NOT IN (SELECT id, id FROM people);
--@ routed
SELECT id FROM orders WHERE (id, id) NOT IN (SELECT id, id FROM people WHERE id < 390) AND id < 500;
--@ routed
SELECT count(*) FROM people p LEFT JOIN orders o ON o.person = p.id AND o.qty = 3 WHERE NOT EXISTS (SELECT 1 FROM orders x WHERE x.id = o.id);
--@ routed
SELECT p.id, o.id, (SELECT count(*) FROM orders x WHERE x.person = o.person) FROM people p LEFT JOIN orders o ON o.person = p.id AND o.qty = 3;
--@ routed
SELECT p.id, (SELECT count(*) + 10 FROM orders o WHERE o.person = p.id AND o.amount > 5000), (SELECT coalesce(sum(qty), -1) FROM orders o WHERE o.person = p.id) FROM people p;
--@ routed
SELECT p.id, (SELECT max(o.note) FROM orders o WHERE o.person = p.id) FROM people p;
--@ routed
SELECT p.id, (SELECT o.note FROM orders o WHERE o.person = p.id ORDER BY o.id DESC LIMIT 1) AS n FROM people p ORDER BY n NULLS FIRST, p.id;
--@ routed
SELECT sum((SELECT count(*) FROM orders o WHERE o.person = p.id)) FROM people p;
--@ routed
SELECT p.name, count(*) FROM people p WHERE (SELECT count(*) FROM orders o WHERE o.person = p.id) > 3 GROUP BY p.name HAVING count(*) > (SELECT 1);
--@ routed
SELECT p.m2, (SELECT count(*) FROM people q WHERE q.m2 = p.m2) FROM people p GROUP BY p.m2;
--@ routed
SELECT p.flag, EXISTS (SELECT 1 FROM orders o WHERE o.status = p.flag) FROM people p WHERE id < 10;
--@ routed
SELECT p.id FROM people p WHERE EXISTS (SELECT 1 FROM orders o WHERE o.amount = p.score);
--@ routed
SELECT p.id FROM people p WHERE p.score >= ALL (SELECT amount FROM orders WHERE id < 3);
--@ routed
SELECT p.id FROM people p WHERE p.id = (SELECT max(id) FROM people) OR p.id = (SELECT x FROM empty);
SELECT p.id FROM people p WHERE p.id = (SELECT id FROM people);
--@ routed
SELECT count(*) FROM (SELECT k2 FROM orders EXCEPT SELECT id FROM people) s;
--@ routed
(SELECT k2 FROM orders WHERE id < 10 ORDER BY id DESC LIMIT 3) UNION ALL (SELECT qty FROM orders ORDER BY id LIMIT 2);
--@ routed
SELECT k2, note FROM orders WHERE id < 30 UNION SELECT qty, note FROM orders WHERE id < 40 ORDER BY 2 NULLS FIRST, 1 DESC;
--@ routed
SELECT NULL AS a, 1 AS b UNION SELECT k2, qty FROM orders WHERE id < 10 UNION ALL SELECT 5, NULL;
--@ routed
SELECT day FROM orders WHERE id < 10 UNION SELECT born FROM people WHERE id < 5 INTERSECT SELECT born FROM people;
--@ routed
SELECT id, 'a' AS t FROM people WHERE id < 3 UNION ALL SELECT id, note FROM orders WHERE id < 3;
--@ routed
SELECT 1.5 UNION SELECT amount FROM orders WHERE id < 4;
--@ routed
SELECT m FROM people UNION SELECT m2 FROM people ORDER BY 1;
--@ routed
SELECT DISTINCT ON (k2) k2, qty FROM orders ORDER BY k2 DESC NULLS LAST, qty NULLS FIRST, id LIMIT 4;
--@ routed
SELECT DISTINCT ON (status, k2) status, k2, max(amount) FROM orders GROUP BY status, k2, qty ORDER BY status, k2, max(amount) DESC;
--@ routed
SELECT k2, qty, sum(amount), count(DISTINCT status), grouping(k2), grouping(qty, k2) FROM orders GROUP BY GROUPING SETS ((k2, qty), (qty), ()) HAVING count(*) > 20 ORDER BY 1, 2, 3;
--@ routed
SELECT k2 + qty, k2, count(*) FROM orders GROUP BY ROLLUP (k2 + qty, k2);
--@ routed
SELECT CASE WHEN grouping(status) = 1 THEN 'all' ELSE status END, count(*), sum(k2) FROM orders GROUP BY ROLLUP (status);
--@ routed
SELECT coalesce(k2, -1), count(*) FROM orders GROUP BY CUBE (k2);
--@ routed
SELECT max(c) FROM (SELECT k2, count(*) AS c FROM orders GROUP BY ROLLUP (k2)) s;
--@ routed
SELECT k2, count(*) FROM orders WHERE id < 0 GROUP BY GROUPING SETS ((), (k2), ());
--@ routed
SELECT count(*) FROM orders GROUP BY GROUPING SETS (());
--@ routed
SELECT 1 FROM orders GROUP BY ();
--@ routed
SELECT -7 / 2, -7 % 2, id / -3, id % -3, -id / 3 FROM orders WHERE id < 10;
--@ routed
SELECT id * 100000, id * 2147483647 FROM orders WHERE id < 2;
SELECT id * 2147483647 FROM orders WHERE id < 5;
SELECT i2 + i2, i2 * i2, i2 * 100000, i2 - 40000, i4 + i2 FROM items WHERE id < 50 AND abs(i4::bigint) < 2000000000;
SELECT i2 + 1::int2 FROM items WHERE id = 100001;
--@ routed
SELECT sum(i2 + 1), sum(i2 * 2), avg(i4), sum(i8), avg(i8), sum(i4::bigint * i2) FROM items;
--@ routed
SELECT avg(n), avg(big), sum(big), sum(n) / 7, avg(n) * 3, avg(big) / avg(n) FROM items;
--@ routed
SELECT g, avg(i4), avg(n)::numeric(20,4), (avg(i4) - 5) * 2 FROM items GROUP BY g HAVING avg(i4) <> 0 ORDER BY avg(n);
--@ routed
SELECT n / i4, n / g, g / n, n / 0.3, big / n, n / big FROM items WHERE id < 300 AND g <> 0 AND n <> 0 AND big <> 0;
--@ numeric_scale
SELECT x.q, count(*) FROM (SELECT n / 7 AS q FROM items) x GROUP BY x.q ORDER BY 2 DESC LIMIT 1;
--@ routed
SELECT round(n / 7, 2) AS q, count(*) FROM items GROUP BY 1;
--@ routed
SELECT max(n / 7), min(n / 3), max(n) / 3 FROM items;
--@ routed
SELECT n::int FROM items WHERE id < 400;
SELECT big::bigint FROM items;
SELECT (n * 1000)::int FROM items;

--@ collation
SELECT count(*) FROM orders WHERE note < 's' COLLATE "en-x-icu";
--@ collation
SELECT greatest(note COLLATE "en-x-icu", 'm') FROM orders WHERE greatest(note COLLATE "en-x-icu", 'm') = 'x';
--@ routed
SELECT note FROM orders WHERE id < 30 ORDER BY note COLLATE "en-x-icu", id;
SELECT string_agg(note, ',' ORDER BY note COLLATE "en-x-icu", id) FROM orders WHERE id < 30;
SELECT max(note COLLATE "en-x-icu") FROM orders;
--@ routed
SELECT note COLLATE "en-x-icu" AS n, count(*) FROM orders GROUP BY 1 ORDER BY 1;
--@ routed
SELECT id, r <= 'NaN'::real, f >= 'NaN'::float8, 'NaN'::float8 >= nullif(f, 1), nullif(f, 1) <= 'NaN' FROM items WHERE id < 60;
--@ routed
SELECT id, left(note, qty), right(note, qty), repeat(note, qty) FROM orders WHERE id < 60;
--@ routed
SELECT left(note, (-2147483648)::int), right(note, -2147483647), left(note, 2147483647), right(note, 2147483647) FROM orders WHERE id < 30;
-- Columns of padded text, with literals that are shorter, longer, padded themselves, of more bytes than characters.
--@ routed
SELECT count(*), min(id), sum(n) FROM facts WHERE c = 'a';
--@ routed
SELECT count(*), min(id), sum(n) FROM facts WHERE c = 'a   ';
--@ routed
SELECT count(*), min(id), sum(n) FROM facts WHERE c = 'ab     ';
--@ routed
SELECT count(*), min(id), sum(n) FROM facts WHERE c = 'abcde';
--@ routed
SELECT count(*), min(id), sum(n) FROM facts WHERE c = '';
--@ routed
SELECT count(*), min(id), sum(n) FROM facts WHERE c = 'é';
--@ routed
SELECT count(*), min(id), sum(n) FROM facts WHERE c <> 'B';
--@ routed
SELECT count(*), min(id), sum(n) FROM facts WHERE c <> 'abcdef';
--@ routed
SELECT count(*), min(id), sum(n) FROM facts WHERE NOT c = 'a' OR c IS NULL;
--@ routed
SELECT count(*), min(id), sum(n) FROM facts WHERE c IN ('a', 'B ', 'abcdef');
--@ routed
SELECT count(*), min(id), sum(n) FROM facts WHERE c NOT IN ('a', 'B ', 'abcdef');
--@ routed
SELECT count(*) FROM facts a JOIN facts b ON a.c = b.c WHERE a.id < 20 AND b.id < 20;
-- Dates and times of a day: at midnight, a microsecond beside it, before 1970.
--@ routed
SELECT count(*), max(d) FROM facts WHERE d < timestamp '2020-02-01 00:00:00';
--@ routed
SELECT count(*), max(d) FROM facts WHERE d < timestamp '2020-02-01 00:00:00.000001';
--@ routed
SELECT count(*), max(d) FROM facts WHERE d <= timestamp '2020-02-01 00:00:00';
--@ routed
SELECT count(*), max(d) FROM facts WHERE d <= timestamp '2020-01-31 23:59:59.999999';
--@ routed
SELECT count(*), min(d) FROM facts WHERE d > timestamp '2020-02-01 00:00:00';
--@ routed
SELECT count(*), min(d) FROM facts WHERE d > timestamp '2020-01-31 23:59:59.999999';
--@ routed
SELECT count(*), min(d) FROM facts WHERE d >= timestamp '2020-02-01 00:00:00';
--@ routed
SELECT count(*), min(d) FROM facts WHERE d >= timestamp '2020-02-01 00:00:00.000001';
--@ routed
SELECT count(*), min(d - 20000), max(d2) FROM facts WHERE d2 >= timestamp '1969-12-31 23:59:59.5' AND d2 < timestamp '2020-01-01' + interval '1 year';
--@ routed
SELECT count(*) FROM facts WHERE d2 = timestamp '2020-02-26 00:00:00' OR d2 <> timestamp '2020-02-20 12:00:00';
