-- Odd values of odd types, by load and by stream.

--@ case numbers
CREATE TABLE t (id int PRIMARY KEY, n numeric, m numeric(76,40), f float8, g float4, s smallint, b bigint, x numeric(5,-2), y numeric(3,5), mo money, o oid, z numeric(1000, 500));
INSERT INTO t VALUES (1, 'NaN', 'NaN', 'NaN', 'NaN', -32768, -9223372036854775808, 12345, 0.00123, '-92233720368547758.08', 4294967295, 1), (2, 'Infinity', 0, '-Infinity', '1e-45', 32767, 9223372036854775807, -99999, -0.00999, 0, 0, -1e499), (3, 1e1000, 1, 4.9e-324, '3.4028235e38', 0, 0, 0, 0, NULL, NULL, 1e-500), (4, 1e-1000, -1, '-0', '-0', 0, 0, NULL, NULL, NULL, NULL, NULL), (5, '-Infinity', NULL, 1.7976931348623157e308, 0, 0, 0, NULL, NULL, NULL, NULL, NULL);
--@ then
INSERT INTO t SELECT id + 10, n, m, f, g, s, b, x, y, mo, o, z FROM t;
UPDATE t SET m = 123456789012345678901234567890123456.1234567890123456789012345678901234567890, n = 123456789.000000 WHERE id = 1;

--@ case times
CREATE TABLE t (id int PRIMARY KEY, d date, ts timestamp, tz timestamptz, tm time, tt timetz, iv interval);
INSERT INTO t VALUES (1, '4713-01-01 BC', '4713-01-01 BC', '4713-01-01 BC', '00:00', '00:00+15:59', '-178000000 years'), (2, 'infinity', 'infinity', '-infinity', '24:00:00', '24:00:00-15:59', '178000000 years'), (3, '5874897-12-31', '294276-12-31 23:59:59.999999', '294276-12-31 23:59:59.999999', '23:59:59.999999', '12:00+00', '1 mon -1 day 00:00:00.000001'), (4, '0001-01-01', '1899-12-31 23:59:59.999999', '2300-01-01', '12:00', '12:00', '0');
--@ then
INSERT INTO t SELECT id + 10, d, ts, tz, tm, tt, iv FROM t;
INSERT INTO t VALUES (21, '2024-02-29', '2024-02-29 12:00', '2024-02-29 12:00Z', '12:00', '12:00', '1 day');

--@ case time_keys
CREATE TABLE t (at timestamptz, d date, v int, PRIMARY KEY (at, d));
INSERT INTO t SELECT '2024-01-01 00:00:00Z'::timestamptz + i * interval '1 us', '2024-01-01'::date + i, i FROM generate_series(1, 20) i;
--@ then
UPDATE t SET at = at + interval '1 year' WHERE v < 5;
DELETE FROM t WHERE v = 10;
UPDATE t SET v = 100 WHERE v = 11;

--@ case time_key_out_of_range
CREATE TABLE t (at timestamptz PRIMARY KEY, v int);
INSERT INTO t VALUES ('2024-01-01 00:00:00Z', 1);
--@ then
INSERT INTO t VALUES ('infinity', 2);
--@ failed value_out_of_range
INSERT INTO t VALUES ('1500-01-01', 3);

--@ case texts
CREATE TABLE t (id int PRIMARY KEY, c char(5), v varchar(3), s text, b bit(5), vb varbit, j json, jb jsonb, x xml, n name, ch "char", ts tsvector, tq tsquery);
INSERT INTO t VALUES (1, '', '', '', B'00000', B'', '{"a" : 1, "a":2}', '{"a": 1e400, "b": "\u00e4 \\u0000"}', '<a>&lt;</a>', 'n', '', '', ''), (2, 'ab', 'äöü', E'\x01\x7f\t\n\r\\"''', B'10101', B'1', 'null', 'null', '', '', 'x', 'a:1A b', 'a & !b'), (3, '     ', '   ', '🦜' || repeat(' ', 10), NULL, NULL, '  []  ', '[]', NULL, NULL, NULL, NULL, NULL), (4, NULL, NULL, NULL, NULL, NULL, '"x"', '"\ud83d\ude00"', NULL, repeat('n', 63), E'\x7f', 'a''b', NULL);
--@ then
INSERT INTO t SELECT id + 10, c, v, s, b, vb, j, jb, x, n, ch, ts, tq FROM t;
UPDATE t SET s = E'a\u2028b' WHERE id = 2;

