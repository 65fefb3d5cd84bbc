-- Whole tables: renamed, swapped, dropped and made again, keys, owners, persistence, moved.

--@ case swap_by_rename
CREATE TABLE a (id int PRIMARY KEY, v int);
CREATE TABLE b (id int PRIMARY KEY, v int);
INSERT INTO a SELECT i, i FROM generate_series(1, 20) i;
INSERT INTO b SELECT i, -i FROM generate_series(1, 30) i;
--@ then
BEGIN;
ALTER TABLE a RENAME TO a_old;
ALTER TABLE b RENAME TO a;
INSERT INTO a VALUES (100, 100);
COMMIT;
UPDATE a_old SET v = 5 WHERE id = 1;
--@ then
BEGIN;
ALTER TABLE a RENAME TO b;
ALTER TABLE a_old RENAME TO a;
COMMIT;
UPDATE a SET v = 6 WHERE id = 1;
UPDATE b SET v = 7 WHERE id = 1;

--@ case new_table_in_place_of_the_old
CREATE TABLE a (id int PRIMARY KEY, v int);
INSERT INTO a SELECT i, i FROM generate_series(1, 20) i;
--@ then
BEGIN;
CREATE TABLE a_new (LIKE a INCLUDING ALL);
INSERT INTO a_new SELECT id, v * 2 FROM a;
ALTER TABLE a RENAME TO a_old;
ALTER TABLE a_new RENAME TO a;
COMMIT;
INSERT INTO a VALUES (50, 1);
UPDATE a_old SET v = 9 WHERE id = 2;

--@ case drop_and_create
CREATE TABLE a (id int PRIMARY KEY, v int);
INSERT INTO a SELECT i, i FROM generate_series(1, 20) i;
--@ then
BEGIN;
DROP TABLE a;
CREATE TABLE a (id int PRIMARY KEY, w text);
INSERT INTO a VALUES (1, 'x');
COMMIT;

--@ case schema_renamed
CREATE SCHEMA inner_schema;
CREATE TABLE inner_schema.hidden (id int PRIMARY KEY, v int);
CREATE TABLE t (id int PRIMARY KEY, v int);
INSERT INTO t SELECT i, i FROM generate_series(1, 20) i;
--@ then
ALTER SCHEMA schema_renamed RENAME TO schema_elsewhere;
INSERT INTO schema_elsewhere.t VALUES (50, 1);
--@ then
ALTER SCHEMA schema_elsewhere RENAME TO schema_renamed;
UPDATE t SET v = 0 WHERE id = 50;

--@ case owner_changed
CREATE TABLE t (id int PRIMARY KEY, v int);
INSERT INTO t SELECT i, i FROM generate_series(1, 20) i;
--@ then
CREATE ROLE other_owner;
GRANT ALL ON SCHEMA owner_changed TO other_owner;
ALTER TABLE t OWNER TO other_owner;
SET ROLE other_owner;
ALTER TABLE t ADD COLUMN n int DEFAULT 4;
INSERT INTO t VALUES (50, 1);
RESET ROLE;

--@ case replica_identity
CREATE TABLE t (id int PRIMARY KEY, k int NOT NULL, v text);
CREATE UNIQUE INDEX t_k ON t (k);
INSERT INTO t SELECT i, i * 10, 'x' FROM generate_series(1, 20) i;
--@ then
ALTER TABLE t REPLICA IDENTITY FULL;
UPDATE t SET v = 'full' WHERE id < 5;
DELETE FROM t WHERE id = 6;
UPDATE t SET id = id + 100 WHERE id = 7;
--@ then
ALTER TABLE t REPLICA IDENTITY USING INDEX t_k;
UPDATE t SET v = 'index' WHERE id < 5;
UPDATE t SET k = k + 1 WHERE id = 9;
DELETE FROM t WHERE id = 10;
UPDATE t SET id = id + 100 WHERE id = 11;
--@ then
ALTER TABLE t REPLICA IDENTITY DEFAULT;
UPDATE t SET v = 'default' WHERE id < 5;
UPDATE t SET k = k + 1 WHERE id = 12;
DELETE FROM t WHERE id = 13;
UPDATE t SET id = id + 100 WHERE id = 14;

--@ case replica_identity_nothing
CREATE TABLE t (id int PRIMARY KEY, v text);
INSERT INTO t SELECT i, 'x' FROM generate_series(1, 20) i;
--@ then
ALTER TABLE t REPLICA IDENTITY NOTHING;
INSERT INTO t VALUES (50, 'y');
--@ failed no_replica_identity
ALTER TABLE t ADD COLUMN n int;

