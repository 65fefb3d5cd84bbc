-- The edges of these shapes: nothing on one side, NULLs, duplicates, ties.
-- ANY and ALL over nothing, NULLs, duplicates
--@ partly
SELECT id, qty > ALL (SELECT x FROM empty), qty > ANY (SELECT x FROM empty), NULL::int > ALL (SELECT x FROM empty), store = ALL (SELECT x FROM empty), store <> ANY (SELECT x FROM empty) FROM sales WHERE id < 30;
--@ routed
SELECT id, store > ALL (SELECT manager FROM stores), store > ANY (SELECT manager FROM stores), store < ALL (SELECT manager FROM stores), store <= ANY (SELECT manager FROM stores), store >= ALL (SELECT manager FROM stores WHERE manager IS NOT NULL) FROM sales WHERE id < 60;
--@ routed
SELECT id, store = ALL (SELECT manager FROM stores WHERE manager = 2), store <> ANY (SELECT manager FROM stores WHERE manager = 2), store = ALL (SELECT manager FROM stores WHERE id IN (5, 10)), store <> ANY (SELECT manager FROM stores WHERE id IN (2, 5)) FROM sales WHERE id < 60;
--@ routed
SELECT id, amount > ALL (SELECT price FROM orders WHERE id < 10), amount < ANY (SELECT budget FROM stores), day > ALL (SELECT opened FROM stores), product >= ANY (SELECT product FROM sales WHERE qty = 3) FROM sales WHERE id < 60;
--@ routed
SELECT count(*) FROM sales WHERE NOT (store > ALL (SELECT manager FROM stores));
--@ routed
SELECT count(*) FROM sales WHERE NOT (store > ANY (SELECT manager FROM stores));
--@ routed
SELECT id, qty > ALL (SELECT qty FROM sales ORDER BY qty DESC, id LIMIT 3), qty >= ANY (SELECT qty FROM sales ORDER BY id LIMIT 4) FROM sales WHERE id < 40;
-- row comparisons with NULLs
--@ routed
SELECT id, (store, customer) < (5, 40), (store, customer) <= (5, 40), (store, customer) > (5, 40), (store, customer) >= (5, 40), (store, customer, qty) < (store, customer, 5) FROM sales WHERE id < 100;
--@ routed
SELECT id, (day, product) < (date '2024-03-01', 'product C'), (NULL, qty) < (1, 2), (qty, NULL) < (4, 1) FROM sales WHERE id < 60;
--@ routed
SELECT count(*) FROM sales WHERE NOT (store, customer) < (5, 40);
-- outer joins: nothing on one side, NULL keys, duplicates
--@ routed
SELECT a.id, e.id, e.t FROM stores a LEFT JOIN empty e ON e.x < a.id;
--@ routed
SELECT e.id, a.id FROM empty e LEFT JOIN stores a ON true;
--@ routed
SELECT e.id, a.id FROM empty e RIGHT JOIN stores a ON e.x > a.manager;
--@ routed
SELECT e.id, a.id FROM empty e FULL JOIN stores a ON true;
--@ routed
SELECT a.id, b.id FROM stores a LEFT JOIN stores b ON a.manager = b.manager AND a.budget < b.budget;
--@ routed
SELECT a.id, b.id FROM stores a LEFT JOIN stores b ON a.manager IS NULL;
--@ routed
SELECT a.id, b.id FROM stores a LEFT JOIN stores b ON b.manager IS NULL AND b.id < 8;
--@ routed
SELECT a.id, b.id FROM stores a LEFT JOIN stores b ON NULL;
--@ routed
SELECT a.id, b.id FROM stores a LEFT JOIN stores b ON false;
--@ routed
SELECT a.id, b.id, c.id FROM stores a LEFT JOIN (stores b LEFT JOIN stores c ON c.manager = b.id) ON b.manager = a.id;
--@ routed
SELECT a.id, b.id, c.id FROM stores a LEFT JOIN (stores b JOIN stores c ON c.manager = b.id AND c.budget > b.budget) ON b.manager = a.id OR a.id = 1;
--@ routed
SELECT a.id, b.id, c.id FROM stores a LEFT JOIN (stores b FULL JOIN stores c ON c.manager = b.id) ON b.manager = a.id;
--@ routed
SELECT a.id, b.name, c.id FROM (stores a LEFT JOIN stores b ON a.manager = b.id) FULL JOIN (stores c LEFT JOIN stores d ON d.id = c.manager AND d.id < 3) ON c.id = b.id;
--@ routed
SELECT a.id, b.id, c.id FROM (stores a JOIN stores b ON a.manager = b.id AND a.opened > b.opened) LEFT JOIN stores c ON c.id = a.id + 1;
--@ routed
SELECT a.id, b.id, x.n FROM (stores a LEFT JOIN stores b ON b.opened < a.opened - 60) LEFT JOIN (SELECT store, count(*) AS n FROM sales GROUP BY store) x ON x.store = b.id WHERE x.n IS NULL OR x.n > 65;
--@ routed
SELECT count(*), sum(a.budget), max(b.name), min(c.region) FROM stores a LEFT JOIN stores b ON a.budget > b.budget FULL JOIN stores c ON c.id = b.id;
--@ routed
SELECT a.region, count(b.id), sum(b.budget) FROM stores a LEFT JOIN stores b ON a.region = b.region OR (a.region IS NULL AND b.region IS NULL) GROUP BY a.region ORDER BY 1 NULLS FIRST;
--@ routed
SELECT a.id, b.region IS NULL, b.id IS NULL, coalesce(b.budget, -1) FROM stores a LEFT JOIN stores b ON b.id > a.id + 8;
--@ routed
SELECT a.id FROM stores a LEFT JOIN stores b ON b.opened > a.opened WHERE b.id IS NULL;
--@ routed
SELECT p.id, s.id, p.tags FROM people p LEFT JOIN sales s ON s.customer < p.id AND s.qty = 9 AND s.store = 2 WHERE p.id < 12;
-- LATERAL
--@ routed
SELECT st.id, x.id FROM stores st LEFT JOIN LATERAL (SELECT e.id FROM empty e WHERE e.x = st.id ORDER BY e.id LIMIT 1) x ON true;
--@ routed
SELECT st.id, x.n, x.m FROM stores st LEFT JOIN LATERAL (SELECT count(*) AS n, max(e.x) AS m FROM empty e WHERE e.x = st.id) x ON true;
--@ routed
SELECT st.id, x.n, x.avg, x.twice FROM stores st CROSS JOIN LATERAL (SELECT count(*) AS n, avg(amount), coalesce(sum(qty), 0) * 2 AS twice FROM sales s WHERE s.store = st.id AND s.qty > 5) x WHERE x.n > 20 ORDER BY x.avg DESC;
--@ routed
SELECT st.id, x.customer, x.id FROM stores st, LATERAL (SELECT s.customer, s.id FROM sales s WHERE s.store = st.manager ORDER BY s.customer NULLS FIRST, s.id LIMIT 4) x;
--@ routed
SELECT st.id, x.product, x.total FROM stores st CROSS JOIN LATERAL (SELECT product, sum(amount) AS total FROM sales s WHERE s.store = st.id GROUP BY product HAVING count(*) > 5 ORDER BY sum(amount) DESC NULLS LAST, product LIMIT 2) x ORDER BY 1, 3 DESC NULLS LAST;
--@ routed
SELECT st.id, x.product FROM stores st LEFT JOIN LATERAL (SELECT DISTINCT product FROM sales s WHERE s.store = st.id AND s.qty = 9) x ON true;
--@ routed
SELECT st.id, x.id, y.id FROM stores st CROSS JOIN LATERAL (SELECT id, customer FROM sales s WHERE s.store = st.id ORDER BY id LIMIT 2) x LEFT JOIN LATERAL (SELECT id FROM sales t WHERE t.customer = x.customer ORDER BY id DESC LIMIT 1) y ON true;
--@ routed
SELECT s.id, a.x, b.y FROM sales s CROSS JOIN LATERAL (SELECT s.qty * 2 AS x) a CROSS JOIN LATERAL (SELECT a.x + 1 AS y) b WHERE b.y > 9 AND s.id < 100;
--@ routed
SELECT x.k, count(*) FROM sales s CROSS JOIN LATERAL (SELECT s.store + 1 AS k) x JOIN stores st ON st.id = x.k GROUP BY 1;
--@ routed
SELECT st.id, x.id FROM stores st LEFT JOIN LATERAL (SELECT id FROM sales s WHERE s.store = st.id AND s.customer > st.manager + 80) x ON true;
--@ correlated_subquery
SELECT st.id, x.id FROM stores st LEFT JOIN LATERAL (SELECT id FROM sales s WHERE s.store = st.id AND s.day > st.opened ORDER BY id LIMIT 2) x ON x.id > 100;
--@ routed
SELECT st.id, v.n FROM stores st LEFT JOIN LATERAL (VALUES (st.manager), (st.id * 100), (NULL)) v(n) ON true;
--@ routed
SELECT st.name, v.k, v.m FROM stores st, LATERAL (VALUES ('b', st.budget), ('x', 1.5), ('n', NULL)) v(k, m) WHERE v.m IS NOT NULL;
--@ routed
SELECT sum(x.total), count(*) FROM stores st, LATERAL (SELECT sum(amount) AS total FROM sales s WHERE s.store = st.id GROUP BY s.customer) x;
-- series
--@ routed
SELECT n, s.id FROM generate_series(10, 1, -4) n LEFT JOIN stores s ON s.id = n ORDER BY n;
--@ routed
SELECT n, s.id FROM generate_series(5, 1) n LEFT JOIN stores s ON s.id = n;
--@ routed
SELECT n, s.id FROM generate_series(1, NULL) n LEFT JOIN stores s ON s.id = n;
--@ failed when it ran
SELECT n, s.id FROM generate_series(1, 10, 0) n LEFT JOIN stores s ON s.id = n;
--@ routed
SELECT n, count(s.id) FROM generate_series(9223372036854775800, 9223372036854775807, 3) n LEFT JOIN sales s ON s.big = n GROUP BY n;
--@ routed
SELECT n, count(s.id) FROM generate_series(-2147483648, 2147483647, 1000000000) n LEFT JOIN sales s ON s.id = n GROUP BY n;
--@ failed when it ran
SELECT m, count(s.id) FROM generate_series(timestamp '2024-01-31', timestamp '2024-06-30', interval '1 month') m LEFT JOIN sales s ON date_trunc('month', s.paid) = date_trunc('month', m) GROUP BY m;
--@ routed
SELECT m, count(s.id) FROM generate_series(timestamp '2023-11-15 10:30:00.5', timestamp '2024-06-15 10:30', interval '1 month') m LEFT JOIN sales s ON date_trunc('month', s.paid) = date_trunc('month', m) GROUP BY m ORDER BY m;
--@ routed
SELECT m, count(s.id) FROM generate_series(timestamp '2024-06-01', timestamp '2023-12-01', interval '-1 month') m LEFT JOIN sales s ON s.paid >= m AND s.paid < m + interval '1 month' GROUP BY m ORDER BY m;
--@ routed
SELECT m, count(s.id) FROM generate_series(timestamp '2024-01-10', timestamp '2024-01-01', interval '-36 hours') m LEFT JOIN sales s ON s.paid < m GROUP BY m ORDER BY m;
--@ routed
SELECT m, count(s.id) FROM generate_series(timestamp '2024-01-01', timestamp '2024-02-01', interval '1 week 2 hours') m LEFT JOIN sales s ON s.paid < m GROUP BY m ORDER BY m;
--@ failed when it ran
SELECT m, count(s.id) FROM generate_series(timestamp '2024-01-01', timestamp '2024-02-01', interval '0') m LEFT JOIN sales s ON s.paid < m GROUP BY m ORDER BY m;
--@ failed when it ran
SELECT m, count(s.id) FROM generate_series(timestamp '2024-01-01', timestamp '2024-05-01', interval '1 month 1 day') m LEFT JOIN sales s ON s.paid < m GROUP BY m ORDER BY m;
--@ routed
SELECT y, count(s.id) FROM generate_series(timestamp '2020-01-01', timestamp '2025-01-01', interval '1 year') y LEFT JOIN sales s ON s.paid >= y AND s.paid < y + interval '1 year' GROUP BY y ORDER BY y;
--@ routed
SELECT n, (SELECT count(*) FROM sales s WHERE s.store = n) FROM generate_series(1, 14) n;
--@ routed
SELECT n FROM generate_series(3, 1, -1) n WHERE n <= (SELECT count(*) FROM stores) LIMIT 2;
--@ routed
SELECT n, o, count(s.id) FROM generate_series(5, 9) WITH ORDINALITY AS g(n, o) LEFT JOIN sales s ON s.store = n GROUP BY n, o;
--@ routed
SELECT st.id, n FROM stores st, generate_series(1, st.manager) n;
--@ routed
SELECT st.id, n FROM stores st LEFT JOIN LATERAL generate_series(1, st.manager) n ON true;
--@ routed
SELECT st.id, generate_series(1, st.manager) FROM stores st;
--@ routed
SELECT count(*) FROM (SELECT id, generate_series(1, qty) AS n FROM sales) x WHERE n > 3;
--@ routed
SELECT st.id, d FROM stores st, generate_series(st.opened::timestamp, st.opened::timestamp + interval '3 days', interval '1 day') d;
--@ routed
SELECT x, count(*) FROM (SELECT id, unnest(tags) AS x FROM people) p GROUP BY x;
--@ routed
SELECT p.id, p.name, u.t FROM people p LEFT JOIN LATERAL unnest(p.tags) u(t) ON true JOIN sales s ON s.id = p.id WHERE p.id < 40;
--@ routed
SELECT u, st.name FROM unnest(ARRAY['north', NULL, 'west', 'south', 'south']) u LEFT JOIN stores st ON st.region = u;
--@ numeric_scale
SELECT u, count(st.id) FROM unnest(ARRAY[1.5, 2, NULL]::numeric[]) u LEFT JOIN stores st ON st.budget > u * 1000 GROUP BY u;
--@ routed
SELECT v, count(st.id) FROM stores st, unnest(ARRAY[st.id, st.manager, 7]) v GROUP BY v ORDER BY v;
--@ routed
SELECT l.id, i FROM lists l, unnest(l.items) i;
--@ routed
SELECT l.id, i FROM lists l LEFT JOIN LATERAL unnest(l.items) i ON true;
-- shared WITH queries
--@ routed
WITH t AS (SELECT qty, id FROM sales ORDER BY qty LIMIT 10) SELECT count(*), count(b.id), sum(a.qty) FROM t a LEFT JOIN t b ON a.id = b.id;
--@ routed
WITH t AS (SELECT store, row_number() OVER (ORDER BY store) AS n, qty FROM sales) SELECT count(*) FROM t a JOIN t b ON a.n = b.n AND a.store IS NOT DISTINCT FROM b.store AND a.qty = b.qty;
--@ routed
WITH t AS (SELECT DISTINCT ON (store) store, id FROM sales ORDER BY store, qty) SELECT count(*), count(b.id) FROM t a LEFT JOIN t b ON a.id = b.id;
--@ routed
WITH t AS (SELECT store, lag(id) OVER (PARTITION BY store ORDER BY qty) AS before, id FROM sales) SELECT count(*) - count(b.id) FROM t a LEFT JOIN t b ON a.id = b.id AND a.before IS NOT DISTINCT FROM b.before;
--@ routed
WITH t AS (SELECT id, sum(amount) OVER (ORDER BY qty ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) AS s FROM sales) SELECT count(*) - count(b.id) FROM t a LEFT JOIN t b ON a.id = b.id AND a.s IS NOT DISTINCT FROM b.s;
--@ routed
WITH t AS (SELECT id, rank() OVER (ORDER BY qty) AS r FROM sales) SELECT count(*) FROM t a JOIN t b ON a.r = b.r AND a.id < b.id;
--@ shared_cte
WITH t AS (SELECT customer, last_value(store) OVER (PARTITION BY customer ORDER BY qty) AS r FROM sales) SELECT count(*) FROM t a JOIN t b ON a.r = b.r;
--@ float_aggregate_order
WITH t AS (SELECT avg(rate) AS a FROM sales) SELECT x.a = y.a FROM t x, t y;
--@ routed
WITH t AS (SELECT store, string_agg(product, ',' ORDER BY qty, id) AS a FROM sales GROUP BY store) SELECT count(*) FROM t x JOIN t y USING (store, a);
-- above GROUP BY
--@ routed
SELECT store, (SELECT count(*) FROM sales x WHERE x.customer = s.store), (SELECT avg(budget) FROM stores st WHERE st.manager = s.store), count(*) FROM sales s GROUP BY store ORDER BY 1 NULLS FIRST;
--@ routed
SELECT store, product, sum(qty) FROM sales s GROUP BY store, product HAVING sum(qty) > (SELECT 4 * st.manager FROM stores st WHERE st.id = s.store) ORDER BY (SELECT name FROM stores st WHERE st.id = s.store), 2;
--@ routed
SELECT EXISTS (SELECT 1 FROM stores st WHERE st.id = s.store AND st.region = 'north'), count(*) FROM sales s GROUP BY 1;
--@ routed
SELECT store, EXISTS (SELECT 1 FROM stores st WHERE st.id = s.store AND st.budget <> 5000), sum(amount) FROM sales s GROUP BY store;
--@ expression
SELECT count(*), (SELECT name FROM stores st WHERE st.id = max(s.store)) FROM sales s;
--@ routed
SELECT store, (SELECT min(id) FROM people p WHERE p.boss = s.store), rank() OVER (ORDER BY count(*) DESC, store) FROM sales s GROUP BY store;
-- grouping sets
--@ routed
SELECT store, grouping(store) FROM sales GROUP BY ROLLUP (store) HAVING grouping(store) > 0 ORDER BY 2, 1;
--@ routed
SELECT grouping(store, product) FROM sales WHERE qty < 0 GROUP BY CUBE (store, product) HAVING grouping(store, product) > 0;
--@ routed
SELECT store, product, sum(qty), row_number() OVER (PARTITION BY grouping(store, product) ORDER BY sum(qty) DESC, store, product) FROM sales GROUP BY CUBE (store, product) ORDER BY 1, 2, 3 LIMIT 50;
--@ routed
SELECT DISTINCT grouping(store), count(*) > 60 FROM sales GROUP BY ROLLUP (store);
--@ routed
SELECT * FROM (SELECT store, avg(amount) AS a, grouping(store) AS g FROM sales GROUP BY ROLLUP (store) ORDER BY a DESC, store LIMIT 5) x ORDER BY g, store;
--@ routed
SELECT coalesce(store::text, 'all'), round(avg(qty), 2), stddev(qty) FROM sales GROUP BY ROLLUP (store) ORDER BY 1, 2;
--@ routed
SELECT x, sum(x), count(*) FROM empty GROUP BY ROLLUP (x);
--@ routed
SELECT x, count(*) FROM empty GROUP BY GROUPING SETS ((x));
--@ routed
SELECT store, name, sum(amount) FROM sales s JOIN stores st ON st.id = s.store GROUP BY GROUPING SETS ((store, name), (store), ()) HAVING sum(amount) > 20000 ORDER BY 1, 2;
--@ routed
SELECT date_trunc('month', day) AS m, store, count(*) FROM sales WHERE store > 2 GROUP BY ROLLUP (date_trunc('month', day), store) ORDER BY m NULLS LAST, store NULLS LAST LIMIT 20;
--@ routed
SELECT DISTINCT ON (store) store, product, sum(qty) FROM sales GROUP BY ROLLUP (store, product) ORDER BY store, sum(qty) DESC, product;
-- windows
--@ partly
SELECT id, count(*) OVER (ORDER BY customer RANGE BETWEEN 3 PRECEDING AND 2 PRECEDING), sum(qty) OVER (ORDER BY customer NULLS FIRST RANGE BETWEEN 1 FOLLOWING AND 4 FOLLOWING), max(id) OVER (PARTITION BY store ORDER BY customer DESC RANGE BETWEEN CURRENT ROW AND 10 FOLLOWING) FROM sales WHERE id < 150;
--@ partly
SELECT id, count(*) OVER (ORDER BY paid RANGE BETWEEN interval '36 hours' PRECEDING AND interval '90 minutes 0.5 seconds' FOLLOWING), sum(amount) OVER (ORDER BY at RANGE BETWEEN interval '1 day 3 hours' PRECEDING AND CURRENT ROW) FROM sales WHERE id < 300;
--@ routed
SELECT id, count(*) OVER (ORDER BY day DESC RANGE BETWEEN interval '10 days' PRECEDING AND interval '1 day' FOLLOWING), count(*) OVER (ORDER BY day RANGE BETWEEN interval '12 hours' PRECEDING AND interval '36 hours' FOLLOWING) FROM sales WHERE id < 300;
--@ routed
SELECT id, count(*) OVER (ORDER BY day RANGE BETWEEN UNBOUNDED PRECEDING AND interval '30 days' PRECEDING), count(*) OVER (ORDER BY qty RANGE BETWEEN 2 FOLLOWING AND UNBOUNDED FOLLOWING) FROM sales WHERE id < 100;
--@ partly
SELECT id, count(*) OVER (ORDER BY day RANGE BETWEEN interval '1 month' PRECEDING AND CURRENT ROW) FROM sales WHERE id < 100;
--@ partly
SELECT id, count(*) OVER (ORDER BY customer RANGE BETWEEN UNBOUNDED PRECEDING AND 3 PRECEDING) FROM sales WHERE id < 100;
--@ failed when it ran
SELECT id, first_value(id) OVER (ORDER BY day, id), sum(discount) OVER (ORDER BY discount RANGE BETWEEN 0.05 PRECEDING AND 0.1 FOLLOWING), count(*) OVER (ORDER BY big RANGE BETWEEN 8000000014 PRECEDING AND CURRENT ROW) FROM sales WHERE id < 100;
-- ordered sets and lists
--@ routed
SELECT store, percentile_cont(ARRAY[0, 0.333, 0.5, 1]) WITHIN GROUP (ORDER BY rate), percentile_disc(ARRAY[0, 0.5, 1]) WITHIN GROUP (ORDER BY product), percentile_disc(ARRAY[0.1, 0.9]) WITHIN GROUP (ORDER BY day DESC), percentile_disc(ARRAY[0.1, 0.9]) WITHIN GROUP (ORDER BY at) FROM sales GROUP BY store;
--@ routed
SELECT percentile_cont(ARRAY[0.5, 1]) WITHIN GROUP (ORDER BY x), percentile_disc(0.5) WITHIN GROUP (ORDER BY x DESC), mode() WITHIN GROUP (ORDER BY x), mode() WITHIN GROUP (ORDER BY t) FROM empty;
--@ routed
SELECT store, percentile_cont(0.25) WITHIN GROUP (ORDER BY rate DESC), percentile_disc(0.25) WITHIN GROUP (ORDER BY customer DESC), percentile_disc(0.75) WITHIN GROUP (ORDER BY amount DESC NULLS LAST) FROM sales GROUP BY store;
--@ routed
SELECT store, mode() WITHIN GROUP (ORDER BY customer), mode() WITHIN GROUP (ORDER BY qty DESC), mode() WITHIN GROUP (ORDER BY amount), mode() WITHIN GROUP (ORDER BY day), mode() WITHIN GROUP (ORDER BY at) FROM sales GROUP BY store;
--@ aggregate
SELECT mode() WITHIN GROUP (ORDER BY product DESC) FILTER (WHERE qty > 2), mode() WITHIN GROUP (ORDER BY product) FILTER (WHERE qty > 20), mode() WITHIN GROUP (ORDER BY m) FROM sales JOIN people p ON p.id = customer;
--@ routed
SELECT array_agg(DISTINCT customer), array_agg(DISTINCT customer ORDER BY customer DESC), array_agg(DISTINCT customer ORDER BY customer NULLS FIRST), array_agg(DISTINCT amount ORDER BY amount DESC NULLS LAST) FILTER (WHERE qty = 2) FROM sales WHERE id < 150;
--@ routed
SELECT store, array_agg(amount ORDER BY amount, id), array_agg(at ORDER BY at DESC), array_agg(paid ORDER BY id), array_agg(rate ORDER BY id), array_agg(paid IS NULL ORDER BY id) FROM sales WHERE id < 90 GROUP BY store;
--@ routed
SELECT string_agg(DISTINCT note, '|' ORDER BY note DESC), string_agg(DISTINCT note, '|' ORDER BY note) FILTER (WHERE qty > 3), array_agg(DISTINCT note ORDER BY note) FROM orders;
--@ routed
SELECT * FROM (SELECT DISTINCT store, product FROM sales ORDER BY product DESC, store LIMIT 7 OFFSET 2) x;
--@ routed
SELECT count(*) FROM (SELECT DISTINCT qty FROM sales ORDER BY qty DESC LIMIT 3) x WHERE qty < 9;
--@ routed
SELECT DISTINCT count(*) > 60 FROM sales GROUP BY store;
--@ routed
SELECT DISTINCT qty > 3, sum(qty) > 10 FROM sales WHERE id < 50 GROUP BY store, qty > 3 ORDER BY 1, 2;
--@ routed
SELECT store, count(*) FROM sales WHERE store > 3 AND product < 'product D' GROUP BY CUBE (store, product) ORDER BY 1, 2;
--@ routed
SELECT status, k2, count(*) FROM orders o JOIN people p ON p.id = o.person AND p.flag = o.status GROUP BY GROUPING SETS ((status), (k2), ());
--@ routed
SELECT DISTINCT rank() OVER (PARTITION BY store ORDER BY qty) > 5 FROM sales;
-- rows, defaults of lag and lead
--@ routed
SELECT count(DISTINCT (store, customer)), count(DISTINCT (store, product)) FILTER (WHERE qty > 3), count(DISTINCT (x, 1)) FROM sales LEFT JOIN empty ON empty.id = sales.id;
--@ routed
SELECT store, count(DISTINCT ROW(product, qty > 3)) FROM sales GROUP BY store;
--@ routed
SELECT id, lag(amount, 1, 0) OVER w, lead(amount, 2, 123456789012.125) OVER w, lag(qty, 1, 0) OVER w, amount - lag(amount, 1, 0) OVER w FROM sales WINDOW w AS (PARTITION BY store ORDER BY at, id);
--@ routed
SELECT store, lag(avg(qty)) OVER (ORDER BY store), lead(avg(amount), 1, 0) OVER (ORDER BY store), first_value(avg(qty)) OVER (ORDER BY store) FROM sales GROUP BY store;
--@ routed
SELECT (store, qty), id FROM sales WHERE id < 20;
-- deviations as values, lists of frames
--@ routed
WITH s AS (SELECT store, avg(amount) AS a, stddev(amount) AS d FROM sales GROUP BY store) SELECT x.id, x.amount, s.d FROM sales x JOIN s ON s.store = x.store WHERE x.amount > s.a + 1.5 * s.d;
--@ routed
SELECT store, stddev_pop(amount), stddev(big) FROM sales GROUP BY store HAVING stddev_samp(qty) < 2.58;
--@ routed
SELECT id, stddev(qty) OVER (PARTITION BY store), stddev_pop(amount) OVER (PARTITION BY store ORDER BY id ROWS BETWEEN 5 PRECEDING AND CURRENT ROW) FROM sales WHERE id < 120;
--@ routed
SELECT max(d), min(d), count(d) FROM (SELECT stddev(score) AS d FROM people GROUP BY boss UNION ALL SELECT stddev(x) FROM empty UNION ALL SELECT stddev_pop(1) FROM empty UNION ALL SELECT stddev(discount) FROM sales) s;
--@ aggregate
SELECT sum(d) FROM (SELECT stddev(v) AS d FROM (SELECT id % 40 AS g, amount * 1000000 AS v FROM orders UNION ALL SELECT id % 40, amount / 1000000 FROM orders) x GROUP BY g) y;
--@ routed
SELECT id, string_agg(product, ',') OVER (PARTITION BY store ORDER BY id), array_agg(customer) OVER (PARTITION BY store ORDER BY id ROWS BETWEEN 2 PRECEDING AND CURRENT ROW), string_agg(note, '/') OVER (ORDER BY id DESC) FROM sales JOIN orders USING (id) WHERE id < 60;
-- SQL functions
--@ routed
SELECT count(*), sum(amount), min(store) FROM big_sales(500.5);
--@ routed
SELECT st.name, count(b.id) FROM stores st LEFT JOIN big_sales(700) b ON b.store = st.id GROUP BY 1;
--@ routed
SELECT st.id, s FROM stores st, of_store(st.id, 2) s;
--@ routed
SELECT product, sum(net(amount, discount)) FROM sales GROUP BY product;
--@ from_item
SELECT count(*) FROM opaque() o JOIN sales s ON s.id = o;
-- how a value is stored is Postgres' own matter
--@ function
SELECT pg_column_size(name) FROM people;
--@ function
SELECT id FROM people WHERE id IN (SELECT store FROM sales WHERE pg_column_compression(product::text) IS NULL);
