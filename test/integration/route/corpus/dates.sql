-- Dates and times that are made.
--@ routed
SELECT make_date(extract(year FROM d)::int, extract(month FROM d)::int, 1) AS m, count(*) FROM facts GROUP BY 1;
--@ failed when it ran
SELECT count(*) FROM facts WHERE make_date(2023, 2, id) > date '2023-01-01';
--@ failed when it ran
SELECT count(*) FROM facts WHERE make_date(g - 44, 3, 15) < d;
--@ routed
SELECT count(*) FROM facts WHERE make_timestamp(2024, 2, 1 + g, 3, 4, 5) < tz::timestamp;
--@ routed
SELECT count(*) FROM facts WHERE make_timestamptz(2024, 3, 31, g, 30, 0) < tz;
--@ failed when it ran
SELECT count(*) FROM facts WHERE make_timestamp(2024, 2, 1, g, 0, f) < ts;
--@ routed
SELECT count(*) FROM facts WHERE to_timestamp(big / 300) > tz OR to_timestamp(f) > ts;
--@ routed
SELECT max(to_timestamp(f * 1000.001)), min(to_timestamp(-f / 3)) FROM facts;
--@ failed when it ran
SELECT max(to_timestamp(big)) FROM facts;
--@ routed
SELECT to_timestamp(floor(extract(epoch FROM tz) / 3600) * 3600) AS h, count(*) FROM facts GROUP BY 1;
--@ routed
SELECT to_timestamp(trunc(extract(epoch FROM ts) / 900) * 900) AS q, count(*) FROM facts GROUP BY 1;
--@ routed
SELECT count(*) FROM facts WHERE isfinite(d2) AND isfinite(ts2) OR NOT isfinite(tz2);
--@ routed
SELECT count(*) FROM facts WHERE (d, d + 10) OVERLAPS (date '2020-01-05', date '2020-01-09');
--@ routed
SELECT count(*) FROM facts WHERE (tz, tz - interval '2 hours') OVERLAPS (timestamptz '2024-03-31 00:00Z', timestamptz '2024-03-31 00:00Z');
--@ routed
SELECT count(*) FROM facts WHERE (ts, ts2) OVERLAPS (timestamp '1970-01-05', timestamp '1970-01-09');
--@ routed
SELECT count(*) FROM facts WHERE to_date(to_char(ts, 'YYYYMMDD'), 'YYYYMMDD') = ts::date;
--@ routed
SELECT count(*) FROM facts WHERE to_date(to_char(ts, 'DD.MM.YYYY'), 'DD.MM.YYYY') + 1 > ts2 OR to_date(to_char(ts, 'MM/DD/YYYY'), 'MM/DD/YYYY') = ts::date;
--@ routed
SELECT max(to_timestamp(to_char(ts, 'YYYY-MM-DD HH24:MI:SS'), 'YYYY-MM-DD HH24:MI:SS')) FROM facts;
--@ failed when it ran
SELECT count(*) FROM facts WHERE to_date(name, 'YYYY-MM-DD') > d;
--@ routed
SELECT count(to_date(j ->> 'when', 'YYYY-MM-DD')) FROM facts;
--@ function
SELECT count(*) FROM facts WHERE to_date(name, 'J') > d;