--@ case replica_identity_to_and_fro
CREATE TABLE t (id int PRIMARY KEY, v text);
INSERT INTO t SELECT i, 'x' FROM generate_series(1, 20) i;
--@ then
BEGIN;
ALTER TABLE t REPLICA IDENTITY NOTHING;
INSERT INTO t VALUES (50, 'y');
ALTER TABLE t REPLICA IDENTITY FULL;
UPDATE t SET v = 'z' WHERE id = 3;
ALTER TABLE t REPLICA IDENTITY DEFAULT;
DELETE FROM t WHERE id = 4;
COMMIT;

--@ case other_primary_key
CREATE TABLE t (a int NOT NULL, b int NOT NULL, v text, PRIMARY KEY (a));
INSERT INTO t SELECT i, i * 10, 'x' FROM generate_series(1, 20) i;
--@ then
BEGIN;
ALTER TABLE t DROP CONSTRAINT t_pkey;
ALTER TABLE t ADD PRIMARY KEY (b);
UPDATE t SET a = 1 WHERE b < 50;
COMMIT;
UPDATE t SET v = 'y' WHERE b = 10;
DELETE FROM t WHERE b = 20;
--@ then
BEGIN;
ALTER TABLE t DROP CONSTRAINT t_pkey;
ALTER TABLE t ADD PRIMARY KEY (b, a);
COMMIT;
UPDATE t SET a = a + 1000 WHERE b > 150;
--@ then
CREATE UNIQUE INDEX CONCURRENTLY t_new ON t (a, b);
BEGIN;
ALTER TABLE t DROP CONSTRAINT t_pkey;
ALTER TABLE t ADD CONSTRAINT t_pkey PRIMARY KEY USING INDEX t_new;
COMMIT;
UPDATE t SET b = b + 1 WHERE a > 1000;

--@ case key_gets_another_name
CREATE TABLE t (a int PRIMARY KEY, v text);
INSERT INTO t SELECT i, 'x' FROM generate_series(1, 20) i;
--@ then
ALTER TABLE t RENAME a TO b;
UPDATE t SET v = 'y' WHERE b < 5;
UPDATE t SET b = b + 100 WHERE b > 15;
--@ then
REINDEX TABLE t;
REINDEX INDEX CONCURRENTLY t_pkey;
ALTER INDEX t_pkey RENAME TO t_other;
UPDATE t SET v = 'z' WHERE b < 3;

--@ case updated_keys
CREATE TABLE t (a int, b text, v text, PRIMARY KEY (a, b));
INSERT INTO t SELECT i, 'k' || i, 'v' FROM generate_series(1, 50) i;
--@ then
UPDATE t SET a = a + 1000;
UPDATE t SET b = b || 'x' WHERE a < 1010;
UPDATE t SET a = a - 1000, v = 'back';
--@ then
BEGIN;
UPDATE t SET a = 0 WHERE a = 1;
INSERT INTO t VALUES (1, 'k1x', 'reborn');
DELETE FROM t WHERE a = 0;
INSERT INTO t VALUES (0, 'k1x', 'again');
UPDATE t SET a = 1, b = 'other' WHERE a = 0;
COMMIT;

--@ case unlogged
CREATE TABLE t (id int PRIMARY KEY, v int);
INSERT INTO t SELECT i, i FROM generate_series(1, 20) i;
--@ then
--@ fails
ALTER TABLE t SET UNLOGGED;
UPDATE t SET v = 5;

--@ case truncates
CREATE TABLE parent (id int PRIMARY KEY, v int);
CREATE TABLE child (id int PRIMARY KEY, p int REFERENCES parent ON DELETE CASCADE ON UPDATE CASCADE);
CREATE TABLE alone (id int PRIMARY KEY, v int);
INSERT INTO parent SELECT i, i FROM generate_series(1, 20) i;
INSERT INTO child SELECT i, i FROM generate_series(1, 20) i;
INSERT INTO alone SELECT i, i FROM generate_series(1, 20) i;
--@ then
DELETE FROM parent WHERE id < 5;
UPDATE parent SET id = id + 100 WHERE id > 15;
BEGIN;
INSERT INTO alone VALUES (100, 1);
TRUNCATE parent, alone CASCADE;
INSERT INTO parent VALUES (1, 1);
INSERT INTO child VALUES (1, 1);
INSERT INTO alone VALUES (1, 1);
COMMIT;
--@ then
BEGIN;
SAVEPOINT s;
TRUNCATE parent CASCADE;
INSERT INTO parent VALUES (7, 7);
ROLLBACK TO s;
INSERT INTO parent VALUES (8, 8);
COMMIT;
BEGIN;
TRUNCATE alone RESTART IDENTITY;
TRUNCATE alone;
INSERT INTO alone VALUES (3, 3);
TRUNCATE alone;
INSERT INTO alone VALUES (4, 4);
COMMIT;

