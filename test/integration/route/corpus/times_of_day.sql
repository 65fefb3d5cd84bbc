-- time and money.
--@ routed
SELECT opens, count(*) FROM accounts GROUP BY opens ORDER BY opens;
--@ routed
SELECT count(*) FROM accounts WHERE opens BETWEEN '08:00' AND '09:30:00' OR opens = '07:47:30' OR opens <> time '07:30';
--@ routed
SELECT min(opens), max(opens), count(DISTINCT opens), count(opens) FROM accounts;
--@ routed
SELECT extract(hour FROM opens), extract(minute FROM opens), extract(second FROM opens), extract(epoch FROM opens), date_part('hour', opens), date_part('second', opens), date_part('epoch', opens), count(*) FROM accounts GROUP BY 1, 2, 3, 4, 5, 6, 7;
--@ routed
SELECT at::time, local::time, count(*) FROM hits GROUP BY 1, 2 ORDER BY 1, 2;
--@ routed
SELECT count(*) FROM hits WHERE at::time BETWEEN '09:00' AND '17:00' AND local::time >= time '18:00';
--@ routed
SELECT (at AT TIME ZONE 'Europe/Berlin')::time AS t, count(*) FROM hits GROUP BY 1 ORDER BY 1 LIMIT 20;
--@ routed
SELECT date_trunc('hour', local)::time, count(*) FROM hits GROUP BY 1;
--@ routed
SELECT opens + interval '90 minutes', opens - interval '1 day 10 hours', interval '25 hours' + opens, count(*) FROM accounts GROUP BY 1, 2, 3;
--@ routed
SELECT to_char(opens, 'HH24:MI'), opens::text, count(*) FROM accounts GROUP BY 1, 2;
--@ routed
SELECT concat('at ', opens), date '2024-02-29' + opens, count(*) FROM accounts GROUP BY 1, 2;
--@ routed
SELECT tier, sum(opens - time '06:00'), max(opens - '06:00'), avg(opens::interval) FROM accounts GROUP BY tier;
--@ routed
SELECT count(*) FROM accounts WHERE opens - time '06:00' > interval '2 hours';
--@ routed
SELECT extract(hour FROM opens - time '06:00'), count(*) FROM accounts GROUP BY 1;
--@ routed
SELECT id, lag(opens) OVER (ORDER BY created_at), opens - lag(opens) OVER (ORDER BY created_at) FROM accounts ORDER BY created_at LIMIT 30;
--@ routed
SELECT DISTINCT opens FROM accounts;
--@ routed
SELECT coalesce(opens, '12:00'), CASE WHEN opens < '08:00' THEN 'early' END, greatest(opens, '08:00'), count(*) FROM accounts GROUP BY 1, 2, 3;
--@ routed
SELECT a.opens FROM accounts a JOIN accounts b ON a.opens = b.opens AND a.id < b.id WHERE a.seats IS NULL;
--@ routed
SELECT opens FROM accounts WHERE seats > 40 UNION SELECT '23:59:59.5' FROM accounts ORDER BY 1;
--@ routed
SELECT s.id, a.opens FROM stores s LEFT JOIN accounts a ON a.seats = s.id AND a.tier = 'free' ORDER BY 1, 2;
--@ routed
SELECT count(*) FROM accounts WHERE opens > make_time(seats % 24, 30, 0);
--@ routed
SELECT (local - at_day)::time, count(*) FROM (SELECT local, date_trunc('day', local) AS at_day FROM hits) x GROUP BY 1;
--@ aggregate
SELECT array_agg(opens ORDER BY opens) FROM accounts;
--@ routed
SELECT mode() WITHIN GROUP (ORDER BY opens), percentile_disc(0.5) WITHIN GROUP (ORDER BY opens) FROM accounts;
--@ routed
SELECT count(DISTINCT (opens, tier)) FROM accounts WHERE opens IS DISTINCT FROM '08:00' AND opens IN ('08:15', '08:30', NULL);
--! PREPARE opened (time) AS SELECT count(*) FROM accounts WHERE opens > $1
--@ routed
EXECUTE opened('08:15');
--@ routed
SELECT sum(balance), min(balance), max(balance), count(DISTINCT balance) FROM accounts;
--@ routed
SELECT tier, sum(balance) FROM accounts WHERE balance > 0::money AND balance <> '50.00' GROUP BY tier ORDER BY tier;
--@ routed
SELECT id, balance FROM accounts WHERE balance > 500::money ORDER BY balance DESC, id LIMIT 5;
--@ routed
SELECT balance, count(*) FROM accounts GROUP BY balance ORDER BY balance DESC NULLS LAST;
--@ routed
SELECT balance * 2, balance / 3, balance + balance, count(*) FROM accounts GROUP BY 1, 2, 3;
--@ routed
SELECT cash, sum(cash) OVER (ORDER BY id), lag(cash) OVER (ORDER BY id) FROM facts ORDER BY id LIMIT 40;
--@ routed
SELECT * FROM accounts ORDER BY id LIMIT 20;
--@ operator
SELECT sum(cash * 1.5), min(2 * cash), max(cash / 2), sum(cash - '1') FROM facts;
--@ operator
SELECT balance / '2.5'::money, balance * 0.1, count(*) FROM accounts GROUP BY 1, 2;
--@ routed
SELECT id, cash::numeric FROM facts WHERE cash > 5::money;
