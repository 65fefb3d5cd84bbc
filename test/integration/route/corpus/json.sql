-- jsonb, and text functions with literal arguments.
--@ routed
SELECT id, j->'deep'->>'tier', j#>>'{deep,tier}', j#>>'{tier,x}', j->'deep'->>'a' FROM items WHERE id < 400 AND j->>'tier' = 'premium';
SELECT count(*) FROM items WHERE NOT j ? 'a';
--@ routed
SELECT count(*) FROM items WHERE j->'deep'->>'tier' = 'premium' OR j#>>'{deep,b}' = '1';
SELECT id, j->'deep'->>'b', j#>>'{deep,b}', j#>>'{deep,tier}' FROM items WHERE id < 400;
SELECT count(*) FROM items WHERE j ? 'tier';
SELECT count(*), count(*) FILTER (WHERE j ? 'tier'), count(*) FILTER (WHERE j ? 'deep') FROM items WHERE j->>'tier' IS NOT NULL AND j->>'tier' <> 'x';
--@ operator
SELECT count(*) FROM items WHERE j#>>'{deep,0}' = 'x';
--@ routed
SELECT id, split_part(note, ' ', 1), split_part(note, ' ', 2), split_part(note, 'e', 3), split_part(note, 'Ä', 2), lpad(note, 5, '*'), rpad(note, 20), lpad(status::text, 3, 'ä'), rpad(note, 3, 'xy') FROM orders WHERE id < 60;
--@ routed
SELECT stddev(qty), stddev_pop(amount), stddev_samp(score), stddev(id::bigint) FROM orders JOIN people USING (id);
--@ routed
SELECT k2, stddev(qty), stddev_pop(qty), stddev(amount), stddev_pop(k2), stddev(amount) FILTER (WHERE qty > 3) FROM orders GROUP BY k2;
--@ routed
SELECT stddev(qty), stddev_pop(qty), variance(qty) FROM orders WHERE id = 1;
--@ routed
SELECT stddev(x), stddev_pop(n) FROM empty;
--@ routed
SELECT round(stddev(amount), 2), stddev(amount) * 2 FROM orders;