--@ case text_keys
CREATE TABLE t (k text, c char(4), b bytea, u uuid, bo bool, PRIMARY KEY (k, c, b, u, bo));
INSERT INTO t VALUES ('', '', '', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', true), ('ä', 'a', '\x00', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12', false), (E'x\\''"', '  ', '\xff00', '00000000-0000-0000-0000-000000000000', true);
--@ then
UPDATE t SET bo = NOT bo;
DELETE FROM t WHERE k = 'ä';
UPDATE t SET k = k || E'\n' WHERE k LIKE 'x%';
UPDATE t SET b = b || '\x00' WHERE k = '';

--@ case odd_keys
CREATE TYPE mood AS ENUM ('a', 'b');
CREATE TABLE n (k numeric PRIMARY KEY, v int);
CREATE TABLE f (k float8 PRIMARY KEY, v int);
CREATE TABLE e (k mood PRIMARY KEY, v int);
CREATE TABLE i (k inet PRIMARY KEY, v int);
CREATE TABLE a (k int[] PRIMARY KEY, v int);
CREATE TABLE iv (k interval PRIMARY KEY, v int);
CREATE TABLE r (k int4range PRIMARY KEY, v int);
CREATE TABLE jb (k jsonb PRIMARY KEY, v int);
CREATE TABLE nd (k numeric(10,3) PRIMARY KEY, v int);
CREATE TABLE tt (k timetz PRIMARY KEY, v int);
INSERT INTO n VALUES (1.0, 1), (2.50, 2), ('NaN', 3), (1e100, 4);
INSERT INTO f VALUES ('-0', 1), ('NaN', 3), ('Infinity', 4), (1.5, 5);
INSERT INTO e VALUES ('a', 1), ('b', 2);
INSERT INTO i VALUES ('10.0.0.1', 1), ('::1', 2);
INSERT INTO a VALUES ('{}', 1), ('{1,NULL}', 2), ('[5:6]={1,2}', 3), ('{1,2}', 4);
INSERT INTO iv VALUES ('1 mon', 1), ('29 days', 2), ('24:00:00', 3);
INSERT INTO r VALUES ('[1,5)', 1), ('empty', 2), ('(,)', 3);
INSERT INTO jb VALUES ('{"a": 1.0}', 1), ('null', 2), ('[]', 3);
INSERT INTO nd VALUES (1.5, 1), (-1.5, 2);
INSERT INTO tt VALUES ('12:00+00', 1), ('12:00+01', 2);
--@ then
UPDATE n SET k = 1.000 WHERE k = 1;
UPDATE n SET v = v + 10;
UPDATE f SET k = 0 WHERE k = 0;
UPDATE f SET v = v + 10;
UPDATE e SET v = v + 10;
UPDATE i SET v = v + 10;
UPDATE a SET v = v + 10;
UPDATE iv SET k = '30 days' WHERE k = '1 mon';
UPDATE iv SET v = v + 10;
UPDATE r SET v = v + 10;
UPDATE jb SET k = '{"a": 1.00}' WHERE v = 1;
UPDATE jb SET v = v + 10;
UPDATE nd SET v = v + 10;
UPDATE tt SET v = v + 10;
--@ then
DELETE FROM n WHERE k = 1;
INSERT INTO n VALUES (1, 7);
DELETE FROM f WHERE k = 0;
INSERT INTO f VALUES ('-0', 8);
DELETE FROM iv WHERE k = '1 mon';
INSERT INTO iv VALUES ('720:00:00', 8);
DELETE FROM jb WHERE k = '{"a": 1}';
INSERT INTO jb VALUES ('{"a": 1}', 8);
DELETE FROM i;
DELETE FROM a WHERE v > 12;
ALTER TYPE odd_keys.mood RENAME VALUE 'a' TO 'c';
UPDATE e SET v = v + 10;

--@ case arrays
CREATE TABLE t (id int PRIMARY KEY, a int[], b text[], c int[][], d numeric(5,2)[], e timestamptz[], f bool[], g bytea[], h jsonb[]);
INSERT INTO t VALUES (1, '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}'), (2, '{1,NULL,3}', '{"",NULL,"NULL","a,b\"c"}', '{{1,2},{3,NULL}}', '{1.25,NULL,NaN}', '{infinity,NULL,"2024-01-01 00:00:00Z"}', '{t,NULL}', '{"\\x00",NULL}', '{"{\"a\": 1}",NULL}'), (3, '[5:6]={1,2}', '[-1:0]={a,b}', '[0:1][2:3]={{1,2},{3,4}}', NULL, NULL, NULL, NULL, NULL), (4, '{{1,2},{3,4}}', NULL, '{1,2}', NULL, NULL, NULL, NULL, NULL);
--@ then
INSERT INTO t SELECT id + 10, a, b, c, d, e, f, g, h FROM t;
UPDATE t SET a = a || 5 WHERE id = 2;

