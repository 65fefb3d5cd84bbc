--@ routed
SELECT count(*) FROM people p WHERE EXISTS (SELECT 1 FROM orders o WHERE o.person = p.id);
--@ routed
SELECT count(*) FROM people p WHERE NOT EXISTS (SELECT 1 FROM orders o WHERE o.person = p.id AND o.amount > 9000);
--@ routed
SELECT p.id, EXISTS (SELECT FROM orders o WHERE o.person = p.boss) FROM people p WHERE id < 50;
--@ routed
SELECT count(*) FROM orders a WHERE EXISTS (SELECT 1 FROM orders b WHERE b.person = a.person AND b.k2 <> a.k2);
--@ routed
SELECT count(*) FROM orders a WHERE NOT EXISTS (SELECT 1 FROM orders b WHERE b.person = a.person AND b.k2 <> a.k2);
--@ routed
SELECT count(*) FROM orders a WHERE NOT EXISTS (SELECT 1 FROM orders b WHERE b.person = a.person AND b.day > a.day);
--@ routed
SELECT count(*) FROM orders WHERE person NOT IN (SELECT boss FROM people);
--@ routed
SELECT count(*) FROM orders WHERE person NOT IN (SELECT boss FROM people WHERE boss IS NOT NULL);
--@ routed
SELECT count(*) FROM orders WHERE person IN (SELECT boss FROM people);
--@ routed
SELECT id, person IN (SELECT boss FROM people), person IN (SELECT boss FROM people WHERE boss < 20), person NOT IN (SELECT x FROM empty) FROM orders WHERE id < 60;
--@ routed
SELECT count(*) FROM orders WHERE (person, k2) IN (SELECT id, id % 5 FROM people);
--@ routed
SELECT count(*) FROM orders WHERE amount > (SELECT avg(amount) FROM orders);
--@ routed
SELECT (SELECT count(*) FROM orders), (SELECT avg(amount) FROM orders), (SELECT max(amount) FROM orders);
--@ routed
SELECT p.id, (SELECT sum(amount) FROM orders o WHERE o.person = p.id), (SELECT count(*) FROM orders o WHERE o.person = p.id) FROM people p;
--@ routed
SELECT p.id, (SELECT avg(amount) FROM orders o WHERE o.person = p.id) FROM people p;
--@ routed
SELECT p.id, (SELECT name FROM people b WHERE b.id = p.boss) FROM people p;
--@ routed
SELECT p.id, (SELECT o.id FROM orders o WHERE o.person = p.id ORDER BY o.amount DESC, o.id LIMIT 1) FROM people p;
--@ routed
SELECT o.id FROM orders o WHERE o.amount < (SELECT 0.2 * avg(i.amount) FROM orders i WHERE i.person = o.person);
--@ routed
SELECT person, avg(amount) FROM orders GROUP BY person HAVING avg(amount) > 5000;
--@ routed
SELECT max(a), min(a), sum(a) FROM (SELECT person, avg(qty) AS a FROM orders GROUP BY person) x;
--@ routed
SELECT avg(a) FROM (SELECT person, avg(qty) AS a FROM orders GROUP BY person) x;
--@ routed
SELECT sum(CASE WHEN k2 = 1 THEN amount ELSE 0 END) / sum(amount) FROM orders;
--@ routed
SELECT k2, 100.00 * sum(CASE WHEN k2 > 2 THEN amount * (1 - 0.05) ELSE 0 END) / sum(amount) AS x FROM orders GROUP BY k2 ORDER BY x, k2;
--@ routed
SELECT CASE WHEN id < 5 THEN 1 WHEN id < 10 THEN 1.5 ELSE amount END FROM orders WHERE id < 40;
--@ routed
SELECT coalesce(price, 0), coalesce(price, 0.000), coalesce(NULL, price, 1.5) FROM orders WHERE id < 40;
--@ routed
SELECT id, amount / 3, amount / price, price / amount, -amount / 7, 1 / amount, amount / 0.0001, 0 / amount FROM orders WHERE price <> 0 ORDER BY amount / 3, id LIMIT 50;
--@ routed
SELECT count(*), sum(x) FROM (SELECT amount / 7 AS x FROM orders) s WHERE x > 12.5;
--@ routed
SELECT k2 FROM orders UNION SELECT qty FROM orders;
--@ routed
SELECT k2 FROM orders UNION ALL SELECT qty FROM orders;
--@ routed
SELECT k2, qty FROM orders INTERSECT SELECT qty, k2 FROM orders;
--@ routed
SELECT k2, qty FROM orders INTERSECT ALL SELECT qty, k2 FROM orders;
--@ routed
SELECT k2, qty FROM orders EXCEPT SELECT qty, k2 FROM orders;
--@ routed
SELECT k2, qty FROM orders EXCEPT ALL SELECT qty, k2 FROM orders;
--@ routed
SELECT id, amount FROM orders WHERE id < 5 UNION ALL SELECT 1, 2 UNION ALL SELECT 3, NULL;
--@ routed
SELECT k2, count(*) FROM (SELECT k2 FROM orders UNION ALL SELECT qty FROM orders) s GROUP BY k2 ORDER BY k2;
--@ routed
SELECT k2 FROM orders UNION SELECT qty FROM orders ORDER BY 1 LIMIT 3;
--@ routed
SELECT DISTINCT ON (person) person, id, amount FROM orders ORDER BY person, amount DESC, id;
--@ routed
SELECT count(*) FROM (SELECT DISTINCT ON (person) person, id FROM orders ORDER BY person, id DESC) s WHERE id % 2 = 0;
--@ routed
SELECT k2, status, count(*), sum(amount), grouping(k2, status) FROM orders GROUP BY ROLLUP (k2, status);
--@ routed
SELECT k2, status, count(*), avg(amount) FROM orders GROUP BY CUBE (k2, status) ORDER BY 1, 2, 3;
--@ routed
SELECT k2 + 1, count(*) FROM orders GROUP BY GROUPING SETS ((k2), ()) ORDER BY 1 NULLS FIRST, 2;
--@ routed
SELECT x, count(*) FROM empty GROUP BY GROUPING SETS ((x), ());
--@ routed
SELECT k2, count(*) FROM orders GROUP BY ROLLUP(k2) HAVING count(*) > 300;
--@ routed
SELECT person, amount FROM orders ORDER BY amount DESC FETCH FIRST 5 ROWS WITH TIES;
--@ routed
SELECT a.x, count(*) FROM (VALUES (1, 'a'), (2, 'b'), (NULL, 'c')) a(x, t) JOIN orders ON k2 = a.x GROUP BY 1;
--@ routed
SELECT count(*) FROM orders WHERE status = ANY (ARRAY['O', 'F']) AND status IN ('O', 'P', 'X ');
--@ routed
SELECT substring(status FROM 1 FOR 1), count(*) FROM orders GROUP BY 1;
--@ routed
SELECT CASE status WHEN 'O' THEN 'open' ELSE 'other' END, count(*) FROM orders GROUP BY 1;
--@ routed
SELECT id, amount FROM orders WHERE id < 5 UNION ALL SELECT 1, 2;
--@ routed
SELECT id, amount FROM orders WHERE id < 5 UNION ALL SELECT 3, NULL;
--@ routed
SELECT id, amount FROM orders WHERE id < 5 UNION ALL SELECT 3, qty FROM orders;
--@ routed
SELECT id FROM orders WHERE id < 5 UNION ALL SELECT 3;
--@ routed
SELECT max(a), min(a), sum(a), max(a) FILTER (WHERE a > 5), min(a) FILTER (WHERE a > 500) FROM (SELECT person, avg(qty) AS a FROM orders GROUP BY person) x;
