-- What tells of DDL on mirrored tables: docs/reference/ddl.md, src/mirror/source/schema_guard.h.

-- The heaps a table's rows lie in, "leaf/filenode ...", by leaf; of a partitioned table with the
-- transactions that attached it, "leaf/filenode/xid". It changes when rows are rewritten, truncated,
-- attached or detached, and when they only move (tandem.moved_leaves). The extension writes the same
-- (extension/catalog/heaps.cpp).
CREATE OR REPLACE FUNCTION tandem.heaps(relid oid) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    WITH RECURSIVE tree AS (
        SELECT c.oid, c.relkind, c.relfilenode, '' AS attached FROM pg_class c WHERE c.oid = relid
        UNION ALL
        SELECT c.oid, c.relkind, c.relfilenode, t.attached || '/' || i.xmin FROM tree t
            JOIN pg_inherits i ON i.inhparent = t.oid JOIN pg_class c ON c.oid = i.inhrelid
            WHERE t.relkind = 'p' AND NOT i.inhdetachpending)
    SELECT coalesce(string_agg(oid || '/' || relfilenode || attached, ' ' ORDER BY oid), '') FROM tree
        WHERE relkind <> 'p'
$$;

-- Those of them that are of the leaf; NULL when it is none.
CREATE OR REPLACE FUNCTION tandem.leaf_heap(heaps text, leaf oid) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT heap FROM regexp_split_to_table(heaps, ' ') heap WHERE split_part(heap, '/', 1) = leaf::text
$$;

-- The heap of a leaf, if it was attached no later than by the transaction. What was attached since may hold rows that
-- were written while it was away, and older ones of the stream would replace them.
CREATE OR REPLACE FUNCTION tandem.heap_as_of(heap text, transaction xid) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT heap WHERE NOT EXISTS (
        SELECT FROM regexp_split_to_table(regexp_replace(heap, '^\d+/\d+/?', ''), '/') attached
        WHERE attached <> '' AND age(attached::xid) < age(transaction))
$$;

-- Heaps with that of the leaf replaced; without it when that is NULL.
CREATE OR REPLACE FUNCTION tandem.with_leaf(heaps text, leaf oid, heap text) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(string_agg(h, ' ' ORDER BY split_part(h, '/', 1)::oid), '')
    FROM (SELECT h FROM regexp_split_to_table(heaps, ' ') h
          WHERE h <> '' AND split_part(h, '/', 1) <> leaf::text
          UNION ALL SELECT heap WHERE heap IS NOT NULL) all_heaps (h)
$$;

-- Known heaps after a TRUNCATE by the transaction: those it made replace the known ones, unless
-- something came after it (ANALYZE and VACUUM aside); what that was is for others to find out. A leaf
-- that the transaction attached may hold rows that it did not truncate.
CREATE OR REPLACE FUNCTION tandem.heaps_truncated(known text, relid oid, truncated_by xid) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(string_agg(coalesce(made.heap, k.heap), ' ' ORDER BY k.leaf), '')
    FROM (SELECT split_part(h, '/', 1)::oid AS leaf, h AS heap
          FROM regexp_split_to_table(known, ' ') h WHERE h <> '') k
    LEFT JOIN (SELECT c.oid AS leaf, h AS heap
               FROM regexp_split_to_table(tandem.heaps(relid), ' ') h
               JOIN pg_class c ON c.oid = nullif(split_part(h, '/', 1), '')::oid
               WHERE c.xmin::text = truncated_by::text) made
        ON made.leaf = k.leaf
       AND regexp_replace(made.heap, '^\d+/\d+', '') = regexp_replace(k.heap, '^\d+/\d+', '')
$$;

-- Leaves of live partitioned tables that are not those the mirror knows or loads.
CREATE OR REPLACE FUNCTION tandem.changed_leaves()
RETURNS TABLE (mirror_id int, relid oid, leaf oid, part boolean)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT t.mirror_id, t.relid, leaf, d.now_leaf IS NOT NULL
    FROM tandem.mirror_table t JOIN pg_class c ON c.oid = t.relid AND c.relkind = 'p'
    CROSS JOIN LATERAL (
        SELECT coalesce(k.leaf, n.leaf) AS leaf, n.leaf AS now_leaf
        FROM (SELECT nullif(split_part(h, '/', 1), '')::oid AS leaf, h AS heap
              FROM regexp_split_to_table(t.heaps, ' ') h WHERE h <> ''
              UNION ALL
              SELECT l.leaf, l.heap FROM tandem.mirror_leaf l
              WHERE l.mirror_id = t.mirror_id AND l.relid = t.relid AND l.loads
                AND l.copy = (SELECT max(m.copy) FROM tandem.mirror_copy m
                              WHERE m.mirror_id = t.mirror_id AND m.relid = t.relid)) k
        FULL JOIN (SELECT split_part(h, '/', 1)::oid AS leaf, h AS heap
                   FROM regexp_split_to_table(tandem.heaps(t.relid), ' ') h WHERE h <> '') n
            ON n.leaf = k.leaf
        WHERE k.leaf IS NULL OR n.leaf IS NULL OR k.heap IS DISTINCT FROM n.heap) d
    WHERE t.state = 'live'
