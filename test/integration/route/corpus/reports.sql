-- What analysts and reporting people write by hand.
-- growth, cohorts, retention, funnels
--@ routed
WITH m AS (SELECT date_trunc('month', issued)::date AS month, sum(net) AS revenue FROM invoices WHERE status <> 'void' GROUP BY 1) SELECT month, revenue, lag(revenue) OVER (ORDER BY month) AS before, round(100.0 * (revenue - lag(revenue) OVER (ORDER BY month)) / nullif(lag(revenue) OVER (ORDER BY month), 0), 1) AS growth FROM m ORDER BY month;
--@ routed
WITH first_seen AS (SELECT account, min(at)::date AS first_day FROM hits WHERE account IS NOT NULL GROUP BY account) SELECT (h.at::date - f.first_day) / 7 AS week, count(DISTINCT h.account) AS accounts FROM hits h JOIN first_seen f USING (account) GROUP BY 1 ORDER BY 1;
--@ routed
WITH c AS (SELECT id, date_trunc('month', created_at) AS cohort FROM accounts), a AS (SELECT DISTINCT account, date_trunc('month', at) AS month FROM hits) SELECT c.cohort, (extract(year from age(a.month, c.cohort)) * 12 + extract(month from age(a.month, c.cohort)))::int AS n, count(DISTINCT a.account) FROM c JOIN a ON a.account = c.id GROUP BY 1, 2 ORDER BY 1, 2;
--@ routed
SELECT count(DISTINCT session) FILTER (WHERE kind = 'view') AS views, count(DISTINCT session) FILTER (WHERE kind = 'click') AS clicks, count(DISTINCT session) FILTER (WHERE kind = 'purchase') AS purchases, round(count(DISTINCT session) FILTER (WHERE kind = 'purchase')::numeric / nullif(count(DISTINCT session) FILTER (WHERE kind = 'view'), 0), 4) AS rate FROM hits;
--@ routed
SELECT session, min(at) AS started, max(at) - min(at) AS duration, count(*) AS n, string_agg(kind, ' > ' ORDER BY at, id) AS path FROM hits GROUP BY session ORDER BY n DESC, session LIMIT 20;
--@ routed
SELECT avg(d) AS avg_session, max(d), min(d), sum(d) FROM (SELECT session, max(at) - min(at) AS d FROM hits GROUP BY session) s;
--@ routed
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY d) FROM (SELECT extract(epoch FROM max(at) - min(at)) AS d FROM hits GROUP BY session) s;
--@ routed
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY paid_at - issued::timestamptz) FROM invoices;
--@ routed
SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY paid_at - issued::timestamptz) FROM invoices;
--@ routed
SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY paid_at), percentile_disc(0.25) WITHIN GROUP (ORDER BY issued), mode() WITHIN GROUP (ORDER BY status) FROM invoices WHERE id < 2;
--@ routed
SELECT date_trunc('month', at) AS month, count(DISTINCT account) AS mau, count(DISTINCT account) FILTER (WHERE kind = 'purchase') AS buyers, count(*) FILTER (WHERE kind = 'purchase')::float / nullif(count(DISTINCT account), 0) FROM hits GROUP BY 1 ORDER BY 1;
--@ routed
SELECT d::date AS day, (SELECT count(DISTINCT account) FROM hits h WHERE h.at::date = d::date) AS dau FROM generate_series('2024-04-01'::timestamp, '2024-04-10', '1 day') d ORDER BY 1;
--@ routed
SELECT d.day, count(DISTINCT h.account) AS rolling FROM (SELECT generate_series(date '2024-04-01', date '2024-04-12', interval '1 day')::date AS day) d LEFT JOIN hits h ON h.at >= d.day - 6 AND h.at < d.day + 1 GROUP BY 1 ORDER BY 1;
--@ routed
WITH s AS (SELECT *, CASE WHEN at - lag(at) OVER (PARTITION BY account ORDER BY at, id) > interval '30 minutes' THEN 1 ELSE 0 END AS new FROM hits WHERE account IS NOT NULL) SELECT account, 1 + max(n) FROM (SELECT account, sum(new) OVER (PARTITION BY account ORDER BY at, id) AS n FROM s) t GROUP BY account ORDER BY 1;
--@ routed
SELECT a.kind AS from_kind, b.kind AS to_kind, count(*) FROM (SELECT session, kind, lead(id) OVER (PARTITION BY session ORDER BY at, id) AS next_id FROM hits) a JOIN hits b ON b.id = a.next_id GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2;
--@ routed
SELECT account, count(*) FILTER (WHERE at >= timestamptz '2024-06-01' - interval '30 days') AS last30, count(*) FILTER (WHERE at >= timestamptz '2024-06-01' - interval '7 days') AS last7 FROM hits WHERE account IS NOT NULL GROUP BY account HAVING count(*) > 10 ORDER BY 1;
--@ routed
SELECT extract(year FROM issued)::int AS y, sum(net) FILTER (WHERE extract(month FROM issued) = 1) AS jan, sum(net) FILTER (WHERE extract(month FROM issued) = 2) AS feb, sum(net) FILTER (WHERE to_char(issued, 'MM') = '03') AS mar FROM invoices GROUP BY 1 ORDER BY 1;
--@ routed
SELECT to_char(issued, 'YYYY-"Q"Q') AS quarter, to_char(sum(net), 'FM999,999,990.00') AS total FROM invoices GROUP BY 1 ORDER BY 1;
--@ routed
SELECT to_char(sum(net), '999G999D99') AS t, to_char(avg(net), 'FM9990.0'), to_char(count(*), 'FM9999'), to_char(0.256, 'FM90.0%') FROM invoices;
--@ function
SELECT to_char(net, '99999D99') AS n, count(*) FROM invoices GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 5;
--@ function
SELECT to_char(lines, 'FM000') AS n, count(*) FROM invoices GROUP BY 1 ORDER BY 1;
--@ routed
SELECT to_char(paid_at, 'Dy, DD Mon YYYY HH12:MI AM') FROM invoices WHERE id < 20 ORDER BY id;
--@ routed
SELECT to_char(at, 'IYYY-"W"IW') AS week, count(*) FROM hits GROUP BY week ORDER BY week;
--@ routed
SELECT to_char(issued, 'FMMonth YYYY') AS m, count(*) FROM invoices GROUP BY 1, date_trunc('month', issued) ORDER BY date_trunc('month', issued);
--@ routed
SELECT to_char(issued, 'YYYY/MM/DD'), to_char(issued, 'DDth Month'), to_char(issued, 'YYMMDD') FROM invoices WHERE id < 4 ORDER BY id;
--@ routed
SELECT to_char(max(at) - min(at), 'HH24:MI:SS') FROM hits GROUP BY session ORDER BY session LIMIT 5;
--@ routed
SELECT to_char(at, 'Day') AS d, count(*) FROM hits WHERE to_char(at, 'HH24:MI') >= '12:00' GROUP BY 1 ORDER BY 1;
-- invoices and money
--@ routed
SELECT currency, sum(round(net * (1 + coalesce(tax_rate, 0)), 2)) AS gross FROM invoices GROUP BY currency ORDER BY 1;
--@ float_aggregate_order
SELECT currency, sum(net * fx) FROM invoices GROUP BY currency ORDER BY 1;
--@ routed
SELECT currency, round(sum(net * fx::numeric), 2) FROM invoices GROUP BY currency ORDER BY 1;
--@ routed
SELECT round(avg(net), 2), round(sum(net) / count(*), 4), trunc(avg(net)), ceil(avg(net)), floor(min(net)) FROM invoices;
--@ routed
SELECT status, round(100.0 * count(*) / (SELECT count(*) FROM invoices), 2) AS pct FROM invoices GROUP BY status ORDER BY pct DESC, status;
--@ routed
SELECT status, round((count(*)::float / sum(count(*)) OVER () * 100)::numeric, 2) AS pct FROM invoices GROUP BY status ORDER BY 1;
--@ routed
SELECT CASE WHEN due IS NULL THEN 'none' WHEN date '2024-09-01' - due > 90 THEN '90+' WHEN date '2024-09-01' - due > 60 THEN '61-90' WHEN date '2024-09-01' - due > 30 THEN '31-60' ELSE 'current' END AS aging, count(*), sum(net) FROM invoices WHERE status IN ('open', 'overdue') GROUP BY 1 ORDER BY 1;
--@ routed
SELECT account, sum(net), sum(sum(net)) OVER (ORDER BY sum(net) DESC, account) / sum(sum(net)) OVER () AS cum FROM invoices GROUP BY account ORDER BY 2 DESC, 1 LIMIT 20;
--@ routed
SELECT ntile(4) OVER (ORDER BY net, id) AS quartile, net FROM invoices WHERE net > 0 ORDER BY net, id LIMIT 30;
--@ routed
SELECT quartile, count(*), min(net), max(net), avg(net) FROM (SELECT net, ntile(4) OVER (ORDER BY net, id) AS quartile FROM invoices) q GROUP BY quartile ORDER BY 1;
--@ routed
SELECT issued, sum(net) AS day, sum(sum(net)) OVER (PARTITION BY date_trunc('month', issued) ORDER BY issued) AS mtd, avg(sum(net)) OVER (ORDER BY issued ROWS BETWEEN 6 PRECEDING AND CURRENT ROW) AS ma7 FROM invoices GROUP BY issued ORDER BY issued LIMIT 60;
--@ routed
SELECT status, sum(net) FROM invoices GROUP BY ROLLUP (status) ORDER BY status NULLS LAST;
--@ routed
SELECT coalesce(currency, 'total') AS cur, coalesce(status, 'all') AS st, sum(net) FROM invoices GROUP BY CUBE (currency, status) ORDER BY 1, 2, 3;
--@ routed
SELECT currency, status, grouping(currency, status), count(*) FROM invoices GROUP BY GROUPING SETS ((currency), (status), ()) ORDER BY 3, 1, 2;
--@ routed
SELECT min(net), max(net), sum(net), avg(net), stddev(net), variance(net), count(net), count(DISTINCT net) FROM invoices WHERE status = 'paid';
--@ float_aggregate_order
SELECT corr(net, lines), regr_slope(net, lines), regr_intercept(net, lines), covar_pop(net, lines) FROM invoices;
--@ float_aggregate_order
SELECT corr(fx, lines), regr_r2(fx, lines) FROM invoices;
--@ float_aggregate_order
SELECT regr_count(net, tax_rate), regr_avgx(net, tax_rate), regr_avgy(lines, lines) FROM invoices;
--@ float_aggregate_order
SELECT stddev(fx), variance(fx), avg(fx), sum(fx) FROM invoices;
--@ routed
SELECT currency, stddev_samp(lines), var_pop(lines), avg(lines)::numeric(10,2) FROM invoices GROUP BY 1 ORDER BY 1;
--@ function
SELECT exp(sum(ln(lines))) FROM invoices WHERE id < 30;
--@ function
SELECT exp(avg(ln(net))) AS geometric FROM invoices WHERE net > 0;
--@ routed
SELECT ln(net), log(net), log(2, net), exp(tax_rate), power(1 + tax_rate, 2), sqrt(net) FROM invoices WHERE net > 0 AND id < 30 ORDER BY id;
--@ failed when it ran
SELECT round(sqrt(sum(net * net) / count(*)), 3) AS rms FROM invoices;
--@ function
SELECT round(power(1.05, extract(year FROM issued) - 2020), 4) AS f, count(*) FROM invoices GROUP BY 1 ORDER BY 1;
--@ function
SELECT count(*) FROM invoices WHERE log(net) > 3 AND net > 0;
--@ routed
SELECT number, net, net - avg(net) OVER (PARTITION BY currency) AS diff, (net - avg(net) OVER (PARTITION BY currency)) / nullif(stddev(net) OVER (PARTITION BY currency), 0) AS z FROM invoices WHERE id < 60 ORDER BY id;
--@ routed
SELECT split_part(number, '-', 2)::int AS year, count(*), max(split_part(number, '-', 3)) FROM invoices GROUP BY 1 ORDER BY 1;
--@ routed
SELECT right(number, 2) AS suffix, count(*) FROM invoices WHERE left(number, 3) = 'INV' GROUP BY right(number, 2) HAVING count(*) > 7 ORDER BY 1;
--@ routed
SELECT sum(balance), avg(seats), min(balance), max(balance) FROM accounts;
--@ routed
SELECT tier, sum(balance) FROM accounts WHERE balance > 0::money GROUP BY tier ORDER BY tier;
--@ cast
SELECT tier, sum(balance::numeric) FROM accounts GROUP BY tier ORDER BY tier;
--@ cast
SELECT count(*) FROM accounts WHERE balance::numeric > 100 AND balance <> '50.00';
--@ routed
SELECT balance * 2, balance / 3, balance + balance FROM accounts WHERE seats > 40 ORDER BY id;
--@ routed
SELECT id, balance FROM accounts WHERE balance > 500::money ORDER BY balance DESC, id LIMIT 5;
--@ routed
SELECT tax_rate, count(*), sum(net * tax_rate) FROM invoices GROUP BY tax_rate ORDER BY tax_rate NULLS FIRST;
--@ routed
SELECT tax_rate::text || '%' AS rate, count(*) FROM invoices GROUP BY 1 ORDER BY 1;
--@ routed
SELECT round(tax_rate * 100)::int || '%' AS rate, count(*) FROM invoices GROUP BY 1 ORDER BY 1;
--@ routed
SELECT net::int % 10 AS d, count(*) FROM invoices GROUP BY 1 ORDER BY 1;
--@ routed
SELECT greatest(net, 0), least(net, 1000.0, lines), coalesce(tax_rate, 0) FROM invoices WHERE id < 25 ORDER BY id;
--@ float_aggregate_order
SELECT sum(greatest(net, 0)), sum(least(net, lines)), sum(coalesce(rebate, 0)) FROM invoices;
--@ routed
SELECT sum(CASE WHEN tax_rate IS NULL THEN 0 WHEN tax_rate = 0 THEN net ELSE net * tax_rate END) FROM invoices;
--@ routed
SELECT avg(CASE WHEN status = 'paid' THEN 1.0 ELSE 0 END), avg((status = 'paid')::int), sum((net > 100)::int) FROM invoices;
--@ routed
SELECT count(*) FROM invoices WHERE net / lines > 100 AND lines <> 0;
--@ routed
SELECT sum(net) / sum(lines) AS per_line, sum(net / lines) FROM invoices;
--@ routed
SELECT div(sum(net), 3), mod(sum(lines), 7), sum(net) % 7, abs(min(net)), sign(min(net)) FROM invoices;
--@ routed
SELECT rebate, sum(net) FROM invoices GROUP BY rebate ORDER BY rebate;
--@ routed
SELECT fx, count(*) FROM invoices GROUP BY fx ORDER BY fx LIMIT 5;
--@ routed
SELECT round(fx::numeric, 2), count(*) FROM invoices WHERE fx > 1.2 GROUP BY 1 ORDER BY 1;
--@ routed
SELECT max(fx), min(fx), max(rebate) FROM invoices;
-- time
--@ routed
SELECT date_trunc('week', paid_at)::date AS w, extract(week FROM paid_at) AS nr, count(*) FROM invoices WHERE paid_at IS NOT NULL GROUP BY 1, 2 ORDER BY 1;
--@ function
SELECT age(due, issued), count(*) FROM invoices GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 5;
--@ routed
SELECT extract(day FROM due::timestamp - issued::timestamp) AS days, count(*) FROM invoices GROUP BY 1 ORDER BY 1;
--@ routed
SELECT avg(paid_at - issued), sum(paid_at - issued) FROM invoices WHERE status = 'paid';
--@ routed
SELECT justify_hours(sum(weekly)), avg(weekly), min(weekly), max(weekly) FROM employees;
--@ routed
SELECT justify_interval(max(at) - min(at)), justify_days(max(at) - min(at)) FROM hits;
--@ routed
SELECT department, sum(weekly), count(*) FROM employees GROUP BY department ORDER BY department;
--@ routed
SELECT extract(epoch FROM weekly) / 3600 AS hours, count(*) FROM employees GROUP BY 1 ORDER BY 1;
--@ routed
SELECT name, hired + weekly FROM employees WHERE id < 9 ORDER BY id;
--@ function
SELECT make_interval(days => lines), count(*) FROM invoices GROUP BY 1 ORDER BY 1;
--@ cast
SELECT (lines || ' days')::interval AS i, count(*) FROM invoices GROUP BY 1 ORDER BY 1;
--@ routed
SELECT issued + (lines || ' days')::interval FROM invoices WHERE id < 8 ORDER BY id;
--@ routed
SELECT issued + lines * interval '1 day' AS due, count(*) FROM invoices GROUP BY 1 ORDER BY 1 LIMIT 10;
--@ cast
SELECT date_trunc('hour', opens), count(*) FROM accounts GROUP BY 1 ORDER BY 1;
--@ routed
SELECT count(*) FROM accounts WHERE opens BETWEEN '08:00' AND '09:30:00';
--@ routed
SELECT extract(hour FROM opens) AS h, min(opens), max(opens) FROM accounts GROUP BY 1 ORDER BY 1;
--@ routed
SELECT opens, count(*) FROM accounts GROUP BY opens ORDER BY opens;
--@ routed
SELECT at::time AS t, id FROM hits ORDER BY id LIMIT 10;
--@ routed
SELECT count(*) FROM hits WHERE at::time BETWEEN '09:00' AND '17:00';
--@ routed
SELECT count(*) FROM hits WHERE local::time >= time '18:00' OR local::time < time '06:00';
--@ routed
SELECT date_trunc('hour', at)::time AS h, count(*) FROM hits GROUP BY 1 ORDER BY 1;
--@ routed
SELECT trial_ends + opens, count(*) FROM accounts GROUP BY 1 ORDER BY 1 LIMIT 9;
--@ routed
SELECT opens + interval '90 minutes' FROM accounts WHERE seats = 10 ORDER BY id;
--@ routed
SELECT at AT TIME ZONE 'Asia/Tokyo', timezone('UTC', at), local AT TIME ZONE 'Europe/Berlin' FROM hits WHERE id < 30 ORDER BY id;
--@ routed
SELECT date(at AT TIME ZONE 'Asia/Kolkata') AS d, count(*) FROM hits GROUP BY d ORDER BY d LIMIT 15;
--@ routed
SELECT date_trunc('day', at, 'Australia/Sydney') AS d, count(*) FROM hits GROUP BY d ORDER BY d LIMIT 15;
--@ routed
SELECT count(*) FROM invoices WHERE issued = current_date OR issued < now() - interval '1 year';
--@ routed
SELECT count(*) FROM hits WHERE at > current_timestamp - interval '90 days' AND at < localtimestamp;
--@ routed
SELECT current_date - max(issued) > 0, now() > max(at) FROM invoices, hits;
--@ routed
SELECT extract(doy FROM issued), extract(isoyear FROM issued), extract(century FROM issued), extract(julian FROM issued) FROM invoices WHERE id < 10 ORDER BY id;
--@ routed
SELECT date_part('month', paid_at), date_part('dow', paid_at), date_part('epoch', paid_at) FROM invoices WHERE id < 10 ORDER BY id;
--@ routed
SELECT date_trunc('decade', issued), date_trunc('century', paid_at) FROM invoices WHERE id < 5 ORDER BY id;
--@ routed
SELECT (issued - interval '1 month')::date, issued - 30, (date_trunc('month', issued) + interval '1 month - 1 day')::date FROM invoices WHERE id < 12 ORDER BY id;
--@ routed
SELECT count(*) FROM invoices WHERE (issued, due) OVERLAPS (date '2024-05-01', date '2024-05-31');
--@ routed
SELECT count(*) FROM invoices WHERE daterange(issued, due) @> date '2024-05-05';
--@ operator
SELECT count(*) FROM invoices WHERE due >= issued AND daterange(issued, due, '[]') && daterange('2024-05-01', '2024-06-01');
--@ routed
SELECT upper(r), lower(r), isempty(r), count(*) FROM facts GROUP BY 1, 2, 3 ORDER BY 1, 2;
--@ routed
SELECT count(*) FROM facts WHERE r @> 5 AND r && int4range(6, 9);
--@ routed
SELECT make_date(extract(year FROM issued)::int, 1, 1) AS y, count(*) FROM invoices GROUP BY 1 ORDER BY 1;
--@ routed
SELECT to_date(replace(substring(number, 5, 4) || '-01-01', '/', '-'), 'YYYY-MM-DD'), count(*) FROM invoices GROUP BY 1;
--@ routed
SELECT to_timestamp(id * 1000), to_timestamp(id / 2.0) FROM invoices WHERE id < 5 ORDER BY id;
--@ routed
SELECT d, extract(isodow FROM d) FROM generate_series(date '2024-02-26', date '2024-03-03', '1 day') d WHERE NOT EXISTS (SELECT 1 FROM invoices WHERE issued = d::date);
--@ routed
SELECT s.sensor, g.t, count(r.value) FROM (SELECT DISTINCT sensor FROM readings) s CROSS JOIN generate_series(timestamptz '2024-10-26 18:00Z', timestamptz '2024-10-26 23:00Z', interval '1 hour') AS g(t) LEFT JOIN readings r ON r.sensor = s.sensor AND r.at >= g.t AND r.at < g.t + interval '1 hour' GROUP BY 1, 2 ORDER BY 1, 2;
-- text
--@ routed
SELECT split_part(email, '@', 2) AS domain, count(*) FROM accounts WHERE email IS NOT NULL GROUP BY domain ORDER BY 2 DESC, 1;
--@ routed
SELECT lower(trim(both ' ' from name)), upper(left(name, 3)), initcap(status) FROM accounts a JOIN invoices i ON i.account = a.id WHERE i.id < 12 ORDER BY i.id;
--@ routed
SELECT regexp_replace(website, '^https?://(www\.)?([^/]+).*$', '\2') AS host, count(*) FROM accounts GROUP BY 1 ORDER BY 1;
--@ routed
SELECT substring(website from '//([^/]+)') AS host, count(*) FROM accounts GROUP BY 1 ORDER BY 1;
--@ routed
SELECT (regexp_match(path, 'q=([a-z]+)'))[1] AS q, count(*) FROM hits GROUP BY 1 ORDER BY 1;
--@ routed
SELECT count(*) FROM hits WHERE path ~ '^/shop/(item|cart)' AND agent !~* 'iphone';
--@ routed
SELECT regexp_replace(path, '\?.*$', '') AS page, count(*) FROM hits GROUP BY 1 ORDER BY 2 DESC, 1;
--@ routed
SELECT split_part(path, '?', 1) AS page, count(*), count(DISTINCT account) FROM hits WHERE path IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1;
--@ routed
SELECT string_agg(DISTINCT split_part(path, '/', 2), ',' ORDER BY split_part(path, '/', 2)) FROM hits;
--@ routed
SELECT string_agg(name, '; ' ORDER BY salary DESC NULLS LAST, id) FROM employees GROUP BY department ORDER BY department;
--@ routed
SELECT string_agg(id::text, ',' ORDER BY id) FROM employees WHERE salary > 50000;
--@ routed
SELECT string_agg(department || ':' || n, ', ' ORDER BY n DESC, department) FROM (SELECT department, count(*) AS n FROM employees GROUP BY 1) d;
--@ routed
SELECT format('%s <%s>', name, email) FROM accounts ORDER BY id LIMIT 5;
--@ routed
SELECT concat_ws(', ', name, country, tier) FROM accounts ORDER BY id LIMIT 9;
--@ routed
SELECT name || ' / ' || coalesce(country, '??') || ' / ' || seats FROM accounts ORDER BY id LIMIT 9;
--@ routed
SELECT lpad(id::text, 6, '0'), rpad(status, 10, '.'), repeat('*', lines), reverse(number), md5(number) FROM invoices WHERE id < 7 ORDER BY id;
--@ routed
SELECT translate(number, '-', '/'), overlay(number placing 'XX' from 1 for 3), position('-' in number), strpos(number, '2024'), ascii(number), chr(64 + lines) FROM invoices WHERE id < 7 ORDER BY id;
--@ routed
SELECT char_length(name), octet_length(name), bit_length(name) FROM accounts ORDER BY id LIMIT 7;
--@ routed
SELECT sum(length(note)), avg(length(note)), max(char_length(note)) FROM invoices;
--@ routed
SELECT replace(replace(agent, 'Mozilla/', ''), ' ', '_') AS a, count(*) FROM hits GROUP BY 1 ORDER BY 1;
--@ routed
SELECT country, count(*) FROM accounts WHERE country = 'DE' OR country LIKE 'U%' GROUP BY country;
--@ routed
SELECT country || '-' || tier::text AS k, count(*) FROM accounts GROUP BY 1 ORDER BY 1;
--@ routed
SELECT grade, count(*), avg(salary) FROM employees GROUP BY grade ORDER BY grade;
--@ routed
SELECT upper(country), lower(country), length(country), substr(country, 1, 1) FROM accounts ORDER BY id LIMIT 6;
--@ routed
SELECT encode(sha256(name::bytea), 'hex'), encode(convert_to(name, 'UTF8'), 'base64') FROM accounts ORDER BY id LIMIT 4;
--@ routed
SELECT count(*) FROM accounts WHERE name SIMILAR TO '%(co|Inc)%' OR name LIKE ANY (ARRAY['%S.A.%', '%GmbH%']);
--@ routed
SELECT count(*) FROM accounts WHERE name ILIKE ANY (ARRAY['%acme%', '%foods%']);
--@ routed
SELECT count(*) FROM accounts WHERE starts_with(name, 'plain') OR name ^@ 'ACME';
--@ routed
SELECT left(md5(id::text), 2) AS shard, count(*) FROM hits GROUP BY 1 ORDER BY 1 LIMIT 10;
--@ routed
SELECT 'x' || name AS a, name COLLATE "C" FROM accounts ORDER BY name COLLATE "C" DESC LIMIT 4;
--@ routed
SELECT nullif(note, ''), coalesce(nullif(trim(note), ''), '(none)') AS n, count(*) FROM invoices GROUP BY 1, 2 ORDER BY 2;
--@ routed
SELECT unnest(string_to_array(path, '/')) AS part, count(*) FROM hits GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 10;
--@ routed
SELECT (string_to_array(number, '-'))[2] AS y, count(*) FROM invoices GROUP BY 1 ORDER BY 1;
--@ routed
SELECT array_to_string(array_agg(status ORDER BY id), '|') FROM invoices WHERE id < 12;
-- arrays, json
--@ routed
SELECT l, count(*) FROM accounts, unnest(labels) AS l GROUP BY l ORDER BY 2 DESC, 1;
--@ routed
SELECT unnest(skills) AS skill, avg(salary) FROM employees GROUP BY 1 ORDER BY 1;
--@ routed
SELECT count(*) FROM employees WHERE 'sql' = ANY (skills) AND NOT ('go' = ANY (skills));
--@ routed
SELECT count(*) FROM employees WHERE skills @> '{sql}' OR skills = '{}' OR cardinality(skills) > 2;
--@ routed
SELECT array_length(skills, 1) AS n, count(*) FROM employees GROUP BY 1 ORDER BY 1;
--@ routed
SELECT skills[1] AS first, count(*) FROM employees GROUP BY 1 ORDER BY 1;
--@ routed
SELECT array_agg(DISTINCT department ORDER BY department), array_agg(id ORDER BY salary DESC NULLS LAST, id) FROM employees;
--@ routed
SELECT department, (array_agg(name ORDER BY salary DESC NULLS LAST, id))[1] AS top FROM employees GROUP BY department ORDER BY 1;
--@ routed
SELECT department, (array_agg(name ORDER BY salary DESC NULLS LAST, id))[1:3] AS top FROM employees GROUP BY department ORDER BY 1;
--@ routed
SELECT payload->>'sku' AS sku, sum((payload->>'price')::numeric) AS total FROM hits GROUP BY 1 ORDER BY 1;
--@ routed
SELECT sum((payload->>'price')::numeric * (payload->>'qty')::int) FROM hits WHERE payload ? 'price';
--@ routed
SELECT payload->'user'->>'name', count(*) FROM hits WHERE payload->'user' IS NOT NULL GROUP BY 1;
--@ routed
SELECT (payload->'user'->>'id')::int AS uid, count(*) FROM hits GROUP BY 1 ORDER BY 1;
--@ routed
SELECT count(*) FROM hits WHERE payload @> '{"ok": true}' OR payload->>'ok' = 'false';
--@ routed
SELECT count(*) FROM hits WHERE (payload->>'ok')::boolean;
--@ routed
SELECT settings->>'plan' AS plan, avg((settings->>'limit')::int), bool_or((settings->>'beta')::boolean) FROM accounts GROUP BY 1 ORDER BY 1;
--@ routed
SELECT count(*) FROM hits WHERE jsonb_array_length(payload->'tags') > 1;
--@ routed
SELECT t, count(*) FROM hits, jsonb_array_elements_text(payload->'tags') AS t GROUP BY t ORDER BY t;
--@ routed
SELECT key, count(*) FROM hits, jsonb_object_keys(payload) AS key GROUP BY key ORDER BY key;
--@ failed when it ran
SELECT key, value, count(*) FROM hits, jsonb_each_text(payload) GROUP BY 1, 2 ORDER BY 1, 2;
--@ routed
SELECT json_build_object('status', status, 'n', count(*), 'total', sum(net)) FROM invoices GROUP BY status ORDER BY status;
--@ routed
SELECT json_agg(json_build_object('id', id, 'net', net) ORDER BY id) FROM invoices WHERE id < 6;
--@ routed
SELECT jsonb_object_agg(status, n ORDER BY status) FROM (SELECT status, count(*) AS n FROM invoices GROUP BY 1) s;
--@ expression
SELECT json_agg(row_to_json(t)) FROM (SELECT status, count(*) AS n FROM invoices GROUP BY status ORDER BY status) t;
--@ routed
SELECT row_to_json(t) FROM (SELECT status, count(*) AS n FROM invoices GROUP BY status ORDER BY status) t;
--@ routed
SELECT to_jsonb(status), to_json(sum(net)) FROM invoices GROUP BY status ORDER BY status;
--@ routed
SELECT jsonb_pretty(payload), payload - 'sku', payload || '{"x": 1}' FROM hits WHERE id < 5 ORDER BY id;
-- joins and subqueries
--@ routed
SELECT a.name, count(i.id), sum(i.net) FROM accounts a LEFT JOIN invoices i ON i.account = a.id AND i.status = 'paid' GROUP BY a.id, a.name ORDER BY 3 DESC NULLS LAST, 1 LIMIT 10;
--@ routed
SELECT e.name, m.name AS boss, e.salary - m.salary AS gap FROM employees e LEFT JOIN employees m ON m.id = e.manager ORDER BY e.id LIMIT 20;
--@ routed
SELECT e.department, count(*) FROM employees e WHERE e.salary > (SELECT avg(salary) FROM employees x WHERE x.department = e.department) GROUP BY 1 ORDER BY 1;
--@ correlated_subquery
SELECT e.name, e.salary FROM employees e WHERE 2 > (SELECT count(DISTINCT x.salary) FROM employees x WHERE x.department = e.department AND x.salary > e.salary) ORDER BY e.id;
--@ correlated_subquery
SELECT e.id, (SELECT count(*) FROM employees x WHERE x.salary > e.salary) + 1 AS pos FROM employees e ORDER BY e.id;
--@ correlated_subquery
SELECT i.id, (SELECT sum(x.net) FROM invoices x WHERE x.account = i.account AND x.issued <= i.issued) AS running FROM invoices i WHERE i.id < 40 ORDER BY 1;
--@ routed
SELECT a.id FROM accounts a WHERE (SELECT count(*) FROM invoices i WHERE i.account = a.id AND i.net > 1000) >= 3 ORDER BY 1;
--@ routed
SELECT a.id FROM accounts a WHERE a.id NOT IN (SELECT account FROM invoices WHERE status = 'open') ORDER BY 1;
--@ routed
SELECT a.name FROM accounts a WHERE EXISTS (SELECT FROM invoices i WHERE i.account = a.id AND i.issued > a.trial_ends) ORDER BY 1;
--@ correlated_subquery
SELECT a.name FROM accounts a WHERE EXISTS (SELECT 1 FROM hits h WHERE h.account = a.id AND h.at BETWEEN a.created_at AND a.created_at + interval '90 days') ORDER BY 1;
--@ routed
SELECT i.number FROM invoices i WHERE i.net = (SELECT max(net) FROM invoices) OR i.net = (SELECT min(net) FROM invoices WHERE net > 0) ORDER BY 1;
--@ routed
SELECT * FROM (SELECT account, number, net, row_number() OVER (PARTITION BY account ORDER BY net DESC, id) AS rn FROM invoices) x WHERE rn = 1 ORDER BY account;
--@ routed
SELECT a.id, x.number FROM accounts a, LATERAL (SELECT number FROM invoices i WHERE i.account = a.id ORDER BY i.net DESC, i.id LIMIT 2) x ORDER BY 1, 2;
--@ routed
SELECT department, name, salary FROM employees ORDER BY salary DESC NULLS LAST, id FETCH FIRST 5 ROWS WITH TIES;
--@ routed
SELECT 'invoices' AS t, count(*) FROM invoices UNION ALL SELECT 'hits', count(*) FROM hits UNION ALL SELECT 'accounts', count(*) FROM accounts ORDER BY 1;
--@ routed
SELECT account FROM invoices WHERE status = 'paid' INTERSECT SELECT account FROM hits WHERE kind = 'purchase' ORDER BY 1 LIMIT 20;
--@ routed
(SELECT account FROM invoices EXCEPT SELECT id FROM accounts) UNION (SELECT account FROM hits WHERE account IS NOT NULL EXCEPT SELECT account FROM invoices) ORDER BY 1;
--@ routed
SELECT v.code, v.label, count(i.id) FROM (VALUES ('EUR', 'Euro'), ('USD', 'Dollar'), ('CHF', 'Franken')) AS v(code, label) LEFT JOIN invoices i ON i.currency = v.code GROUP BY 1, 2 ORDER BY 1;
--@ routed
SELECT coalesce(a.d, b.d) AS d, a.n, b.n FROM (SELECT issued AS d, count(*) AS n FROM invoices GROUP BY 1) a FULL JOIN (SELECT paid_at::date AS d, count(*) AS n FROM invoices GROUP BY 1) b USING (d) ORDER BY 1 NULLS LAST LIMIT 30;
SELECT count(a) FROM accounts a;
SELECT count(i), count(DISTINCT a) FROM accounts a LEFT JOIN invoices i ON i.account = a.id WHERE a.seats IS NOT NULL;
SELECT count(*) FROM accounts a LEFT JOIN invoices i ON i.account = a.id WHERE i IS NULL;
SELECT a FROM accounts a WHERE seats = 5 ORDER BY id;
--@ routed
SELECT department, count(*), count(*) FILTER (WHERE left_on IS NULL) AS active, avg(salary) FILTER (WHERE left_on IS NULL), max(coalesce(bonus, 0)) FROM employees GROUP BY department HAVING count(*) FILTER (WHERE left_on IS NULL) > 3 ORDER BY 1;
--@ recursive
WITH RECURSIVE t AS (SELECT id, manager, 1 AS level FROM employees WHERE manager IS NULL UNION ALL SELECT e.id, e.manager, t.level + 1 FROM employees e JOIN t ON e.manager = t.id) SELECT level, count(*) FROM t GROUP BY level ORDER BY level;
--@ routed
SELECT department, rank() OVER w, percent_rank() OVER w, cume_dist() OVER w, salary FROM employees WINDOW w AS (PARTITION BY department ORDER BY salary) ORDER BY id;
--@ routed
SELECT id, salary, first_value(name) OVER (PARTITION BY department ORDER BY salary DESC NULLS LAST, id), nth_value(name, 2) OVER (PARTITION BY department ORDER BY salary DESC NULLS LAST, id), lead(salary, 1, 0.00) OVER (ORDER BY id) FROM employees ORDER BY id;
--@ window
SELECT id, avg(salary) OVER (ORDER BY id ROWS BETWEEN 2 PRECEDING AND 2 FOLLOWING EXCLUDE CURRENT ROW) FROM employees ORDER BY id;
--@ window
SELECT id, sum(salary) OVER (ORDER BY department NULLS FIRST GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM employees ORDER BY id;
SELECT id, count(*) OVER (ORDER BY hired RANGE BETWEEN interval '1 year' PRECEDING AND CURRENT ROW) FROM employees ORDER BY id;
--@ routed
SELECT issued, sum(net) OVER (ORDER BY issued RANGE BETWEEN '30 days' PRECEDING AND '1 day' PRECEDING) FROM invoices WHERE id < 90 ORDER BY issued, id;
--@ routed
SELECT hired - lag(hired) OVER (ORDER BY hired, id) AS gap, sum(salary) OVER (ORDER BY hired, id) FROM employees ORDER BY id LIMIT 20;
--@ routed
SELECT DISTINCT ON (date_trunc('month', issued)) date_trunc('month', issued), number, net FROM invoices ORDER BY date_trunc('month', issued), net DESC, id;
--@ routed
SELECT DISTINCT ON (lower(status), currency) lower(status), currency, id FROM invoices ORDER BY lower(status), currency, id DESC;
--@ routed
SELECT count(DISTINCT (account, currency)), count(DISTINCT account || currency) FROM invoices;
--@ routed
SELECT status FROM invoices GROUP BY status HAVING avg(net) > (SELECT avg(net) FROM invoices) ORDER BY avg(net) DESC;
--@ routed
SELECT x.status, x.n FROM (SELECT status, count(*) AS n FROM invoices GROUP BY status) x WHERE x.n = (SELECT max(n) FROM (SELECT count(*) AS n FROM invoices GROUP BY status) y) ORDER BY 1;
--@ routed
SELECT max(total), min(total), avg(total) FROM (SELECT account, sum(net) AS total FROM invoices GROUP BY account) t;
--@ routed
SELECT n, count(*) FROM (SELECT account, count(*) AS n FROM invoices GROUP BY account) t GROUP BY n ORDER BY n;
--@ routed
SELECT ip, count(*) FROM hits GROUP BY ip ORDER BY count(*) DESC, ip LIMIT 5;
--@ routed
SELECT count(*) FROM hits WHERE ip << '192.168.1.0/24' OR ip = '192.168.0.7';
--@ routed
SELECT host(ip), family(ip), masklen(ip), count(*) FROM hits WHERE id < 30 GROUP BY 1, 2, 3 ORDER BY 1;
--@ function
SELECT network(set_masklen(ip, 24)) AS net, count(*) FROM hits GROUP BY 1 ORDER BY 1;
--@ routed
SELECT flags & 4 AS f, bit_or(flags), bit_and(flags), count(*) FROM hits GROUP BY 1 ORDER BY 1;
--@ routed
SELECT count(*) FROM hits WHERE flags & 3 = 3 OR (flags >> 2) = 1 OR flags # 5 = 0;
--@ routed
SELECT bot, count(*), bool_and(ms > 10), avg(ms) FROM hits GROUP BY bot ORDER BY bot NULLS FIRST;
--@ routed
SELECT count(*) FROM hits WHERE bot IS NOT TRUE AND ms IS NOT NULL AND (ms > 1000) IS NOT FALSE;
SELECT CASE kind WHEN 'view' THEN 1 WHEN 'click' THEN 2.5 ELSE NULL END AS w, count(*) FROM hits GROUP BY 1 ORDER BY 1;
--@ routed
SELECT num_nonnulls(account, path, ms) AS filled, count(*) FROM hits GROUP BY 1 ORDER BY 1;
--@ routed
SELECT id::text, ms::text, at::text, bot::text, session::text FROM hits WHERE id < 9 ORDER BY id;
--@ routed
SELECT '12'::int + ms, ms::numeric(10,2), ms::float8 / 3, (ms / 3.0)::numeric(10,3) FROM hits WHERE id < 9 ORDER BY id;
SELECT ms / 1000.0 AS s, count(*) FROM hits GROUP BY 1 ORDER BY 1 DESC NULLS LAST LIMIT 5;
--@ routed
SELECT round(ms / 1000.0, 1) AS s, count(*) FROM hits GROUP BY 1 ORDER BY 1 LIMIT 9;
--@ routed
SELECT (ms / 500) * 500 AS bucket, count(*) FROM hits GROUP BY bucket ORDER BY bucket;
--@ routed
SELECT width_bucket(ms, ARRAY[100, 500, 1000, 2000]) AS b, count(*) FROM hits GROUP BY b ORDER BY b;
--@ volatile
SELECT random() < 2, count(*) FROM hits GROUP BY 1;
SELECT sensor, corr(load, quality), regr_slope(load, extract(epoch FROM at)) FROM readings GROUP BY sensor ORDER BY 1;
SELECT sensor, avg(value), sum(value), stddev(value) FROM readings GROUP BY sensor ORDER BY sensor;
--@ routed
SELECT sensor, avg(value::numeric(10,4)) FROM readings GROUP BY sensor ORDER BY sensor;
SELECT avg(rebate), sum(rebate) FROM invoices;
