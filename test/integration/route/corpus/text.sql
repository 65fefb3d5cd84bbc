-- Regular expressions and text: PostgreSQL's dialect, where ClickHouse' is the same.
--@ routed
SELECT count(*), min(id), count(*) FILTER (WHERE t !~ '^[a-z]+$'), count(*) FILTER (WHERE t ~* '^[a-z]+$') FROM facts WHERE t ~ '^[a-z]+$' AND t !~ 'rich';
--@ routed
SELECT t ~ '^[a-z]+$', name ~* '^[a-z]+$', name !~* '^[a-z]+$', count(*) FROM facts GROUP BY 1, 2, 3;
--@ routed
SELECT count(*), min(id), count(*) FILTER (WHERE t !~ 'a'), count(*) FILTER (WHERE t ~* 'a') FROM facts WHERE t ~ 'a' AND t !~ 'rich';
--@ routed
SELECT t ~ 'a', name ~* 'a', name !~* 'a', count(*) FROM facts GROUP BY 1, 2, 3;
--@ routed
SELECT count(*), min(id), count(*) FILTER (WHERE t !~ 'x[0-9]+'), count(*) FILTER (WHERE t ~* 'x[0-9]+') FROM facts WHERE t ~ 'x[0-9]+' AND t !~ 'rich';
--@ routed
SELECT t ~ 'x[0-9]+', name ~* 'x[0-9]+', name !~* 'x[0-9]+', count(*) FROM facts GROUP BY 1, 2, 3;
--@ routed
SELECT count(*), min(id), count(*) FILTER (WHERE t !~ '[^a-z ]'), count(*) FILTER (WHERE t ~* '[^a-z ]') FROM facts WHERE t ~ '[^a-z ]' AND t !~ 'rich';
--@ routed
SELECT t ~ '[^a-z ]', name ~* '[^a-z ]', name !~* '[^a-z ]', count(*) FROM facts GROUP BY 1, 2, 3;
--@ routed
SELECT count(*), min(id), count(*) FILTER (WHERE t !~ '\d'), count(*) FILTER (WHERE t ~* '\d') FROM facts WHERE t ~ '\d' AND t !~ 'rich';
--@ routed
SELECT t ~ '\d', name ~* '\d', name !~* '\d', count(*) FROM facts GROUP BY 1, 2, 3;
--@ routed
SELECT count(*), min(id), count(*) FILTER (WHERE t !~ '\d{2,}'), count(*) FILTER (WHERE t ~* '\d{2,}') FROM facts WHERE t ~ '\d{2,}' AND t !~ 'rich';
--@ routed
SELECT t ~ '\d{2,}', name ~* '\d{2,}', name !~* '\d{2,}', count(*) FROM facts GROUP BY 1, 2, 3;
--@ routed
SELECT count(*), min(id), count(*) FILTER (WHERE t !~ '\s'), count(*) FILTER (WHERE t ~* '\s') FROM facts WHERE t ~ '\s' AND t !~ 'rich';
--@ routed
SELECT t ~ '\s', name ~* '\s', name !~* '\s', count(*) FROM facts GROUP BY 1, 2, 3;
SELECT count(*), min(id), count(*) FILTER (WHERE t !~ '\w+ \w+'), count(*) FILTER (WHERE t ~* '\w+ \w+') FROM facts WHERE t ~ '\w+ \w+' AND t !~ 'rich';
SELECT t ~ '\w+ \w+', name ~* '\w+ \w+', name !~* '\w+ \w+', count(*) FROM facts GROUP BY 1, 2, 3;
--@ routed
SELECT count(*), min(id), count(*) FILTER (WHERE t !~ '(foo|bar)'), count(*) FILTER (WHERE t ~* '(foo|bar)') FROM facts WHERE t ~ '(foo|bar)' AND t !~ 'rich';
--@ routed
SELECT t ~ '(foo|bar)', name ~* '(foo|bar)', name !~* '(foo|bar)', count(*) FROM facts GROUP BY 1, 2, 3;
--@ routed
SELECT count(*), min(id), count(*) FILTER (WHERE t !~ 'o{2}'), count(*) FILTER (WHERE t ~* 'o{2}') FROM facts WHERE t ~ 'o{2}' AND t !~ 'rich';
--@ routed
SELECT t ~ 'o{2}', name ~* 'o{2}', name !~* 'o{2}', count(*) FROM facts GROUP BY 1, 2, 3;
--@ routed
SELECT count(*), min(id), count(*) FILTER (WHERE t !~ '^$'), count(*) FILTER (WHERE t ~* '^$') FROM facts WHERE t ~ '^$' AND t !~ 'rich';
--@ routed
SELECT t ~ '^$', name ~* '^$', name !~* '^$', count(*) FROM facts GROUP BY 1, 2, 3;
--@ routed
SELECT count(*), min(id), count(*) FILTER (WHERE t !~ 'l.n'), count(*) FILTER (WHERE t ~* 'l.n') FROM facts WHERE t ~ 'l.n' AND t !~ 'rich';
--@ routed
SELECT t ~ 'l.n', name ~* 'l.n', name !~* 'l.n', count(*) FROM facts GROUP BY 1, 2, 3;
--@ routed
SELECT count(*), min(id), count(*) FILTER (WHERE t !~ '^.$'), count(*) FILTER (WHERE t ~* '^.$') FROM facts WHERE t ~ '^.$' AND t !~ 'rich';
--@ routed
SELECT t ~ '^.$', name ~* '^.$', name !~* '^.$', count(*) FROM facts GROUP BY 1, 2, 3;
SELECT count(*), min(id), count(*) FILTER (WHERE t !~ '[[:upper:]]'), count(*) FILTER (WHERE t ~* '[[:upper:]]') FROM facts WHERE t ~ '[[:upper:]]' AND t !~ 'rich';
SELECT t ~ '[[:upper:]]', name ~* '[[:upper:]]', name !~* '[[:upper:]]', count(*) FROM facts GROUP BY 1, 2, 3;
--@ routed
SELECT count(*), min(id), count(*) FILTER (WHERE t !~ '\.'), count(*) FILTER (WHERE t ~* '\.') FROM facts WHERE t ~ '\.' AND t !~ 'rich';
--@ routed
SELECT t ~ '\.', name ~* '\.', name !~* '\.', count(*) FROM facts GROUP BY 1, 2, 3;
--@ routed
SELECT count(*), min(id), count(*) FILTER (WHERE t !~ '[A-C ]+'), count(*) FILTER (WHERE t ~* '[A-C ]+') FROM facts WHERE t ~ '[A-C ]+' AND t !~ 'rich';
--@ routed
SELECT t ~ '[A-C ]+', name ~* '[A-C ]+', name !~* '[A-C ]+', count(*) FROM facts GROUP BY 1, 2, 3;
--@ routed
SELECT count(*), min(id), count(*) FILTER (WHERE t !~ 'z?r'), count(*) FILTER (WHERE t ~* 'z?r') FROM facts WHERE t ~ 'z?r' AND t !~ 'rich';
--@ routed
SELECT t ~ 'z?r', name ~* 'z?r', name !~* 'z?r', count(*) FROM facts GROUP BY 1, 2, 3;
--@ routed
SELECT count(*), min(id), count(*) FILTER (WHERE t !~ '^(?:two|alpha)'), count(*) FILTER (WHERE t ~* '^(?:two|alpha)') FROM facts WHERE t ~ '^(?:two|alpha)' AND t !~ 'rich';
--@ routed
SELECT t ~ '^(?:two|alpha)', name ~* '^(?:two|alpha)', name !~* '^(?:two|alpha)', count(*) FROM facts GROUP BY 1, 2, 3;
--@ routed
SELECT count(*), min(id), count(*) FILTER (WHERE t !~ '\S+@\S+'), count(*) FILTER (WHERE t ~* '\S+@\S+') FROM facts WHERE t ~ '\S+@\S+' AND t !~ 'rich';
--@ routed
SELECT t ~ '\S+@\S+', name ~* '\S+@\S+', name !~* '\S+@\S+', count(*) FROM facts GROUP BY 1, 2, 3;
--@ routed
SELECT regexp_replace(t, '[aeiou]', '', 'g') AS x, count(*) FROM facts WHERE t !~ 'rich' GROUP BY 1;
--@ routed
SELECT id, regexp_replace(name, '[aeiou]', '', 'g'), regexp_replace(t, '[aeiou]', '', 'g') IS NULL FROM facts WHERE id < 60 ORDER BY id;
--@ routed
SELECT regexp_replace(t, '[aeiou]', '<\&>', 'g') AS x, count(*) FROM facts WHERE t !~ 'rich' GROUP BY 1;
--@ routed
SELECT id, regexp_replace(name, '[aeiou]', '<\&>', 'g'), regexp_replace(t, '[aeiou]', '<\&>', 'g') IS NULL FROM facts WHERE id < 60 ORDER BY id;
--@ routed
SELECT regexp_replace(t, '[^0-9]+', '', 'g') AS x, count(*) FROM facts WHERE t !~ 'rich' GROUP BY 1;
--@ routed
SELECT id, regexp_replace(name, '[^0-9]+', '', 'g'), regexp_replace(t, '[^0-9]+', '', 'g') IS NULL FROM facts WHERE id < 60 ORDER BY id;
--@ routed
SELECT regexp_replace(t, '\s+', ' ', 'g') AS x, count(*) FROM facts WHERE t !~ 'rich' GROUP BY 1;
--@ routed
SELECT id, regexp_replace(name, '\s+', ' ', 'g'), regexp_replace(t, '\s+', ' ', 'g') IS NULL FROM facts WHERE id < 60 ORDER BY id;
--@ routed
SELECT regexp_replace(t, '^([a-z])', '\1\1') AS x, count(*) FROM facts WHERE t !~ 'rich' GROUP BY 1;
--@ routed
SELECT id, regexp_replace(name, '^([a-z])', '\1\1'), regexp_replace(t, '^([a-z])', '\1\1') IS NULL FROM facts WHERE id < 60 ORDER BY id;
--@ routed
SELECT regexp_replace(t, '([a-z])([0-9])', '\2\1', 'g') AS x, count(*) FROM facts WHERE t !~ 'rich' GROUP BY 1;
--@ routed
SELECT id, regexp_replace(name, '([a-z])([0-9])', '\2\1', 'g'), regexp_replace(t, '([a-z])([0-9])', '\2\1', 'g') IS NULL FROM facts WHERE id < 60 ORDER BY id;
--@ routed
SELECT regexp_replace(t, '[A-Z]', '_', 'gi') AS x, count(*) FROM facts WHERE t !~ 'rich' GROUP BY 1;
--@ routed
SELECT id, regexp_replace(name, '[A-Z]', '_', 'gi'), regexp_replace(t, '[A-Z]', '_', 'gi') IS NULL FROM facts WHERE id < 60 ORDER BY id;
--@ routed
SELECT regexp_replace(t, 'b', '\\') AS x, count(*) FROM facts WHERE t !~ 'rich' GROUP BY 1;
--@ routed
SELECT id, regexp_replace(name, 'b', '\\'), regexp_replace(t, 'b', '\\') IS NULL FROM facts WHERE id < 60 ORDER BY id;
--@ routed
SELECT regexp_replace(t, 'l.', '', 'g') AS x, count(*) FROM facts WHERE t !~ 'rich' GROUP BY 1;
--@ routed
SELECT id, regexp_replace(name, 'l.', '', 'g'), regexp_replace(t, 'l.', '', 'g') IS NULL FROM facts WHERE id < 60 ORDER BY id;
--@ routed
SELECT regexp_replace(t, '([a-z]+) ([a-z]+)', '\2 \1') AS x, count(*) FROM facts WHERE t !~ 'rich' GROUP BY 1;
--@ routed
SELECT id, regexp_replace(name, '([a-z]+) ([a-z]+)', '\2 \1'), regexp_replace(t, '([a-z]+) ([a-z]+)', '\2 \1') IS NULL FROM facts WHERE id < 60 ORDER BY id;
--@ routed
SELECT substring(t FROM '[0-9]+') AS x, regexp_count(t, '[0-9]+') AS n, count(*) FROM facts WHERE t !~ 'rich' GROUP BY 1, 2;
--@ routed
SELECT substring(t FROM '([0-9])([0-9])') AS x, regexp_count(t, '([0-9])([0-9])') AS n, count(*) FROM facts WHERE t !~ 'rich' GROUP BY 1, 2;
--@ routed
SELECT substring(t FROM '[a-z]+') AS x, regexp_count(t, '[a-z]+') AS n, count(*) FROM facts WHERE t !~ 'rich' GROUP BY 1, 2;
--@ routed
SELECT substring(t FROM 'b(.)') AS x, regexp_count(t, 'b(.)') AS n, count(*) FROM facts WHERE t !~ 'rich' GROUP BY 1, 2;
--@ routed
SELECT substring(t FROM '^[A-Z]') AS x, regexp_count(t, '^[A-Z]') AS n, count(*) FROM facts WHERE t !~ 'rich' GROUP BY 1, 2;
--@ routed
SELECT count(*) FROM facts WHERE t SIMILAR TO '%(a|b)%' OR regexp_like(name, '^A', 'i');
--@ like_pattern
SELECT count(*) FROM facts WHERE regexp_replace(t, 'a|b', '') = 'x';
--@ like_pattern
SELECT count(*) FROM facts WHERE regexp_replace(t, 'x*', '-', 'g') = 'x';
--@ like_pattern
SELECT count(*) FROM facts WHERE t ~ name;
--@ routed
SELECT initcap(name) AS x, count(*), min(id) FROM facts GROUP BY 1;
--@ routed
SELECT ascii(t) AS x, count(*), min(id) FROM facts GROUP BY 1;
--@ routed
SELECT to_hex(i) AS x, count(*), min(id) FROM facts GROUP BY 1;
--@ routed
SELECT to_hex(big) AS x, count(*), min(id) FROM facts GROUP BY 1;
--@ routed
SELECT split_part(t, ' ', 2) AS x, count(*), min(id) FROM facts GROUP BY 1;
--@ routed
SELECT split_part(t, ' ', -1) AS x, count(*), min(id) FROM facts GROUP BY 1;
--@ routed
SELECT split_part(t, 'a', -2) AS x, count(*), min(id) FROM facts GROUP BY 1;
--@ routed
SELECT substring(t, i) AS x, count(*), min(id) FROM facts GROUP BY 1;
--@ routed
SELECT substring(name, i, 3) AS x, count(*), min(id) FROM facts GROUP BY 1;
--@ routed
SELECT substring(t FROM -1 FOR 4) AS x, count(*), min(id) FROM facts GROUP BY 1;
--@ routed
SELECT substr(t, 0) AS x, count(*), min(id) FROM facts GROUP BY 1;
--@ routed
SELECT substr(t, 0, 3) AS x, count(*), min(id) FROM facts GROUP BY 1;
--@ routed
SELECT btrim(t, ' a') AS x, count(*), min(id) FROM facts GROUP BY 1;
--@ routed
SELECT ltrim(t, 'ax') AS x, count(*), min(id) FROM facts GROUP BY 1;
--@ routed
SELECT rtrim(t, 'sn ') AS x, count(*), min(id) FROM facts GROUP BY 1;
--@ routed
SELECT translate(t, 'abc', 'xyz') AS x, count(*), min(id) FROM facts GROUP BY 1;
--@ routed
SELECT translate(t, 'ab ', 'A') AS x, count(*), min(id) FROM facts GROUP BY 1;
--@ routed
SELECT format('%s-%s%%', name, i) AS x, count(*), min(id) FROM facts GROUP BY 1;
--@ routed
SELECT format('%s', t) AS x, count(*), min(id) FROM facts GROUP BY 1;
--@ routed
SELECT concat(b, '/', n, u) AS x, count(*), min(id) FROM facts GROUP BY 1;
--@ routed
SELECT concat_ws('|', t, n, i, u, b) AS x, count(*), min(id) FROM facts GROUP BY 1;
--@ routed
SELECT num_nulls(t, n, d2) AS x, count(*), min(id) FROM facts GROUP BY 1;
--@ routed
SELECT num_nonnulls(t, iv, ip) AS x, count(*), min(id) FROM facts GROUP BY 1;
--@ routed
SELECT i << 3 AS x, count(*), min(id) FROM facts GROUP BY 1;
--@ routed
SELECT i >> 1 AS x, count(*), min(id) FROM facts GROUP BY 1;
--@ routed
SELECT big << 2 AS x, count(*), min(id) FROM facts GROUP BY 1;
--@ routed
SELECT big >> 40 AS x, count(*), min(id) FROM facts GROUP BY 1;
--@ routed
SELECT gcd(i, 12) AS x, count(*), min(id) FROM facts GROUP BY 1;
--@ routed
SELECT sign(f) AS x, count(*), min(id) FROM facts GROUP BY 1;
--@ routed
SELECT left(u::text, 9) AS x, count(*), min(id) FROM facts GROUP BY 1;
--@ routed
SELECT t::varchar AS x, count(*), min(id) FROM facts GROUP BY 1;
--@ routed
SELECT lower(t) AS x, upper(t) AS y, upper(name) AS z, count(*) FROM facts GROUP BY 1, 2, 3;
SELECT upper(t || 'äöüßéñøčžЖя日本–“”') AS x, count(*) FROM facts GROUP BY 1;
--@ routed
SELECT lower(t || 'ÄÖÜÉÑØČŽЖЯЁĆŁŹ日本–“”€') AS x, upper(t || 'äöüéñøčžжяёćłź') AS y, count(*) FROM facts GROUP BY 1, 2;
SELECT lower(t || 'İIıΣ') AS x, count(*) FROM facts GROUP BY 1;
--@ routed
SELECT count(*) FROM facts WHERE lower(t) = 'zürich' OR upper(t) = 'ZÜRICH';
--@ routed
SELECT ip AS x, host(ip) AS y, ip::text AS z, count(*) FROM facts GROUP BY 1, 2, 3;
--@ routed
SELECT count(DISTINCT ip), count(*) FILTER (WHERE ip = '10.1.0.1'), count(*) FILTER (WHERE ip <> '10.1.0.1'), count(*) FILTER (WHERE ip IN ('10.1.0.1', '10.2.0.2')) FROM facts;
--@ routed
SELECT ip, count(*) FROM facts GROUP BY ip ORDER BY ip;
--@ routed
SELECT min(a.id) FROM facts a JOIN facts b ON a.ip = b.ip WHERE b.id < 20;
--@ routed
SELECT g, avg(loose), avg(loose) FILTER (WHERE i < -100) FROM facts GROUP BY g;
SELECT t ~* 'RICH' AS x, t ~* '[^k]s' AS y, (t || 'ſK') ~* 'sk' AS z, count(*) FROM facts GROUP BY 1, 2, 3;
--@ routed
SELECT t ~* 'z.r[A-J]+' AS x, regexp_replace(t, 'RI', '<\&>', 'gi') AS y, count(*) FROM facts GROUP BY 1, 2;
--@ routed
SELECT count(*) FROM facts WHERE quote_literal(t) LIKE '''A%' OR quote_literal(name || '\x''') LIKE 'E%';
--@ routed
SELECT min(quote_literal(t || '''\')) COLLATE "C", max(quote_literal(name) COLLATE "C") FROM facts WHERE t IS NOT NULL;
--@ routed
SELECT overlay(t PLACING 'äx' FROM 2 FOR 3) AS o, overlay(t PLACING '' FROM 3) AS p, overlay(t PLACING name FROM 2) AS q, count(*) FROM facts GROUP BY 1, 2, 3;
--@ failed when it ran
SELECT max(length(overlay(t PLACING name FROM g))) FROM facts;
--@ routed
SELECT regexp_substr(t, '[0-9]+') AS s, count(*) FROM facts GROUP BY 1;
--@ like_pattern
SELECT regexp_substr(t, '([0-9])+') AS s, count(*) FROM facts GROUP BY 1;
