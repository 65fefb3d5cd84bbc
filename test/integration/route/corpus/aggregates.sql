-- Aggregates and windows.
--@ routed
SELECT id, sum(qty) OVER (PARTITION BY k2 ORDER BY id), count(*) OVER (PARTITION BY k2), avg(qty) OVER (PARTITION BY k2 ORDER BY id ROWS BETWEEN 3 PRECEDING AND CURRENT ROW) FROM orders WHERE id < 200;
--@ routed
SELECT id, sum(amount) OVER (ORDER BY id), max(day) OVER (ORDER BY id ROWS BETWEEN 2 PRECEDING AND 2 FOLLOWING), min(note) OVER (PARTITION BY status ORDER BY id) FROM orders WHERE id < 200;
--@ routed
SELECT id, lag(amount) OVER (PARTITION BY k2 ORDER BY id), lead(note, 2) OVER (ORDER BY id), lag(qty, 1, -1) OVER (PARTITION BY k2 ORDER BY id), lead(id, 0) OVER (ORDER BY id) FROM orders WHERE id < 200;
--@ routed
SELECT id, first_value(note) OVER (PARTITION BY k2 ORDER BY id), last_value(note) OVER (PARTITION BY k2 ORDER BY id), last_value(qty) OVER (PARTITION BY k2 ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING), nth_value(note, 2) OVER (PARTITION BY k2 ORDER BY id) FROM orders WHERE id < 200;
--@ routed
SELECT id, ntile(7) OVER (ORDER BY id), ntile(300) OVER (ORDER BY id), percent_rank() OVER (PARTITION BY k2 ORDER BY qty), cume_dist() OVER (PARTITION BY k2 ORDER BY qty NULLS FIRST), rank() OVER (ORDER BY qty DESC) FROM orders WHERE id < 200;
--@ routed
SELECT k2, sum(amount), sum(sum(amount)) OVER (ORDER BY k2), sum(amount) / sum(sum(amount)) OVER () FROM orders GROUP BY k2;
--@ routed
SELECT * FROM (SELECT id, row_number() OVER (PARTITION BY k2 ORDER BY amount DESC, id) AS r FROM orders) s WHERE r <= 3;
--@ routed
SELECT id, amount - lag(amount) OVER (ORDER BY id) AS d FROM orders ORDER BY id LIMIT 30;
--@ routed
SELECT id, count(*) FILTER (WHERE status = 'O') OVER (PARTITION BY k2 ORDER BY id), sum(qty) OVER (ORDER BY qty), sum(qty) OVER (ORDER BY qty RANGE BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) FROM orders WHERE id < 300;
--@ routed
SELECT id, sum(qty) OVER (ORDER BY id ROWS BETWEEN 2 FOLLOWING AND 3 FOLLOWING), count(note) OVER (ORDER BY id ROWS BETWEEN 2 FOLLOWING AND 3 FOLLOWING), first_value(id) OVER (ORDER BY id ROWS BETWEEN 2 FOLLOWING AND 3 FOLLOWING) FROM orders WHERE id < 30;
--@ routed
SELECT variance(qty), var_pop(qty), var_samp(amount), variance(amount), variance(x) FROM orders, empty;
--@ routed
SELECT k2, variance(qty), var_pop(amount), variance(id) FROM orders GROUP BY k2;
--@ routed
SELECT variance(k2) FROM orders WHERE k2 = 1;
--@ routed
SELECT variance(qty) FROM orders WHERE id = 1;
--@ routed
SELECT variance(score), var_pop(score) FROM people;
--@ routed
SELECT k2, string_agg(note, ',' ORDER BY id), string_agg(note, '' ORDER BY id DESC) FROM orders WHERE id < 50 GROUP BY k2;
--@ routed
SELECT string_agg(DISTINCT note, '; '), string_agg(status::text, '' ORDER BY status DESC, id DESC) FROM orders WHERE id < 80;
--@ routed
SELECT string_agg(note, ',' ORDER BY amount NULLS FIRST, id) FROM orders WHERE id < 30;
--@ routed
SELECT string_agg(note, ',' ORDER BY qty, id) FILTER (WHERE k2 = 1), string_agg(t, ',' ORDER BY id) FROM orders LEFT JOIN (SELECT id AS i, t FROM empty) e ON e.i = orders.id WHERE id < 60;
--@ routed
SELECT k2, array_agg(id ORDER BY id DESC), array_agg(note ORDER BY qty NULLS FIRST, id), array_agg(day ORDER BY id), array_agg(qty ORDER BY id) FROM orders WHERE id < 60 GROUP BY k2;
--@ routed
SELECT array_agg(x ORDER BY id) FROM empty;
--@ routed
SELECT array_agg(DISTINCT id % 7) FROM orders;
--@ type_unsupported
SELECT array_agg(m2 ORDER BY id), array_agg(b ORDER BY i) FROM people, (SELECT id AS i, b FROM items WHERE id = 3) s WHERE id < 9;
--@ routed
SELECT sum(DISTINCT qty), sum(DISTINCT amount), avg(DISTINCT qty), avg(DISTINCT amount), count(DISTINCT amount), sum(DISTINCT id::bigint) FROM orders;
--@ routed
SELECT sum(DISTINCT x), avg(DISTINCT n) FROM empty;
--@ routed
SELECT bit_and(o.id), bit_or(qty), bit_or(x) FROM orders o, empty;
--@ routed
SELECT bit_and(id), bit_or(qty), bool_or(qty > 11), every(id > 0) FROM orders;
--@ routed
SELECT min(status), max(status), count(DISTINCT status) FROM orders;
--@ routed
SELECT min(c), max(c) FROM items;
--@ routed
SELECT k2, min(status) FILTER (WHERE qty > 5) FROM orders GROUP BY k2;
--@ routed
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY amount), percentile_disc(0.5) WITHIN GROUP (ORDER BY amount) FROM orders;
--@ routed
SELECT count(*) FROM orders WHERE note ILIKE '%SPECIAL%' OR note ILIKE '_R_ER';
--@ routed
SELECT note FROM orders WHERE note NOT ILIKE 'S%L%' AND id < 40;
--@ float_aggregate_order
SELECT sum(ratio), avg(ratio) FROM people;
--! SET tandem.float_aggregates = any_order
--@ routed
SELECT sum(ratio), avg(ratio), k2 FROM people, (VALUES (1)) v(k2) GROUP BY k2;
--@ routed
SELECT rank(5) WITHIN GROUP (ORDER BY i), dense_rank(5) WITHIN GROUP (ORDER BY i), percent_rank(5) WITHIN GROUP (ORDER BY i), cume_dist(5) WITHIN GROUP (ORDER BY i) FROM facts;
--@ routed
SELECT g, rank(100.00) WITHIN GROUP (ORDER BY n DESC), dense_rank(100.00) WITHIN GROUP (ORDER BY n DESC), percent_rank(100.00) WITHIN GROUP (ORDER BY n DESC), cume_dist(100.00) WITHIN GROUP (ORDER BY n DESC) FROM facts GROUP BY g;
--@ routed
SELECT rank(0) WITHIN GROUP (ORDER BY x NULLS FIRST), percent_rank(0) WITHIN GROUP (ORDER BY x), cume_dist(0) WITHIN GROUP (ORDER BY x), dense_rank(1) WITHIN GROUP (ORDER BY x DESC) FROM empty;
--@ routed
SELECT rank(date '2020-01-05') WITHIN GROUP (ORDER BY d2 DESC NULLS LAST) FILTER (WHERE g = 1), cume_dist(date '2020-01-05') WITHIN GROUP (ORDER BY d2 NULLS FIRST) FROM facts;
--@ routed
SELECT g, string_agg(name || i, ',' ORDER BY i DESC, id), array_agg(id ORDER BY name COLLATE "C", n DESC, id), string_agg(t, '|' ORDER BY d2 DESC NULLS LAST, b, tz2 DESC, id) FROM facts GROUP BY g;
--@ routed
SELECT array_agg(i ORDER BY n DESC NULLS FIRST, ts, id DESC), array_agg(id ORDER BY b, name COLLATE "C" DESC, d, id) FROM facts;
--@ aggregate
SELECT array_agg(id ORDER BY f, name COLLATE "C" DESC, id) FROM facts;
