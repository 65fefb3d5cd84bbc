-- The SQL functions and views of schema tandem: the one control path of CLI, console and people.
-- They write what is wanted into the catalog and wake the daemon; they never touch ClickHouse, nor
-- anything in Postgres outside of schema tandem. Plain SQL, run after the migrations, repeatable.

-- Names are part of slot and publication names, hence the narrow alphabet.
CREATE OR REPLACE FUNCTION tandem.check_mirror_name(name text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF name IS NULL OR name !~ '^[a-z_][a-z0-9_]{0,47}$' THEN
        RAISE EXCEPTION 'bad mirror name "%"', name USING ERRCODE = '22023',
            HINT = 'Use at most 48 lower-case letters, digits and underscores, no digit first.';
    END IF;
END $$;

-- Tables that one element of create_mirror's list stands for: "schema.table", "table" (schema
-- public), either with quotes where names need them, or with * as a wildcard ("schema.*", "*").
CREATE OR REPLACE FUNCTION tandem.expand_tables(pattern text)
RETURNS TABLE (relid oid, schema_name name, table_name name, exact boolean)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    parts text[];
    schema_like text;
    table_like text;
BEGIN
    IF strpos(pattern, '*') = 0 THEN
        parts := parse_ident(pattern);
        IF cardinality(parts) = 1 THEN
            parts := ARRAY['public', parts[1]];
        END IF;
        RETURN QUERY SELECT c.oid, n.nspname, c.relname, true FROM pg_class c
            JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname = parts[1] AND c.relname = parts[2] AND cardinality(parts) = 2;
        RETURN;
    END IF;
    IF strpos(pattern, '.') = 0 THEN
        schema_like := 'public';
        table_like := pattern;
    ELSE
        schema_like := split_part(pattern, '.', 1);
        table_like := substr(pattern, strpos(pattern, '.') + 1);
    END IF;
    schema_like := replace(replace(replace(replace(schema_like, '\', '\\'), '_', '\_'), '%', '\%'), '*', '%');
    table_like := replace(replace(replace(replace(table_like, '\', '\\'), '_', '\_'), '%', '\%'), '*', '%');
    RETURN QUERY SELECT c.oid, n.nspname, c.relname, false FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname LIKE schema_like AND c.relname LIKE table_like
          AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'tandem')
          AND n.nspname NOT LIKE 'pg\_%'
          AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence = 'p'
        ORDER BY n.nspname, c.relname;
END $$;

-- Those of the tables whose rows the stream could not tell apart, and why. Postgres looks in the same
-- way before an UPDATE or DELETE of a published table, and refuses it: an index that is deferrable
-- or not valid identifies nothing, and of a partitioned table its leaves count. With
-- REPLICA IDENTITY FULL old rows come whole: then a table needs no key (docs/decisions/0009). A leaf must carry
-- the key of the root, and a root must hand its key on to leaves to come, as only a primary key is.
CREATE OR REPLACE FUNCTION tandem.without_identity(relids oid[]) RETURNS TABLE (relid oid, why text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    WITH RECURSIVE tree (root, relid, relkind) AS (
        SELECT c.oid, c.oid, c.relkind FROM pg_class c WHERE c.oid = ANY (relids)
        UNION ALL
        SELECT t.root, c.oid, c.relkind
        FROM tree t JOIN pg_inherits h ON h.inhparent = t.relid JOIN pg_class c ON c.oid = h.inhrelid
        WHERE t.relkind = 'p'
    ), keyed AS (
        SELECT t.root, t.relid, t.relkind, c.relreplident, i.indisprimary, k.names,
               CASE WHEN c.relreplident = 'f' AND t.relid = t.root AND t.relkind = 'r' THEN NULL
                    WHEN c.relreplident = 'n' THEN 'has REPLICA IDENTITY NOTHING'
                    WHEN i.indexrelid IS NULL AND c.relreplident = 'i'
                        THEN 'has lost the index of its REPLICA IDENTITY'
                    WHEN i.indexrelid IS NULL THEN 'has no primary key'
                    WHEN NOT i.indimmediate
                        THEN 'has a DEFERRABLE primary key, which does not identify rows to replication'
                    WHEN NOT (i.indisvalid AND i.indislive AND i.indisunique AND i.indpred IS NULL)
                        THEN 'has a key whose index is not valid'
                    WHEN EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = i.indrelid
                                 AND a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1])
                                 AND a.attgenerated <> '')
                        THEN 'has a generated column in its key' END AS why
        FROM tree t JOIN pg_class c ON c.oid = t.relid
        LEFT JOIN pg_index i ON i.indrelid = t.relid
            AND CASE c.relreplident WHEN 'i' THEN i.indisreplident ELSE i.indisprimary END
        LEFT JOIN LATERAL (
            SELECT array_agg(a.attname) AS names
            FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS key (attnum, position)
            JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = key.attnum
            WHERE key.position <= i.indnkeyatts AND (t.relkind = 'p' OR t.relid <> t.root)) k ON true
    )
    SELECT DISTINCT ON (k.root) k.root,
           CASE WHEN k.relid <> k.root THEN 'its partition ' || k.relid::regclass || ' '
                     || coalesce(k.why, 'has another key')
                WHEN k.why IS NOT NULL THEN 'it ' || k.why
                ELSE 'it is partitioned and its REPLICA IDENTITY is no primary key, so that new '
                     'partitions would have none' END
    FROM keyed k JOIN keyed r ON r.root = k.root AND r.relid = k.root
    WHERE CASE WHEN k.relid = k.root THEN k.why IS NOT NULL OR (k.relkind = 'p' AND NOT k.indisprimary)
               ELSE k.relkind = 'r' AND k.relreplident <> 'f'
                    AND (k.why IS NOT NULL OR NOT k.names @> r.names) END
    ORDER BY k.root, k.relid <> k.root, k.relid
$$;

-- Why a table cannot be mirrored; NULL when it can.
CREATE OR REPLACE FUNCTION tandem.why_not_mirrored(relid oid) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE
        WHEN c.relnamespace = 'tandem'::regnamespace THEN 'it belongs to Tandem itself'
        WHEN c.relkind NOT IN ('r', 'p') THEN 'it is not a table'
        WHEN c.relispartition THEN 'it is a partition; mirror the partitioned table'
        WHEN c.relpersistence <> 'p' THEN 'it is unlogged or temporary, so its changes are not in the WAL'
        ELSE (SELECT w.why FROM tandem.without_identity(ARRAY[c.oid]) w)
    END
    FROM pg_class c WHERE c.oid = relid
$$;

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
    SELECT t.mirror_id, t.relid, m.slot_name, h.rewritten OR r.rekeyed,
           h.rewritten AND NOT r.rekeyed AND c.relkind = 'p'
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
                        FILTER (WHERE key_position IS NOT NULL), '') AS key
        FROM tandem.mirror_column k WHERE k.mirror_id = t.mirror_id AND k.relid = t.relid) k
    -- With REPLICA IDENTITY FULL rows do not tell that the primary key is another, or gone.
    CROSS JOIN LATERAL (
        SELECT c.relreplident = 'f' AND k.key <> '' AND k.key <> coalesce((
            SELECT string_agg(p.attnum::text, ' ' ORDER BY p.position)
            FROM pg_index i CROSS JOIN unnest(i.indkey::int2[]) WITH ORDINALITY p (attnum, position)
            WHERE i.indrelid = c.oid AND i.indisprimary AND i.indimmediate
              AND p.position <= i.indnkeyatts), '') AS rekeyed) r
    WHERE t.state = 'live' AND (h.rewritten OR r.rekeyed OR a.columns <> k.columns
        OR (n.nspname, c.relname) <> (t.schema_name, t.table_name))
$$;

CREATE OR REPLACE FUNCTION tandem.target_table_name(schema_name name, table_name name) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN schema_name = 'public' THEN table_name::text
                ELSE schema_name || '_' || table_name END
$$;

-- Puts tables into a mirror, as pending.
CREATE OR REPLACE FUNCTION tandem.add_tables(mirror_id int, tables text[]) RETURNS int
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    pattern text;
    candidate record;
    why text;
    matched boolean;
    added int := 0;
    other record;
    mirror_row tandem.mirror;
BEGIN
    SELECT * INTO mirror_row FROM tandem.mirror m WHERE m.mirror_id = add_tables.mirror_id;
    FOREACH pattern IN ARRAY tables LOOP
        matched := false;
        FOR candidate IN SELECT * FROM tandem.expand_tables(pattern) LOOP
            why := tandem.why_not_mirrored(candidate.relid);
            IF why IS NOT NULL THEN
                IF candidate.exact THEN
                    RAISE EXCEPTION 'table %.% cannot be mirrored: %',
                        quote_ident(candidate.schema_name), quote_ident(candidate.table_name), why
                        USING ERRCODE = 'TD009', HINT = format('Give it a primary key that is not deferrable, or a replica identity index; or run ALTER TABLE %I.%I REPLICA IDENTITY FULL, which costs inserts nothing. A partitioned table needs a primary key.',
                            candidate.schema_name, candidate.table_name);
                END IF;
                RAISE NOTICE 'table %.% is left out: %', quote_ident(candidate.schema_name),
                    quote_ident(candidate.table_name), why;
                matched := true;
                CONTINUE;
            END IF;
            matched := true;
            SELECT m.name, t.schema_name, t.table_name INTO other
                FROM tandem.mirror_table t JOIN tandem.mirror m USING (mirror_id)
                WHERE m.target_id = mirror_row.target_id AND m.database = mirror_row.database
                  AND t.target_table = tandem.target_table_name(candidate.schema_name, candidate.table_name)
                  AND NOT (m.mirror_id = mirror_row.mirror_id AND t.relid = candidate.relid);
            IF FOUND THEN
                RAISE EXCEPTION 'table %.% would be written to the ClickHouse table of %.% (mirror "%")',
                    quote_ident(candidate.schema_name), quote_ident(candidate.table_name),
                    quote_ident(other.schema_name), quote_ident(other.table_name), other.name
                    USING ERRCODE = '42710', HINT = 'Give the mirror another database: options => ''{"database": "..."}''.';
            END IF;
            INSERT INTO tandem.mirror_table (mirror_id, relid, schema_name, table_name, target_table)
                VALUES (mirror_row.mirror_id, candidate.relid, candidate.schema_name, candidate.table_name,
                        tandem.target_table_name(candidate.schema_name, candidate.table_name))
                ON CONFLICT DO NOTHING;
            added := added + 1;
        END LOOP;
        IF NOT matched THEN
            RAISE EXCEPTION 'no table matches "%"', pattern USING ERRCODE = '42P01',
                HINT = 'Write schema.table; names with capitals, dots or spaces need double quotes; * is a wildcard.';
        END IF;
    END LOOP;
    RETURN added;
END $$;

-- generated from src/config/options.def by tools/generate_config.py: what a mirror may have its own of
CREATE OR REPLACE FUNCTION tandem.mirror_options()
RETURNS TABLE (name text, lowest bigint, highest bigint)
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    VALUES ('batch_bytes', 65536::bigint, 4294967296::bigint),
           ('batch_rows', 1::bigint, 100000000::bigint),
           ('flush_age_ms', 1::bigint, 3600000::bigint),
           ('batch_age_ms', 1::bigint, 3600000::bigint),
           ('snapshot_workers', 1::bigint, 64::bigint)
$$;
-- end of what is generated

-- Options that create_mirror and alter_mirror know. Refuses others, and values out of bounds.
CREATE OR REPLACE FUNCTION tandem.check_mirror_options(options jsonb, more text[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    given record;
    known record;
BEGIN
    FOR given IN SELECT * FROM jsonb_each(options) LOOP
        CONTINUE WHEN given.key = ANY (more);
        SELECT * INTO known FROM tandem.mirror_options() o WHERE o.name = given.key;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'unknown option "%"', given.key USING ERRCODE = '22023',
                HINT = 'Known options: ' || (SELECT string_agg(name, ', ') FROM
                    (SELECT unnest(more) AS name UNION ALL SELECT o.name FROM tandem.mirror_options() o) n) || '.';
        END IF;
        IF jsonb_typeof(given.value) <> 'number' OR given.value::text ~ '[.eE-]'
           OR (given.value::text)::numeric NOT BETWEEN known.lowest AND known.highest THEN
            RAISE EXCEPTION 'option "%" must be a whole number from % to %', given.key, known.lowest, known.highest
                USING ERRCODE = '22023';
        END IF;
    END LOOP;
END $$;

-- A column that a layout names. `orders`: ClickHouse orders or partitions by it.
CREATE OR REPLACE FUNCTION tandem.layout_column(relid oid, name text, orders boolean) RETURNS int
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    col record;
BEGIN
    SELECT a.attnum, a.attnotnull, a.attgenerated INTO col FROM pg_attribute a
        WHERE a.attrelid = relid AND a.attname = layout_column.name AND a.attnum > 0 AND NOT a.attisdropped;
    IF NOT FOUND AND layout_column.name ~ '[^[:alnum:]_$]' THEN
        RAISE EXCEPTION 'table % has no column "%"', relid::regclass, layout_column.name USING ERRCODE = '42703',
            HINT = 'Columns are taken, expressions are not; partition_by also takes toYYYYMM, toYYYYMMDD, toMonday and toYear of a column.';
    ELSIF NOT FOUND THEN
        RAISE EXCEPTION 'table % has no column "%"', relid::regclass, layout_column.name USING ERRCODE = '42703';
    ELSIF col.attgenerated <> '' THEN
        RAISE EXCEPTION 'column "%" of table % is generated, so it is not mirrored', layout_column.name,
            relid::regclass USING ERRCODE = '22023';
    ELSIF orders AND NOT col.attnotnull THEN
        RAISE EXCEPTION 'column "%" of table % may be NULL: ClickHouse cannot order or partition by it',
            layout_column.name, relid::regclass USING ERRCODE = '22023',
            HINT = format('ALTER TABLE %s ALTER COLUMN %I SET NOT NULL', relid::regclass, layout_column.name);
    END IF;
    RETURN col.attnum;
END $$;

-- What one table's element of the option order_by, partition_by or codecs becomes in mirror_table.layout.
CREATE OR REPLACE FUNCTION tandem.layout_value(option text, relid oid, given jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    parts text[];
    one record;
    result jsonb;
    codec text := '(NONE|LZ4|LZ4HC(\(\d{1,2}\))?|ZSTD(\(\d{1,2}\))?|(Delta|DoubleDelta|Gorilla)(\([1248]\))?|T64|GCD|FPC)';
BEGIN
    IF option = 'order_by' AND jsonb_typeof(given) = 'array' AND jsonb_array_length(given) > 0 THEN
        SELECT jsonb_agg(tandem.layout_column(layout_value.relid, e.name, true) ORDER BY e.position) INTO result
            FROM jsonb_array_elements_text(given) WITH ORDINALITY e (name, position);
        IF jsonb_array_length(result) > (SELECT count(DISTINCT e) FROM jsonb_array_elements(result) e) THEN
            RAISE EXCEPTION 'order_by of table % names a column twice', relid::regclass USING ERRCODE = '22023';
        END IF;
        RETURN result;
    ELSIF option = 'partition_by' AND jsonb_typeof(given) = 'string' THEN
        parts := regexp_match(given #>> '{}', '^(toYYYYMM|toYYYYMMDD|toMonday|toYear)\((.+)\)$');
        RETURN jsonb_build_object('function', coalesce(parts[1], ''), 'attnum',
            tandem.layout_column(layout_value.relid, coalesce(parts[2], given #>> '{}'), true));
    ELSIF option = 'codecs' AND jsonb_typeof(given) = 'object' THEN
        result := '{}';
        FOR one IN SELECT * FROM jsonb_each_text(given) LOOP
            IF one.value !~ ('^' || codec || '(, *' || codec || ')*$') THEN
                RAISE EXCEPTION '"%" is no codec that is known here', one.value USING ERRCODE = '22023',
                    HINT = 'NONE, LZ4, LZ4HC(level), ZSTD(level), Delta, DoubleDelta, Gorilla, T64, GCD, FPC, or several, with commas between.';
            END IF;
            result := result || jsonb_build_object(
                tandem.layout_column(layout_value.relid, one.key, false)::text, one.value);
        END LOOP;
        RETURN result;
    END IF;
    RAISE EXCEPTION 'option "%" of table % is not of its form', option, relid::regclass USING ERRCODE = '22023',
        HINT = 'order_by: {"table": ["column", ...]}; partition_by: {"table": "column"} or "toYYYYMM(column)"; codecs: {"table": {"column": "ZSTD(3)"}}; null takes it back.';
END $$;

-- Takes order_by, partition_by and codecs. A table that gets another layout is loaded again.
CREATE OR REPLACE FUNCTION tandem.set_layout(mirror_id int, options jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    option text;
    given record;
    t record;
    wanted jsonb;
    matched boolean;
BEGIN
    FOREACH option IN ARRAY ARRAY['order_by', 'partition_by', 'codecs'] LOOP
        CONTINUE WHEN NOT options ? option;
        IF jsonb_typeof(options -> option) <> 'object' THEN
            RAISE EXCEPTION 'option "%" must be an object with tables as its keys', option USING ERRCODE = '22023';
        END IF;
        FOR given IN SELECT * FROM jsonb_each(options -> option) LOOP
            matched := false;
            FOR t IN SELECT m.relid, m.layout FROM tandem.mirror_table m, tandem.expand_tables(given.key) e
                     WHERE m.mirror_id = set_layout.mirror_id AND m.relid = e.relid LOOP
                matched := true;
                wanted := CASE WHEN given.value = 'null' THEN t.layout - option
                               ELSE t.layout || jsonb_build_object(option,
                                    tandem.layout_value(option, t.relid, given.value)) END;
                UPDATE tandem.mirror_table m SET layout = wanted, generation = generation + 1,
                    state = CASE m.state WHEN 'dropped' THEN m.state ELSE 'pending' END,
                    consistent_lsn = NULL, rows_loaded = 0, error_code = NULL, error_message = NULL
                    WHERE m.mirror_id = set_layout.mirror_id AND m.relid = t.relid AND m.layout <> wanted;
            END LOOP;
            IF NOT matched THEN
                RAISE EXCEPTION 'the mirror has no table "%"', given.key USING ERRCODE = '42704';
            END IF;
        END LOOP;
    END LOOP;
END $$;

-- The layout, by column, as far as it can be kept: not by columns that are gone, or may be NULL since.
CREATE OR REPLACE FUNCTION tandem.table_layout(relid oid, layout jsonb)
RETURNS TABLE (attnum int, name text, order_position int, partition_function text, codec text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT a.attnum::int, a.attname::text,
           (SELECT e.position::int FROM jsonb_array_elements_text(layout -> 'order_by') WITH ORDINALITY e (n, position)
            WHERE e.n::int = a.attnum AND a.attnotnull),
           CASE WHEN a.attnotnull AND (layout #>> '{partition_by,attnum}')::int = a.attnum
                THEN layout #>> '{partition_by,function}' END,
           layout -> 'codecs' ->> a.attnum::text
    FROM pg_attribute a WHERE a.attrelid = relid AND a.attnum > 0 AND NOT a.attisdropped
$$;

-- For people; NULL: nothing was asked for.
CREATE OR REPLACE FUNCTION tandem.layout_text(relid oid, layout jsonb) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT nullif(concat_ws(' ',
        'ORDER BY (' || string_agg(quote_ident(l.name), ', ' ORDER BY l.order_position)
            FILTER (WHERE l.order_position IS NOT NULL) || ')',
        'PARTITION BY ' || max(CASE l.partition_function WHEN '' THEN quote_ident(l.name)
            ELSE l.partition_function || '(' || quote_ident(l.name) || ')' END),
        string_agg(quote_ident(l.name) || ' CODEC(' || l.codec || ')', ' ' ORDER BY l.attnum)), '')
    FROM tandem.table_layout(relid, layout) l
$$;

-- Starts to mirror tables. Returns the mirror's id; the daemon does the work, see tandem.mirrors.
-- Whom the router logs in to ClickHouse as; NULL: as the mirror does. Sessions see it with their next query.
CREATE OR REPLACE FUNCTION tandem.set_route_user(username text, password text, target text DEFAULT 'default')
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE tandem.target t SET route_username = set_route_user.username,
        route_password = CASE WHEN set_route_user.username IS NULL THEN NULL ELSE set_route_user.password END
    WHERE t.name = set_route_user.target;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no target "%"', set_route_user.target USING ERRCODE = '42704';
    END IF;
END $$;

-- options: target (name in tandem.target; default: the only one), database (default 'tandem'), those of
-- tandem.mirror_options(), and by table order_by, partition_by and codecs: tandem.layout_value().
CREATE OR REPLACE FUNCTION tandem.create_mirror(name text, tables text[], options jsonb DEFAULT '{}')
RETURNS int LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    target int;
    id int;
BEGIN
    PERFORM tandem.check_mirror_name(name);
    PERFORM tandem.check_mirror_options(options, ARRAY['target', 'database', 'order_by', 'partition_by', 'codecs']);
    IF EXISTS (SELECT FROM tandem.mirror m WHERE m.name = create_mirror.name) THEN
        RAISE EXCEPTION 'mirror "%" exists already', name USING ERRCODE = '42710',
            HINT = 'Choose another name, or drop it first: SELECT tandem.drop_mirror(...).';
    END IF;
    IF tables IS NULL OR cardinality(tables) = 0 THEN
        RAISE EXCEPTION 'no tables were given' USING ERRCODE = '22023';
    END IF;
    IF current_setting('wal_level') <> 'logical' THEN
        RAISE EXCEPTION 'wal_level is %, not logical', current_setting('wal_level') USING ERRCODE = 'TD008',
            HINT = 'Set wal_level = logical in postgresql.conf and restart Postgres.';
    END IF;
    IF (SELECT count(*) FROM pg_replication_slots) >= current_setting('max_replication_slots')::int THEN
        RAISE EXCEPTION 'all % replication slots are in use', current_setting('max_replication_slots')
            USING ERRCODE = 'TD008', HINT = 'Raise max_replication_slots or drop a slot nobody uses.';
    END IF;
    SELECT target_id INTO target FROM tandem.target t
        WHERE t.name = coalesce(options->>'target', t.name) ORDER BY target_id LIMIT 1;
    IF target IS NULL THEN
        RAISE EXCEPTION 'there is no target%', coalesce(' "' || (options->>'target') || '"', '')
            USING ERRCODE = '42704', HINT = 'The daemon registers its ClickHouse when it starts: run tandem up.';
    END IF;
    INSERT INTO tandem.mirror (name, target_id, database, slot_name, publication, options)
        VALUES (name, target, coalesce(options->>'database', 'tandem'), ('tandem_' || name)::name,
                ('tandem_' || name)::name, options - '{order_by,partition_by,codecs}'::text[])
        RETURNING mirror_id INTO id;
    IF tandem.add_tables(id, tables) = 0 THEN
        RAISE EXCEPTION 'none of the tables can be mirrored' USING ERRCODE = '22023';
    END IF;
    PERFORM tandem.set_layout(id, options);
    NOTIFY tandem;
    RETURN id;
END $$;

CREATE OR REPLACE FUNCTION tandem.mirror_by_name(name text) RETURNS int
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    id int;
BEGIN
    SELECT mirror_id INTO id FROM tandem.mirror m
        WHERE m.name = mirror_by_name.name AND m.wanted <> 'dropped';
    IF id IS NULL THEN
        RAISE EXCEPTION 'there is no mirror "%"', name USING ERRCODE = '42704',
            HINT = 'SELECT name FROM tandem.mirrors lists them.';
    END IF;
    RETURN id;
END $$;

-- Changes options of tandem.mirror_options(); null goes back to the daemon's own. The mirror starts anew
-- with them at once, where it stopped. Tables whose order_by, partition_by or codecs change are loaded again.
CREATE OR REPLACE FUNCTION tandem.alter_mirror(name text, options jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    id int := tandem.mirror_by_name(name);
BEGIN
    PERFORM tandem.check_mirror_options(jsonb_strip_nulls(alter_mirror.options),
                                        '{order_by,partition_by,codecs}');
    PERFORM tandem.set_layout(id, alter_mirror.options);
    UPDATE tandem.mirror m SET options = jsonb_strip_nulls(m.options
            || (alter_mirror.options - '{order_by,partition_by,codecs}'::text[]))
        WHERE m.mirror_id = id;
    NOTIFY tandem;
END $$;

CREATE OR REPLACE FUNCTION tandem.pause_mirror(name text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE tandem.mirror SET wanted = 'paused' WHERE mirror_id = tandem.mirror_by_name(pause_mirror.name);
    NOTIFY tandem;
END $$;

-- Also tries a failed mirror again.
CREATE OR REPLACE FUNCTION tandem.resume_mirror(name text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE tandem.mirror
        SET wanted = 'running', error_code = NULL, error_message = NULL,
            state = CASE WHEN state = 'failed' THEN 'paused' ELSE state END
        WHERE mirror_id = tandem.mirror_by_name(resume_mirror.name);
    NOTIFY tandem;
END $$;

-- Loads tables again from the start, without touching the others; without a list all of them, with
-- a new slot if the old one is gone.
CREATE OR REPLACE FUNCTION tandem.resync_mirror(name text, tables text[] DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    id int := tandem.mirror_by_name(resync_mirror.name);
    pattern text;
    relids oid[];
BEGIN
    IF tables IS NULL THEN
        SELECT array_agg(relid) INTO relids FROM tandem.mirror_table t WHERE t.mirror_id = id;
        UPDATE tandem.mirror m SET wanted_epoch = epoch + 1, wanted = 'running', error_code = NULL,
                error_message = NULL, state = CASE WHEN state = 'failed' THEN 'paused' ELSE state END
            WHERE m.mirror_id = id;
    ELSE
        FOREACH pattern IN ARRAY tables LOOP
            IF NOT EXISTS (SELECT FROM tandem.mirror_table t JOIN tandem.expand_tables(pattern) e
                           ON e.relid = t.relid WHERE t.mirror_id = id) THEN
                RAISE EXCEPTION 'mirror "%" has no table "%"', resync_mirror.name, pattern USING ERRCODE = '42704';
            END IF;
        END LOOP;
        SELECT array_agg(t.relid) INTO relids FROM tandem.mirror_table t,
            unnest(tables) p, tandem.expand_tables(p) e
            WHERE t.mirror_id = id AND e.relid = t.relid;
    END IF;
    DELETE FROM tandem.mirror_chunk c WHERE c.mirror_id = id AND c.relid = ANY (relids);
    UPDATE tandem.mirror_table t
        SET state = 'pending', generation = generation + 1, consistent_lsn = NULL, rows_loaded = 0,
            error_code = NULL, error_message = NULL
        WHERE t.mirror_id = id AND t.relid = ANY (relids);
    NOTIFY tandem;
END $$;

-- The daemon then drops slot and publication. The tables in ClickHouse stay.
CREATE OR REPLACE FUNCTION tandem.drop_mirror(name text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE tandem.mirror SET wanted = 'dropped' WHERE mirror_id = tandem.mirror_by_name(drop_mirror.name);
    NOTIFY tandem;
END $$;

-- Waits until ClickHouse has everything committed before `lsn` (default: before now). False when the
-- timeout passed first. Writes a message into the WAL that makes the daemon hurry.
CREATE OR REPLACE FUNCTION tandem.wait_for(mirror text, lsn pg_lsn DEFAULT NULL,
                                           timeout interval DEFAULT '30 seconds') RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    id int := tandem.mirror_by_name(mirror);
    slot name;
    wanted_lsn pg_lsn := coalesce(lsn, pg_current_wal_insert_lsn());
    deadline timestamptz := clock_timestamp() + timeout;
    confirmed pg_lsn;
BEGIN
    SELECT slot_name INTO slot FROM tandem.mirror m WHERE m.mirror_id = id;
    PERFORM pg_logical_emit_message(false, 'tandem', 'flush');
    LOOP
        SELECT s.confirmed_flush_lsn INTO confirmed FROM pg_replication_slots s WHERE s.slot_name = slot;
        IF confirmed >= wanted_lsn THEN
            RETURN true;
        END IF;
        IF clock_timestamp() > deadline THEN
            RETURN false;
        END IF;
        PERFORM pg_sleep(0.002);
    END LOOP;
END $$;

-- Waits until every table of the mirror is live. An error as soon as one of them, or the mirror as a
-- whole, has failed. For scripts.
CREATE OR REPLACE FUNCTION tandem.wait_until_live(mirror text, timeout interval DEFAULT '1 hour')
RETURNS boolean LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    id int := tandem.mirror_by_name(mirror);
    deadline timestamptz := clock_timestamp() + timeout;
    failure record;
BEGIN
    LOOP
        SELECT t.table_name, t.error_code, t.error_message INTO failure FROM tandem.mirror_table t
            WHERE t.mirror_id = id AND t.state = 'failed' LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION 'table % failed: % [%]', failure.table_name, failure.error_message,
                failure.error_code USING ERRCODE = 'TD010';
        END IF;
        SELECT m.error_code, m.error_message INTO failure FROM tandem.mirror m
            WHERE m.mirror_id = id AND m.state = 'failed';
        IF FOUND THEN
            RAISE EXCEPTION 'mirror % failed: % [%]', mirror, failure.error_message,
                failure.error_code USING ERRCODE = 'TD010';
        END IF;
        IF NOT EXISTS (SELECT FROM tandem.mirror_table t
                       WHERE t.mirror_id = id AND t.state NOT IN ('live', 'dropped')) THEN
            RETURN true;
        END IF;
        IF clock_timestamp() > deadline THEN
            RETURN false;
        END IF;
        PERFORM pg_sleep(0.02);
    END LOOP;
END $$;

CREATE OR REPLACE VIEW tandem.mirror_tables AS
    SELECT m.name AS mirror, t.schema_name, t.table_name, m.database AS target_database, t.target_table,
           t.state, t.rows_loaded,
           (SELECT count(*) FROM tandem.mirror_chunk c
             WHERE c.mirror_id = t.mirror_id AND c.relid = t.relid) AS chunks,
           (SELECT count(*) FROM tandem.mirror_chunk c
             WHERE c.mirror_id = t.mirror_id AND c.relid = t.relid AND c.done) AS chunks_done,
           t.consistent_lsn,
           (SELECT count(*) FROM tandem.mirror_column k WHERE k.mirror_id = t.mirror_id
             AND k.relid = t.relid AND k.inexact_since IS NOT NULL) AS inexact_columns,
           t.error_code, t.error_message, k.delta_empty, k.last_fold, k.folds,
           tandem.layout_text(t.relid, t.layout) AS layout
    FROM tandem.mirror_table t JOIN tandem.mirror m USING (mirror_id)
    LEFT JOIN LATERAL (SELECT * FROM tandem.mirror_copy c
        WHERE c.mirror_id = t.mirror_id AND c.relid = t.relid AND c.visible_from IS NOT NULL
        ORDER BY c.copy DESC LIMIT 1) k ON true;

-- Lag is defined here and nowhere else. lag_bytes: WAL that ClickHouse has not confirmed. lag: how long
-- the last commit that was confirmed took, as the walsender measured it; NULL when nothing is under way.
-- staleness: how old ClickHouse may be at most as far as this server knows, counting the time since
-- the mirror last said something; freshness "bounded" compares it (extension/route/freshness.cpp).
-- retained_wal_bytes: what the slot keeps back. safe_wal_bytes: what may still be written before
-- max_slot_wal_keep_size gives the slot up; NULL: no limit is set.
CREATE OR REPLACE VIEW tandem.mirror_lag AS
    SELECT m.name AS mirror, s.active, s.confirmed_flush_lsn,
           pg_wal_lsn_diff(w.lsn, s.confirmed_flush_lsn)::bigint AS lag_bytes,
           r.replay_lag AS lag, pg_wal_lsn_diff(w.lsn, s.restart_lsn)::bigint AS retained_wal_bytes,
           s.wal_status, s.safe_wal_size AS safe_wal_bytes,
           extract(epoch FROM r.replay_lag)::float8 AS lag_seconds,
           clock_timestamp() - r.reply_time + coalesce(r.flush_lag, '0') AS staleness
    FROM tandem.mirror m
    CROSS JOIN LATERAL (SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()
                                    ELSE pg_current_wal_lsn() END AS lsn) w
    LEFT JOIN pg_replication_slots s ON s.slot_name = m.slot_name
    LEFT JOIN pg_stat_replication r ON r.pid = s.active_pid;

CREATE OR REPLACE VIEW tandem.mirrors AS
    SELECT m.name, m.state, m.wanted, g.name AS target, m.database AS target_database,
           count(t.relid) AS tables, count(t.relid) FILTER (WHERE t.state = 'live') AS tables_live,
           count(t.relid) FILTER (WHERE t.state = 'failed') AS tables_failed,
           sum(t.rows_loaded)::bigint AS rows_loaded,
           (SELECT l.lag_bytes FROM tandem.mirror_lag l WHERE l.mirror = m.name) AS lag_bytes,
           m.slot_name, m.publication, m.error_code, m.error_message, m.created_at,
           m.incident_code, m.incident_message, m.incident_at
    FROM tandem.mirror m JOIN tandem.target g USING (target_id)
    LEFT JOIN tandem.mirror_table t USING (mirror_id)
    GROUP BY m.mirror_id, g.name;

-- Columns that have held a value ClickHouse cannot: the router does not trust them any more.
CREATE OR REPLACE VIEW tandem.quarantine AS
    SELECT m.name AS mirror, t.schema_name, t.table_name, k.column_name, k.target_type,
           k.inexact_since, k.inexact_why
    FROM tandem.mirror_column k JOIN tandem.mirror m USING (mirror_id)
    JOIN tandem.mirror_table t USING (mirror_id, relid)
    WHERE k.inexact_since IS NOT NULL;

DO $$
DECLARE
    f regprocedure;
BEGIN
    FOR f IN SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'tandem'::regnamespace
             AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass
                             AND d.objid = p.oid AND d.deptype = 'e') LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f);
    END LOOP;
END $$;
