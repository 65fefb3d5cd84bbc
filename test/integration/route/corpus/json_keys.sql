-- What is asked of keys at the top of documents. Here they are parsed; RouteJsonKeys asks the same where the mirror keeps
-- the keys as columns, and nothing may be parsed.
--@ routed
SELECT j ->> 'tier' AS t, count(*) FROM facts GROUP BY 1;
SELECT j ->> 'tier' AS t, j ->> 'n' AS n, count(*), count(DISTINCT j ->> 'x'), max(j ->> 'deep') FROM items GROUP BY 1, 2;
--@ routed
SELECT count(*) FROM facts WHERE j ->> 'tier' = 'gold';
SELECT count(*) FROM items WHERE j ->> 'tier' = 'premium' AND NOT j ->> 'zz' = 'x';
SELECT count(*) FROM items WHERE (j ->> 'tier' = 'premium') IS NOT TRUE;
SELECT count(*) FROM items WHERE j ->> 'tier' IN ('premium', 'x') OR j ->> 'n' IS NULL;
SELECT count(*) FROM items WHERE j ->> 'tier' <> 'premium' OR j ->> 'note' LIKE '%tier%';
SELECT count(*) FROM items WHERE j #>> '{tier}' = 'premium' AND j ->> 'a"tier' IS NULL;
SELECT id, j ->> 'tier', j ->> 'n', j ->> 'a"tier', j ->> 'note', j ->> 'zz' FROM items WHERE id < 300;
SELECT count(*) FROM items WHERE j ? 'tier';
SELECT count(*) FROM items WHERE NOT j ? 'tier' OR j ? 'zz';
SELECT id, j ? 'tier', j ?| ARRAY['n', 'zz'], j ?& ARRAY['tier', 'n'] FROM items WHERE id < 300;
SELECT count(*) FROM items WHERE j -> 'tier' IS NULL;
SELECT count(*) FROM items WHERE j -> 'deep' IS NOT NULL AND j -> 'zz' IS NULL;
SELECT jsonb_typeof(j -> 'tier') AS t, jsonb_typeof(j -> 'n') AS n, jsonb_typeof(j -> 'deep') AS d, jsonb_typeof(j -> 'zz') AS z, count(*) FROM items GROUP BY 1, 2, 3, 4;
--@ routed
SELECT (j ->> 'n')::numeric AS n, id FROM facts WHERE g = 3 ORDER BY id;
--@ routed
SELECT sum((j ->> 'n')::int), min((j ->> 'n')::bigint) FROM facts WHERE g IN (0, 1);
--@ routed
SELECT sum((j -> 'n')::int), max((j -> 'n')::numeric) FROM facts WHERE g IN (0, 2, 3);
--@ routed
SELECT count(*) FROM facts WHERE (j -> 'flag')::boolean OR (j ->> 'flag')::boolean;
--@ routed
SELECT (j ->> 'when')::timestamptz AS w, count(*) FROM facts GROUP BY 1;
--@ routed
SELECT j -> 'tier' AS t, count(*) FROM facts GROUP BY 1;
--@ routed
SELECT count(*) FROM facts WHERE j -> 'tier' = '"gold"' OR j -> 'flag' <> 'true';
SELECT length(j ->> 'tier') AS l, upper(j ->> 'tier') || '!' AS u, coalesce(j ->> 'tier', j ->> 'n', 'none') AS c, count(*) FROM facts GROUP BY 1, 2, 3;
SELECT CASE WHEN j ->> 'tier' = 'gold' THEN j ->> 'tier' WHEN j ? 'n' THEN j ->> 'n' END AS c, nullif(j ->> 'tier', 'free') AS f, count(*) FROM facts GROUP BY 1, 2;
SELECT min(j ->> 'when'), count(DISTINCT j ->> 'tier'), string_agg(j ->> 'tier', ',' ORDER BY id) FROM facts;
SELECT f.j ->> 'tier' AS t, i.j ->> 'tier' AS u, count(*) FROM facts f JOIN items i ON i.id = f.id GROUP BY 1, 2;
SELECT count(*) FROM facts a JOIN facts b ON a.j ->> 'when' = b.j ->> 'when' AND a.id < b.id;
SELECT p.id, f.j ->> 'tier', f.j ? 'n', jsonb_typeof(f.j -> 'n'), f.j -> 'zz' IS NULL FROM people p LEFT JOIN facts f ON f.id = p.id + 200 AND f.g < 2;
SELECT count(*) FROM items i WHERE EXISTS (SELECT FROM facts f WHERE f.j ->> 'tier' = i.j ->> 'tier');
SELECT count(*) FROM items i WHERE i.j ->> 'n' IN (SELECT f.j ->> 'n' FROM facts f);
SELECT j ->> 'tier' AS t, j ->> 'n' AS n, count(*), grouping(j ->> 'tier') FROM facts GROUP BY ROLLUP (j ->> 'tier', j ->> 'n');
SELECT DISTINCT j ->> 'tier' FROM facts UNION SELECT j ->> 'tier' FROM items;
SELECT id, row_number() OVER (PARTITION BY j ->> 'tier' ORDER BY id), lag(j ->> 'tier') OVER (ORDER BY id) FROM facts WHERE id < 50;
SELECT x.t, count(*) FROM (SELECT j ->> 'tier' AS t, g FROM facts WHERE j ? 'n') x WHERE x.t IS NOT NULL GROUP BY 1;
WITH w AS (SELECT id, j ->> 'tier' AS t FROM facts) SELECT a.t, count(*) FROM w a JOIN w b USING (id) GROUP BY 1;
SELECT count(*) FROM facts WHERE (j ->> 'tier') || (j ->> 'n') LIKE 'gold%' OR j ->> 'tier' ~ '^f' OR left(j ->> 'when', 4) = '2024';
SELECT count(*), count(doc ->> 'a'), count(*) FILTER (WHERE doc ? 'a'), count(doc ? 'a'), count(*) FILTER (WHERE doc -> 'a' IS NULL) FROM loose_lists;
SELECT doc ->> 'a' AS a, doc ? 'a' AS there, count(*) FROM loose_lists GROUP BY 1, 2;