--@ case truncate_and_ddl
CREATE TABLE t (id int PRIMARY KEY, v int);
INSERT INTO t SELECT i, i FROM generate_series(1, 20) i;
--@ then
BEGIN;
TRUNCATE t;
ALTER TABLE t ADD COLUMN n int DEFAULT 5;
INSERT INTO t VALUES (1, 1, 1), (2, 2, NULL);
ALTER TABLE t ALTER v TYPE bigint;
INSERT INTO t VALUES (3, 5000000000, 3);
COMMIT;
--@ then
BEGIN;
ALTER TABLE t DROP COLUMN n;
TRUNCATE t;
COMMIT;
INSERT INTO t VALUES (9, 9);

--@ case copy_freeze
CREATE TABLE t (id int PRIMARY KEY, v int);
INSERT INTO t SELECT i, i FROM generate_series(1, 20) i;
CREATE TABLE log (id int PRIMARY KEY, v int);
--@ then
COPY t TO '/tmp/tandem_copy_freeze';
BEGIN;
TRUNCATE t;
COPY t FROM '/tmp/tandem_copy_freeze' (FREEZE);
COMMIT;
COPY log FROM '/tmp/tandem_copy_freeze';
COPY t TO PROGRAM 'rm /tmp/tandem_copy_freeze';
MERGE INTO t USING (SELECT i AS id FROM generate_series(10, 30) i) s ON s.id = t.id WHEN MATCHED AND t.id % 2 = 0 THEN DELETE WHEN MATCHED THEN UPDATE SET v = -1 WHEN NOT MATCHED THEN INSERT VALUES (s.id, 0);
INSERT INTO t SELECT i, 7 FROM generate_series(1, 60) i ON CONFLICT (id) DO UPDATE SET v = excluded.v + t.v;

--@ case triggers
CREATE TABLE t (id int PRIMARY KEY, v int);
CREATE TABLE audit (n int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, what text);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO triggers.audit (what) VALUES (TG_OP); NEW.v := NEW.v * 2; RETURN NEW; END $$;
CREATE TRIGGER noted BEFORE INSERT OR UPDATE ON t FOR EACH ROW EXECUTE FUNCTION note();
INSERT INTO t SELECT i, i FROM generate_series(1, 20) i;
--@ then
UPDATE t SET v = v + 1;
SET session_replication_role = replica;
UPDATE t SET v = v + 1 WHERE id < 5;
ALTER TABLE t ADD COLUMN quiet int DEFAULT 3;
DELETE FROM audit WHERE n % 2 = 0;
RESET session_replication_role;
ALTER TABLE t DISABLE TRIGGER noted;
INSERT INTO t VALUES (50, 1, 1);
CREATE RULE nothing AS ON DELETE TO t DO INSTEAD NOTHING;
DELETE FROM t;

--@ case others_messages
CREATE TABLE t (id int PRIMARY KEY, v int);
INSERT INTO t SELECT i, i FROM generate_series(1, 20) i;
--@ then
SELECT pg_logical_emit_message(true, 'other', repeat('x', 100000));
SELECT pg_logical_emit_message(false, 'tandem', '');
SELECT pg_logical_emit_message(false, 'tandem', 'shape:99999999999999999999:x');
SELECT pg_logical_emit_message(true, 'tandem', 'shape:1259:x');
SELECT pg_logical_emit_message(true, 'tandem', 'leaf:1259:1260:true');
SELECT pg_logical_emit_message(true, 'tandem', 'leaf:' || 't'::regclass::oid || ':' || 't'::regclass::oid || ':true');
SELECT pg_logical_emit_message(true, 'tandem', 'leaf:' || 't'::regclass::oid || ':1:false');
SELECT pg_logical_emit_message(true, 'tandem', decode('ff0001', 'hex'));
SELECT pg_logical_emit_message(true, 'tandem', 'shape:' || 't'::regclass::oid || ':' || md5('x'));
INSERT INTO t VALUES (50, 1);

