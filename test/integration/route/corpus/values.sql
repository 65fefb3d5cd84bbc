-- Functions and operators by type.
--@ routed
SELECT m, count(*) FROM people GROUP BY m;
--@ routed
SELECT m, m2, id FROM people ORDER BY m, m2 DESC, id LIMIT 70;
--@ routed
SELECT count(*) FROM people WHERE m = 'ok';
--@ routed
SELECT count(*) FROM people WHERE m <> 'ok' OR m IS NULL;
--@ routed
SELECT count(*) FROM people WHERE m > 'sad' AND m2 <= 'ok';
--@ routed
SELECT count(*) FROM people WHERE m IN ('ok', 'angry');
--@ routed
SELECT count(*) FROM people WHERE m NOT IN ('ok', 'angry');
--@ routed
SELECT min(m), max(m), min(m2), max(m2), count(DISTINCT m) FROM people;
--@ routed
SELECT min(x) FROM (SELECT m AS x FROM people WHERE id < 0) s;
--@ routed
SELECT m::text, m::text || '!', count(*) FROM people GROUP BY 1, 2;
--@ routed
SELECT CASE WHEN m = 'ok' THEN 'x' ELSE m::text END, count(*) FROM people GROUP BY 1;
--@ routed
SELECT coalesce(m, 'sad'), count(*) FROM people GROUP BY 1 ORDER BY 1;
--@ routed
SELECT p.m, o.status, count(*) FROM people p JOIN orders o ON o.person = p.id GROUP BY 1, 2 ORDER BY 1, 2;
--@ routed
SELECT a.id, b.m2 FROM people a LEFT JOIN people b ON a.boss = b.id AND b.m2 = 'ok' ORDER BY b.m2, a.id LIMIT 30;
--@ routed
SELECT m2, count(*) FROM people GROUP BY m2 HAVING m2 <> 'ok' ORDER BY m2;
--@ routed
SELECT DISTINCT m FROM people ORDER BY m;
--@ routed
SELECT round(score), round(score, 1), round(score, 2), round(score, 4), round(score, -1), round(score, -3) FROM people;
--@ routed
SELECT trunc(score), trunc(score, 1), ceil(score), floor(score), sign(score), abs(score) FROM people;
--@ routed
SELECT round(avg(score), 2), round(sum(score) / 3, 3), round(sum(score) / count(*)) FROM people;
--@ routed
SELECT m, round(avg(score), 2) AS a FROM people GROUP BY m ORDER BY a;
--@ routed
SELECT m2, round(avg(score)) FROM people GROUP BY m2 HAVING round(avg(score), 1) > 1;
--@ routed
SELECT score % 7, mod(score, 2.5), score % -3.1, -score % 7 FROM people;
--@ routed
SELECT score::int, score::bigint, round(score)::int, score::numeric(8,1), score::numeric(5,0), score::text, score::float8 FROM people;
SELECT (score * 1000)::int2 FROM people;
--@ routed
SELECT id, amount::numeric(4,0) FROM orders;
--@ routed
SELECT '12.50'::numeric + score, name || 1, (id::text || '.5')::numeric * 2 FROM people;
--@ routed
SELECT (id::text || '.50')::numeric, ((id::text || '.50')::numeric)::text FROM people WHERE id < 5;
--@ routed
SELECT loose + 1, loose * 2.5, round(loose, 2) FROM items WHERE id < 60 AND loose IS NOT NULL;
--@ routed
SELECT sum(loose), avg(loose), max(loose), count(loose), count(*) FROM items WHERE loose > 5;
--@ routed
SELECT loose FROM items WHERE loose BETWEEN 3 AND 500;
--@ routed
SELECT greatest(id, boss), least(id, boss, 50), greatest(score, 0), least(score, 1.5, NULL), greatest(name, 'P5') FROM people;
--@ routed
SELECT greatest(NULL, boss), least(boss, NULL) FROM people WHERE id < 10;
--@ routed
SELECT count(*) FROM orders WHERE note ILIKE '%SPECIAL%';
--@ routed
SELECT count(*) FROM orders WHERE note NOT ILIKE 'S%L%' OR note ILIKE '_R_ER' OR note ILIKE '100\%';
--@ routed
SELECT count(*) FROM orders WHERE note ~ '^special' OR note ~ 'x.y$' OR note ~ '[0-9]+%';
--@ routed
SELECT count(*) FROM orders WHERE note ~ '(req|uest)s?';
--@ routed
SELECT left(note, 3), right(note, 3), left(note, -2), right(note, -2), left(note, 0), right(note, 0), reverse(note) FROM orders WHERE id < 30;
--@ routed
SELECT position('e' IN note), strpos(note, ''), position('r' IN note), replace(note, 'e', 'EE'), replace(note, '', 'x'), repeat(note, 2) FROM orders WHERE id < 30;
--@ routed
SELECT trim(note), btrim('  x ' || note || '  '), ltrim('  x' || note), rtrim(note || '   '), length(status), status || '|' FROM orders WHERE id < 30;
--@ routed
SELECT concat(note, '-', id, NULL), concat_ws(',', note, status::text, id) FROM orders WHERE id < 30;
--@ routed
SELECT md5(note), chr(65 + id % 26) FROM orders WHERE id < 30;
--@ routed
SELECT id & 7, id | 8, id # 3, ~id, mod(id, 7), mod(-id, 7), -id % 7 FROM orders WHERE id < 30;
--@ routed
SELECT ratio + 1, ratio * 2, ratio / 3, ratio - 0.1, floor(ratio), ceil(ratio), round(ratio), trunc(ratio), sqrt(ratio), abs(-ratio), ratio::int, ratio::bigint FROM people;
SELECT 1 / ratio FROM people;
--@ routed
SELECT to_char(seen, 'YYYY-MM-DD HH24:MI:SS'), to_char(seen, 'Mon DD, YYYY'), to_char(seen, 'YYYY-MM'), to_char(seen, 'IYYY"W"IW Q DDD Dy') FROM people;
--@ routed
SELECT to_char(ts, 'YYYY-MM-DD HH24:MI:SS') FROM items;
--@ routed
SELECT to_char(born, 'YYYY-MM') AS m, count(*) FROM people GROUP BY 1 ORDER BY 1;
--@ routed
SELECT extract(epoch FROM seen), extract(epoch FROM born), date_part('epoch', seen), date_trunc('second', seen) FROM people;
--@ routed
SELECT extract(epoch FROM ts), date_trunc('second', ts) FROM items;
--@ routed
SELECT seen AT TIME ZONE 'UTC', (seen AT TIME ZONE 'UTC')::date, date_trunc('day', seen AT TIME ZONE 'UTC') FROM people;
--@ routed
SELECT date_trunc('month', born), count(*) FROM people GROUP BY 1;
--@ routed
SELECT flag, count(*) FROM people WHERE flag IN ('A', 'N') GROUP BY flag ORDER BY flag;
--@ routed
SELECT count(*) FROM people WHERE score IN (1.5, 100, -300, 23.32) OR score = ANY ('{5.00,NULL}');
--@ routed
SELECT count(*) FROM people WHERE boss IN (1, 2, NULL) OR boss NOT IN (5, NULL);
--@ routed
SELECT sum(CASE flag WHEN 'A' THEN 1 ELSE 0 END), count(DISTINCT flag), max(flag), min(flag) FROM people;
SELECT j->>'n' FROM items WHERE (j->>'n')::numeric > 1;
--@ routed
SELECT avg(extract(epoch FROM ts - timestamp '2000-01-01 00:00:00.25')), max(extract(epoch FROM tz - timestamptz '2024-03-30 23:00Z')), sum(extract(epoch FROM ts - ts)) FROM items WHERE id < 2500;
--@ routed
SELECT g, avg(extract(epoch FROM (tz - (ts AT TIME ZONE 'UTC'))) / 60) FROM items WHERE id < 2500 GROUP BY g;

-- what is negated is closed in parentheses
--@ routed
SELECT count(*) FROM items WHERE (f <> r) IS NOT NULL;
--@ routed
SELECT count(*) FROM items WHERE (f <> r) IS NULL OR (r <> f) = (f <> 1);
