-- Times, intervals and their fields, in the session's zone.
--@ routed
SELECT to_char(ts, 'Day') AS x, count(*) FROM facts GROUP BY 1;
--@ routed
SELECT to_char(tz, 'Day') AS x, count(*) FROM facts WHERE tz2 IS NOT NULL GROUP BY 1;
--@ routed
SELECT to_char(ts, 'FMDay DD') AS x, count(*) FROM facts GROUP BY 1;
--@ routed
SELECT to_char(tz, 'FMDay DD') AS x, count(*) FROM facts WHERE tz2 IS NOT NULL GROUP BY 1;
--@ routed
SELECT to_char(ts, 'Month YYYY') AS x, count(*) FROM facts GROUP BY 1;
--@ routed
SELECT to_char(tz, 'Month YYYY') AS x, count(*) FROM facts WHERE tz2 IS NOT NULL GROUP BY 1;
--@ routed
SELECT to_char(ts, 'FMMonth FMDD, YYYY') AS x, count(*) FROM facts GROUP BY 1;
--@ routed
SELECT to_char(tz, 'FMMonth FMDD, YYYY') AS x, count(*) FROM facts WHERE tz2 IS NOT NULL GROUP BY 1;
--@ routed
SELECT to_char(ts, 'HH12:MI AM') AS x, count(*) FROM facts GROUP BY 1;
--@ routed
SELECT to_char(tz, 'HH12:MI AM') AS x, count(*) FROM facts WHERE tz2 IS NOT NULL GROUP BY 1;
--@ routed
SELECT to_char(ts, 'HH:MI:SS pm') AS x, count(*) FROM facts GROUP BY 1;
--@ routed
SELECT to_char(tz, 'HH:MI:SS pm') AS x, count(*) FROM facts WHERE tz2 IS NOT NULL GROUP BY 1;
--@ routed
SELECT to_char(ts, 'DD/MM/YY') AS x, count(*) FROM facts GROUP BY 1;
--@ routed
SELECT to_char(tz, 'DD/MM/YY') AS x, count(*) FROM facts WHERE tz2 IS NOT NULL GROUP BY 1;
--@ routed
SELECT to_char(ts, 'MON DY DAY MONTH') AS x, count(*) FROM facts GROUP BY 1;
--@ routed
SELECT to_char(tz, 'MON DY DAY MONTH') AS x, count(*) FROM facts WHERE tz2 IS NOT NULL GROUP BY 1;
--@ routed
SELECT to_char(ts, 'yyyy-mm-dd hh24:mi:ss') AS x, count(*) FROM facts GROUP BY 1;
--@ routed
SELECT to_char(tz, 'yyyy-mm-dd hh24:mi:ss') AS x, count(*) FROM facts WHERE tz2 IS NOT NULL GROUP BY 1;
--@ routed
SELECT to_char(ts, 'YYYY-MM-DD HH24:MI:SS.MS') AS x, count(*) FROM facts GROUP BY 1;
--@ routed
SELECT to_char(tz, 'YYYY-MM-DD HH24:MI:SS.MS') AS x, count(*) FROM facts WHERE tz2 IS NOT NULL GROUP BY 1;
--@ routed
SELECT to_char(ts, 'SS.US') AS x, count(*) FROM facts GROUP BY 1;
--@ routed
SELECT to_char(tz, 'SS.US') AS x, count(*) FROM facts WHERE tz2 IS NOT NULL GROUP BY 1;
--@ routed
SELECT to_char(ts, 'WW W D ID IW DDD Q') AS x, count(*) FROM facts GROUP BY 1;
--@ routed
SELECT to_char(tz, 'WW W D ID IW DDD Q') AS x, count(*) FROM facts WHERE tz2 IS NOT NULL GROUP BY 1;
--@ routed
SELECT to_char(ts, 'FMMM/FMDD FMHH24') AS x, count(*) FROM facts GROUP BY 1;
--@ routed
SELECT to_char(tz, 'FMMM/FMDD FMHH24') AS x, count(*) FROM facts WHERE tz2 IS NOT NULL GROUP BY 1;
--@ routed
SELECT to_char(ts, 'dy mon day month') AS x, count(*) FROM facts GROUP BY 1;
--@ routed
SELECT to_char(tz, 'dy mon day month') AS x, count(*) FROM facts WHERE tz2 IS NOT NULL GROUP BY 1;
--@ routed
SELECT extract(second FROM ts) AS x, count(*) FROM facts GROUP BY 1;
--@ routed
SELECT id, extract(second FROM tz2), date_part('second', ts), date_part('second', tz) FROM facts WHERE id < 90 ORDER BY id;
--@ routed
SELECT extract(milliseconds FROM ts) AS x, count(*) FROM facts GROUP BY 1;
--@ routed
SELECT id, extract(milliseconds FROM tz2), date_part('milliseconds', ts), date_part('milliseconds', tz) FROM facts WHERE id < 90 ORDER BY id;
--@ routed
SELECT extract(microseconds FROM ts) AS x, count(*) FROM facts GROUP BY 1;
--@ routed
SELECT id, extract(microseconds FROM tz2), date_part('microseconds', ts), date_part('microseconds', tz) FROM facts WHERE id < 90 ORDER BY id;
--@ routed
SELECT extract(decade FROM ts) AS x, count(*) FROM facts GROUP BY 1;
--@ routed
SELECT id, extract(decade FROM tz2), date_part('decade', ts), date_part('decade', tz) FROM facts WHERE id < 90 ORDER BY id;
--@ routed
SELECT extract(century FROM ts) AS x, count(*) FROM facts GROUP BY 1;
--@ routed
SELECT id, extract(century FROM tz2), date_part('century', ts), date_part('century', tz) FROM facts WHERE id < 90 ORDER BY id;
--@ routed
SELECT extract(millennium FROM ts) AS x, count(*) FROM facts GROUP BY 1;
--@ routed
SELECT id, extract(millennium FROM tz2), date_part('millennium', ts), date_part('millennium', tz) FROM facts WHERE id < 90 ORDER BY id;
--@ routed
SELECT extract(epoch FROM ts) AS x, count(*) FROM facts GROUP BY 1;
--@ routed
SELECT id, extract(epoch FROM tz2), date_part('epoch', ts), date_part('epoch', tz) FROM facts WHERE id < 90 ORDER BY id;
--@ routed
SELECT extract(minute FROM ts) AS x, count(*) FROM facts GROUP BY 1;
--@ routed
SELECT id, extract(minute FROM tz2), date_part('minute', ts), date_part('minute', tz) FROM facts WHERE id < 90 ORDER BY id;
--@ routed
SELECT extract(decade FROM d) AS x, count(*), min(id) FROM facts GROUP BY 1;
--@ routed
SELECT extract(century FROM d2) AS x, count(*), min(id) FROM facts GROUP BY 1;
--@ routed
SELECT date_trunc('decade', ts) AS x, count(*), min(id) FROM facts GROUP BY 1;
--@ routed
SELECT date_trunc('milliseconds', ts) AS x, count(*), min(id) FROM facts GROUP BY 1;
--@ routed
SELECT tz - tz2 AS x, count(*), min(id) FROM facts GROUP BY 1;
--@ routed
SELECT ts - ts2 AS x, count(*), min(id) FROM facts GROUP BY 1;
--@ routed
SELECT extract(day FROM tz - tz2) AS x, count(*), min(id) FROM facts GROUP BY 1;
--@ routed
SELECT extract(hour FROM ts2 - ts) AS x, count(*), min(id) FROM facts GROUP BY 1;
--@ routed
SELECT extract(minute FROM ts2 - ts) AS x, count(*), min(id) FROM facts GROUP BY 1;
--@ routed
SELECT extract(second FROM tz - tz2) AS x, count(*), min(id) FROM facts GROUP BY 1;
--@ routed
SELECT extract(epoch FROM tz2 - tz) AS x, count(*), min(id) FROM facts GROUP BY 1;
--@ routed
SELECT (tz - tz2) > interval '1 day' AS x, count(*), min(id) FROM facts GROUP BY 1;
--@ routed
SELECT (ts - ts2) < interval '-10 years' AS x, count(*), min(id) FROM facts GROUP BY 1;
--@ routed
SELECT (tz - tz2) = (tz - tz2) AS x, count(*), min(id) FROM facts GROUP BY 1;
--@ routed
SELECT CASE WHEN ts - ts2 > interval '1 month 2 days 03:00' THEN 'long' ELSE 'short' END AS x, count(*), min(id) FROM facts GROUP BY 1;
--@ routed
SELECT date_bin('15 minutes', tz, '2001-01-01Z') AS x, count(*), min(id) FROM facts GROUP BY 1;
--@ routed
SELECT date_bin('1 day', ts, '1960-01-01') AS x, count(*), min(id) FROM facts GROUP BY 1;
--@ routed
SELECT tz + interval '40 hours' AS x, count(*), min(id) FROM facts GROUP BY 1;
--@ routed
SELECT tz - interval '3 days' AS x, count(*), min(id) FROM facts GROUP BY 1;
--@ routed
SELECT g, sum(tz - tz2), avg(ts - ts2), max(ts - ts2), min(tz - tz2), count(tz - tz2) FROM facts GROUP BY g;
--@ routed
SELECT avg(ts - ts2), sum(ts - ts2), avg(tz2 - tz) FILTER (WHERE i > 3) FROM facts;
--@ routed
SELECT avg(ts - ts2), sum(ts2 - ts) FROM facts WHERE id < 0;
--@ routed
SELECT g, avg(extract(epoch FROM tz - tz2)) FROM facts GROUP BY g;
--@ float_aggregate_order
SELECT g, avg(date_part('epoch', ts - ts2)) FROM facts GROUP BY g;
--@ routed
SELECT date_part('day', tz - tz2) AS x, count(*) FROM facts GROUP BY tz - tz2 HAVING max(ts - ts2) > interval '1 year';
--@ routed
SELECT id, tz - tz2 FROM facts ORDER BY tz - tz2, id LIMIT 20;
--@ type_unsupported
SELECT DISTINCT ts - ts2 FROM facts ORDER BY 1 DESC LIMIT 10;
--@ routed
SELECT x, count(*) FROM (SELECT ts - ts2 AS x, id FROM facts WHERE id < 100 OFFSET 0) s GROUP BY x ORDER BY x;
--@ routed
SELECT g, percentile_disc(0.5) WITHIN GROUP (ORDER BY tz - tz2) FROM facts GROUP BY g;
--@ routed
SELECT date_trunc('month', tz) AS m, count(*), sum(n) FROM facts GROUP BY 1 ORDER BY 1;
--@ routed
SELECT count(*) FROM facts WHERE tz >= date '2024-04-01' AND tz < date '2024-04-03' AND tz::date <> '2024-04-02';
--@ routed
SELECT date_trunc('day', tz)::date AS day, count(*) FROM facts GROUP BY day ORDER BY day LIMIT 5;
--@ routed
SELECT extract(isodow FROM tz AT TIME ZONE 'America/New_York') AS dow, extract(hour FROM tz) AS h, count(*) FROM facts GROUP BY 1, 2;
--@ routed
SELECT ts + i * interval '1 minute' AS x, count(*) FROM facts GROUP BY 1;
--@ routed
SELECT tz + i * interval '1 month 3 days' AS x, tz - interval '1 day' * i AS y, count(*) FROM facts GROUP BY 1, 2;
--@ routed
SELECT ts + make_interval(days => i) AS x, tz - make_interval(months => i, hours => 2) AS y, d + make_interval(weeks => i, mins => 3) AS z, count(*) FROM facts GROUP BY 1, 2, 3;
SELECT count(*) FROM facts WHERE ts + big * interval '1 day' > ts2;
--@ routed
SELECT d::text AS x, ts::text AS y, d2::text AS z, count(*) FROM facts GROUP BY 1, 2, 3;
--@ routed
SELECT tz::text AS x, tz2::text AS y, count(*) FROM facts GROUP BY 1, 2;
--@ routed
SELECT concat(d, ' ', ts, ' ', n) AS x, format('%s/%s', d2, ts2) AS y, count(*) FROM facts GROUP BY 1, 2;
--! SET datestyle = 'German, DMY'
--@ cast
SELECT d::text AS x, count(*) FROM facts GROUP BY 1;
--! RESET datestyle
--@ routed
SELECT d::text || '!' AS x, count(*) FROM facts GROUP BY 1;
-- Fields of times as keys, though they are floating point numbers.
--@ routed
SELECT date_part('year', d), date_part('month', ts), count(*) FROM facts GROUP BY 1, 2;
--@ routed
SELECT date_part('hour', tz) AS h, date_part('second', ts) AS s, count(*) FROM facts GROUP BY 1, 2 HAVING count(*) > 0 ORDER BY 1, 2;
--@ routed
SELECT DISTINCT date_part('dow', d2), date_part('epoch', ts2) FROM facts;
--@ routed
SELECT min(date_part('quarter', d2)), max(date_part('doy', d)) FROM facts;
