// Every difference between the Postgres majors that the shell meets (15 to 18), with the upstream
// commit or release that made it. Nothing else in extension/ tests PG_VERSION_NUM.
#pragma once

// COMPAT(pg15): PGDLLEXPORT is empty before 16, so with hidden visibility nothing would be exported
// (upstream 089480c077, "Default to hidden visibility for extension libraries where possible").
#if PG_VERSION_NUM < 160000
#undef PGDLLEXPORT
#define PGDLLEXPORT __attribute__((visibility("default")))
#endif
