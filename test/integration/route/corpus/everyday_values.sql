-- Intervals as keys.
--@ routed
SELECT iv, count(*) FROM facts GROUP BY iv ORDER BY iv LIMIT 20;
--@ routed
SELECT weekly, count(*), sum(salary) FROM employees GROUP BY weekly;
--@ routed
SELECT g, min(iv), max(iv), count(DISTINCT iv) FROM facts GROUP BY g;
--@ routed
SELECT count(DISTINCT tz2 - tz), count(DISTINCT weekly) FROM facts, employees WHERE facts.id = employees.id;
-- NULL, where only words or a test make the text.
--@ routed
SELECT id, to_char(ts2, 'AM') FROM facts ORDER BY to_char(ts2, 'AM'), id;
--@ routed
SELECT to_char(ts2, 'AM'), to_char(ts2, '"x"'), to_char(tz2, '-'), to_char(ts2, 'pm AM'), count(*) FROM facts GROUP BY 1, 2, 3, 4;
-- Times that have no end.
--@ routed
SELECT date 'infinity' > d, d2 < '-infinity', 'infinity' = ts2, count(*) FROM facts GROUP BY 1, 2, 3;
--@ routed
SELECT count(*) FROM facts WHERE d < 'infinity' AND tz > '-infinity' AND tz2 <> 'infinity';
--@ routed
SELECT count(*) FROM facts WHERE coalesce(ts2, 'infinity') > '2003-01-01' AND ts < coalesce(ts2, '-infinity');
--@ routed
SELECT count(*) FROM facts WHERE tz BETWEEN '-infinity' AND coalesce(tz2, 'infinity');
--@ failed when it ran
SELECT id, coalesce(tz2, 'infinity') FROM facts WHERE id < 20;
-- Pairs.
--@ routed
SELECT store, regr_count(amount, qty), regr_avgx(amount, qty), regr_avgy(qty, amount) FROM sales GROUP BY store;
--@ routed
SELECT regr_count(amount, qty) FILTER (WHERE id < 0), regr_avgx(qty, id) FROM sales WHERE id < 100;
--@ float_aggregate_order
SELECT regr_avgy(rate, qty) FROM sales;
--@ float_aggregate_order
SELECT corr(qty, amount) FROM sales;
-- Networks.
--@ routed
SELECT count(*) FROM hits WHERE ip << '192.168.0.0/16';
--@ routed
SELECT count(*) FROM hits WHERE ip <<= '192.168.1.0/24' OR ip <<= '10.0.0.0/8';
--@ routed
SELECT count(*) FROM hits WHERE inet '192.168.0.0/16' >> ip AND NOT ip << '192.168.1.0/28';
--@ routed
SELECT count(*) FROM hits WHERE ip && '192.168.2.0/24' OR ip >>= '192.168.1.7';
--@ routed
SELECT ip << '::/0', ip <<= '0.0.0.0/0', ip >> '192.168.1.1', ip << '192.168.1.1', count(*) FROM hits GROUP BY 1, 2, 3, 4;
--@ routed
SELECT host(ip), family(ip), masklen(ip), count(*) FROM hits GROUP BY 1, 2, 3;
--@ routed
SELECT family(ip), masklen(ip), ip << '10.1.0.0/16', ip <<= '10.1.0.0/16', count(*) FROM facts GROUP BY 1, 2, 3, 4;
--@ routed
SELECT min(ip), max(ip) FROM facts;
--@ routed
SELECT g, min(ip), max(ip), max(ip) FILTER (WHERE id < 0) FROM facts GROUP BY g;
--@ routed
SELECT count(*) FROM facts WHERE ip BETWEEN '10.0.0.2' AND '10.1.0.3' OR ip > '10.2.0.1';
--@ routed
SELECT id, ip FROM facts ORDER BY ip DESC NULLS LAST, id LIMIT 15;
-- Regular expressions with parts that may be left out.
--@ routed
SELECT regexp_replace(path, '(\?.*)?$', '') , count(*) FROM hits GROUP BY 1;
--@ routed
SELECT substring(path FROM '^/([a-z]+)(/.*)?$'), count(*) FROM hits GROUP BY 1;
--@ routed
SELECT regexp_replace(website, '^https?://(www\.)?([^/]+).*$', '\2'), count(*) FROM accounts GROUP BY 1;
--@ routed
SELECT regexp_replace(website, '^(https?)://(www\.)?([^/:]+)(:[0-9]+)?(/.*)?$', '\1|\2|\3|\4|\5'), count(*) FROM accounts GROUP BY 1;
--@ routed
SELECT (regexp_match(path, '^(/[a-z]+)?(/[0-9]+)?(.*)$'))[1], (regexp_match(path, '^(/[a-z]+)?(/[0-9]+)?(.*)$'))[2], count(*) FROM hits GROUP BY 1, 2;
--@ routed
SELECT substring(t FROM '^(a)?.*$'), substring(t FROM '^([a-z]+)? ?([0-9]*)$'), substring(t FROM '(b+)?$'), count(*) FROM facts GROUP BY 1, 2, 3;
--@ like_pattern
SELECT regexp_replace(t, '([0-9]+)?$', ''), regexp_replace(t, '^([a-z]+)?( .*)?$', '<\1|\2>'), count(*) FROM facts GROUP BY 1, 2;
--@ like_pattern
SELECT regexp_replace(t, '^(a)?a*b*', '<\1>'), count(*) FROM facts GROUP BY 1;
--@ like_pattern
SELECT regexp_replace(t, '([0-9]+)?$', 'x'), count(*) FROM facts GROUP BY 1;
--@ routed
SELECT count(*) FROM facts WHERE t ILIKE 'ZÜ%' OR lower(t) = 'zürich';
--@ routed
SELECT t, t ILIKE '%Ü%', t NOT ILIKE 'zÜRICH', count(*) FROM facts GROUP BY 1, 2, 3;
-- Documents.
--@ routed
SELECT e.key, count(*) FROM hits CROSS JOIN LATERAL jsonb_each(payload) e GROUP BY 1;
--@ routed
SELECT e.key, e.value, count(*) FROM hits, jsonb_each_text(payload) e WHERE NOT payload ?| '{user,tags,price}' GROUP BY 1, 2;
--@ routed
SELECT e.key, jsonb_typeof(e.value) FROM hits, jsonb_each(payload) e WHERE id < 40 AND NOT payload ? 'price';
--@ routed
SELECT key, value FROM facts, jsonb_each_text(j -> 'deep') ORDER BY id, key;
--@ routed
SELECT f.id, k.key, k.value, k.ordinality FROM facts f, jsonb_each(coalesce(f.j -> 'deep', '{}')) WITH ORDINALITY k WHERE id < 60;
--@ routed
SELECT h.id, x FROM hits h, jsonb_array_elements(coalesce(h.payload -> 'tags', '[]')) x;
--@ routed
SELECT x, count(*) FROM hits h, jsonb_array_elements_text(coalesce(payload -> 'tags', '[]')) x GROUP BY 1;
--@ routed
SELECT jsonb_array_length(coalesce(j -> 'arr', '[]')), count(*) FROM facts GROUP BY 1;
-- Formats.
--@ routed
SELECT to_date(to_char(day, 'YYYY'), 'YYYY'), to_date(to_char(day, 'YYYYMM'), 'YYYYMM'), to_date(to_char(day, 'DD-MM-YYYY'), 'DD-MM-YYYY'), to_date(to_char(day, 'MM-DD-YYYY'), 'MM-DD-YYYY'), count(*) FROM sales GROUP BY 1, 2, 3, 4;
--@ routed
SELECT to_date(substr(number, 5, 4), 'YYYY'), count(*) FROM invoices GROUP BY 1;
-- Ranges that are columns.
--@ routed
SELECT count(*) FROM facts WHERE r @> 3;
--@ routed
SELECT r @> i, count(*) FROM facts GROUP BY 1;
--@ routed
SELECT lower(r), upper(r), isempty(r), count(*) FROM facts GROUP BY 1, 2, 3;
--@ routed
SELECT r && int4range(2, 5), r && 'empty', int4range(NULL, 3) && r, r && int4range(6, NULL), count(*) FROM facts GROUP BY 1, 2, 3, 4;
--@ routed
SELECT count(*) FROM facts a JOIN facts b ON a.r && b.r WHERE a.id < 20 AND b.id < 20;
-- What OVERLAPS makes of NULL.
--@ routed
SELECT count(*), (issued, due) OVERLAPS (date '2024-03-01', date '2024-04-01') FROM invoices GROUP BY 2;
--@ routed
SELECT id, (ts2, tz2::timestamp) OVERLAPS (timestamp '2002-01-01', d2::timestamp), (d2::timestamp, ts2) OVERLAPS (ts, NULL), (NULL, ts2) OVERLAPS (d2::timestamp, NULL) FROM facts;
--@ routed
SELECT count(*) FROM facts WHERE (ts2, d2::timestamp) OVERLAPS (d2::timestamp, ts2);
-- Others.
--@ routed
SELECT round(rebate::numeric, 2), sum(rebate::numeric), count(*) FROM invoices GROUP BY 1;
--@ operator
SELECT r4::numeric, (r4 / 7)::numeric, count(*) FROM facts GROUP BY 1, 2;
--@ routed
SELECT coalesce(country, '??') AS c, sum(coalesce(seats, 0)) FROM accounts GROUP BY 1 ORDER BY 2 DESC, 1;
--@ type_unsupported
SELECT coalesce(country, 'X'), CASE WHEN active THEN country ELSE '--' END || '|', count(*) FROM accounts GROUP BY 1, 2;
--@ routed
SELECT CASE WHEN active THEN country ELSE '--' END, nullif(country, 'DE'), count(*) FROM accounts GROUP BY 1, 2;
--@ routed
SELECT id, number, net FROM invoices WHERE note ILIKE '%größe%' ORDER BY id LIMIT 20;
