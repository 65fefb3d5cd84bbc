-- Shapes of TPC-DS and ClickBench that once stayed in Postgres, or were computed in another way.
--@ routed
SELECT o_orderpriority, c_mktsegment, avg(o_totalprice), count(*), grouping(o_orderpriority, c_mktsegment) FROM torders JOIN customer ON c_custkey = o_custkey GROUP BY ROLLUP (o_orderpriority, c_mktsegment) ORDER BY 1 NULLS FIRST, 2 NULLS FIRST;
--@ routed
SELECT * FROM (SELECT o_orderstatus, avg(o_totalprice) AS a, avg(o_custkey) AS b FROM torders GROUP BY CUBE (o_orderstatus)) s WHERE a > 100 ORDER BY 1 NULLS LAST;
--@ routed
SELECT o_orderstatus, avg(o_totalprice) * 2 AS a, avg(o_custkey) FILTER (WHERE o_orderkey < 0) AS b FROM torders GROUP BY GROUPING SETS ((o_orderstatus), ()) ORDER BY 1 NULLS FIRST;
--@ routed
SELECT avg(x), avg(n), sum(x), count(*) FROM empty GROUP BY GROUPING SETS ((), ());
--@ routed
SELECT n_name FROM nation UNION SELECT n_name FROM nation WHERE n_regionkey < 3 ORDER BY 1;
--@ routed
SELECT n_name FROM nation EXCEPT SELECT n_name FROM nation WHERE n_regionkey < 3 ORDER BY 1;
--@ routed
SELECT n_name, NULL AS x FROM nation INTERSECT SELECT n_name, NULL FROM nation WHERE n_regionkey = 1 ORDER BY 1;
--@ type_unsupported
SELECT o_orderpriority FROM torders UNION SELECT n_name FROM nation;
--@ routed
SELECT n_regionkey, rank() OVER (PARTITION BY CASE WHEN n_regionkey = 1 THEN n_name END ORDER BY n_nationkey), n_nationkey FROM nation ORDER BY 1, 3;
--@ routed
SELECT concat('<', n_name, '>'), concat(c_phone, '|') FROM nation JOIN customer ON c_nationkey = n_nationkey WHERE c_custkey < 9 ORDER BY c_custkey;
--@ routed
SELECT count(*) FROM orders a WHERE (SELECT count(*) FROM orders b WHERE (b.person = a.person AND b.qty > 3) OR (b.person = a.person AND b.k2 = 1)) > 2;
--@ routed
SELECT count(*) FROM orders a WHERE EXISTS (SELECT 1 FROM people p WHERE (p.id = a.person AND p.flag = 'A') OR (p.id = a.person AND p.flag = 'B' AND p.boss IS NULL) OR p.id = a.person);
--@ routed
SELECT sum(l_extendedprice), count(*) FROM lineitem, part WHERE (p_partkey = l_partkey AND p_size < 10 AND l_quantity < 20) OR (p_partkey = l_partkey AND p_size > 40 AND l_quantity > 30);
--@ routed
SELECT amount / 3 AS a FROM orders WHERE id < 30 UNION SELECT amount / 3 FROM orders WHERE id BETWEEN 20 AND 40 ORDER BY 1;
--@ routed
SELECT qty, amount / 7 AS a FROM orders WHERE id < 60 EXCEPT ALL SELECT qty, amount / 7 FROM orders WHERE id > 30 ORDER BY 2, 1;
--@ type_unsupported
SELECT loose FROM facts UNION SELECT 1.5000 ORDER BY 1;
--@ routed
SELECT amount - coalesce(price, 0.0) AS a FROM orders WHERE id < 50 UNION SELECT amount - coalesce(price, 0.0) FROM orders WHERE id < 20 ORDER BY 1;
--@ routed
SELECT sum(cast(qty AS numeric(12,2))), avg(cast(id AS numeric(12,2))), max(cast(amount AS numeric(15,4))) FROM orders;
--@ routed
SELECT sum(id + 1), sum(id - 7), avg(qty + 100), sum(qty + 1) FILTER (WHERE id < 0), sum(qty - 3) FROM orders;
--@ routed
SELECT person, sum(qty + 1), sum(qty - 100000), avg(qty + 2), min(qty), max(note), bit_and(id) FROM orders GROUP BY person ORDER BY person NULLS FIRST;
--@ routed
SELECT sum(x + 1), avg(x + 1) FROM empty;
--@ routed
SELECT sum(big), avg(big), sum(-big) FROM sales;
--@ routed
SELECT store, sum(big), avg(big), sum(big - 5000000000000) FROM sales GROUP BY store ORDER BY store NULLS FIRST;
--@ routed
SELECT count(*), min(l_shipmode) FROM lineitem WHERE l_shipmode IN ('AIR', 'REG AIR', 'much longer than ten') AND l_returnflag IN ('A', 'R');
--@ routed
SELECT l_linestatus, count(*) FROM lineitem WHERE l_shipmode NOT IN ('AIR', 'MAIL  ') GROUP BY l_linestatus ORDER BY 1;
--@ routed
SELECT regexp_replace('http://' || (ARRAY['www.', '', 'www.www.', 'w'])[1 + id % 4] || (ARRAY['a.b', 'x', ''])[1 + id % 3] || (ARRAY['/p/q', '/', '', '//'])[1 + id % 4], '^https?://(?:www\.)?([^/]+)/.*$', '\1') AS site, count(*) FROM orders GROUP BY site ORDER BY site;
--@ routed
SELECT regexp_replace(note || '-' || qty, '^(?:special )?([^0-9]+)[0-9]*$', '[\1]') AS x, count(*) FROM orders GROUP BY x ORDER BY x;
--@ like_pattern
SELECT regexp_replace(name, 'P?([0-9]*)(?:7)?$', '<\1>') AS x, count(*) FROM people GROUP BY x ORDER BY x;
--@ like_pattern
SELECT regexp_replace(name, '^(?:P)?[0-9]?([0-9])?.*$', '\1') AS x, count(*) FROM people GROUP BY x ORDER BY x;
--@ routed
SELECT o_custkey FROM torders WHERE o_totalprice > (SELECT avg(o_totalprice) * 1.5 FROM torders) ORDER BY 1, o_orderkey;
--@ routed
SELECT count(*) FROM lineitem a WHERE l_quantity < (SELECT 0.5 * avg(l_quantity) FROM lineitem b WHERE b.l_partkey = a.l_partkey);
--@ routed
SELECT a, count(*) FROM (SELECT person, avg(qty) AS a, avg(amount) AS b FROM orders GROUP BY person) s WHERE b > 10 GROUP BY person, a ORDER BY 1, person NULLS FIRST;
