-- What tells of DDL on mirrored tables: docs/reference/ddl.md, src/mirror/source/schema_guard.h.

-- The heaps a table's rows lie in, "leaf/filenode ...", by leaf; of a partitioned table with the
-- transactions that attached it, "leaf/filenode/xid". It changes when rows are rewritten, truncated,
-- attached or detached; and by VACUUM FULL, which cannot be told apart from here. The extension
-- writes the same (extension/catalog/heaps.cpp).
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

-- Live tables whose heaps, columns or name are not those that the mirror knows: candidates, because
-- the stream may only be on its way there. by_leaf: some leaves are as they were.
CREATE OR REPLACE FUNCTION tandem.changed_tables()
RETURNS TABLE (mirror_id int, relid oid, slot_name name, rewritten boolean, by_leaf boolean, seen text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    WITH changed_leaves AS MATERIALIZED (SELECT * FROM tandem.changed_leaves())
    SELECT t.mirror_id, t.relid, m.slot_name, h.rewritten,
           h.rewritten AND c.relkind = 'p'
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
                                   ORDER BY attnum), '') AS columns
        FROM tandem.mirror_column k WHERE k.mirror_id = t.mirror_id AND k.relid = t.relid) k
    WHERE t.state = 'live' AND (h.rewritten OR a.columns <> k.columns
        OR (n.nspname, c.relname) <> (t.schema_name, t.table_name))
$$;
