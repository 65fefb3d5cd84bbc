-- What ORMs write: Django, ActiveRecord, SQLAlchemy, Prisma, Sequelize, TypeORM, Hibernate, Ecto, Entity Framework, Knex.
-- Django
--@ routed
SELECT COUNT(*) AS "__count" FROM "accounts" WHERE "accounts"."active";
--@ routed
SELECT "invoices"."status", COUNT("invoices"."id") AS "n", SUM("invoices"."net") AS "total" FROM "invoices" GROUP BY "invoices"."status" ORDER BY "total" DESC;
--@ routed
SELECT DATE_TRUNC('month', "invoices"."issued" AT TIME ZONE 'UTC')::date AS "month", COUNT("invoices"."id") AS "c" FROM "invoices" GROUP BY 1 ORDER BY 1 ASC;
--@ routed
SELECT DATE_TRUNC('day', "hits"."at" AT TIME ZONE 'Europe/Paris') AS "day", COUNT(*) AS "c" FROM "hits" GROUP BY 1 ORDER BY "day";
--@ routed
SELECT EXTRACT(YEAR FROM "invoices"."issued") AS "y", EXTRACT(QUARTER FROM "invoices"."issued") AS "q", AVG("invoices"."net") AS "a" FROM "invoices" GROUP BY 1, 2 ORDER BY 1, 2;
--@ routed
SELECT "accounts"."id", "accounts"."name", COUNT("invoices"."id") FILTER (WHERE ("invoices"."status" = 'paid')) AS "paid" FROM "accounts" LEFT OUTER JOIN "invoices" ON ("accounts"."id" = "invoices"."account") GROUP BY "accounts"."id" ORDER BY "paid" DESC, "accounts"."id" LIMIT 10;
--@ routed
SELECT COUNT(*) FROM (SELECT DISTINCT "hits"."account" AS "col1" FROM "hits" WHERE "hits"."kind" IN ('view', 'click')) subquery;
--@ routed
SELECT (1) AS "a" FROM "invoices" WHERE "invoices"."status" = 'open' LIMIT 1;
--@ routed
SELECT "accounts"."name" FROM "accounts" WHERE UPPER("accounts"."name"::text) LIKE UPPER('%acme%') ORDER BY "accounts"."name" ASC;
--@ routed
SELECT "accounts"."name" FROM "accounts" WHERE "accounts"."name"::text LIKE '%ü%' ESCAPE '\' ORDER BY 1;
--@ routed
SELECT SUM("invoices"."net" * ("invoices"."tax_rate" + 1)) AS "gross", COALESCE(SUM("invoices"."lines"), 0) AS "lines" FROM "invoices" WHERE NOT ("invoices"."status" = 'void');
--@ routed
SELECT "accounts"."id", (SELECT U0."issued" FROM "invoices" U0 WHERE U0."account" = ("accounts"."id") ORDER BY U0."issued" DESC, U0."id" LIMIT 1) AS "latest" FROM "accounts" ORDER BY "accounts"."id";
--@ routed
SELECT "accounts"."id" FROM "accounts" WHERE EXISTS(SELECT 1 AS "a" FROM "invoices" U0 WHERE (U0."account" = ("accounts"."id") AND U0."net" > 4000) LIMIT 1) ORDER BY 1;
--@ routed
SELECT "accounts"."id" FROM "accounts" WHERE NOT (EXISTS(SELECT 1 AS "a" FROM "hits" U1 WHERE (U1."kind" = 'purchase' AND U1."account" = ("accounts"."id")) LIMIT 1)) ORDER BY 1;
--@ routed
SELECT "hits"."id", ROW_NUMBER() OVER (PARTITION BY "hits"."account" ORDER BY "hits"."at" DESC, "hits"."id") AS "rn" FROM "hits" WHERE "hits"."account" IS NOT NULL ORDER BY 1 LIMIT 50;
--@ routed
SELECT CASE WHEN "invoices"."net" > 1000 THEN 'big' WHEN "invoices"."net" > 100 THEN 'mid' ELSE 'small' END AS "bucket", COUNT(*) AS "c" FROM "invoices" GROUP BY 1 ORDER BY 1;
--@ routed
SELECT "hits"."id" FROM "hits" WHERE ("hits"."payload" -> 'sku') = '"A-1"'::jsonb ORDER BY 1 LIMIT 20;
--@ routed
SELECT COUNT(*) AS "__count" FROM "hits" WHERE ("hits"."payload" #> '{user,id}') = '7'::jsonb;
--@ routed
SELECT COUNT(*) AS "__count" FROM "accounts" WHERE "accounts"."labels" @> ARRAY['vip']::varchar(20)[]::text[];
--@ routed
SELECT COUNT(*) AS "__count" FROM "accounts" WHERE CASE WHEN "accounts"."labels" IS NULL THEN NULL ELSE coalesce(array_length("accounts"."labels", 1), 0) END = 2;
--@ routed
SELECT STRING_AGG("employees"."name", ', ' ORDER BY "employees"."name") AS "names" FROM "employees" GROUP BY "employees"."department";
--@ routed
SELECT ARRAY_AGG(DISTINCT "invoices"."currency") AS "currencies" FROM "invoices";
--@ routed
SELECT JSONB_AGG("employees"."id" ORDER BY "employees"."id") AS "ids" FROM "employees" WHERE "employees"."department" = 'ops';
--@ routed
SELECT "invoices"."id" FROM "invoices" WHERE ("invoices"."paid_at" AT TIME ZONE 'UTC')::date = '2024-03-01'::date ORDER BY 1;
--@ routed
SELECT COUNT(*) FROM "invoices" WHERE "invoices"."issued" BETWEEN '2024-01-01'::date AND '2024-12-31'::date;
--@ routed
SELECT COUNT(*) FROM "hits" WHERE EXTRACT('hour' FROM "hits"."at" AT TIME ZONE 'America/New_York') = 9;
--@ routed
SELECT "invoices"."id", ("invoices"."due" - "invoices"."issued") AS "terms" FROM "invoices" WHERE "invoices"."due" > ("invoices"."issued" + '20 days'::interval) ORDER BY 1 LIMIT 20;
--@ routed
SELECT "invoices"."id", (interval '1 day' * ("invoices"."due" - "invoices"."issued")) AS "terms" FROM "invoices" ORDER BY 1 LIMIT 20;
--@ routed
SELECT MAX("invoices"."paid_at" - "invoices"."issued"::timestamptz) FROM "invoices";
--@ routed
SELECT AVG(("invoices"."paid_at" - "invoices"."issued")) AS "delay" FROM "invoices" WHERE "invoices"."paid_at" IS NOT NULL;
--@ routed
SELECT LENGTH("accounts"."name") AS "l", COUNT(*) FROM "accounts" GROUP BY 1 ORDER BY 1;
--@ routed
SELECT CONCAT(("accounts"."name")::text, (CONCAT((' ')::text, ("accounts"."country")::text))::text) AS "s" FROM "accounts" ORDER BY 1 LIMIT 7;
--@ routed
SELECT COUNT(*) FROM "accounts" WHERE "accounts"."name"::text ~ '^[A-Z]' AND "accounts"."email"::text ~* '@mail';
--@ routed
SELECT COUNT(*) FROM accounts WHERE accounts.tier = 'team' AND accounts.tier >= 'free';
-- ActiveRecord
--@ routed
SELECT COUNT(*) AS count_all, "hits"."kind" AS hits_kind FROM "hits" GROUP BY "hits"."kind";
--@ routed
SELECT SUM("invoices"."net") AS sum_net, DATE_TRUNC('week', "invoices"."paid_at"::timestamptz AT TIME ZONE 'Etc/UTC') AT TIME ZONE 'Etc/UTC' AS w FROM "invoices" WHERE ("invoices"."paid_at" IS NOT NULL) GROUP BY DATE_TRUNC('week', "invoices"."paid_at"::timestamptz AT TIME ZONE 'Etc/UTC') AT TIME ZONE 'Etc/UTC';
--@ routed
SELECT COUNT(*) AS count_all, DATE_TRUNC('day', "hits"."at"::timestamptz AT TIME ZONE 'America/Chicago')::date AS d FROM "hits" GROUP BY DATE_TRUNC('day', "hits"."at"::timestamptz AT TIME ZONE 'America/Chicago')::date;
--@ routed
SELECT EXTRACT(HOUR FROM "hits"."at"::timestamptz AT TIME ZONE 'America/Los_Angeles')::integer AS h, COUNT(*) FROM "hits" GROUP BY 1;
--@ routed
SELECT DISTINCT "accounts".* FROM "accounts" INNER JOIN "invoices" ON "invoices"."account" = "accounts"."id" WHERE "invoices"."status" = 'overdue';
--@ routed
SELECT DISTINCT "accounts"."name", "accounts"."tier" FROM "accounts" INNER JOIN "invoices" ON "invoices"."account" = "accounts"."id" WHERE "invoices"."status" = 'overdue' ORDER BY "accounts"."name";
--@ routed
SELECT "accounts".* FROM "accounts" WHERE "accounts"."id" IN (SELECT "invoices"."account" FROM "invoices" WHERE "invoices"."net" > 4500) ORDER BY "accounts"."id" LIMIT 5 OFFSET 2;
--@ routed
SELECT 1 AS one FROM "hits" WHERE "hits"."kind" = 'error' LIMIT 1;
--@ routed
SELECT AVG("invoices"."net") AS average_net, "accounts"."country" AS c FROM "invoices" INNER JOIN "accounts" ON "accounts"."id" = "invoices"."account" GROUP BY "accounts"."country" HAVING (SUM(net) > 10000);
--@ routed
SELECT COUNT(DISTINCT "hits"."session") FROM "hits" WHERE "hits"."at" BETWEEN '2024-04-01 00:00:00' AND '2024-04-30 23:59:59.999999';
--@ routed
SELECT MAX("hits"."ms") AS maximum_ms, "hits"."path" FROM "hits" WHERE "hits"."bot" = FALSE GROUP BY "hits"."path" ORDER BY maximum_ms DESC NULLS LAST, "hits"."path" LIMIT 10;
--@ routed
SELECT COUNT(*) FROM (SELECT 1 AS one FROM "hits" WHERE "hits"."kind" = 'view' LIMIT 100) subquery_for_count;
-- SQLAlchemy
--@ routed
SELECT anon_1.account AS anon_1_account, anon_1.total AS anon_1_total FROM (SELECT invoices.account AS account, sum(invoices.net) AS total FROM invoices GROUP BY invoices.account) AS anon_1 WHERE anon_1.total > 5000 ORDER BY anon_1.total DESC;
--@ routed
SELECT accounts.tier, count(accounts.id) AS count_1, array_agg(accounts.name ORDER BY accounts.name) AS names FROM accounts GROUP BY accounts.tier;
--@ routed
SELECT accounts.name AS n, coalesce(anon_1.c, 0) AS c FROM accounts LEFT OUTER JOIN LATERAL (SELECT count(*) AS c FROM hits WHERE hits.account = accounts.id) AS anon_1 ON true ORDER BY accounts.name;
--@ routed
SELECT CAST(hits.payload ->> 'price' AS NUMERIC(10, 2)) AS price, count(*) FROM hits GROUP BY CAST(hits.payload ->> 'price' AS NUMERIC(10, 2));
--@ routed
SELECT sum(CAST((hits.payload ->> 'qty') AS INTEGER)) AS q FROM hits WHERE (hits.payload ->> 'qty') IS NOT NULL;
--@ routed
SELECT count(*) FROM hits WHERE (hits.payload ->> 'sku') IN ('A-1', 'B-2') AND (hits.payload ? 'qty');
--@ routed
SELECT invoices.number, lag(invoices.net, 1, 0) OVER (PARTITION BY invoices.account ORDER BY invoices.issued, invoices.id) AS prev FROM invoices WHERE invoices.id < 100 ORDER BY invoices.id;
--@ routed
SELECT func.kind, func.n FROM (SELECT kind, count(*) AS n FROM hits GROUP BY kind) AS func WHERE func.n > ANY (ARRAY[100, 200]);
--@ routed
SELECT CAST(invoices.issued AS VARCHAR) AS d, CAST(sum(invoices.net) AS VARCHAR) AS s FROM invoices GROUP BY invoices.issued ORDER BY invoices.issued LIMIT 12;
--@ routed
SELECT accounts.id, accounts.name FROM accounts WHERE (accounts.country, accounts.tier) IN (('DE', 'free'), ('US', 'team'), ('ES', 'enterprise')) ORDER BY 1;
--@ routed
SELECT count(*) AS count_1 FROM invoices WHERE invoices.net BETWEEN SYMMETRIC 100 AND 50;
--@ routed
SELECT count(*) FROM invoices WHERE invoices.note IS NOT DISTINCT FROM NULL OR invoices.note IS DISTINCT FROM 'late, again';
--@ routed
SELECT date_trunc('month', invoices.issued) + interval '1 month' - interval '1 day' AS month_end, sum(invoices.net) FROM invoices GROUP BY 1 ORDER BY 1;
-- Prisma
--@ routed
SELECT COUNT(*) FROM (SELECT "public"."invoices"."id" FROM "public"."invoices" WHERE "public"."invoices"."status" = 'paid' OFFSET 0) AS "sub";
--@ routed
SELECT COUNT(*), SUM("net"), AVG("net"), MIN("issued"), MAX("issued") FROM (SELECT "public"."invoices"."net", "public"."invoices"."issued" FROM "public"."invoices" WHERE 1=1 OFFSET 0) AS "sub";
--@ routed
SELECT SUM("public"."invoices"."net"), "public"."invoices"."status" FROM "public"."invoices" WHERE 1=1 GROUP BY "public"."invoices"."status" HAVING COUNT("public"."invoices"."id") > 3 ORDER BY "public"."invoices"."status" ASC OFFSET 0;
--@ routed
SELECT "public"."accounts"."id", "public"."accounts"."name" FROM "public"."accounts" WHERE ("public"."accounts"."id") IN (SELECT "t1"."account" FROM "public"."invoices" AS "t1" WHERE ("t1"."net" > 3000 AND "t1"."account" IS NOT NULL)) ORDER BY "public"."accounts"."id" ASC LIMIT 20 OFFSET 0;
--@ routed
SELECT "public"."accounts"."id" FROM "public"."accounts" WHERE "public"."accounts"."labels" && ARRAY['vip','eu']::text[] AND "public"."accounts"."name"::text ILIKE '%food%' ORDER BY 1 OFFSET 0;
--@ routed
SELECT "t0"."id", "aggr"."c" FROM "public"."accounts" AS "t0" LEFT JOIN (SELECT "account", COUNT(*) AS "c" FROM "public"."hits" WHERE 1=1 GROUP BY "account") AS "aggr" ON ("t0"."id" = "aggr"."account") WHERE 1=1 ORDER BY COALESCE("aggr"."c", 0) DESC, "t0"."id" LIMIT 10 OFFSET 0;
--! PREPARE prisma1 (text, int) AS SELECT COUNT(*) FROM (SELECT id FROM invoices WHERE status = $1 ORDER BY id LIMIT $2 OFFSET 0) AS sub
--@ routed
EXECUTE prisma1('paid', 50);
--! PREPARE prisma2 (text[], date, date) AS SELECT status, sum(net) FROM invoices WHERE status = ANY($1) AND issued >= $2 AND issued < $3 GROUP BY status
--@ routed
EXECUTE prisma2('{paid,open}', '2024-01-01', '2024-07-01');
--! PREPARE orm3 (uuid[]) AS SELECT count(*) FROM invoices WHERE account = ANY($1)
--@ routed
EXECUTE orm3(ARRAY[md5('a5')::uuid, md5('a9')::uuid]);
--! PREPARE orm4 (int[]) AS SELECT sensor, count(*) FROM readings WHERE sensor = ANY($1) GROUP BY 1
--@ routed
EXECUTE orm4('{1,3}');
--! PREPARE orm5 (text) AS SELECT count(*) FROM accounts WHERE name ILIKE $1
--@ routed
EXECUTE orm5('%food%');
--! PREPARE orm6 (text) AS SELECT date_trunc($1, at) AS t, count(*) FROM hits GROUP BY 1 ORDER BY 1
--@ routed
EXECUTE orm6('month');
--! PREPARE orm7 (timestamptz, interval) AS SELECT count(*) FROM hits WHERE at > $1 - $2
--@ routed
EXECUTE orm7('2024-05-01', '3 weeks');
--! PREPARE orm8 (numeric) AS SELECT count(*), sum(net * $1) FROM invoices WHERE net > $1
--@ routed
EXECUTE orm8(12.5);
-- Sequelize, TypeORM, Knex
--@ routed
SELECT "status", COUNT("id") AS "n", CAST(COUNT("id") AS INTEGER) AS "i" FROM "invoices" AS "Invoice" GROUP BY "status" ORDER BY "n" DESC, 1;
--@ routed
SELECT date_trunc('month', "issued") AS "month", SUM("net")::float AS "total" FROM "invoices" AS "Invoice" WHERE "Invoice"."issued" BETWEEN '2024-01-01' AND '2024-12-31' GROUP BY "month" ORDER BY "month" ASC;
--@ routed
SELECT count(DISTINCT("i"."id")) AS "cnt" FROM "invoices" "i" LEFT JOIN "accounts" "a" ON "a"."id"="i"."account" WHERE "a"."tier" IN ('free', 'team');
--@ routed
SELECT DISTINCT "distinctAlias"."a_id" AS "ids_a_id", "distinctAlias"."a_name" FROM (SELECT "a"."id" AS "a_id", "a"."name" AS "a_name", "i"."net" AS "i_net" FROM "accounts" "a" LEFT JOIN "invoices" "i" ON "i"."account"="a"."id" WHERE "i"."net" > 100) "distinctAlias" ORDER BY "distinctAlias"."a_name" ASC, "a_id" ASC LIMIT 10;
--@ routed
select "kind", count(*) as "n", max("at") as "last" from "hits" where "account" is not null and not "kind" = 'error' group by "kind" having count(*) > 5 order by "n" desc, 1;
-- Hibernate, Entity Framework, Ecto
--@ routed
select i1_0.status,count(i1_0.id),sum(i1_0.net),min(i1_0.issued) from invoices i1_0 where i1_0.issued>=cast('2024-01-01' as date) group by i1_0.status;
--@ routed
select a1_0.id,a1_0.name from accounts a1_0 where a1_0.name like '%co%' escape '' order by a1_0.name offset 0 rows fetch first 10 rows only;
--@ routed
select extract(year from i1_0.issued),extract(month from i1_0.issued),sum(i1_0.net) from invoices i1_0 group by extract(year from i1_0.issued),extract(month from i1_0.issued);
--@ routed
SELECT i."status" AS "Key", count(*)::int AS "Count", COALESCE(sum(i."net"), 0.0) AS "Sum" FROM "invoices" AS i GROUP BY i."status";
--@ routed
SELECT date_part('year', i."issued")::int AS "Year", count(*) FILTER (WHERE i."net" > 100.0)::int AS "Big" FROM "invoices" AS i GROUP BY date_part('year', i."issued")::int;
--@ routed
SELECT t."Year", t."Month", COALESCE(sum(t."net"), 0.0) FROM (SELECT i."net", date_part('year', i."issued")::int AS "Year", date_part('month', i."issued")::int AS "Month" FROM "invoices" AS i) AS t GROUP BY t."Year", t."Month" ORDER BY t."Year", t."Month";
--@ routed
SELECT a."id", (SELECT count(*)::int FROM "invoices" AS i WHERE a."id" = i."account") AS "N", (SELECT COALESCE(sum(i0."net"), 0.0) FROM "invoices" AS i0 WHERE a."id" = i0."account") AS "T" FROM "accounts" AS a ORDER BY 1 LIMIT 20;
--@ routed
SELECT count(h0."id"), h0."kind" FROM "hits" AS h0 WHERE (h0."at" > '2024-04-01 00:00:00'::timestamp) AND h0."kind" = ANY('{view,click}') GROUP BY h0."kind";
--@ routed
SELECT date_part('epoch', a0."created_at")::bigint, a0."id" FROM "accounts" AS a0 ORDER BY 1 LIMIT 5;
--@ routed
SELECT date_trunc('day', a."created_at" AT TIME ZONE 'UTC') AS d, count(*)::int FROM "accounts" AS a WHERE strpos(a."name", 'o') > 0 GROUP BY 1 ORDER BY 1 LIMIT 9;
--@ routed
SELECT i."id" FROM "invoices" AS i WHERE floor(i."net") = 100.0 OR ceiling(i."net") = 900.0 OR round(i."net") % 50 = 0.0 ORDER BY 1;
--@ routed
SELECT i."id" FROM "invoices" AS i WHERE i."note" IS NULL OR i."note" = '' OR length(trim(i."note")) > 10 ORDER BY i."id";
--@ routed
SELECT bool_and(a."active"), bool_or(a."seats" > 40), every(a."email" LIKE '%@%') FROM "accounts" AS a;
--@ routed
SELECT a."tier", max(a."created_at"), min(a."trial_ends") FROM "accounts" AS a GROUP BY a."tier" HAVING max(a."created_at") > '2024-01-01'::timestamptz ORDER BY a."tier";
