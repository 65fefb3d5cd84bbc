-- bytea, ranges, and json that is made.
--@ routed
SELECT count(*) FROM facts WHERE by = '\xc4ca4238a0b923820dcc509a6f75849b' OR by > '\xff' AND by <> '\x';
--@ routed
SELECT sum(length(by)), count(DISTINCT by), max(octet_length(by || by)) FROM facts;
--@ routed
SELECT left(encode(by, 'hex'), 1) AS h, count(*), max(encode(by, 'base64')) IS NULL FROM facts GROUP BY 1;
--@ routed
SELECT encode(sha256(name::bytea), 'hex') AS h, md5(name::bytea) AS m, count(*) FROM facts GROUP BY 1, 2;
--@ routed
SELECT by, count(*) FROM facts WHERE id < 20 GROUP BY by ORDER BY by;
--@ routed
SELECT id, CASE WHEN g = 1 THEN by END AS c, coalesce(NULL, by), sha224(by), sha512(by) FROM facts WHERE id < 9;
--@ function
SELECT encode(by, 'escape') AS h, count(*) FROM facts GROUP BY 1;
--@ routed
SELECT count(*) FROM sales WHERE daterange('2024-02-01', '2024-03-01') @> day AND int4range(1, 5, '[]') @> qty;
--@ routed
SELECT count(*) FROM facts WHERE numrange(-50.5, 100, '(]') @> n AND ts <@ tsrange('1970-01-02', '1970-02-01 12:30:00') AND NOT int8range(0, 9000000000) @> big;
--@ routed
SELECT count(*) FROM facts WHERE d2 <@ daterange(NULL, '2020-01-01', '[]') OR d <@ daterange('2020-05-01', NULL) OR i <@ int4range(5, 5) OR daterange(NULL, NULL) @> d2;
--@ routed
SELECT count(daterange(d, d + 10) @> d2), count(*) FILTER (WHERE tsrange(ts, NULL, '(]') @> ts2), count(int4range(i, NULL) @> g) FROM facts;
--@ failed when it ran
SELECT count(*) FROM facts WHERE tsrange(ts2, ts) @> timestamp '1990-01-01';
--@ routed
SELECT count(*) FROM facts WHERE r @> 3;
--@ routed
SELECT g, json_agg(i ORDER BY id), jsonb_agg(t ORDER BY id), json_agg(n ORDER BY n DESC NULLS LAST, id) FROM facts WHERE id < 60 GROUP BY g;
--@ routed
SELECT json_agg(json_build_object('id', id, 'na"me', t, 'd', d2, 'ts', ts2, 'b', b, 'u', u, 'm', m) ORDER BY id) FROM facts WHERE id < 40;
--@ routed
SELECT jsonb_agg(jsonb_build_object('id', id, 'id', g, 'tier', j -> 'tier', 'in', jsonb_build_object('n', n)) ORDER BY id DESC) FILTER (WHERE id < 30) FROM facts;
--@ routed
SELECT jsonb_agg(x ORDER BY id), json_agg(t ORDER BY id) FROM empty;
--@ routed
SELECT jsonb_object_agg(name, n) FROM (SELECT name, count(*) AS n FROM facts GROUP BY name) s;
--@ routed
SELECT g, jsonb_object_agg(name, i ORDER BY id), json_object_agg(id, t ORDER BY id) FROM facts WHERE id < 50 GROUP BY g;
--@ failed when it ran
SELECT jsonb_object_agg(name, i) FROM facts;
--@ failed when it ran
SELECT jsonb_object_agg(t, i ORDER BY id) FROM facts;
--@ implied_order
SELECT json_agg(i) FROM facts;
--@ aggregate
SELECT json_agg(f ORDER BY id) FROM facts;
--@ routed
SELECT count(*) FROM facts WHERE tstzrange('2024-03-31 00:30:00+01', '2024-03-31 05:00:00+02') @> tz OR tz2 <@ tstzrange(tz, tz + interval '1 day');
--@ routed
SELECT array_agg(DISTINCT u ORDER BY u DESC), array_agg(DISTINCT u) FROM facts;
