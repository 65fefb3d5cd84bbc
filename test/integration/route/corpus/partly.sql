-- Queries of which pieces run in ClickHouse and the rest in Postgres.
--! CREATE OR REPLACE FUNCTION label(n numeric) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $f$BEGIN RETURN 'n' || coalesce(n, 0); END$f$
--! CREATE OR REPLACE FUNCTION peek() RETURNS bigint LANGUAGE plpgsql STABLE AS $f$BEGIN RETURN (SELECT count(*) FROM pg_class); END$f$
--! CREATE OR REPLACE FUNCTION careless(n numeric) RETURNS text LANGUAGE plpgsql AS $f$BEGIN RETURN 'n' || coalesce(n, 0); END$f$
--! CREATE OR REPLACE FUNCTION append(so_far text, more text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT so_far || more'
--! CREATE OR REPLACE FUNCTION times(n bigint) RETURNS SETOF bigint LANGUAGE plpgsql IMMUTABLE AS $f$BEGIN RETURN QUERY SELECT generate_series(1, least(n, 3)); END$f$
--! CREATE OR REPLACE AGGREGATE chain(text) (SFUNC = append, STYPE = text, INITCOND = '')
-- Of a grouped query everything above the groups stays.
--@ partly
SELECT store, sum(amount) FROM sales GROUP BY store HAVING label(count(*)) <> 'n46';
--@ routed
SELECT store, label(sum(amount)) AS l FROM sales WHERE qty > 2 GROUP BY store ORDER BY label(max(id)) COLLATE "en-x-icu";
--@ partly
SELECT label(store), count(*) FILTER (WHERE qty > 3), avg(amount) FROM sales GROUP BY store HAVING label(store) <> 'n3' ORDER BY 1;
--@ partly
SELECT store, sum(amount) AS total, string_agg(label(sum(amount)), ',') OVER (ORDER BY store) FROM sales GROUP BY store;
--@ partly
SELECT DISTINCT label(count(*)) FROM sales GROUP BY store, product HAVING label(store) > 'n1' COLLATE "en-x-icu";
--@ partly
SELECT st.region, upper(st.region), count(*), times(count(*)) FROM stores st JOIN sales s ON s.store = st.id GROUP BY st.region;
--@ partly
SELECT count(*), sum(amount) FROM sales HAVING label(count(*)) = 'n900';
-- What is inside runs, what is between stays.
--@ partly
SELECT a.product, a.n, b.n FROM (SELECT product, sum(qty) AS n FROM sales GROUP BY product) a JOIN (SELECT product, count(*) AS n FROM sales GROUP BY product) b ON a.product <= b.product COLLATE "en-x-icu";
--@ partly
SELECT store, n, random() < 2 FROM (SELECT store, count(*) AS n FROM sales GROUP BY store) s;
--@ partly
WITH a AS (SELECT store, sum(amount) AS total FROM sales GROUP BY store), b AS (SELECT store, count(DISTINCT customer) AS n FROM sales GROUP BY store) SELECT a.store, a.total, b.n, (SELECT max(n) FROM b) FROM a JOIN b USING (store) WHERE random() < 2 ORDER BY 1;
--@ partly
WITH a AS MATERIALIZED (SELECT store, sum(amount) AS total FROM sales GROUP BY store) SELECT x.store, y.store FROM a x JOIN a y ON label(x.total) < label(y.total) COLLATE "en-x-icu";
--@ partly
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 15), s AS (SELECT store, count(*) AS c FROM sales GROUP BY store) SELECT n.i, coalesce(s.c, 0) FROM n LEFT JOIN s ON s.store = n.i ORDER BY 1;
--@ partly
SELECT store, sum(qty) FROM sales GROUP BY store UNION ALL SELECT i, label(i)::text::name::text::int4 FROM (SELECT max(id) AS i FROM stores) m WHERE label(i) = 'n0';
--@ partly
SELECT v.s, d.n FROM (VALUES (1, 'a'), (4, 'b'), (40, 'c')) v(s, l) LEFT JOIN (SELECT store, count(*) AS n FROM sales GROUP BY store) d ON d.store = v.s AND label(d.n) <> v.l;
--@ partly
SELECT g, d.n FROM generate_series(1, 5) g LEFT JOIN (SELECT store, count(*) AS n FROM sales GROUP BY store) d ON label(d.store) = label(g);
--@ partly
SELECT d.store, t FROM (SELECT store, count(*) AS n FROM sales GROUP BY store) d, LATERAL times(d.n) t;
--@ partly
SELECT random() < 2, (SELECT max(amount) FROM sales), EXISTS (SELECT 1 FROM sales WHERE qty > 8), EXISTS (SELECT * FROM sales WHERE qty > 80), 5 IN (SELECT store FROM sales GROUP BY store);
--@ partly
SELECT x.store, x.m FROM (SELECT store, max(amount) AS m FROM sales GROUP BY store ORDER BY 2 DESC NULLS LAST, 1) x WHERE random() < 2 LIMIT 4;
-- A narrow choice of rows.
--@ partly
SELECT chain(product ORDER BY id) FROM sales WHERE qty = 9 AND amount > 500;
--@ partly
SELECT id, product FROM sales WHERE qty = 9 AND label(amount) > 'n5' COLLATE "en-x-icu" AND amount > 200;
--@ partly
SELECT s.store, chain(p.name ORDER BY s.id) FROM sales s JOIN people p ON p.id = s.customer WHERE s.qty = 3 AND p.flag = 'A' GROUP BY s.store;
--@ partly
SELECT id FROM sales s WHERE qty = 9 AND label(amount) IN (SELECT label(max(amount)) FROM sales GROUP BY store);
-- Nothing runs here that could see another moment, or an order that is nobody's.
--@ volatile
SELECT store, careless(sum(amount)) FROM sales GROUP BY store;
--@ volatile
SELECT store, n, random() < 2, peek() FROM (SELECT store, count(*) AS n FROM sales GROUP BY store) s;
--@ aggregate
SELECT chain(product) FROM sales WHERE qty = 9 AND amount > 500;
--@ volatile
SELECT array_agg(n), random() < 2 FROM (SELECT store, count(*) AS n FROM sales GROUP BY store) s;
--@ volatile
SELECT sum(f), random() < 2 FROM (SELECT store, max(rate) AS f FROM sales GROUP BY store) s;
--@ partly
SELECT f, random() < 2 FROM (SELECT store, max(rate) AS f FROM sales GROUP BY store) s GROUP BY f;
--@ volatile
SELECT store, row_number() OVER () FROM (SELECT store, random() < 2 FROM sales GROUP BY store) s;
--@ unmirrored_relation
SELECT random() < 2, n FROM (SELECT store, count(*) AS n FROM sales GROUP BY store) s JOIN pg_class ON relpages = n;
-- Most rows would travel.
--@ function
SELECT count(*) FROM sales WHERE label(amount) = 'n1';
--@ volatile
SELECT id, random() < 2 FROM sales;
-- Parameters, in pieces and in the rest; temporary tables are the session's own.
--! SET plan_cache_mode = force_generic_plan
--! PREPARE partly_1(int, text) AS SELECT store, count(*), $2 FROM sales WHERE qty > $1 GROUP BY store HAVING label(count(*)) <> $2
--@ routed
EXECUTE partly_1(3, 'n5');
--@ routed
EXECUTE partly_1(100, 'n0');
--! CREATE TEMP TABLE wanted AS SELECT i AS store, 'w' || i AS name FROM generate_series(1, 30, 3) i
--@ partly
SELECT w.name, d.n FROM wanted w LEFT JOIN (SELECT store, count(*) AS n FROM sales GROUP BY store) d USING (store);
--! INSERT INTO wanted VALUES (2, 'new')
--@ partly
SELECT w.name, d.n FROM wanted w JOIN (SELECT store, count(*) AS n FROM sales GROUP BY store) d USING (store) ORDER BY w.store;
