-- What jsonb holds at a path.
--@ routed
SELECT j -> 'tier' AS tier, count(*) FROM facts GROUP BY 1;
--@ routed
SELECT count(*) FROM facts WHERE j -> 'tier' = '"gold"' OR j -> 'flag' = 'true' OR j -> 'deep' -> 'a' <> '1';
--@ routed
SELECT count(*) FROM facts WHERE j #> '{deep,a}' IS NOT NULL OR j -> 'tier' IS NULL;
--@ routed
SELECT count(*) FROM facts WHERE j -> 'deep' IS NULL;
--@ failed when it ran
SELECT j -> 'deep' AS d, count(*) FROM facts GROUP BY 1;
--@ routed
SELECT sum((j -> 'n')::int) FROM facts WHERE jsonb_typeof(j -> 'n') = 'number' AND g = 0;
--@ routed
SELECT sum((j -> 'n')::int), max((j -> 'n')::numeric), min((j #> '{n}')::bigint) FROM facts WHERE g IN (0, 2, 3);
--@ failed when it ran
SELECT sum((j -> 'n')::int) FROM facts;
--@ routed
SELECT count(*) FROM facts WHERE (j -> 'flag')::boolean;
--@ failed when it ran
SELECT count(*) FROM facts WHERE (j -> 'n')::boolean;
--@ routed
SELECT count(*) FROM facts WHERE j ?| ARRAY['tier', 'deep'];
--@ routed
SELECT count(*) FROM facts WHERE j ?& ARRAY['tier', 'n'] OR j -> 'deep' ? 'b';
--@ failed when it ran
SELECT count(*) FROM facts WHERE j -> 'arr' ? 'two';
--@ routed
SELECT count(*) FILTER (WHERE jsonb_path_exists(j, '$.deep.a')), count(jsonb_path_exists(j, '$.tier')) FROM facts;
--@ routed
SELECT count(*) FROM facts WHERE j @? '$.arr[*]';
--@ routed
SELECT count(*) FROM facts WHERE j @? '$.arr[*] ? (@ == "two")' OR j @? '$.deep.b';
--@ failed when it ran
SELECT count(*) FROM facts WHERE j @? '$.arr.x';
--@ operator
SELECT count(*) FROM facts WHERE j @? '$.**.x';
--@ routed
SELECT count(*) FROM facts WHERE j @@ '$.tier == "gold"' OR (j @@ '$.deep.a == 1') IS NULL;
--@ routed
SELECT count(*) FROM facts WHERE j @@ '$.deep.a == 1' OR j @@ '$.deep.a >= -3';
--@ failed when it ran
SELECT count(*) FROM facts WHERE j @@ '$.n > 5';
--@ routed
SELECT id, j @@ '$.flag == true', j @@ '$.tier != "free"', j @@ '$.deep.a != 2', j @@ '$.missing == 1' FROM facts WHERE j @@ '$.deep.a != 2' IS NOT FALSE;
--@ failed when it ran
SELECT e, count(*) FROM facts, jsonb_array_elements_text(j -> 'arr') AS e GROUP BY 1;
--@ routed
SELECT e, count(*) FROM facts, jsonb_array_elements_text(j -> 'arr') AS e WHERE g <> 0 GROUP BY 1;
--@ routed
SELECT count(*), count(e ->> 'x'), max((e ->> 'x')::int) FROM facts, jsonb_array_elements(j -> 'arr') AS e WHERE jsonb_typeof(e) = 'object';
--@ routed
SELECT id, e FROM facts, jsonb_array_elements(j -> 'arr') AS e;
--@ routed
SELECT f.g, jsonb_typeof(x.e) AS t, count(*) FROM facts f CROSS JOIN LATERAL jsonb_array_elements(f.j -> 'arr') WITH ORDINALITY AS x(e, n) WHERE x.n < 3 GROUP BY 1, 2;
--@ routed
SELECT k, count(*) FROM facts, jsonb_object_keys(j) AS k GROUP BY 1;
--@ routed
SELECT jsonb_object_keys(j -> 'deep') AS k, count(*) FROM facts GROUP BY 1;
--@ failed when it ran
SELECT jsonb_object_keys(j -> 'n') AS k, count(*) FROM facts GROUP BY 1;
--@ failed when it ran
SELECT count(*) FROM facts, jsonb_array_elements(j -> 'deep') AS e;
--@ routed
SELECT count(*), count(f.j ? 'n'), count(jsonb_path_exists(f.j, '$.n')), count(f.j @@ '$.tier == "gold"'), count(*) FILTER (WHERE f.j -> 'tier' IS NULL), count((f.j -> 'flag')::bool), count(f.j -> 'tier') FROM people p LEFT JOIN facts f ON f.id = p.id + 200 AND f.g < 2;
--@ routed
SELECT k, count(*) FROM people p LEFT JOIN facts f ON f.id = p.id + 200 CROSS JOIN LATERAL jsonb_object_keys(f.j) AS k GROUP BY 1;
SELECT j -> 'tier' AS t, count(*) FROM items GROUP BY 1;
SELECT k, count(*) FROM items, jsonb_object_keys(j) AS k WHERE jsonb_typeof(j) = 'object' GROUP BY 1;
SELECT j -> 'tier' AS t, j -> 'n' AS n, count(*) FROM items WHERE t = 'zebra' GROUP BY 1, 2;
