-- The SQL functions of schema tandem: the one control path of CLI, console and people.
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
          AND c.relkind IN ('r', 'p') AND NOT c.relispartition
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

-- Those of the tables that cannot be mirrored as they are now, for other reasons: rows that the WAL does not have, or
-- has as another table's. Postgres keeps a published table from becoming unlogged, but not a partition of one.
CREATE OR REPLACE FUNCTION tandem.without_wal(relids oid[]) RETURNS TABLE (relid oid, why text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT DISTINCT ON (c.oid) c.oid,
           CASE WHEN c.relispartition THEN 'it is a partition; mirror the partitioned table'
                WHEN c.relpersistence <> 'p' THEN 'it is unlogged or temporary, so its changes are not in the WAL'
                WHEN f.relkind = 'f' THEN 'its partition ' || f.oid::regclass || ' is a foreign table'
                ELSE 'its partition ' || f.oid::regclass || ' is unlogged, so its changes are not in the WAL' END
    FROM pg_class c LEFT JOIN LATERAL (
        SELECT l.oid, l.relkind FROM pg_partition_tree(c.oid) p JOIN pg_class l ON l.oid = p.relid
        WHERE c.relkind = 'p' AND p.isleaf AND (l.relpersistence <> 'p' OR l.relkind = 'f')) f ON true
    WHERE c.oid = ANY (relids) AND (c.relispartition OR c.relpersistence <> 'p' OR f.oid IS NOT NULL)
    ORDER BY c.oid, f.oid
$$;

CREATE OR REPLACE FUNCTION tandem.target_table_name(schema_name name, table_name name) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN schema_name = 'public' THEN table_name::text
                ELSE schema_name || '_' || table_name END
$$;

-- Why a table cannot be mirrored; NULL when it can.
CREATE OR REPLACE FUNCTION tandem.why_not_mirrored(relid oid) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE
        WHEN c.relnamespace = 'tandem'::regnamespace THEN 'it belongs to Tandem itself'
        WHEN c.relkind NOT IN ('r', 'p') THEN 'it is not a table'
        WHEN u.why IS NOT NULL THEN u.why
        -- Copies of a table are numbered behind an @, and other tables of ours begin so.
        WHEN n.target ~ '@|^_tandem_' THEN format('its name in ClickHouse, "%s", is one that Tandem needs for itself', n.target)
        WHEN a.reserved IS NOT NULL THEN format('its column "%s" has a name that Tandem needs for itself', a.reserved)
        ELSE coalesce((SELECT w.why FROM tandem.without_identity(ARRAY[c.oid]) w),
                      CASE WHEN a.columns = 0 THEN 'it has no columns that could be mirrored' END)
    END
    FROM pg_class c
    LEFT JOIN tandem.without_wal(ARRAY[why_not_mirrored.relid]) u ON u.relid = c.oid
    CROSS JOIN LATERAL (
        SELECT tandem.target_table_name(s.nspname, c.relname) AS target
        FROM pg_namespace s WHERE s.oid = c.relnamespace) n
    CROSS JOIN LATERAL (
        SELECT count(*) AS columns, min(a.attname::text) FILTER (WHERE a.attname LIKE '\_tandem\_%') AS reserved
        FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
          AND a.attgenerated = '') a
    WHERE c.oid = why_not_mirrored.relid
$$;

-- Why a mirror cannot take a table because of what is mirrored already; NULL when it can. What is on its
-- way out of the mirror itself may come back.
CREATE OR REPLACE FUNCTION tandem.why_taken(mirror_id int, relid oid, target_table text) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN t.own THEN format('it is in mirror "%s" already', m.name)
                WHEN t.error_code = 'removed'
                     THEN format('mirror "%s" has not left its ClickHouse table yet', o.name)
                ELSE format('its ClickHouse table is that of %I.%I in mirror "%s"', t.schema_name,
                            t.table_name, o.name) END
    FROM tandem.mirror m
    JOIN tandem.mirror o ON o.target_id = m.target_id AND o.database = m.database
    CROSS JOIN LATERAL (SELECT o.mirror_id = m.mirror_id AND relid = why_taken.relid AS own, *
                        FROM tandem.mirror_table WHERE mirror_id = o.mirror_id) t
    WHERE m.mirror_id = why_taken.mirror_id AND (t.own OR t.target_table = why_taken.target_table)
      AND NOT (t.own AND t.error_code IS NOT DISTINCT FROM 'removed')
    ORDER BY t.own DESC LIMIT 1
$$;

-- Puts tables into a mirror, as pending; returns how many. What cannot be is an error where it was named,
-- a notice where a wildcard found it.
CREATE OR REPLACE FUNCTION tandem.add_tables(mirror_id int, tables text[]) RETURNS int
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    pattern text;
    candidate record;
    label text;
    target text;
    why text;
    taken text;
    matched boolean;
    added oid[] := '{}';
BEGIN
    FOREACH pattern IN ARRAY tables LOOP
        matched := false;
        FOR candidate IN SELECT * FROM tandem.expand_tables(pattern) LOOP
            matched := true;
            CONTINUE WHEN candidate.relid = ANY (added);
            label := format('%I.%I', candidate.schema_name, candidate.table_name);
            target := tandem.target_table_name(candidate.schema_name, candidate.table_name);
            why := tandem.why_not_mirrored(candidate.relid);
            taken := tandem.why_taken(add_tables.mirror_id, candidate.relid, target);
            IF candidate.exact AND why IS NOT NULL THEN
                RAISE EXCEPTION 'table % cannot be mirrored: %', label, why
                    USING ERRCODE = 'TD009', HINT = format('Give it a primary key that is not deferrable, or a replica identity index; or run ALTER TABLE %s REPLICA IDENTITY FULL, which costs inserts nothing. A partitioned table needs a primary key.', label);
            ELSIF candidate.exact AND taken IS NOT NULL THEN
                RAISE EXCEPTION 'table % cannot be added: %', label, taken
                    USING ERRCODE = '42710', HINT = 'To mirror it twice give the other mirror another database: options => ''{"database": "..."}''.';
            ELSIF why IS NOT NULL OR taken IS NOT NULL THEN
                RAISE NOTICE 'table % is left out: %', label, coalesce(why, taken);
                CONTINUE;
            END IF;
            INSERT INTO tandem.mirror_table AS t (mirror_id, relid, schema_name, table_name, target_table)
                VALUES (add_tables.mirror_id, candidate.relid, candidate.schema_name,
                        candidate.table_name, target)
                ON CONFLICT (mirror_id, relid) DO UPDATE
                    SET state = 'pending', generation = t.generation + 1, error_code = NULL,
                        error_message = NULL, schema_name = EXCLUDED.schema_name,
                        table_name = EXCLUDED.table_name;
            added := added || candidate.relid;
        END LOOP;
        IF NOT matched THEN
            RAISE EXCEPTION 'no table matches "%"', pattern USING ERRCODE = '42P01',
                HINT = 'Write schema.table; names with capitals, dots or spaces need double quotes; * is a wildcard.';
        END IF;
    END LOOP;
    IF cardinality(added) = 0 THEN
        RAISE EXCEPTION 'none of the tables can be mirrored, or all are already' USING ERRCODE = '22023',
            HINT = 'The notices say why each was left out; SELECT * FROM tandem.mirror_tables lists what is mirrored.';
    END IF;
    RETURN cardinality(added);
END $$;

-- generated from src/config/options.def by tools/generate_config.py: what a mirror may have its own of
CREATE OR REPLACE FUNCTION tandem.mirror_options()
RETURNS TABLE (name text, lowest bigint, highest bigint)
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    VALUES ('batch_bytes', 65536::bigint, 4294967296::bigint),
           ('batch_rows', 1::bigint, 100000000::bigint),
           ('flush_age_ms', 1::bigint, 3600000::bigint),
           ('batch_age_ms', 1::bigint, 3600000::bigint),
           ('snapshot_workers', 1::bigint, 64::bigint),
           ('history_s', 1::bigint, 31536000::bigint)
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

-- The keys that the option json_keys names for a column.
CREATE OR REPLACE FUNCTION tandem.checked_json_keys(relid oid, name text, keys jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
               WHERE a.attrelid = checked_json_keys.relid AND a.attname = checked_json_keys.name
                 AND NOT a.attisdropped AND 'jsonb'::regtype NOT IN (t.oid, t.typbasetype)) THEN
        RAISE EXCEPTION 'column "%" of table % is no jsonb', name, relid::regclass USING ERRCODE = '42804';
    ELSIF jsonb_typeof(keys) <> 'array' OR jsonb_path_exists(keys, '$[*] ? (@.type() != "string")') THEN
        RAISE EXCEPTION 'the keys of column "%" of table % must be a list of texts', name, relid::regclass
            USING ERRCODE = '22023';
    ELSIF jsonb_array_length(keys) > 64
          OR EXISTS (SELECT FROM jsonb_array_elements_text(keys) k WHERE octet_length(k) > 256)
          OR jsonb_array_length(keys) > (SELECT count(DISTINCT k) FROM jsonb_array_elements_text(keys) k) THEN
        RAISE EXCEPTION 'of column "%" of table % more than 64 keys, one of more than 256 bytes, or the same twice '
            'were named', name, relid::regclass USING ERRCODE = '22023';
    END IF;
    RETURN keys;
END $$;

-- What one table's element of the option order_by, partition_by, codecs or json_keys becomes in mirror_table.layout.
CREATE OR REPLACE FUNCTION tandem.layout_value(option text, relid oid, given jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    parts text[];
    one record;
    result jsonb;
    keys jsonb;
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
    ELSIF option = 'json_keys' AND given = 'false' THEN
        RETURN given;
    ELSIF option = 'json_keys' AND jsonb_typeof(given) = 'object' THEN
        result := '{}';
        FOR one IN SELECT * FROM jsonb_each(given) LOOP
            keys := tandem.checked_json_keys(layout_value.relid, one.key, one.value);
            result := result || jsonb_build_object(
                tandem.layout_column(layout_value.relid, one.key, false)::text, keys);
        END LOOP;
        RETURN result;
    END IF;
    RAISE EXCEPTION 'option "%" of table % is not of its form', option, relid::regclass USING ERRCODE = '22023',
        HINT = 'order_by: {"table": ["column", ...]}; partition_by: {"table": "column"} or "toYYYYMM(column)"; codecs: {"table": {"column": "ZSTD(3)"}}; json_keys: {"table": {"column": ["key", ...]}} or false; null takes it back.';
END $$;

-- Takes order_by, partition_by, codecs and json_keys. A table that gets another layout is loaded again.
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
    FOREACH option IN ARRAY ARRAY['order_by', 'partition_by', 'codecs', 'json_keys'] LOOP
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

-- Keys of jsonb columns that the user names, by column; without a key: none of that column. `none`: of no column.
CREATE OR REPLACE FUNCTION tandem.json_key_layout(layout jsonb)
RETURNS TABLE ("none" boolean, attnum int, key text, "position" bigint)
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT true, NULL::int, NULL, NULL::bigint WHERE layout -> 'json_keys' = 'false'
    UNION ALL
    SELECT false, c.attnum::int, k.key, k.position
    FROM jsonb_each(CASE jsonb_typeof(layout -> 'json_keys') WHEN 'object' THEN layout -> 'json_keys' ELSE '{}' END)
             c (attnum, keys)
    LEFT JOIN LATERAL jsonb_array_elements_text(c.keys) WITH ORDINALITY k (key, position) ON true
$$;

-- For people; NULL: nothing was asked for.
CREATE OR REPLACE FUNCTION tandem.layout_text(relid oid, layout jsonb) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT nullif(concat_ws(' ',
        'ORDER BY (' || string_agg(quote_ident(l.name), ', ' ORDER BY l.order_position)
            FILTER (WHERE l.order_position IS NOT NULL) || ')',
        'PARTITION BY ' || max(CASE l.partition_function WHEN '' THEN quote_ident(l.name)
            ELSE l.partition_function || '(' || quote_ident(l.name) || ')' END),
        string_agg(quote_ident(l.name) || ' CODEC(' || l.codec || ')', ' ' ORDER BY l.attnum),
        (SELECT string_agg(CASE WHEN k.none THEN 'no KEYS' ELSE (SELECT quote_ident(a.attname) FROM pg_attribute a
                    WHERE a.attrelid = layout_text.relid AND a.attnum = k.attnum AND NOT a.attisdropped)
                    || ' KEYS (' || coalesce(k.keys, '') || ')' END, ' ' ORDER BY k.attnum)
         FROM (SELECT j.none, j.attnum, string_agg(quote_ident(j.key), ', ' ORDER BY j.position) AS keys
               FROM tandem.json_key_layout(layout_text.layout) j GROUP BY j.none, j.attnum) k)), '')
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
-- tandem.mirror_options(), and by table order_by, partition_by, codecs and json_keys: tandem.layout_value().
CREATE OR REPLACE FUNCTION tandem.create_mirror(name text, tables text[], options jsonb DEFAULT '{}')
RETURNS int LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    target int;
    id int;
BEGIN
    PERFORM tandem.check_mirror_name(name);
    PERFORM tandem.check_mirror_options(options, ARRAY['target', 'database', 'order_by', 'partition_by', 'codecs',
                                                     'json_keys']);
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
                ('tandem_' || name)::name, options - '{order_by,partition_by,codecs,json_keys}'::text[])
        RETURNING mirror_id INTO id;
    PERFORM tandem.add_tables(id, tables);
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
-- with them at once, where it stopped. Tables whose order_by, partition_by, codecs or json_keys
-- change are loaded again.
CREATE OR REPLACE FUNCTION tandem.alter_mirror(name text, options jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    id int := tandem.mirror_by_name(name);
BEGIN
    PERFORM tandem.check_mirror_options(jsonb_strip_nulls(alter_mirror.options),
                                        '{order_by,partition_by,codecs,json_keys}');
    PERFORM tandem.set_layout(id, alter_mirror.options);
    UPDATE tandem.mirror m SET options = jsonb_strip_nulls(m.options
            || (alter_mirror.options - '{order_by,partition_by,codecs,json_keys}'::text[]))
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

-- The tables of a mirror that a list stands for; an error when an element matches none.
CREATE OR REPLACE FUNCTION tandem.tables_of(mirror text, tables text[]) RETURNS oid[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    id int := tandem.mirror_by_name(mirror);
    pattern text;
    found_now oid[];
    relids oid[] := '{}';
BEGIN
    FOREACH pattern IN ARRAY tables LOOP
        SELECT array_agg(t.relid) INTO found_now FROM tandem.mirror_table t
            WHERE t.mirror_id = id AND t.error_code IS DISTINCT FROM 'removed'
              AND (t.relid IN (SELECT e.relid FROM tandem.expand_tables(pattern) e)
                   OR (t.state = 'dropped' AND t.schema_name || '.' || t.table_name = pattern));
        IF found_now IS NULL THEN
            RAISE EXCEPTION 'mirror "%" has no table "%"', mirror, pattern USING ERRCODE = '42704',
                HINT = 'SELECT * FROM tandem.mirror_tables lists them.';
        END IF;
        relids := relids || found_now;
    END LOOP;
    RETURN relids;
END $$;

-- Tables join a mirror that runs: the daemon publishes and loads them, the others go on.
CREATE OR REPLACE FUNCTION tandem.add_to_mirror(name text, tables text[]) RETURNS int
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    added int;
BEGIN
    added := tandem.add_tables(tandem.mirror_by_name(name), tables);
    NOTIFY tandem;
    RETURN added;
END $$;

-- Tables leave a mirror: the daemon takes them out of the publication and drops them in ClickHouse. Until
-- that is done their rows in the catalog stay, marked as removed, which no view shows.
CREATE OR REPLACE FUNCTION tandem.remove_from_mirror(name text, tables text[]) RETURNS int
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    id int := tandem.mirror_by_name(remove_from_mirror.name);
    relids oid[] := tandem.tables_of(remove_from_mirror.name, tables);
BEGIN
    IF NOT EXISTS (SELECT FROM tandem.mirror_table t WHERE t.mirror_id = id AND t.relid <> ALL (relids)
                   AND t.error_code IS DISTINCT FROM 'removed') THEN
        RAISE EXCEPTION 'mirror "%" would be left without a table', name USING ERRCODE = '22023',
            HINT = 'Drop the mirror instead: SELECT tandem.drop_mirror(...).';
    END IF;
    DELETE FROM tandem.mirror_chunk c WHERE c.mirror_id = id AND c.relid = ANY (relids);
    UPDATE tandem.mirror_table t
        SET state = 'dropped', error_code = 'removed', error_message = NULL, consistent_lsn = NULL,
            generation = generation + 1
        WHERE t.mirror_id = id AND t.relid = ANY (relids);
    NOTIFY tandem;
    RETURN cardinality(relids);
END $$;

-- Loads tables again from the start, without touching the others; without a list all of them, with
-- a new slot if the old one is gone.
CREATE OR REPLACE FUNCTION tandem.resync_mirror(name text, tables text[] DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    id int := tandem.mirror_by_name(resync_mirror.name);
    relids oid[];
BEGIN
    IF tables IS NULL THEN
        SELECT array_agg(relid) INTO relids FROM tandem.mirror_table t
            WHERE t.mirror_id = id AND t.error_code IS DISTINCT FROM 'removed';
        UPDATE tandem.mirror m SET wanted_epoch = epoch + 1, wanted = 'running', error_code = NULL,
                error_message = NULL, state = CASE WHEN state = 'failed' THEN 'paused' ELSE state END
            WHERE m.mirror_id = id;
    ELSE
        relids := tandem.tables_of(name, tables);
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

-- The newest position that the mirror has, or, without a name, that all running ones have: for tandem.as_of.
CREATE OR REPLACE FUNCTION tandem.current_position(mirror text DEFAULT NULL) RETURNS pg_lsn
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT min(greatest(s.confirmed_flush_lsn, m.position))
    FROM tandem.mirror m LEFT JOIN pg_replication_slots s ON s.slot_name = m.slot_name
    WHERE CASE WHEN current_position.mirror IS NULL THEN m.state = 'running'
               ELSE m.mirror_id = tandem.mirror_by_name(current_position.mirror) END
$$;

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
