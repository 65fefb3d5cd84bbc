// What became of the statement that runs, as far as routing goes: written by the router, read by
// telemetry, which knows nothing of each other. Nobody listens while `route_note` is nullptr.
#pragma once

namespace tandem::shell {

struct RouteNote {
    uint8 side;  // 0: no mirrored table is read, 1: ClickHouse, 2: Postgres
    char reason[32];
    char remote_query_id[64];
    uint64 rows_read;
    uint64 bytes_read;
};

extern RouteNote* route_note;

inline void note_stays(const char* reason) {
    if (route_note == nullptr) return;
    route_note->side = 2;
    snprintf(route_note->reason, sizeof route_note->reason, "%s", reason);
}

inline void note_goes() {
    if (route_note == nullptr) return;
    route_note->side = 1;
    route_note->reason[0] = '\0';
}

inline void note_remote_query(const char* query_id) {
    if (route_note == nullptr) return;
    snprintf(route_note->remote_query_id, sizeof route_note->remote_query_id, "%s", query_id);
}

inline void note_read(uint64 rows, uint64 bytes) {
    if (route_note == nullptr) return;
    route_note->rows_read += rows;
    route_note->bytes_read += bytes;
}

}  // namespace tandem::shell