$$;

-- What a type says of values beside its OID, an element for each thing: the parts of composite types within
-- it, and the labels of enums. Values from before are printed in another way when one of them is gone; a
-- label that is added changes none. NULL when there is nothing of the kind.
CREATE OR REPLACE FUNCTION tandem.type_shape(type oid) RETURNS text[]
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    WITH RECURSIVE part AS (
        SELECT t.oid, t.typtype, t.typcategory, t.typelem, t.typbasetype, t.typrelid
        FROM pg_type t WHERE t.oid = type
        UNION
        SELECT t.oid, t.typtype, t.typcategory, t.typelem, t.typbasetype, t.typrelid
        FROM part p CROSS JOIN LATERAL (
            SELECT p.typelem AS oid WHERE p.typcategory = 'A'
            UNION ALL SELECT p.typbasetype
            UNION ALL SELECT r.rngsubtype FROM pg_range r WHERE r.rngtypid = p.oid
            UNION ALL SELECT r.rngtypid FROM pg_range r WHERE r.rngmultitypid = p.oid
            UNION ALL SELECT a.atttypid FROM pg_attribute a
                      WHERE a.attrelid = p.typrelid AND a.attnum > 0 AND NOT a.attisdropped) below
        JOIN pg_type t ON t.oid = below.oid
    )
    SELECT array_agg(thing) FROM (
        SELECT string_agg(concat_ws(' ', a.attrelid, a.attnum, a.atttypid, a.atttypmod), ',' ORDER BY a.attnum)
        FROM part p JOIN pg_attribute a ON a.attrelid = p.typrelid AND p.typrelid <> 0
        WHERE a.attnum > 0 AND NOT a.attisdropped GROUP BY a.attrelid
        UNION ALL
        SELECT e.oid || ' ' || e.enumlabel FROM part p JOIN pg_enum e ON e.enumtypid = p.oid) s (thing)
$$;

