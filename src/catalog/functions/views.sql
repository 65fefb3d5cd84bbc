-- What CLI, console and people look at. mirror_lag is in lag.sql.

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
           tandem.layout_text(t.relid, t.layout) AS layout,
           -- tandem.as_of can be as old as this
           (SELECT greatest(t.history_from, o.readable_from) FROM tandem.mirror_copy o
             WHERE o.mirror_id = t.mirror_id AND o.relid = t.relid AND o.visible_from IS NOT NULL
             ORDER BY o.copy LIMIT 1) AS readable_from
    FROM tandem.mirror_table t JOIN tandem.mirror m USING (mirror_id)
    LEFT JOIN LATERAL (SELECT * FROM tandem.mirror_copy c
        WHERE c.mirror_id = t.mirror_id AND c.relid = t.relid AND c.visible_from IS NOT NULL
        ORDER BY c.copy DESC LIMIT 1) k ON true
    WHERE t.error_code IS DISTINCT FROM 'removed';

-- Keys of jsonb documents that queries read as columns, of the copy that is shown.
CREATE OR REPLACE VIEW tandem.json_keys AS
    SELECT m.name AS mirror, t.schema_name, t.table_name, k.column_name, j.key, j.few_values,
           j.text_column AS target_column
    FROM tandem.mirror_json_key j JOIN tandem.mirror m USING (mirror_id)
    JOIN tandem.mirror_table t USING (mirror_id, relid)
    JOIN tandem.mirror_column k USING (mirror_id, relid, attnum)
    WHERE t.error_code IS DISTINCT FROM 'removed'
      AND j.copy = (SELECT max(c.copy) FROM tandem.mirror_copy c WHERE c.mirror_id = j.mirror_id
                    AND c.relid = j.relid AND c.visible_from IS NOT NULL);

CREATE OR REPLACE VIEW tandem.mirrors AS
    SELECT m.name, m.state, m.wanted, g.name AS target, m.database AS target_database,
           count(t.relid) AS tables, count(t.relid) FILTER (WHERE t.state = 'live') AS tables_live,
           count(t.relid) FILTER (WHERE t.state = 'failed') AS tables_failed,
           sum(t.rows_loaded)::bigint AS rows_loaded,
           (SELECT l.lag_bytes FROM tandem.mirror_lag l WHERE l.mirror = m.name) AS lag_bytes,
           m.slot_name, m.publication, m.error_code, m.error_message, m.created_at,
           m.incident_code, m.incident_message, m.incident_at
    FROM tandem.mirror m JOIN tandem.target g USING (target_id)
    LEFT JOIN tandem.mirror_table t ON t.mirror_id = m.mirror_id AND t.error_code IS DISTINCT FROM 'removed'
    GROUP BY m.mirror_id, g.name;

-- Columns that have held a value ClickHouse cannot: the router does not trust them any more.
CREATE OR REPLACE VIEW tandem.quarantine AS
    SELECT m.name AS mirror, t.schema_name, t.table_name, k.column_name, k.target_type,
           k.inexact_since, k.inexact_why
    FROM tandem.mirror_column k JOIN tandem.mirror m USING (mirror_id)
    JOIN tandem.mirror_table t USING (mirror_id, relid)
    WHERE k.inexact_since IS NOT NULL AND t.error_code IS DISTINCT FROM 'removed';
