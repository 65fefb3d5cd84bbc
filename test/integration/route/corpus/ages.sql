-- age() and intervals with months.
--@ routed
SELECT id, extract(year FROM age(tz, tz2)), extract(month FROM age(tz, tz2)), extract(day FROM age(tz, tz2)), extract(hour FROM age(tz, tz2)), extract(epoch FROM age(tz, tz2)) FROM facts;
--@ routed
SELECT id, date_part('year', age(ts, ts2)), date_part('month', age(ts, ts2)), date_part('day', age(ts2, ts)), date_part('minute', age(ts, ts2)), date_part('epoch', age(ts2, ts)) FROM facts;
--@ routed
SELECT count(*) FROM facts WHERE age(ts, ts2) > interval '1 year 2 mons' OR age(ts, ts2) < -interval '3 mons 10 days';
--@ routed
SELECT extract(year FROM age(d)) AS years, count(*) FROM facts GROUP BY 1;
--@ routed
SELECT id, extract(day FROM age(d + i, d)), extract(month FROM age(d - i, d2)), extract(quarter FROM age(d, d2)), extract(decade FROM age(d, d2)), extract(second FROM age(ts, d)), date_part('second', age(ts, d)) FROM facts;
--@ routed
SELECT max(age(ts, ts2)), min(age(ts, ts2)), sum(age(ts, ts2)), avg(age(ts, ts2)) FROM facts;
--@ routed
SELECT g, avg(iv), sum(iv), count(iv) FROM facts GROUP BY g;
--@ routed
SELECT count(*) FROM facts WHERE iv > interval '10 days' AND iv <= interval '1 mon 20 days';
--@ routed
SELECT id, extract(epoch FROM iv), extract(month FROM iv), extract(day FROM iv), extract(hour FROM iv), date_part('minute', iv), date_part('epoch', iv) FROM facts;
--@ routed
SELECT count(*) FROM facts WHERE ts + iv > timestamp '1970-02-01';
--@ function
SELECT count(*) FROM facts WHERE extract(century FROM iv) = 0;
--@ routed
SELECT min(extract(year FROM age(timestamptz '2024-02-29 00:00:00Z', tz))) FROM facts;
--@ routed
SELECT g, sum(iv) OVER (PARTITION BY g) FROM facts WHERE id < 20;
--@ routed
SELECT max(s.a), sum(s.a), count(*) FILTER (WHERE s.a > interval '1 day'), max(extract(epoch FROM s.a)) FROM (SELECT ts2 - ts AS a FROM facts) s;
--@ routed
SELECT max(s.a), min(s.a) FROM (SELECT g, sum(iv) AS a FROM facts GROUP BY g) s;