-- Live tables whose heaps, columns or name are not those that the mirror knows: candidates, because
-- the stream may only be on its way there. by_leaf: some leaves are as they were.
CREATE OR REPLACE FUNCTION tandem.changed_tables()
RETURNS TABLE (mirror_id int, relid oid, slot_name name, rewritten boolean, by_leaf boolean, seen text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    WITH changed_leaves AS MATERIALIZED (SELECT * FROM tandem.changed_leaves())
    SELECT t.mirror_id, t.relid, m.slot_name, h.rewritten OR r.rekeyed OR k.reshaped,
           h.rewritten AND NOT r.rekeyed AND NOT k.reshaped AND c.relkind = 'p'
           AND EXISTS (SELECT FROM regexp_split_to_table(t.heaps, ' ') k WHERE NOT EXISTS (
               SELECT FROM changed_leaves l WHERE (l.mirror_id, l.relid) = (t.mirror_id, t.relid)
                   AND l.leaf::text = split_part(k, '/', 1))),
           concat_ws(' ', n.nspname, c.relname, h.heaps, a.columns)
    FROM tandem.mirror_table t JOIN tandem.mirror m USING (mirror_id)
    JOIN pg_class c ON c.oid = t.relid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    CROSS JOIN LATERAL (
        SELECT heaps, CASE c.relkind WHEN 'p' THEN EXISTS (
                   SELECT FROM changed_leaves l WHERE (l.mirror_id, l.relid) = (t.mirror_id, t.relid))
               ELSE heaps IS DISTINCT FROM t.heaps END AS rewritten
        FROM (SELECT tandem.heaps(t.relid) AS heaps) now) h
    CROSS JOIN LATERAL (
        SELECT coalesce(string_agg(concat_ws(' ', attnum, attname, atttypid, atttypmod), ','
                                   ORDER BY attnum), '') AS columns
        FROM pg_attribute WHERE attrelid = t.relid AND attnum > 0 AND NOT attisdropped
          AND attgenerated = '') a
    CROSS JOIN LATERAL (
        SELECT coalesce(string_agg(concat_ws(' ', attnum, column_name, type_oid, typmod), ','
                                   ORDER BY attnum), '') AS columns,
               coalesce(string_agg(attnum::text, ' ' ORDER BY key_position)
                        FILTER (WHERE key_position IS NOT NULL), '') AS key,
               coalesce(bool_or(NOT type_shape <@ coalesce(tandem.type_shape(type_oid), '{}'))
                        FILTER (WHERE type_shape IS NOT NULL), false) AS reshaped
        FROM tandem.mirror_column k WHERE k.mirror_id = t.mirror_id AND k.relid = t.relid) k
    -- With REPLICA IDENTITY FULL rows do not tell that the primary key is another, or gone.
    CROSS JOIN LATERAL (
        SELECT c.relreplident = 'f' AND k.key <> '' AND k.key <> coalesce((
            SELECT string_agg(p.attnum::text, ' ' ORDER BY p.position)
            FROM pg_index i CROSS JOIN unnest(i.indkey::int2[]) WITH ORDINALITY p (attnum, position)
            WHERE i.indrelid = c.oid AND i.indisprimary AND i.indimmediate
              AND p.position <= i.indnkeyatts), '') AS rekeyed) r
    WHERE t.state = 'live' AND (h.rewritten OR r.rekeyed OR k.reshaped OR a.columns <> k.columns
        OR (n.nspname, c.relname) <> (t.schema_name, t.table_name))
$$;

-- A transaction that wrote a row of a catalog, with the high bits that xmin lacks. One that is more
-- than 2^32 transactions old seems younger, never one older.
CREATE OR REPLACE FUNCTION tandem.full_xid(xmin xid) RETURNS bigint
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN xmin::text::bigint < 3 THEN 0
                ELSE next - ((next - xmin::text::bigint) & 4294967295) END
    FROM (SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS next) n
$$;

-- Whether a column of the heap came, went or changed by a transaction that the snapshot may not see
-- (subtransactions are not in it, so only what is older than all that ran counts as seen). Whatever
-- rewrites values writes the column's row in pg_attribute.
CREATE OR REPLACE FUNCTION tandem.altered_since(leaf oid, as_of pg_snapshot) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = leaf AND a.attnum > 0
                   AND tandem.full_xid(a.xmin) >= pg_snapshot_xmin(as_of)::text::bigint)
$$;

-- Remembers which heaps live tables lie in, where those are the ones that the mirror knows. A heap that
-- moved before, so beneath a load that read it by blocks, is never among them. With `altered`, also as
-- of when: columns altered in place count as seen from now on.
CREATE OR REPLACE FUNCTION tandem.settle_heaps(altered boolean) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO tandem.settled_heaps AS s (mirror_id, relid, generation, heaps, as_of)
    SELECT t.mirror_id, t.relid, t.generation, t.heaps, pg_current_snapshot()
    FROM tandem.mirror_table t LEFT JOIN tandem.settled_heaps k USING (mirror_id, relid)
    WHERE t.state = 'live' AND t.heaps IS NOT NULL
      AND ((k.generation, k.heaps) IS DISTINCT FROM (t.generation, t.heaps)
           OR altered AND pg_snapshot_xmin(pg_current_snapshot()) > pg_snapshot_xmin(k.as_of)
              AND EXISTS (SELECT FROM regexp_split_to_table(t.heaps, ' ') h WHERE h <> ''
                          AND tandem.altered_since(split_part(h, '/', 1)::oid, k.as_of)))
      AND t.heaps = tandem.heaps(t.relid)
    ON CONFLICT (mirror_id, relid) DO UPDATE
        SET generation = excluded.generation, heaps = excluded.heaps, as_of = excluded.as_of
$$;

