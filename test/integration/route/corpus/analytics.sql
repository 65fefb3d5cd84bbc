-- What dashboards and notebooks ask: by shape.
-- CTEs
--@ routed
WITH m AS (SELECT date_trunc('month', day)::date AS month, sum(amount) AS total FROM sales GROUP BY 1) SELECT a.month, a.total, b.total AS before, a.total - b.total FROM m a LEFT JOIN m b ON b.month = (a.month - interval '1 month')::date ORDER BY 1;
--@ routed
WITH s AS (SELECT store, sum(amount) AS total FROM sales GROUP BY store) SELECT store, total, total / (SELECT sum(total) FROM s) FROM s;
--@ routed
WITH s AS (SELECT store, sum(amount) AS total FROM sales GROUP BY store) SELECT store, total FROM s WHERE total > (SELECT avg(total) FROM s) ORDER BY total DESC;
--@ routed
WITH r AS (SELECT customer, store, row_number() OVER (PARTITION BY customer ORDER BY at, id) AS n FROM sales) SELECT a.customer, a.store, b.store FROM r a JOIN r b ON b.customer = a.customer AND b.n = a.n + 1 WHERE a.n = 1;
--@ routed
WITH t AS (SELECT store, sum(amount) AS total FROM sales GROUP BY store ORDER BY 2 DESC NULLS LAST, 1 LIMIT 3) SELECT s.product, count(*) FROM sales s WHERE s.store IN (SELECT store FROM t) GROUP BY 1 UNION ALL SELECT 'top', count(*) FROM t;
--@ routed
WITH t AS (SELECT id, amount FROM sales ORDER BY amount DESC NULLS LAST LIMIT 5) SELECT (SELECT count(*) FROM t), (SELECT max(amount) FROM t);
--@ routed
WITH t AS MATERIALIZED (SELECT id, amount FROM sales WHERE qty > 3) SELECT count(*) FROM t a JOIN t b ON a.id = b.id;
--@ routed
WITH a AS (SELECT * FROM sales WHERE qty > 2), b AS (SELECT * FROM a WHERE amount > 100), c AS (SELECT store, count(*) AS n FROM b GROUP BY store) SELECT a.store, c.n, count(*) FROM a JOIN c ON c.store = a.store GROUP BY 1, 2;
--@ routed
WITH f AS (SELECT customer, min(day) AS first FROM sales GROUP BY customer) SELECT date_trunc('month', f.first), count(DISTINCT f.customer), count(DISTINCT s.customer) FILTER (WHERE s.day < f.first + 30) FROM f JOIN sales s ON s.customer = f.customer GROUP BY 1 ORDER BY 1;
--@ routed
WITH days AS (SELECT day, count(*) AS n FROM sales GROUP BY day) SELECT day, n, avg(n) OVER (ORDER BY day ROWS BETWEEN 6 PRECEDING AND CURRENT ROW), sum(n) OVER (ORDER BY day) FROM days ORDER BY day LIMIT 20;
-- outer joins
--@ routed
SELECT st.name, count(s.id), coalesce(sum(s.amount), 0) FROM stores st LEFT JOIN sales s ON s.store = st.id AND s.day >= '2024-03-01' GROUP BY st.name ORDER BY 1;
--@ routed
SELECT st.name, p.name, count(*) FROM stores st LEFT JOIN (sales s JOIN people p ON p.id = s.customer) ON s.store = st.id GROUP BY 1, 2;
--@ routed
SELECT st.name, s.id, p.name FROM stores st LEFT JOIN sales s ON s.store = st.id AND s.qty > 8 LEFT JOIN people p ON p.id = s.customer;
--@ routed
SELECT st.name, count(s.id) FROM stores st LEFT JOIN sales s ON s.day < st.opened + 500 AND s.store = st.id GROUP BY 1;
--@ routed
SELECT st.name, count(s.id) FROM stores st LEFT JOIN sales s ON s.day < st.opened + 500 GROUP BY 1;
--@ routed
SELECT a.id, count(b.id) FROM stores a LEFT JOIN stores b ON b.opened > a.opened GROUP BY a.id ORDER BY 1;
--@ routed
SELECT a.id, b.id FROM stores a LEFT JOIN stores b ON true WHERE a.id < 4;
--@ routed
SELECT a.id, b.id FROM stores a LEFT JOIN stores b ON a.id + 100 < b.id;
--@ routed
SELECT s.id, st.id FROM (SELECT * FROM sales WHERE id < 40) s FULL JOIN stores st ON st.id = s.store;
--@ routed
SELECT coalesce(a.store, b.store), a.n, b.n FROM (SELECT store, count(*) AS n FROM sales WHERE qty < 3 GROUP BY store) a FULL JOIN (SELECT store, count(*) AS n FROM sales WHERE qty > 7 GROUP BY store) b ON a.store = b.store ORDER BY 1;
--@ routed
SELECT coalesce(a.day, b.day), x, y FROM (SELECT day, sum(qty) AS x FROM sales WHERE store = 1 GROUP BY day) a FULL OUTER JOIN (SELECT day, sum(qty) AS y FROM sales WHERE store = 2 GROUP BY day) b USING (day);
--@ routed
SELECT day, x, y FROM (SELECT day, sum(qty) AS x FROM sales WHERE store = 1 GROUP BY day) a FULL OUTER JOIN (SELECT day, sum(qty) AS y FROM sales WHERE store = 2 GROUP BY day) b USING (day);
--@ routed
SELECT a.id, b.id FROM stores a FULL JOIN stores b ON a.id = b.manager AND a.region = 'north';
--@ routed
SELECT p.name, st.name FROM people p, stores st LEFT JOIN sales s ON s.store = st.id AND s.qty = 9 WHERE p.id = st.manager AND s.id IS NULL;
--@ routed
SELECT count(*) FROM (stores a LEFT JOIN sales b ON a.id = b.store), (stores c LEFT JOIN sales d ON c.id = d.store AND d.qty > 8) WHERE a.id = c.id;
--@ routed
SELECT count(*), count(s.id), count(p.id) FROM sales s RIGHT JOIN people p ON p.id = s.customer RIGHT JOIN stores st ON st.manager = p.id;
--@ routed
SELECT st.id, x.n FROM stores st LEFT JOIN (SELECT store, count(*) AS n FROM sales GROUP BY store) x ON x.store = st.id WHERE x.n IS NULL OR x.n > 60;
--@ routed
SELECT count(*) FROM sales a JOIN sales b ON a.customer = b.customer AND a.at < b.at AND b.at < a.at + interval '2 days';
--@ routed
SELECT count(*) FROM sales a JOIN stores b ON a.day BETWEEN b.opened AND b.opened + 400;
--@ routed
SELECT count(*) FROM sales a NATURAL JOIN (SELECT id, qty FROM sales WHERE qty > 5) b;
--@ routed
SELECT count(*) FROM sales a JOIN stores b ON a.store = b.id OR a.customer = b.manager;
--@ routed
SELECT a.id, b.id FROM stores a LEFT JOIN stores b ON a.region = b.region OR a.manager = b.manager;
--@ routed
SELECT a.id, b.id FROM stores a LEFT JOIN stores b ON a.region IS NOT DISTINCT FROM b.region;
--@ routed
SELECT a.id, b.id FROM stores a CROSS JOIN stores b WHERE a.region IS NOT DISTINCT FROM b.region;
-- LATERAL
--@ routed
SELECT st.id, x.id, x.amount FROM stores st CROSS JOIN LATERAL (SELECT s.id, s.amount FROM sales s WHERE s.store = st.id ORDER BY s.amount DESC NULLS LAST, s.id LIMIT 3) x ORDER BY 1, 3 DESC NULLS LAST, 2;
--@ routed
SELECT st.id, x.id, x.amount FROM stores st LEFT JOIN LATERAL (SELECT s.id, s.amount FROM sales s WHERE s.store = st.id AND s.qty > 7 ORDER BY s.at DESC, s.id LIMIT 1) x ON true;
--@ routed
SELECT st.id, x.n, x.total FROM stores st CROSS JOIN LATERAL (SELECT count(*) AS n, sum(s.amount) AS total FROM sales s WHERE s.store = st.id) x;
--@ routed
SELECT st.id, x.n FROM stores st LEFT JOIN LATERAL (SELECT count(*) AS n FROM sales s WHERE s.store = st.id) x ON true;
--@ routed
SELECT st.id, x.product, x.n FROM stores st, LATERAL (SELECT product, count(*) AS n FROM sales s WHERE s.store = st.id GROUP BY product) x;
--@ routed
SELECT st.id, x.id FROM stores st, LATERAL (SELECT id FROM sales s WHERE s.store = st.id AND s.day > st.opened + 450) x;
--@ routed
SELECT s.id, x.net, x.net * 2 FROM sales s CROSS JOIN LATERAL (SELECT s.amount * (1 - s.discount) AS net) x WHERE x.net > 50;
--@ routed
SELECT s.id, v.k, v.x FROM sales s CROSS JOIN LATERAL (VALUES ('qty', s.qty), ('store', s.store)) v(k, x) WHERE s.id < 20;
--@ routed
SELECT v.k, sum(v.x) FROM sales s CROSS JOIN LATERAL (VALUES ('qty', s.qty), ('store', s.store)) v(k, x) GROUP BY 1;
-- series, VALUES, unnest
--@ routed
SELECT d::date, count(s.id) FROM generate_series(date '2024-01-01', date '2024-01-20', interval '1 day') d LEFT JOIN sales s ON s.day = d::date GROUP BY 1 ORDER BY 1;
--@ routed
SELECT d.day, coalesce(sum(s.amount), 0) FROM (SELECT generate_series(date '2024-01-01', date '2024-01-20', '1 day')::date AS day) d LEFT JOIN sales s ON s.day = d.day GROUP BY 1 ORDER BY 1;
--@ routed
SELECT g, count(s.id) FROM generate_series(timestamptz '2024-01-01 00:00Z', timestamptz '2024-01-03 00:00Z', '1 hour') g LEFT JOIN sales s ON s.at >= g AND s.at < g + interval '1 hour' GROUP BY g ORDER BY g;
--@ routed
SELECT g, count(s.id) FROM generate_series(timestamptz '2024-01-01 00:00Z', timestamptz '2024-01-03 00:00Z', '1 hour') g LEFT JOIN sales s ON date_trunc('hour', s.at) = g GROUP BY g ORDER BY g;
--@ routed
SELECT n, count(s.id) FROM generate_series(1, 15) n LEFT JOIN sales s ON s.store = n GROUP BY n ORDER BY n;
--@ routed
SELECT n, count(s.id) FROM generate_series(0, 100, 7) n LEFT JOIN sales s ON s.customer = n GROUP BY n ORDER BY n;
--@ routed
WITH months AS (SELECT generate_series('2024-01-01'::timestamp, '2024-12-01', '1 month')::date AS m) SELECT m, count(s.id) FROM months LEFT JOIN sales s ON date_trunc('month', s.day)::date = m GROUP BY m ORDER BY m;
--@ routed
SELECT d::date, st.id, count(s.id) FROM generate_series(date '2024-01-01', date '2024-01-05', '1 day') d CROSS JOIN stores st LEFT JOIN sales s ON s.store = st.id AND s.day = d::date GROUP BY 1, 2 ORDER BY 1, 2;
--@ routed
WITH b AS (SELECT min(day) AS lo, max(day) AS hi FROM sales) SELECT g::date, count(s.id) FROM b, generate_series(b.lo, b.hi, interval '1 week') g LEFT JOIN sales s ON s.day >= g AND s.day < g + interval '1 week' GROUP BY 1 ORDER BY 1;
--@ routed
SELECT g FROM generate_series((SELECT min(day) FROM sales), (SELECT max(day) FROM sales), interval '1 month') g;
--@ routed
SELECT u, count(*) FROM unnest(ARRAY[1, 2, 3, NULL]) u LEFT JOIN sales s ON s.store = u GROUP BY u;
--@ routed
SELECT s.id, s.amount FROM sales s JOIN unnest(ARRAY[5, 3, 3, 77777]) x ON x = s.id;
--@ routed
SELECT v.name, count(*) FROM (VALUES (1, 3, 'low'), (4, 6, 'mid'), (7, NULL, 'high')) v(lo, hi, name) JOIN sales s ON s.qty >= v.lo AND (v.hi IS NULL OR s.qty <= v.hi) GROUP BY 1;
--@ routed
SELECT v.name, count(s.id) FROM (VALUES (1, 'a'), (99, 'b')) v(k, name) LEFT JOIN sales s ON s.store = v.k GROUP BY 1;
--@ routed
SELECT p.id, t FROM people p, unnest(p.tags) t WHERE p.id < 30;
--@ routed
SELECT t, count(*) FROM people p CROSS JOIN unnest(p.tags) AS t GROUP BY t ORDER BY 2 DESC, 1;
--@ routed
SELECT p.id, t FROM people p LEFT JOIN LATERAL unnest(p.tags) t ON true WHERE p.id < 30;
--@ routed
SELECT t, count(*) FROM (SELECT unnest(tags) AS t FROM people) x GROUP BY t;
--@ routed
SELECT p.id, t, o FROM people p, unnest(p.tags) WITH ORDINALITY AS u(t, o) WHERE p.id < 30;
--@ routed
SELECT id FROM sales WHERE id IN (VALUES (1), (5), (9000));
-- subqueries and row comparisons
--@ routed
SELECT count(*) FROM sales WHERE (store, qty) = (3, 4);
--@ routed
SELECT count(*) FROM sales WHERE (store, qty) > (3, 4);
--@ routed
SELECT count(*) FROM sales WHERE (day, id) < (date '2024-02-01', 100);
--@ routed
SELECT count(*) FROM sales WHERE (store, qty) IN ((1, 2), (3, 4), (5, NULL));
--@ routed
SELECT count(*) FROM sales WHERE (store, qty) NOT IN ((1, 2), (3, 4));
--@ routed
SELECT count(*) FROM sales WHERE ROW(store, qty) IS DISTINCT FROM ROW(3, 4);
--@ subquery
SELECT count(*) FROM sales WHERE (store, customer) NOT IN (SELECT id, manager FROM stores);
--@ routed
SELECT count(*) FROM sales WHERE amount > ALL (SELECT budget FROM stores WHERE budget < 900);
--@ routed
SELECT count(*) FROM sales WHERE amount > ALL (SELECT budget / 10 FROM stores);
--@ routed
SELECT count(*) FROM sales WHERE amount >= ANY (SELECT budget / 10 FROM stores);
--@ routed
SELECT count(*) FROM sales WHERE amount < SOME (SELECT budget FROM stores WHERE budget < 900);
--@ routed
SELECT count(*) FROM sales WHERE store <> ANY (SELECT manager FROM stores);
--@ routed
SELECT count(*) FROM sales WHERE store = ALL (SELECT manager FROM stores WHERE id = 1);
--@ routed
SELECT count(*) FROM sales WHERE (store, qty) IN (SELECT id, manager FROM stores);
--@ routed
SELECT count(*) FROM sales s WHERE s.qty = ANY (SELECT manager FROM stores st WHERE st.id = s.store);
--@ routed
SELECT id FROM sales s WHERE amount = (SELECT max(amount) FROM sales x WHERE x.store = s.store);
--@ routed
SELECT id FROM sales s WHERE amount > (SELECT avg(amount) FROM sales x WHERE x.store = s.store AND x.product = s.product) ORDER BY id;
--@ correlated_subquery
SELECT id, (SELECT count(*) FROM sales x WHERE x.store = s.store AND x.at < s.at) FROM sales s WHERE id < 50;
--@ correlated_subquery
SELECT id, (SELECT sum(x.amount) FROM sales x WHERE x.id <= s.id) FROM sales s WHERE id < 50;
--@ correlated_subquery
SELECT st.id, (SELECT count(*) FROM sales s WHERE s.store = st.id OR s.customer = st.manager) FROM stores st;
--@ routed
SELECT st.id FROM stores st WHERE NOT EXISTS (SELECT 1 FROM sales s WHERE s.store = st.id AND s.qty > st.manager + 7);
--@ correlated_subquery
SELECT st.id FROM stores st WHERE EXISTS (SELECT 1 FROM sales s WHERE s.day > st.opened + 560);
--@ correlated_subquery
SELECT st.id FROM stores st WHERE st.id NOT IN (SELECT s.store FROM sales s WHERE s.qty = st.manager);
--@ routed
SELECT st.id FROM stores st WHERE (SELECT count(*) FROM sales s WHERE s.store = st.id) > 60;
--@ correlated_subquery
SELECT st.id FROM stores st WHERE EXISTS (SELECT 1 FROM sales s WHERE s.store = st.id GROUP BY s.product HAVING count(*) > 12);
--@ routed
SELECT st.id FROM stores st WHERE EXISTS (SELECT 1 FROM sales s JOIN people p ON p.id = s.customer WHERE s.store = st.id AND p.m = 'ok' AND s.qty > 3 AND s.amount < st.budget);
--@ routed
SELECT store, sum(amount) FROM sales s GROUP BY store HAVING sum(amount) > (SELECT avg(budget) FROM stores);
--@ routed
SELECT store, sum(amount) FROM sales s GROUP BY store HAVING sum(amount) > (SELECT budget FROM stores st WHERE st.id = s.store);
--@ routed
SELECT store, (SELECT name FROM stores st WHERE st.id = s.store), count(*) FROM sales s GROUP BY store;
--@ routed
SELECT (SELECT name FROM stores st WHERE st.id = s.store) AS name, count(*) FROM sales s GROUP BY 1;
--@ expression
SELECT ARRAY(SELECT id FROM stores ORDER BY id);
--@ expression
SELECT st.id, ARRAY(SELECT s.id FROM sales s WHERE s.store = st.id AND s.qty = 9 ORDER BY s.id) FROM stores st;
--@ routed
SELECT CASE WHEN EXISTS (SELECT 1 FROM sales s WHERE s.store = st.id) THEN 'active' ELSE 'idle' END, count(*) FROM stores st GROUP BY 1;
--@ routed
SELECT count(*) FILTER (WHERE store IN (SELECT id FROM stores WHERE region = 'north')) FROM sales;
--@ routed
SELECT sum(CASE WHEN customer IN (SELECT id FROM people WHERE score > 0) THEN amount END) FROM sales;
-- windows
--@ routed
SELECT day, sum(qty) OVER (ORDER BY day RANGE BETWEEN interval '7 days' PRECEDING AND CURRENT ROW) FROM (SELECT day, sum(qty) AS qty FROM sales GROUP BY day) x ORDER BY day LIMIT 40;
--@ routed
SELECT id, sum(amount) OVER (PARTITION BY store ORDER BY at RANGE BETWEEN '3 days' PRECEDING AND '1 day' FOLLOWING) FROM sales WHERE store < 4;
--@ routed
SELECT id, sum(qty) OVER (ORDER BY customer RANGE BETWEEN 5 PRECEDING AND 5 FOLLOWING) FROM sales WHERE id < 100;
--@ routed
SELECT id, count(*) OVER (ORDER BY amount RANGE BETWEEN 10.5 PRECEDING AND CURRENT ROW) FROM sales WHERE id < 100;
--@ routed
SELECT id, count(*) OVER (ORDER BY customer DESC RANGE BETWEEN 5 PRECEDING AND 1 FOLLOWING) FROM sales WHERE id < 100;
--@ routed
SELECT id, count(*) OVER (ORDER BY day RANGE BETWEEN 2 PRECEDING AND CURRENT ROW) FROM (SELECT id, day - date '2024-01-01' AS day FROM sales) s WHERE id < 100;
--@ window
SELECT id, sum(qty) OVER (ORDER BY store GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM sales WHERE id < 100;
--@ window
SELECT id, sum(qty) OVER (ORDER BY store GROUPS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) FROM sales WHERE id < 100;
--@ window
SELECT id, avg(amount) OVER (PARTITION BY store ORDER BY id ROWS BETWEEN 2 PRECEDING AND 2 FOLLOWING EXCLUDE CURRENT ROW) FROM sales WHERE id < 100;
--@ window
SELECT id, sum(qty) OVER (ORDER BY store RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW EXCLUDE TIES) FROM sales WHERE id < 100;
--@ window
SELECT id, sum(qty) OVER (ORDER BY store RANGE BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING EXCLUDE GROUP) FROM sales WHERE id < 100;
--@ routed
SELECT id, lag(product) OVER w, lead(amount, 3, 0) OVER w, lead(amount, 1, 0.00) OVER w, first_value(amount) OVER w FROM sales WINDOW w AS (PARTITION BY store ORDER BY at, id);
--@ routed
SELECT id, lag(at) OVER (PARTITION BY customer ORDER BY at, id), at - lag(at) OVER (PARTITION BY customer ORDER BY at, id) FROM sales;
--@ routed
SELECT store, product, sum(amount), rank() OVER (PARTITION BY store ORDER BY sum(amount) DESC NULLS LAST) FROM sales GROUP BY store, product ORDER BY 1, 4, 2;
--@ routed
SELECT store, day, sum(qty), sum(sum(qty)) OVER (PARTITION BY store ORDER BY day), lag(sum(qty)) OVER (PARTITION BY store ORDER BY day) FROM sales GROUP BY store, day ORDER BY 1, 2 LIMIT 100;
--@ routed
SELECT product, count(*), round(100.0 * count(*) / sum(count(*)) OVER (), 2) AS pct FROM sales GROUP BY product ORDER BY pct DESC, 1;
--@ implied_order
SELECT id, row_number() OVER () FROM sales WHERE id < 10;
--@ routed
SELECT id, min(at) OVER (PARTITION BY store), max(product) OVER (PARTITION BY store), bool_or(qty > 8) OVER (PARTITION BY store) FROM sales WHERE id < 100;
--@ routed
SELECT id, string_agg(product, ',') OVER (PARTITION BY store ORDER BY id) FROM sales WHERE id < 50;
--@ routed
SELECT id, array_agg(qty) OVER (PARTITION BY store ORDER BY id) FROM sales WHERE id < 50;
--@ routed
SELECT customer, sum(new) OVER (PARTITION BY customer ORDER BY at, id) AS session FROM (SELECT id, customer, at, CASE WHEN at - lag(at) OVER (PARTITION BY customer ORDER BY at, id) > interval '1 day' THEN 1 ELSE 0 END AS new FROM sales) s WHERE customer < 10;
--@ routed
SELECT id, stddev(qty) OVER (PARTITION BY store), var_pop(amount) OVER (PARTITION BY store) FROM sales WHERE id < 40;
--@ routed
SELECT id, percent_rank() OVER (PARTITION BY store ORDER BY amount), cume_dist() OVER (ORDER BY amount), ntile(4) OVER (ORDER BY amount, id), nth_value(product, 3) OVER (PARTITION BY store ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) FROM sales WHERE id < 100;
--@ routed
SELECT * FROM (SELECT store, product, count(*) AS n, dense_rank() OVER (PARTITION BY store ORDER BY count(*) DESC) AS r FROM sales GROUP BY 1, 2) x WHERE r <= 2;
--@ routed
SELECT id, last_value(amount) OVER (PARTITION BY store ORDER BY id ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) FROM sales WHERE id < 60;
--@ routed
SELECT id, sum(amount) FILTER (WHERE qty > 4) OVER (PARTITION BY store ORDER BY id) FROM sales WHERE id < 60;
-- aggregates
--@ routed
SELECT store, percentile_cont(ARRAY[0.25, 0.5, 0.95]) WITHIN GROUP (ORDER BY qty) FROM sales GROUP BY store;
--@ routed
SELECT percentile_disc(ARRAY[0.25, 0.5, 0.95]) WITHIN GROUP (ORDER BY amount) FROM sales;
--@ routed
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY amount) FROM sales;
--@ routed
SELECT percentile_cont(0.9) WITHIN GROUP (ORDER BY qty DESC) FROM sales;
--@ routed
SELECT percentile_disc(0.9) WITHIN GROUP (ORDER BY amount DESC) FROM sales;
--@ aggregate
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY paid - at::timestamp) FROM sales;
--@ aggregate
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY at - timestamptz '2024-01-01 00:00Z') FROM sales;
--@ routed
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY amount) FILTER (WHERE qty > 3) FROM sales;
--@ routed
SELECT store, mode() WITHIN GROUP (ORDER BY product) FROM sales GROUP BY store;
--@ routed
SELECT mode() WITHIN GROUP (ORDER BY qty DESC) FROM sales;
--@ routed
SELECT rank(5) WITHIN GROUP (ORDER BY qty), dense_rank(5) WITHIN GROUP (ORDER BY qty), percent_rank(5) WITHIN GROUP (ORDER BY qty), cume_dist(5) WITHIN GROUP (ORDER BY qty) FROM sales;
--@ float_aggregate_order
SELECT corr(qty, store), covar_pop(qty, store), covar_samp(qty, store), regr_slope(qty, store), regr_intercept(qty, store), regr_r2(qty, store), regr_count(qty, store) FROM sales;
--@ float_aggregate_order
SELECT regr_count(rate, qty), regr_avgx(rate, qty), regr_sxx(rate, qty) FROM sales;
--@ routed
SELECT stddev(amount), stddev_pop(qty), variance(discount), stddev_samp(big) FROM sales;
--@ routed
SELECT store, stddev(amount), avg(amount) FROM sales GROUP BY store HAVING stddev(amount) > 250;
--@ float_aggregate_order
SELECT stddev(rate), var_pop(rate) FROM sales;
--@ routed
SELECT count(DISTINCT (store, product)) FROM sales;
--@ routed
SELECT count(DISTINCT customer) FILTER (WHERE qty > 3), sum(DISTINCT qty), avg(DISTINCT amount), max(DISTINCT day) FROM sales;
--@ routed
SELECT string_agg(DISTINCT product, ', ' ORDER BY product), string_agg(DISTINCT product, ', ' ORDER BY product DESC) FROM sales;
--@ routed
SELECT store, array_agg(DISTINCT product ORDER BY product), array_agg(DISTINCT qty) FROM sales GROUP BY store;
--@ implied_order
SELECT store, array_agg(product) FROM sales WHERE id < 20 GROUP BY store;
--@ routed
SELECT store, array_agg(amount ORDER BY id), array_agg(at ORDER BY id), array_agg(qty > 3 ORDER BY id) FROM sales WHERE id < 40 GROUP BY store;
--@ routed
SELECT json_agg(product ORDER BY id) FROM sales WHERE id < 10;
--@ implied_order
SELECT json_object_agg(id, qty) FROM sales WHERE id < 10;
--@ routed
SELECT jsonb_build_object('n', count(*), 'total', sum(amount)) FROM sales;
--@ routed
SELECT bool_and(qty > 0), bool_or(qty > 8), every(amount > 5), bit_and(qty), bit_or(qty), bit_xor(qty) FROM sales;
--@ routed
SELECT sum(qty * amount * (1 - discount)), avg(qty * amount), sum(amount) / nullif(sum(qty), 0), min(amount / qty) FROM sales;
--@ routed
SELECT max(at), min(at), max(at) - min(at), max(paid), count(paid) FROM sales;
--@ routed
SELECT date_trunc('week', at) AS w, count(*), count(DISTINCT customer), sum(amount) FILTER (WHERE product = 'product A') FROM sales GROUP BY w ORDER BY w;
--@ routed
SELECT extract(dow FROM day), extract(hour FROM paid), count(*) FROM sales GROUP BY 1, 2 ORDER BY 1, 2;
--@ routed
SELECT store, count(*) FROM sales GROUP BY store HAVING count(*) > 70 AND bool_or(qty = 9) AND max(product) LIKE 'product%';
--@ routed
SELECT product FROM sales GROUP BY product HAVING percentile_cont(0.5) WITHIN GROUP (ORDER BY qty) > 4;
--@ routed
SELECT product FROM sales GROUP BY product HAVING count(DISTINCT store) = (SELECT count(*) FROM stores);
--@ routed
SELECT count(*) FROM sales HAVING count(*) > 10;
--@ expression
SELECT 1 FROM sales HAVING true;
--@ expression
SELECT s FROM stores s WHERE id < 3;
--@ expression
SELECT count(s), count(s.*) FROM stores st LEFT JOIN sales s ON s.store = st.id;
--@ routed
SELECT st.*, s.n FROM stores st JOIN (SELECT store, count(*) AS n FROM sales GROUP BY store) s ON s.store = st.id;
--@ expression
SELECT row_to_json(s) FROM stores s;
--@ expression
SELECT count(*) FROM stores s WHERE s IS NOT NULL;
-- DISTINCT, sets, limits
--@ routed
SELECT DISTINCT ON (store) store, id, amount FROM sales ORDER BY store, at DESC, id;
--@ routed
SELECT DISTINCT ON (store) store, id FROM sales ORDER BY store, amount DESC NULLS LAST, id LIMIT 4;
--@ implied_order
SELECT DISTINCT ON (customer) customer, product FROM sales;
--@ routed
SELECT * FROM (SELECT DISTINCT ON (store) store, id, amount FROM sales ORDER BY store, at DESC, id) x ORDER BY amount DESC NULLS LAST, id;
--@ routed
SELECT DISTINCT store, product FROM sales ORDER BY product, store LIMIT 10;
--@ routed
SELECT DISTINCT date_trunc('month', day) FROM sales ORDER BY 1;
--@ routed
SELECT count(*) FROM (SELECT DISTINCT store, customer FROM sales) x;
--@ routed
SELECT * FROM (SELECT DISTINCT store FROM sales ORDER BY store LIMIT 5) x;
--@ routed
SELECT store, product, sum(amount) FROM sales GROUP BY GROUPING SETS ((store, product), (store), ()) ORDER BY store NULLS LAST, product NULLS LAST, 3;
--@ routed
SELECT store, product, sum(amount), rank() OVER (PARTITION BY grouping(store) ORDER BY sum(amount)) FROM sales GROUP BY ROLLUP (store, product);
--@ routed
SELECT DISTINCT store, sum(qty) FROM sales GROUP BY ROLLUP (store);
--@ routed
SELECT CASE WHEN grouping(store) = 1 THEN 'all' ELSE store::text END, sum(qty) FROM sales GROUP BY ROLLUP (store) ORDER BY 1;
--@ routed
SELECT * FROM (SELECT store, sum(qty) AS q FROM sales GROUP BY ROLLUP (store) ORDER BY q DESC LIMIT 3) x;
--@ routed
SELECT id FROM sales ORDER BY amount DESC NULLS LAST, id OFFSET 10 FETCH NEXT 5 ROWS ONLY;
--@ with_ties
SELECT qty, id FROM sales ORDER BY qty OFFSET 5 FETCH FIRST 3 ROWS WITH TIES;
--@ routed
SELECT id, amount FROM sales UNION SELECT id, budget FROM stores ORDER BY 1, 2 LIMIT 20;
--@ routed
(SELECT store FROM sales ORDER BY amount DESC NULLS LAST, id LIMIT 3) UNION ALL (SELECT id FROM stores ORDER BY budget NULLS LAST, id LIMIT 2);
--@ routed
SELECT 'a', qty, NULL FROM sales WHERE id < 5 UNION ALL SELECT 'b', id, name FROM stores;
--@ routed
SELECT qty FROM sales UNION ALL SELECT amount FROM sales;
--@ routed
SELECT qty FROM sales WHERE id < 100 UNION SELECT amount FROM sales WHERE id < 100;
--@ routed
SELECT store FROM sales EXCEPT SELECT id FROM stores;
--@ type_unsupported
SELECT id, rate FROM sales WHERE id < 5 UNION SELECT id, rate FROM sales WHERE id < 9;
--@ routed
SELECT u.kind, count(*), sum(u.v) FROM (SELECT 'sale' AS kind, amount AS v, day FROM sales UNION ALL SELECT 'store', budget, opened FROM stores) u WHERE u.day > '2023-01-01' GROUP BY u.kind;
--@ routed
SELECT product, count(*) FROM sales GROUP BY product ORDER BY count(*) DESC, product LIMIT 3;
--@ routed
SELECT id FROM sales ORDER BY (SELECT name FROM stores st WHERE st.id = store), id LIMIT 5;
--@ routed
SELECT * FROM stores ORDER BY region NULLS FIRST, id DESC;
--@ routed
SELECT count(*) FROM sales WHERE store = ANY (SELECT id FROM stores WHERE region IS NULL);
--@ routed
SELECT * FROM (SELECT store, qty, sum(amount) OVER (PARTITION BY store) AS t FROM sales) x WHERE t > 1000 ORDER BY store, qty, t LIMIT 10;
