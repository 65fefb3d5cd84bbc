-- Whole rows: counted, tested for NULL, shown.
--@ routed
SELECT count(a), count(*) FROM accounts a;
--@ routed
SELECT count(i), count(a) FROM accounts a LEFT JOIN invoices i ON i.account = a.id AND i.net > 1000 WHERE a.seats IS NOT NULL;
--@ routed
SELECT count(*) FROM accounts a LEFT JOIN invoices i ON i.account = a.id AND i.net > 3000 WHERE i IS NULL;
--@ routed
SELECT count(*) FROM accounts a LEFT JOIN invoices i ON i.account = a.id AND i.net > 3000 WHERE i IS NOT NULL;
--@ routed
SELECT count(*) FROM stores s WHERE s IS NOT NULL;
--@ routed
SELECT count(*) FROM stores s WHERE NOT (s IS NOT NULL) AND ROW(s.region, s.manager) IS NULL;
--@ routed
SELECT s FROM stores s ORDER BY id;
--@ routed
SELECT row_to_json(s), to_jsonb(s)->>'name' FROM stores s WHERE id < 5;
--@ routed
SELECT row_to_json(t) FROM (SELECT status, count(*) AS n, sum(net) AS total FROM invoices GROUP BY status ORDER BY status) t;
--@ expression
SELECT s, p FROM stores s LEFT JOIN people p ON p.id = s.manager;
--@ routed
SELECT count(x) FROM (SELECT status, max(net) FROM invoices GROUP BY status) x;
--@ expression
SELECT count(DISTINCT i) FROM accounts a LEFT JOIN invoices i ON i.account = a.id;
--@ routed
SELECT count(s), count(s.*) FROM sales s;