--@ case extension_types
CREATE EXTENSION IF NOT EXISTS hstore SCHEMA public;
CREATE EXTENSION IF NOT EXISTS citext SCHEMA public;
CREATE EXTENSION IF NOT EXISTS ltree SCHEMA public;
CREATE EXTENSION IF NOT EXISTS cube SCHEMA public;
CREATE EXTENSION IF NOT EXISTS seg SCHEMA public;
CREATE EXTENSION IF NOT EXISTS isn SCHEMA public;
CREATE EXTENSION IF NOT EXISTS intarray SCHEMA public;
CREATE TABLE t (id int PRIMARY KEY, h hstore, c citext, l ltree, q cube, g seg, i isbn13, hs hstore[], ct citext[]);
INSERT INTO t VALUES (1, 'a=>1, b=>NULL, "c d"=>"e\"f"', 'MiXed', 'a.b.c', '(1,2),(3,4)', '1.5 .. 2.5', '978-0-393-04002-9', NULL, '{A,b,NULL}'), (2, '', '', '', '(0)', '1', NULL, ARRAY['a=>1'::hstore], '{}');
--@ then
INSERT INTO t SELECT id + 10, h, c, l, q, g, i, hs, ct FROM t;
UPDATE t SET c = upper(c::text) WHERE id = 1;
--@ then
ALTER TABLE t ADD COLUMN more hstore DEFAULT 'x=>1';
INSERT INTO t (id) VALUES (50);
ALTER EXTENSION hstore SET SCHEMA extension_types;
UPDATE t SET h = h || 'z=>9' WHERE id = 1;
ALTER EXTENSION hstore SET SCHEMA public;

--@ case ranges
CREATE TYPE span AS RANGE (subtype = float8, multirange_type_name = spanmultirange);
CREATE DOMAIN few AS int[];
CREATE TABLE t (id int PRIMARY KEY, r int4range, n numrange, t tstzrange, d daterange, m int4multirange, s span, f few, sm spanmultirange);
INSERT INTO t VALUES (1, '[1,5)', '(1.50,)', '[2024-01-01 00:00:00Z,infinity]', '(,2024-01-01]', '{[1,2),[5,9)}', '[1.5,2.5]', '{1,NULL}', '{[1,2]}'), (2, 'empty', '(,)', 'empty', '[-infinity,infinity]', '{}', 'empty', '{}', '{}'), (3, NULL, NULL, '(,)', NULL, NULL, NULL, NULL, NULL);
--@ then
INSERT INTO t SELECT id + 10, r, n, t, d, m, s, f, sm FROM t;
ALTER TABLE t ADD COLUMN s2 span DEFAULT '[1,2)';
INSERT INTO t (id) VALUES (50);

--@ case systems
CREATE TABLE t (id int PRIMARY KEY, pl pg_lsn, x xid, x8 xid8, tid tid, sn pg_snapshot, jp jsonpath, mac macaddr, mac8 macaddr8, ip inet, ci cidr, po point, li line, ls lseg, bx box, pa path, pg polygon, cr circle, ac aclitem, iv int2vector);
INSERT INTO t VALUES (1, '1/2', '5', '5', '(1,2)', '1:5:2,3', '$.a[*] ? (@ > 1)', '08:00:2b:01:02:03', '08:00:2b:01:02:03:04:05', '::ffff:1.2.3.4/96', '10.0.0.0/8', '(1,2)', '{1,2,3}', '[(0,0),(1,1)]', '(1,1),(0,0)', '[(0,0),(1,1)]', '((0,0),(1,1),(2,0))', '<(0,0),1>', NULL, '1 2');
--@ then
INSERT INTO t SELECT id + 10, pl, x, x8, tid, sn, jp, mac, mac8, ip, ci, po, li, ls, bx, pa, pg, cr, ac, iv FROM t;
UPDATE t SET x = '6' WHERE id = 1;

--@ case names_of_objects
CREATE TABLE t (id int PRIMARY KEY, rc regclass, rt regtype, rp regproc);
INSERT INTO t VALUES (1, 'pg_class', 'int4', 'now');
--@ then
INSERT INTO t SELECT id + 10, rc, rt, rp FROM t;
UPDATE t SET rc = 't' WHERE id = 1;
