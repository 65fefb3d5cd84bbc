-- Documents and arrays.
--@ routed
SELECT j->>'n' AS x, count(*) FROM facts GROUP BY 1;
--@ routed
SELECT (j->>'n')::numeric, id FROM facts WHERE id < 40 ORDER BY id;
SELECT g, sum((j->>'n')::numeric), avg((j->>'n')::numeric), max((j->>'n')::numeric) FROM facts GROUP BY g;
--@ routed
SELECT count(*) FROM facts WHERE (j->>'n')::numeric > 1.5;
--@ routed
SELECT count(*) FROM facts WHERE (j->>'n')::float8 < 1.75;
--@ routed
SELECT j->'arr'->>0 AS x, j->'arr'->>1 AS y, j->'arr'->>-1 AS z, count(*) FROM facts WHERE g <> 1 AND g <> 0 GROUP BY 1, 2, 3;
--@ routed
SELECT j->'arr'->>1 AS y, j->'deep'->>0 AS z, j->>0 AS w, count(*) FROM facts GROUP BY 1, 2, 3;
--@ routed
SELECT j->'arr'->2->>'x' AS y, count(*) FROM facts GROUP BY 1;
--@ routed
SELECT j #>> '{deep,a}' AS x, j->'deep'->>'b' AS y, count(*) FROM facts GROUP BY 1, 2;
--@ routed
SELECT jsonb_typeof(j->'n') AS x, jsonb_typeof(j->'arr') AS y, jsonb_typeof(j->'tier') AS z, jsonb_typeof(j) AS w, jsonb_typeof(j->'zz') AS v, jsonb_typeof(j->'arr'->0) AS u, count(*) FROM facts GROUP BY 1, 2, 3, 4, 5, 6;
--@ routed
SELECT jsonb_array_length(j->'arr') AS x, count(*) FROM facts GROUP BY 1;
SELECT jsonb_array_length(j->'n') AS x, count(*) FROM facts GROUP BY 1;
--@ routed
SELECT count(*) FROM facts WHERE j @> '{"tier": "gold"}';
--@ routed
SELECT j @> '{"tier": "gold", "flag": true}' AS x, j @> '{}' AS y, j @> '{"tier": null}' AS z, count(*) FROM facts GROUP BY 1, 2, 3;
--@ routed
SELECT j @> '{"deep": {"a": "one"}}' AS x, j->'deep' @> '{"b": "z"}' AS y, count(*) FROM facts GROUP BY 1, 2;
--@ routed
SELECT count(*) FROM facts WHERE j @> '{"deep": {"a": 1}}';
SELECT count(*) FROM facts WHERE j @> '{"n": 12}';
--@ operator
SELECT count(*) FROM facts WHERE j @> '{"arr": ["q"]}';
--@ routed
SELECT (j->>'when')::timestamptz AS x, (j->>'when')::timestamptz::date AS y, count(*) FROM facts WHERE g IN (1, 2) GROUP BY 1, 2;
--@ routed
SELECT (j->>'when')::timestamptz AS x, count(*) FROM facts GROUP BY 1;
--@ routed
SELECT (j->>'flag')::boolean AS x, count(*) FROM facts GROUP BY 1;
--@ routed
SELECT ('2024-0' || 1 + abs(i) % 9 || '-28T01:02:03.5Z')::timestamptz AS x, ('2024-0' || 1 + abs(i) % 9 || '-28 01:02:03')::timestamp AS y, ('2024-03-31 02:30:00+0' || abs(i) % 9 || ':30')::timestamptz AS z, count(*) FROM facts GROUP BY 1, 2, 3;
SELECT ('2024-0' || 1 + abs(i) % 9 || '-31 01:02:03')::timestamp AS y, count(*) FROM facts GROUP BY 1;
--@ routed
SELECT ('2024-03-31 ' || lpad((abs(i) % 24)::text, 2, '0') || ':30:00')::timestamptz AS z, ('2024-10-27 ' || lpad((abs(i) % 24)::text, 2, '0') || ':30:00.25')::timestamptz AS y, count(*) FROM facts GROUP BY 1, 2;
--@ routed
SELECT ('1' || i % 3 || '.5')::float8 > 10 AS x, (u::text)::uuid AS y, count(*) FROM facts WHERE i >= 0 GROUP BY 1, 2;
--@ routed
SELECT tags[1] AS x, tags[2] AS y, tags[0] AS z, tags[i] AS w, count(*) FROM facts GROUP BY 1, 2, 3, 4;
--@ routed
SELECT nums[1] AS x, nums[4] AS y, count(*) FROM facts GROUP BY 1, 2;
--@ routed
SELECT cardinality(tags) AS x, array_length(tags, 1) AS y, cardinality(nums) AS z, array_upper(nums, 1) AS w, count(*) FROM facts GROUP BY 1, 2, 3, 4;
--@ routed
SELECT array_to_string(tags, ', ') AS x, array_to_string(nums, '-') AS y, count(*) FROM facts GROUP BY 1, 2;
--@ routed
SELECT array_position(tags, 'b') AS x, array_position(nums, 3) AS y, count(*) FROM facts GROUP BY 1, 2;
--@ routed
SELECT (string_to_array(t, ' '))[1] AS x, (string_to_array(t, ' '))[2] AS y, array_length(string_to_array(t, 'a'), 1) AS z, count(*) FROM facts GROUP BY 1, 2, 3;
--@ routed
SELECT (regexp_match(t, '([a-z])([0-9]+)'))[2] AS x, (regexp_match(t, '[0-9]+'))[1] AS y, count(*) FROM facts WHERE t !~ 'rich' GROUP BY 1, 2;
--@ routed
SELECT sum(nums[1]), count(tags[1]), max(cardinality(tags)) FROM facts WHERE nums[2] IS NULL OR tags[1] = 'a';
--@ routed
SELECT round(f::numeric, 2), f::numeric, round(avg(n), 1) FROM facts WHERE id < 50 GROUP BY f ORDER BY 1;
--@ routed
SELECT count(*) FROM facts WHERE round(f::numeric, 1) = 0.3 OR f::numeric > 2;
--@ routed
SELECT count(*) FROM facts WHERE t LIKE name || '%' OR t NOT LIKE '%' || left(t, 1);
