-- Arrays that are columns.
--@ routed
SELECT count(*) FROM people WHERE 'a' = ANY (tags);
--@ routed
SELECT id, 'a' = ANY (tags), name = ANY (tags), nullif(name, 'P3') = ANY (tags), 'zz' = ANY (tags) FROM people WHERE id < 60;
--@ routed
SELECT count(*) FROM people WHERE NOT ('b1' = ANY (tags));
--@ routed
SELECT count(*) FROM people WHERE tags @> ARRAY['a'] AND tags @> '{b1,a}' OR tags && ARRAY['b2', 'x,"y'];
--@ routed
SELECT count(*) FROM people WHERE tags @> '{}';
--@ routed
SELECT count(*) FROM people WHERE tags && '{}';
--@ routed
SELECT count(*) FROM people WHERE tags @> ARRAY['a', NULL];
--@ routed
SELECT count(*) FROM people WHERE 'a' <> ALL (tags);
--@ operator
SELECT count(*) FROM people WHERE 'a' < ALL (tags);
--@ type_unsupported
SELECT count(*) FROM people p LEFT JOIN people q ON q.id = p.boss WHERE 'a' = ANY (q.tags);
--@ routed
SELECT id, x = ANY (items), '3' = ANY (items), nullif(x, '2') = ANY (items), items @> '{1,2}', items && '{3}' FROM lists;
--@ routed
SELECT unnest(tags) AS tag, count(*), max(id) FROM facts GROUP BY 1;
--@ routed
SELECT upper(unnest(tags)) AS tag, g, count(*) FROM facts GROUP BY 1, 2 HAVING count(*) > 1 ORDER BY 3 DESC, 2, 1;
--@ partly
SELECT unnest(tags) AS tag, count(*) FROM facts GROUP BY tags;
--@ routed
SELECT count(*) FROM facts WHERE tags[1:2] = ARRAY['a', 'b'];
--@ routed
SELECT id, tags[2:], nums[:2], nums[0:1], tags[3:1], tags[-1:1] FROM facts WHERE cardinality(tags[2:]) > 0 OR g = 0;
--@ routed
SELECT count(*) FROM facts WHERE tags || ARRAY['z'] @> ARRAY['a', 'z'] OR nums && ARRAY[5] OR nums <@ ARRAY[1, 2, 3, 4];
--@ routed
SELECT count(*) FROM facts WHERE tags = '{}' OR tags <> ARRAY['b', NULL, 'c'] AND nums = ARRAY[5, NULL]::int[];
--@ routed
SELECT count(*) FROM facts WHERE tags @> ARRAY[name, NULL] OR tags && ARRAY[t, NULL] OR tags @> '{}';
--@ routed
SELECT count(*) FROM facts WHERE 'a' = ANY (array_remove(tags, 'b')) OR 'c' <> ALL (array_append(tags, t));
--@ routed
SELECT count(*) FROM facts WHERE name = ANY (string_to_array(t, ' ')) IS NOT TRUE;
--@ routed
SELECT array_length(array_append(tags, t), 1) AS n, cardinality(array_remove(nums, NULL)) AS m, cardinality(t || tags) AS o, count(*) FROM facts GROUP BY 1, 2, 3;
--@ routed
SELECT tags, nums, count(*) FROM facts GROUP BY 1, 2;
--@ routed
SELECT DISTINCT tags FROM facts;
--@ routed
SELECT id, array_cat(tags, ARRAY['"q\']), nums || i, i || nums, array_prepend(t, tags), ARRAY[i, g] FROM facts;
--@ routed
SELECT (tags || t)[2] AS e, count(*) FROM facts GROUP BY 1;
--@ routed
SELECT array_to_string(tags[1:1] || name, '-') AS e, count(*) FROM facts GROUP BY 1;
--@ routed
SELECT w, count(*) FROM facts, regexp_split_to_table(t, '[, ]') AS w GROUP BY 1;
--@ routed
SELECT w, count(*) FROM facts, string_to_table(t, 'a') AS w GROUP BY 1;
--@ routed
SELECT id, w FROM facts, unnest(string_to_array(t, ' ') || tags) AS w;
--@ routed
SELECT cardinality(regexp_split_to_array(t, ' ')) AS n, count(*) FROM facts GROUP BY 1;
--@ routed
SELECT regexp_split_to_table(t, 'b') AS w, count(*) FROM facts GROUP BY 1;
--@ routed
SELECT e, count(*) FROM facts CROSS JOIN LATERAL unnest(array_remove(tags, NULL)) e GROUP BY e HAVING count(*) > 3;
--@ type_unsupported
SELECT string_to_array(t, ' ') AS n, count(*) FROM facts GROUP BY 1;
--@ routed
SELECT string_to_array(name, '1') AS n, count(*) FROM facts GROUP BY 1;
--@ routed
SELECT count(*) FROM loose_lists WHERE 'a' = ANY (tags) AND id < 40;
--@ routed
SELECT count(*) FILTER (WHERE 'NULL' = ANY (tags)), count('zz' = ANY (tags)), count(2 <> ALL (nums)), count(*) FILTER (WHERE nums @> '{7}'), count(tags = '{a}'), count(9000000000 = ANY (big)) FROM loose_lists WHERE id < 40;
--@ routed
SELECT id, tag FROM loose_lists, unnest(tags) AS tag WHERE id < 40;
--@ failed when it ran
SELECT tag, count(*) FROM deep_lists, unnest(tags) AS tag GROUP BY 1;
--@ failed when it ran
SELECT count(*) FROM deep_lists WHERE 'b' = ANY (tags);
--@ routed
SELECT tags, count(*) FROM deep_lists GROUP BY 1;
--@ routed
SELECT unnest(nums) AS n, count(*) FROM loose_lists GROUP BY 1;
--@ routed
SELECT cardinality(nums) AS c, array_length(nums, 1) AS l, nums[1] AS f, array_to_string(nums, '-') AS t, count(*) FROM loose_lists GROUP BY 1, 2, 3, 4;
--@ routed
SELECT tags, nums, big, count(*) FROM loose_lists GROUP BY 1, 2, 3;
--@ routed
SELECT count(*) FROM loose_lists WHERE tags IS NULL OR nums = '{}' OR nums && ARRAY[id, 2] IS NULL;
--@ routed
SELECT count(*) FROM loose_lists WHERE array_position(tags, 'q"\z') = 4 AND id < 40;
--@ routed
SELECT max(cardinality(array_append(nums, 5))), max(cardinality(nums || '{1}')), count((array_remove(nums, 7))[1]) FROM loose_lists;
--@ routed
SELECT count(*) FROM loose_lists WHERE doc = '{}' OR doc <> '[]';
