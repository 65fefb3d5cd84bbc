-- What BI tools write: Metabase, Superset, Grafana, Looker, Tableau and Power BI in their manner.
-- Metabase
--@ routed
SELECT COUNT(*) AS "count" FROM "public"."invoices";
--@ routed
SELECT CAST("public"."invoices"."issued" AS date) AS "issued", SUM("public"."invoices"."net") AS "sum" FROM "public"."invoices" WHERE ("public"."invoices"."issued" >= DATE '2024-01-01') AND ("public"."invoices"."issued" < DATE '2024-06-01') GROUP BY CAST("public"."invoices"."issued" AS date) ORDER BY CAST("public"."invoices"."issued" AS date) ASC;
--@ routed
SELECT DATE_TRUNC('month', "public"."hits"."at") AS "at", COUNT(*) AS "count" FROM "public"."hits" GROUP BY DATE_TRUNC('month', "public"."hits"."at") ORDER BY DATE_TRUNC('month', "public"."hits"."at") ASC;
--@ routed
SELECT (CAST(date_trunc('week', CAST(("public"."hits"."at" + INTERVAL '1 day') AS timestamp)) AS timestamp) + INTERVAL '-1 day') AS "at", COUNT(*) AS "count" FROM "public"."hits" GROUP BY (CAST(date_trunc('week', CAST(("public"."hits"."at" + INTERVAL '1 day') AS timestamp)) AS timestamp) + INTERVAL '-1 day') ORDER BY 1 ASC;
--@ routed
SELECT CAST(extract(dow from "public"."hits"."at") AS integer) + 1 AS "day", COUNT(*) AS "count" FROM "public"."hits" GROUP BY CAST(extract(dow from "public"."hits"."at") AS integer) + 1 ORDER BY 1;
--@ routed
SELECT CAST(extract(hour from "public"."hits"."at") AS integer) AS "hour", COUNT(DISTINCT "public"."hits"."session") AS "count" FROM "public"."hits" GROUP BY CAST(extract(hour from "public"."hits"."at") AS integer) ORDER BY 1 ASC;
SELECT FLOOR(((CAST("public"."invoices"."net" AS float) - 0.0) / 500.0)) * 500.0 + 0.0 AS "net", COUNT(*) AS "count" FROM "public"."invoices" GROUP BY FLOOR(((CAST("public"."invoices"."net" AS float) - 0.0) / 500.0)) * 500.0 + 0.0 ORDER BY 1;
--@ routed
SELECT FLOOR(("public"."invoices"."net" / 500.0)) * 500.0 AS "net", COUNT(*) AS "count" FROM "public"."invoices" GROUP BY FLOOR(("public"."invoices"."net" / 500.0)) * 500.0 ORDER BY FLOOR(("public"."invoices"."net" / 500.0)) * 500.0 ASC;
--@ routed
SELECT "source"."status" AS "status", SUM("source"."gross") AS "sum" FROM (SELECT "public"."invoices"."status" AS "status", ("public"."invoices"."net" * (1 + COALESCE("public"."invoices"."tax_rate", 0))) AS "gross" FROM "public"."invoices") AS "source" GROUP BY "source"."status" ORDER BY "source"."status" ASC;
--@ routed
SELECT "Accounts"."tier" AS "Accounts__tier", SUM("public"."invoices"."net") AS "sum" FROM "public"."invoices" LEFT JOIN "public"."accounts" AS "Accounts" ON "public"."invoices"."account" = "Accounts"."id" GROUP BY "Accounts"."tier" ORDER BY "Accounts"."tier" ASC;
--@ routed
SELECT "Accounts"."country" AS "c", AVG("public"."invoices"."net") AS "avg", STDDEV_POP("public"."invoices"."net") AS "stddev" FROM "public"."invoices" INNER JOIN "public"."accounts" AS "Accounts" ON "public"."invoices"."account" = "Accounts"."id" WHERE "Accounts"."active" = TRUE GROUP BY "Accounts"."country" ORDER BY "avg" DESC, "c" ASC;
--@ routed
SELECT "public"."accounts"."id" AS "id", "public"."accounts"."name" AS "name", "public"."accounts"."country" AS "country", "public"."accounts"."tier" AS "tier", "public"."accounts"."active" AS "active", "public"."accounts"."created_at" AS "created_at", "public"."accounts"."trial_ends" AS "trial_ends", "public"."accounts"."settings" AS "settings" FROM "public"."accounts" LIMIT 2000;
--@ routed
SELECT COUNT(CASE WHEN "public"."invoices"."status" = 'paid' THEN 1 END) AS "paid", CAST(SUM(CASE WHEN "public"."invoices"."status" = 'paid' THEN 1 ELSE 0.0 END) AS DOUBLE PRECISION) / NULLIF(COUNT(*), 0) AS "share" FROM "public"."invoices";
--@ routed
SELECT COUNT(*) AS "count" FROM "public"."accounts" WHERE (LOWER("public"."accounts"."email") LIKE '%example%');
--@ routed
SELECT COUNT(*) AS "count" FROM "public"."accounts" WHERE ("public"."accounts"."name" NOT LIKE '%co%' OR "public"."accounts"."name" IS NULL) AND ("public"."accounts"."email" IS NOT NULL) AND ("public"."accounts"."email" <> '' OR "public"."accounts"."email" IS NULL);
--@ routed
SELECT PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY "public"."hits"."ms") AS "median", PERCENTILE_CONT(0.95) WITHIN GROUP (ORDER BY "public"."hits"."ms") AS "p95" FROM "public"."hits";
--@ routed
SELECT DATE_TRUNC('month', CAST("source"."issued" AS timestamp)) AS "m", SUM(SUM("source"."net")) OVER (ORDER BY DATE_TRUNC('month', CAST("source"."issued" AS timestamp)) ASC ROWS UNBOUNDED PRECEDING) AS "cum" FROM "public"."invoices" AS "source" GROUP BY DATE_TRUNC('month', CAST("source"."issued" AS timestamp)) ORDER BY 1;
--@ routed
SELECT COUNT(*) FROM hits WHERE "at" >= DATE_TRUNC('day', (TIMESTAMPTZ '2024-04-20 10:00:00Z' + (INTERVAL '-30 day'))) AND "at" < DATE_TRUNC('day', TIMESTAMPTZ '2024-04-20 10:00:00Z');
--@ routed
SELECT COUNT(*) AS "count" FROM hits WHERE at >= DATE_TRUNC('month', NOW() + (INTERVAL '-120 month')) AND at < DATE_TRUNC('month', (NOW() + (INTERVAL '1 month')));
--@ routed
SELECT ("public"."hits"."payload"#>> array['user','name']::text[])::text AS "payload_user_name", COUNT(*) AS "count" FROM "public"."hits" GROUP BY ("public"."hits"."payload"#>> array['user','name']::text[])::text ORDER BY 1;
--@ routed
SELECT CAST(("public"."hits"."payload"#>> array['qty']::text[]) AS bigint) AS qty, COUNT(*) FROM "public"."hits" GROUP BY 1 ORDER BY 1;
--@ routed
SELECT DATE_TRUNC('week', "public"."invoices"."paid_at" AT TIME ZONE 'Europe/Berlin') AS "paid", COUNT(*) FROM "public"."invoices" GROUP BY DATE_TRUNC('week', "public"."invoices"."paid_at" AT TIME ZONE 'Europe/Berlin') ORDER BY 1;
--@ routed
SELECT SUBSTRING("public"."accounts"."email" FROM '[^@]*$') AS "host", COUNT(*) FROM "public"."accounts" GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 10;
--@ routed
SELECT CONCAT("public"."accounts"."name", ' (', "public"."accounts"."country", ')') AS label, COUNT(*) FROM "public"."accounts" GROUP BY 1 ORDER BY 1 LIMIT 20;
--@ routed
SELECT COUNT(DISTINCT CASE WHEN "public"."invoices"."status" = 'paid' THEN "public"."invoices"."account" END) AS "payers" FROM "public"."invoices";
--@ routed
SELECT "public"."invoices"."status", MAX("public"."invoices"."paid_at") AS "max", MIN("public"."invoices"."due") AS "min" FROM "public"."invoices" WHERE "public"."invoices"."currency" IN ('EUR', 'USD') GROUP BY 1 HAVING COUNT(*) > 10;
--@ routed
SELECT SUM(CASE WHEN "net" > 100 THEN "net" ELSE 0.0 END) / NULLIF(CAST(COUNT(*) AS DOUBLE PRECISION), 0.0) AS "x" FROM "public"."invoices";
--@ function
SELECT LN("public"."invoices"."lines") AS "ln", COUNT(*) FROM "public"."invoices" GROUP BY 1;
--@ routed
SELECT POWER("public"."invoices"."lines", 2) AS "p", SQRT("public"."invoices"."lines") AS "s", COUNT(*) FROM "public"."invoices" GROUP BY 1, 2;
--@ routed
SELECT ROUND(CAST("public"."invoices"."fx" AS numeric), 1) AS "r", COUNT(*) FROM "public"."invoices" GROUP BY 1 ORDER BY 1;
-- Superset
--@ routed
SELECT DATE_TRUNC('day', at) AS __timestamp, count(*) AS count, kind AS kind FROM public.hits WHERE at >= '2024-04-01 00:00:00.000000' AND at < '2024-05-01 00:00:00.000000' GROUP BY DATE_TRUNC('day', at), kind ORDER BY count DESC, 1, kind LIMIT 50000;
--@ routed
SELECT kind AS kind, sum(ms) AS "SUM(ms)", avg(ms) AS "AVG(ms)" FROM public.hits GROUP BY kind ORDER BY "SUM(ms)" DESC LIMIT 100;
--@ routed
SELECT DATE_TRUNC('day', at) AS __timestamp, kind AS kind, AVG(ms) AS "AVG(ms)" FROM public.hits JOIN (SELECT kind AS kind__, AVG(ms) AS mme_inner__ FROM public.hits WHERE at >= '2024-01-01' GROUP BY kind ORDER BY mme_inner__ DESC LIMIT 3) AS series_limit ON kind = kind__ WHERE at >= '2024-01-01' GROUP BY DATE_TRUNC('day', at), kind ORDER BY "AVG(ms)" DESC, 1, 2 LIMIT 10000;
--@ routed
SELECT DATE_TRUNC('quarter', issued) AS __timestamp, COUNT(DISTINCT account) AS "COUNT_DISTINCT(account)" FROM public.invoices GROUP BY DATE_TRUNC('quarter', issued) ORDER BY 1;
--@ routed
SELECT country AS country, tier AS tier, COUNT(*) AS count, SUM(seats) AS seats FROM public.accounts WHERE country NOT IN ('JP') AND active IS true GROUP BY country, tier ORDER BY count DESC, 1, 2 LIMIT 1000;
--@ routed
SELECT COUNT(*) AS rowcount FROM (SELECT kind, path FROM public.hits GROUP BY kind, path LIMIT 50001) AS rowcount_qry;
--@ routed
SELECT status AS status, CASE WHEN net < 0 THEN 'refund' WHEN net BETWEEN 0 AND 999.99 THEN 'small' ELSE 'large' END AS size, sum(net) AS total FROM public.invoices GROUP BY status, CASE WHEN net < 0 THEN 'refund' WHEN net BETWEEN 0 AND 999.99 THEN 'small' ELSE 'large' END ORDER BY total DESC LIMIT 100;
--@ routed
SELECT * FROM (SELECT account, SUM(net) AS total, RANK() OVER (ORDER BY SUM(net) DESC) AS rnk FROM invoices GROUP BY account) AS virtual_table WHERE rnk <= 10 ORDER BY rnk;
--@ routed
SELECT date_trunc('hour', at) AS __timestamp, percentile_disc(0.99) WITHIN GROUP (ORDER BY ms) AS p99, max(ms) AS "MAX(ms)" FROM hits WHERE kind = 'view' GROUP BY 1 ORDER BY 1 LIMIT 500;
--@ routed
SELECT DISTINCT kind AS kind FROM public.hits ORDER BY kind ASC LIMIT 1000;
--@ routed
SELECT MIN(at), MAX(at) FROM public.hits;
--@ routed
SELECT width_bucket(net, 0, 5000, 10) AS bucket, COUNT(*) FROM invoices GROUP BY 1 ORDER BY 1;
--@ routed
SELECT kind, COUNT(*) * 100.0 / SUM(COUNT(*)) OVER () AS pct FROM hits GROUP BY kind ORDER BY pct DESC, kind;
--@ routed
SELECT account, CAST(SUM(net) AS FLOAT) / CAST(COUNT(DISTINCT number) AS FLOAT) AS aov FROM invoices GROUP BY account ORDER BY aov DESC, account LIMIT 20;
-- Grafana
--@ float_aggregate_order
SELECT floor(extract(epoch from at)/300)*300 AS "time", avg(value) AS "value" FROM readings WHERE at BETWEEN '2024-10-26T18:00:00Z' AND '2024-10-27T04:00:00Z' GROUP BY 1 ORDER BY 1;
--@ routed
SELECT floor(extract(epoch from at)/3600)*3600 AS "time", sensor::text AS metric, max(load) AS "load" FROM readings WHERE at BETWEEN '2024-10-26T18:00:00Z' AND '2024-10-27T04:00:00Z' GROUP BY 1, 2 ORDER BY 1, 2;
--@ routed
SELECT date_bin('15 minutes', at, '2024-01-01 00:00:00Z') AS "time", sensor, min(value), max(value), count(value) FROM readings GROUP BY 1, 2 ORDER BY 1, 2;
SELECT at AS "time", value FROM readings WHERE sensor = 1 AND at >= to_timestamp(1729965600) AND at <= to_timestamp(1729990000) ORDER BY 1;
--@ routed
SELECT EXTRACT(EPOCH FROM at) * 1000 AS time_ms, load FROM readings WHERE sensor IN (1, 2) ORDER BY at, sensor LIMIT 50;
--@ routed
SELECT to_timestamp(floor(extract(epoch from at) / 900) * 900) AS time, count(*) FROM readings GROUP BY 1 ORDER BY 1;
--@ routed
SELECT to_timestamp((extract(epoch from at)::bigint / 900) * 900) AS time, count(*) FROM hits GROUP BY time ORDER BY time;
--@ routed
SELECT extract(epoch from date_trunc('minute', at))::bigint * 1000 AS t, sum(load) FROM readings GROUP BY t ORDER BY t LIMIT 40;
--@ routed
SELECT date_trunc('hour', at) + (date_part('minute', at)::int / 15) * interval '15 min' AS slot, avg(load) FROM readings GROUP BY slot ORDER BY slot;
--@ routed
SELECT gs AS "time", coalesce(r.n, 0) FROM generate_series(timestamptz '2024-10-26 18:00:00Z', '2024-10-27 06:00:00Z', interval '1 hour') gs LEFT JOIN (SELECT date_trunc('hour', at) AS h, count(*) AS n FROM readings WHERE quality = 2 GROUP BY 1) r ON r.h = gs ORDER BY 1;
--@ routed
SELECT sensor, first_value(load) OVER w AS opening, last_value(load) OVER w AS closing FROM readings WHERE at < '2024-10-26 20:00:00Z' WINDOW w AS (PARTITION BY sensor ORDER BY at ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING);
--@ routed
SELECT DISTINCT ON (sensor) sensor, at, load FROM readings ORDER BY sensor, at DESC;
--@ routed
SELECT x.time, x.d FROM (SELECT at AS time, load - lag(load) OVER (PARTITION BY sensor ORDER BY at) AS d FROM readings WHERE sensor = 2) AS x ORDER BY 1 LIMIT 30;
--@ routed
SELECT at AS time, load / nullif(extract(epoch from at - lag(at) OVER (ORDER BY at)), 0) AS rate FROM readings WHERE sensor = 3 ORDER BY 1 LIMIT 30;
--@ routed
SELECT date_trunc('minute', at), count(*) FILTER (WHERE kind = 'error') * 1.0 / count(*) AS error_rate FROM hits GROUP BY 1 ORDER BY 1 LIMIT 60;
--@ routed
SELECT extract(isodow from at)::int AS dow, extract(hour from at)::int AS hour, count(*) FROM hits GROUP BY dow, hour ORDER BY dow, hour;
--@ routed
SELECT max(extract(epoch from at)) - min(extract(epoch from at)) FROM readings;
--@ routed
SELECT avg(load), stddev(load), min(load), max(load), percentile_cont(0.9) WITHIN GROUP (ORDER BY load) FROM readings WHERE quality >= 1;
-- Looker
--@ routed
SELECT DATE(hits.at AT TIME ZONE 'UTC' AT TIME ZONE 'America/New_York') AS "hits.day", COUNT(*) AS "hits.count" FROM public.hits AS hits GROUP BY 1 ORDER BY 1 DESC LIMIT 500;
--@ routed
SELECT TO_CHAR(DATE_TRUNC('month', invoices.paid_at), 'YYYY-MM') AS "invoices.paid_month", COALESCE(SUM(invoices.net), 0) AS "invoices.total" FROM invoices AS invoices WHERE ((( invoices.paid_at ) >= ((SELECT (DATE_TRUNC('year', TIMESTAMPTZ '2024-08-01 00:00Z'))))) AND (invoices.paid_at < (SELECT (DATE_TRUNC('year', TIMESTAMPTZ '2024-08-01 00:00Z') + INTERVAL '1 year')))) GROUP BY DATE_TRUNC('month', invoices.paid_at) ORDER BY 1 DESC LIMIT 500;
--@ routed
SELECT TO_CHAR(hits.at, 'YYYY-MM-DD HH24') AS "hits.hour", COUNT(DISTINCT hits.session) AS "s" FROM hits GROUP BY 1 ORDER BY 1 LIMIT 24;
--@ routed
SELECT CASE WHEN accounts.active THEN 'Yes' ELSE 'No' END AS "accounts.active", COUNT(*) FROM accounts GROUP BY 1 ORDER BY 1;
--@ routed
SELECT * FROM (SELECT *, DENSE_RANK() OVER (ORDER BY z___min_rank) AS z___pivot_row_rank, RANK() OVER (PARTITION BY z__pivot_col_rank ORDER BY z___min_rank) AS z__pivot_col_ordering FROM (SELECT *, MIN(z___rank) OVER (PARTITION BY "a") AS z___min_rank FROM (SELECT *, RANK() OVER (ORDER BY "n" DESC, "a", z__pivot_col_rank) AS z___rank FROM (SELECT *, DENSE_RANK() OVER (ORDER BY "k" NULLS LAST) AS z__pivot_col_rank FROM (SELECT status AS "a", currency AS "k", COUNT(*) AS "n" FROM invoices GROUP BY 1, 2) ww) bb) aa) xx) zz WHERE (z__pivot_col_rank <= 50 OR z__pivot_col_ordering = 1) AND (z___pivot_row_rank <= 500) ORDER BY z___pivot_row_rank, z__pivot_col_rank;
--@ routed
SELECT COALESCE(COALESCE(CAST((SUM(DISTINCT (CAST(FLOOR(COALESCE(invoices.net, 0) * 1000000) AS DECIMAL(38,0))) + 0)) AS DOUBLE PRECISION) / CAST(1000000.0 AS DOUBLE PRECISION), 0), 0) AS "sym" FROM invoices;
--@ routed
SELECT DATE_PART('day', AGE(invoices.paid_at, invoices.issued)) AS d, COUNT(*) FROM invoices GROUP BY 1 ORDER BY 1;
--@ routed
SELECT (DATE_PART('year', issued)::integer - 2000) * 12 + DATE_PART('month', issued)::integer AS m, SUM(net) FROM invoices GROUP BY 1 ORDER BY 1;
--@ routed
SELECT COUNT(*) FROM hits WHERE (hits.path ILIKE '%shop%') AND (NOT hits.bot OR hits.bot IS NULL);
-- Tableau and Power BI
--@ routed
SELECT CAST("invoices"."status" AS TEXT) AS "status", SUM("invoices"."net") AS "sum:net:ok", COUNT(1) AS "cnt:ok" FROM "public"."invoices" "invoices" WHERE (("invoices"."status" >= 'o') AND ("invoices"."status" <= 'p')) GROUP BY 1;
--@ routed
SELECT "t0"."TEMP(x)" AS "x", SUM("t0"."c") AS "c" FROM (SELECT CAST(TRUNC(EXTRACT(YEAR FROM "issued")) AS INTEGER) AS "TEMP(x)", COUNT(*) AS "c" FROM "public"."invoices" GROUP BY 1) "t0" GROUP BY 1 HAVING (COUNT(1) > 0);
--@ routed
SELECT CAST(DATE_TRUNC('QUARTER', CAST("issued" AS DATE)) AS DATE) AS "tqr:issued:ok", SUM("net") FROM "public"."invoices" GROUP BY 1;
--@ routed
SELECT (CASE WHEN ((CASE WHEN 100 <> 0 THEN "net" / 100 ELSE NULL END) > 20) THEN 'big' ELSE 'not' END) AS "b", AVG(CAST("lines" AS DOUBLE PRECISION)) FROM "invoices" GROUP BY 1;
--@ routed
SELECT "A1"."tier", "A1"."n", "A2"."total" FROM (SELECT "tier", COUNT(*) AS "n" FROM "accounts" GROUP BY "tier") "A1" INNER JOIN (SELECT "a"."tier", SUM("i"."net") AS "total" FROM "accounts" "a" INNER JOIN "invoices" "i" ON "a"."id" = "i"."account" GROUP BY "a"."tier") "A2" ON ("A1"."tier" = "A2"."tier" OR ("A1"."tier" IS NULL AND "A2"."tier" IS NULL));
--@ routed
select "_"."status" as "status", sum("_"."net") as "a0" from (select "status", "net" from "public"."invoices" "$Table" where "currency" = 'EUR' and ("status" is not null)) "_" group by "_"."status" order by "_"."status" limit 1000001;
--@ routed
select "rows"."d" as "d", count(1) as "n" from (select date_part('year', "_"."issued") as "d" from "public"."invoices" "_") "rows" group by "d" limit 1000001;
--@ routed
SELECT "country", "tier", SUM("seats") FROM "accounts" GROUP BY GROUPING SETS (("country", "tier"), ("country"), ()) ORDER BY 1 NULLS LAST, 2 NULLS LAST, 3;
--@ routed
SELECT * FROM (SELECT "name", "seats", ROW_NUMBER() OVER (ORDER BY "seats" DESC NULLS LAST, "name") AS "rn" FROM "accounts") "q" WHERE "rn" BETWEEN 11 AND 20 ORDER BY "rn";
