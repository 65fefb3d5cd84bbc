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
--@ constant
SELECT count(*) FROM people WHERE tags @> ARRAY['a', NULL];
--@ routed
SELECT count(*) FROM people WHERE 'a' <> ALL (tags);
--@ operator
SELECT count(*) FROM people WHERE 'a' < ALL (tags);
--@ type_unsupported
SELECT count(*) FROM people p LEFT JOIN people q ON q.id = p.boss WHERE 'a' = ANY (q.tags);
--@ routed
SELECT id, x = ANY (items), '3' = ANY (items), nullif(x, '2') = ANY (items), items @> '{1,2}', items && '{3}' FROM lists;
