-- Lag is defined here. Staleness once more where freshness "bounded" is decided, from the same numbers in
-- shared memory (staleness_ms in extension/route/freshness.cpp): change both together.
--
-- lag_bytes: WAL that ClickHouse has not confirmed. lag: how long the last commit that was confirmed
-- took, as the walsender measured it; NULL when nothing is under way.
-- staleness: how old ClickHouse may be at most as far as this server knows, counting the time since
-- the mirror last said something; freshness "bounded" compares it.
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