-- Leaves whose rows lie in another file than the mirror knows, and are the same rows: VACUUM FULL,
-- CLUSTER, SET TABLESPACE, SET ACCESS METHOD, pg_repack. TRUNCATE looks so too, so these count only
-- where the stream tells of TRUNCATE and has passed the place.
CREATE OR REPLACE FUNCTION tandem.moved_leaves()
RETURNS TABLE (mirror_id int, relid oid, leaf oid, known text, heap text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT t.mirror_id, t.relid, k.leaf, t.heaps, n.heap
    FROM tandem.mirror_table t JOIN tandem.mirror m USING (mirror_id)
    JOIN pg_publication p ON p.pubname = m.publication AND p.pubtruncate
    JOIN tandem.settled_heaps s USING (mirror_id, relid, generation)
    CROSS JOIN LATERAL (SELECT split_part(h, '/', 1)::oid AS leaf, h AS heap
                        FROM regexp_split_to_table(t.heaps, ' ') h WHERE h <> '') k
    JOIN LATERAL (SELECT split_part(h, '/', 1)::oid AS leaf, h AS heap
                  FROM regexp_split_to_table(tandem.heaps(t.relid), ' ') h WHERE h <> '') n
        ON n.leaf = k.leaf AND n.heap <> k.heap
       AND regexp_replace(n.heap, '^\d+/\d+', '') = regexp_replace(k.heap, '^\d+/\d+', '')
    JOIN pg_class c ON c.oid = k.leaf AND c.relpersistence = 'p'
    WHERE t.state = 'live' AND t.heaps IS DISTINCT FROM tandem.heaps(t.relid)
      AND tandem.leaf_heap(s.heaps, k.leaf) = k.heap AND NOT tandem.altered_since(k.leaf, s.as_of)
$$;

-- Takes note of where the rows of a table moved to, if it still is what was seen of it (of
-- tandem.changed_tables). Returns whether there was something.
CREATE OR REPLACE FUNCTION tandem.take_moved_leaves(of_mirror int, of_table oid, seen text) RETURNS boolean
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    WITH moved AS MATERIALIZED (
        SELECT l.* FROM tandem.moved_leaves() l
        JOIN tandem.changed_tables() c USING (mirror_id, relid)
        WHERE (l.mirror_id, l.relid) = (of_mirror, of_table) AND c.seen = take_moved_leaves.seen),
    taken AS (
        UPDATE tandem.mirror_table t
        SET heaps = (SELECT string_agg(coalesce(l.heap, h.heap), ' ' ORDER BY h.place)
                     FROM regexp_split_to_table(t.heaps, ' ') WITH ORDINALITY h (heap, place)
                     LEFT JOIN moved l ON l.leaf::text = split_part(h.heap, '/', 1))
        WHERE (t.mirror_id, t.relid) = (of_mirror, of_table) AND t.state = 'live'
          AND t.heaps = (SELECT max(known) FROM moved)
        RETURNING 1)
    SELECT EXISTS (SELECT FROM taken)
$$;

-- The event trigger tandem_ddl: a message at the commit of DDL that may concern a mirrored table, upon
-- which the daemon looks at once and not only with its next round. It never fails, waits or asks for a
-- right: whoever runs the DDL must not notice, and without it everything is followed all the same.
CREATE OR REPLACE FUNCTION tandem.tell_of_ddl() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '10ms' AS $$
BEGIN
    IF TG_EVENT = 'sql_drop' THEN
        PERFORM FROM pg_event_trigger_dropped_objects() d
            WHERE d.object_type IN ('table', 'table column', 'index', 'table constraint')
              AND NOT d.is_temporary;
    ELSE
        PERFORM FROM pg_event_trigger_ddl_commands() d
            WHERE d.classid IN ('pg_type'::regclass, 'pg_namespace'::regclass)
               OR d.classid = 'pg_class'::regclass
                  AND (d.objid IN (SELECT t.relid FROM tandem.mirror_table t)
                       OR EXISTS (SELECT FROM pg_partition_ancestors(d.objid) a (relid)
                                  JOIN tandem.mirror_table t ON t.relid = a.relid)
                       OR EXISTS (SELECT FROM pg_index i JOIN tandem.mirror_table t ON t.relid = i.indrelid
                                  WHERE i.indexrelid = d.objid));
    END IF;
    IF FOUND THEN
        PERFORM pg_logical_emit_message(true, 'tandem', 'ddl');
    END IF;
EXCEPTION WHEN OTHERS THEN
    NULL;
END $$;

-- Only a superuser may make event triggers; others may have one make them, docs/howto/rights.md. Who wants
-- none disables them: ALTER EVENT TRIGGER tandem_ddl DISABLE.
DO $$
BEGIN
    IF (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
        IF NOT EXISTS (SELECT FROM pg_event_trigger WHERE evtname = 'tandem_ddl') THEN
            CREATE EVENT TRIGGER tandem_ddl ON ddl_command_end
                WHEN TAG IN ('ALTER TABLE', 'CREATE TABLE', 'ALTER TYPE', 'ALTER DOMAIN', 'CREATE INDEX',
                             'ALTER INDEX', 'ALTER SCHEMA')
                EXECUTE FUNCTION tandem.tell_of_ddl();
        END IF;
        IF NOT EXISTS (SELECT FROM pg_event_trigger WHERE evtname = 'tandem_drop') THEN
            CREATE EVENT TRIGGER tandem_drop ON sql_drop
                WHEN TAG IN ('DROP TABLE', 'ALTER TABLE', 'DROP INDEX', 'DROP SCHEMA', 'DROP OWNED')
                EXECUTE FUNCTION tandem.tell_of_ddl();
        END IF;
    END IF;
END $$;