--@ case row_security
CREATE TABLE t (id int PRIMARY KEY, v int);
INSERT INTO t SELECT i, i FROM generate_series(1, 20) i;
--@ then
ALTER TABLE t ENABLE ROW LEVEL SECURITY;
ALTER TABLE t FORCE ROW LEVEL SECURITY;
CREATE POLICY few ON t USING (id > 10);
INSERT INTO t VALUES (50, 1);
ALTER TABLE t DISABLE ROW LEVEL SECURITY;

--@ case long_rows
CREATE TABLE t (id int PRIMARY KEY, s text, b bytea);
INSERT INTO t VALUES (1, repeat('ä', 3000000), NULL);
--@ then
INSERT INTO t VALUES (2, repeat('x', 20000000), decode(repeat('00ff', 2000000), 'hex'));
UPDATE t SET b = '\x00' WHERE id = 1;
UPDATE t SET id = 3 WHERE id = 2;

--@ case prepared
CREATE TABLE t (id int PRIMARY KEY, v int);
INSERT INTO t SELECT i, i FROM generate_series(1, 20) i;
--@ then
BEGIN;
INSERT INTO t VALUES (100, 1);
ALTER TABLE t ADD COLUMN n int DEFAULT 2;
INSERT INTO t VALUES (101, 1);
PREPARE TRANSACTION 'p1';
COMMIT PREPARED 'p1';
BEGIN;
TRUNCATE t;
PREPARE TRANSACTION 'p2';
ROLLBACK PREPARED 'p2';
BEGIN;
INSERT INTO t VALUES (102, 1);
PREPARE TRANSACTION 'p3';
COMMIT PREPARED 'p3';

--@ case foreign_names
CREATE TABLE t (id int PRIMARY KEY, v int);
CREATE MATERIALIZED VIEW mv AS SELECT * FROM t;
CREATE VIEW vw AS SELECT * FROM t;
INSERT INTO t SELECT i, i FROM generate_series(1, 20) i;
--@ then
REFRESH MATERIALIZED VIEW mv;
CREATE TABLE copied AS SELECT * FROM t;
SELECT * INTO copied2 FROM t;
ALTER VIEW vw RENAME TO vw2;
DROP MATERIALIZED VIEW mv;
COMMENT ON TABLE t IS 'x';

--@ case dropped_column_then_everything
CREATE TABLE t (gone1 int, id int PRIMARY KEY, gone2 text, v int);
ALTER TABLE t DROP COLUMN gone1;
INSERT INTO t SELECT i, 'g', i FROM generate_series(1, 20) i;
--@ then
ALTER TABLE t DROP COLUMN gone2;
INSERT INTO t VALUES (50, 1);
ALTER TABLE t ADD COLUMN gone2 text;
INSERT INTO t VALUES (51, 1, 'x');
CLUSTER t USING t_pkey;
ALTER TABLE t RENAME gone2 TO gone1;
INSERT INTO t VALUES (52, 1, 'y');

--@ case typed_table
CREATE TYPE row_type AS (id int, v text);
CREATE TABLE t OF row_type (PRIMARY KEY (id));
INSERT INTO t SELECT i, 'x' FROM generate_series(1, 20) i;
--@ then
ALTER TYPE row_type ADD ATTRIBUTE n int CASCADE;
INSERT INTO t VALUES (50, 'y', 5);
ALTER TYPE row_type RENAME ATTRIBUTE v TO w CASCADE;
INSERT INTO t VALUES (51, 'y', 5);
ALTER TYPE row_type ALTER ATTRIBUTE w TYPE varchar CASCADE;
INSERT INTO t VALUES (52, 'z', 5);
ALTER TABLE t NOT OF;
ALTER TABLE t DROP COLUMN n;

--@ case empty_tables
CREATE TABLE only_key (id int PRIMARY KEY);
CREATE TABLE nothing ();
ALTER TABLE nothing REPLICA IDENTITY FULL;
CREATE TABLE g (id int PRIMARY KEY, g int GENERATED ALWAYS AS (id) STORED);
INSERT INTO only_key SELECT generate_series(1, 10);
INSERT INTO g SELECT generate_series(1, 10);
--@ then
DELETE FROM only_key WHERE id < 4;
UPDATE only_key SET id = id + 50;
DELETE FROM g WHERE id < 4;
ALTER TABLE only_key ADD COLUMN v int;
INSERT INTO only_key VALUES (100, 5);
ALTER TABLE only_key DROP COLUMN v;
INSERT INTO only_key VALUES (101);
