#include "cli/commands/demo/data.h"

#include "cli/terminal.h"

namespace tandem::cli {

const DemoQuery kDemoQueries[] = {
    {"top events of three countries",
     "SELECT u.country, e.event_name, count(*) AS n, count(DISTINCT e.user_id) AS unique_users, "
     "count(*) FILTER (WHERE e.properties->>'tier' = 'premium') AS premium_count, "
     "percentile_cont(0.95) WITHIN GROUP (ORDER BY e.duration_ms) AS p95_ms, "
     "ROW_NUMBER() OVER (PARTITION BY u.country ORDER BY count(*) DESC) AS rank_in_country "
     "FROM events e JOIN users u USING (user_id) "
     "WHERE e.ts >= now() - interval '7 days' AND u.country IN ('US','UK','DE') "
     "AND e.properties->>'platform' = 'web' "
     "GROUP BY u.country, e.event_name ORDER BY n DESC LIMIT 100"},
    {"events by platform",
     "SELECT properties->>'platform' AS platform, count(*) AS n, count(DISTINCT user_id) AS users, "
     "max(duration_ms) AS slowest, percentile_cont(0.5) WITHIN GROUP (ORDER BY duration_ms) AS "
     "median FROM events GROUP BY properties->>'platform' ORDER BY n DESC"},
    {"the busiest users",
     "SELECT e.user_id, u.country, count(*) AS n, max(e.ts) AS last FROM events e JOIN users u "
     "USING "
     "(user_id) GROUP BY e.user_id, u.country ORDER BY n DESC, e.user_id LIMIT 20"},
    {"premium events per kind",
     "SELECT event_name, count(*) AS n, min(ts) AS first, max(ts) AS last FROM events WHERE "
     "properties->>'tier' = 'premium' AND duration_ms > 2000 GROUP BY event_name ORDER BY n DESC, "
     "first LIMIT 10"},
};
const size_t kDemoQueryCount = sizeof kDemoQueries / sizeof *kDemoQueries;

namespace {

using postgres::QueryOptions;

constexpr QueryOptions kLong{.timeout = std::chrono::minutes(30)};
constexpr uint64_t kPiece = 250'000;
constexpr const char* kComplete = "tandem demo data, complete";

// Events are dealt to 5 countries x 40 event names. Cell c = 5 * event + country has the weight
// 1.02 ^ (3 * event + rank of the country), so the counts of the three countries of the query
// interleave 2 percent apart. fraction(i * golden ratio) fills every interval evenly, in every
// stretch of i; the place within the cell decides the platform in the same even way.
constexpr const char* kFunctions = R"sql(
CREATE OR REPLACE FUNCTION public.tandem_demo_bounds() RETURNS float8[]
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog AS $$
    WITH cells AS (
        SELECT c, 1.02::float8 ^ (3 * (c / 5) + (ARRAY[0, 1, 2, 1, 1])[c % 5 + 1]) AS weight
        FROM generate_series(0, 199) AS c
    )
    SELECT array_agg(bound ORDER BY c) FROM (
        SELECT c, (sum(weight) OVER (ORDER BY c) - weight) / sum(weight) OVER () AS bound
        FROM cells) AS bounds
$$;
CREATE OR REPLACE FUNCTION public.tandem_demo_events(first bigint, last bigint, at timestamptz,
                                                     step interval, bounds float8[])
RETURNS TABLE (event_id bigint, user_id int, event_name text, ts timestamptz, duration_ms float8,
               properties jsonb)
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
    WITH dealt AS (
        SELECT i, u, width_bucket(u, bounds) - 1 AS cell, hashint8(i)::bigint & 2147483647 AS h
        FROM (SELECT i, i * 0.6180339887498949::float8 - floor(i * 0.6180339887498949::float8) AS u
              FROM generate_series(first, last) AS i) AS numbers
    ), placed AS (
        SELECT *, (u - bounds[cell + 1]) /
                  (coalesce(bounds[cell + 2], 1) - bounds[cell + 1]) AS place
        FROM dealt
    )
    SELECT i, (5 * (h % 4000) + cell % 5 + 1)::int,
           (ARRAY['view', 'click', 'search', 'signup', 'login', 'logout', 'purchase',
                  'refund'])[cell / 5 % 8 + 1] || '_' ||
           (ARRAY['page', 'product', 'cart', 'account', 'report'])[cell / 40 + 1],
           at + step * (i - first), (h % 9973) * 0.25 + (h % 101),
           jsonb_build_object('platform',
                              CASE WHEN place < 0.6 THEN 'web'
                                   WHEN place < 0.85 THEN 'ios' ELSE 'android' END,
                              'tier', CASE WHEN h % 7 < 2 THEN 'premium' ELSE 'free' END,
                              'version', h % 12)
    FROM placed
$$;
)sql";

constexpr const char* kTables = R"sql(
CREATE TABLE public.users (user_id int, name text NOT NULL DEFAULT '', country text NOT NULL,
                           created_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE public.events (event_id bigint, user_id int NOT NULL, event_name text NOT NULL,
                            ts timestamptz NOT NULL, duration_ms float8 NOT NULL,
                            properties jsonb NOT NULL);
COMMENT ON TABLE public.events IS 'tandem demo data, loading';
INSERT INTO public.users
    SELECT i, 'user ' || i, (ARRAY['US', 'UK', 'DE', 'FR', 'JP'])[(i - 1) % 5 + 1],
           now() - interval '1 hour' * i
    FROM generate_series(1, 20000) AS i;
ALTER TABLE public.users ADD PRIMARY KEY (user_id);
)sql";

// What is there: nothing, somebody else's, half of ours, ours but old, ours.
enum class Found { nothing, foreign, partial, old, complete };

Result<Found> look(postgres::Connection& connection) {
    postgres::QueryResult rows = TRY(connection.query(
        "SELECT to_regclass('public.events') IS NOT NULL OR to_regclass('public.users') IS NOT "
        "NULL, coalesce(obj_description(to_regclass('public.events'), 'pg_class'), '')"));
    if (!TRY(rows.boolean(0, 0))) return Found::nothing;
    std::string comment = rows.text(0, 1);
    if (!comment.starts_with("tandem demo data")) return Found::foreign;
    if (comment != kComplete) return Found::partial;
    // The query looks at seven days; the load fills fourteen.
    postgres::QueryResult recent = TRY(connection.query(
        "SELECT coalesce(max(ts) > now() - interval '5 days', false) FROM public.events", kLong));
    return TRY(recent.boolean(0, 0))
    ? Found::complete : Found::old;
}

Result<uint64_t> count_events(postgres::Connection& connection) {
    postgres::QueryResult rows = TRY(connection.query("SELECT count(*) FROM public.events", kLong));
    return static_cast<uint64_t>(TRY(rows.integer(0, 0)));
}

Status fill(postgres::Connection& connection, uint64_t events) {
    Step step("loading the demo data");
    TRY(connection.execute("SET synchronous_commit = off"));
    for (uint64_t first = 1; first <= events; first += kPiece) {
        uint64_t last = std::min(events, first + kPiece - 1);
        // The last event is as old as the load; each piece knows its place in the fourteen days.
        std::string total = std::to_string(events);
        TRY(connection.execute(
            "INSERT INTO public.events SELECT * FROM public.tandem_demo_events(" +
                std::to_string(first) + ", " + std::to_string(last) +
                ", now() - interval '14 days' * ((" + total + " - " + std::to_string(first) +
                ") / " + total + "::float8), interval '14 days' / " + total +
                "::float8, public.tandem_demo_bounds())",
            kLong));
        step.update(last, events, "events");
    }
    step.finish(with_thousands(events) + " events, 20,000 users");
    Step index("building the primary key");
    TRY(connection.execute("ALTER TABLE public.events ADD PRIMARY KEY (event_id)", kLong));
    TRY(connection.execute("ANALYZE public.events; ANALYZE public.users", kLong));
    TRY(
        connection.execute("CREATE SEQUENCE public.events_event_id_seq OWNED BY "
                           "public.events.event_id START " +
                           std::to_string(events + 1)));
    return connection.execute(std::string("COMMENT ON TABLE public.events IS '") + kComplete + "'");
}

// A mirror of the old tables goes with them.
Status drop_old(postgres::Connection& connection) {
    postgres::QueryResult rows = TRY(connection.query(
        "SELECT EXISTS (SELECT FROM tandem.mirrors WHERE name = 'demo' AND wanted <> 'dropped')"));
    if (TRY(rows.boolean(0, 0))) TRY(connection.execute("SELECT tandem.drop_mirror('demo')"));
    Step step("dropping the demo data of an earlier time");
    for (;;) {
        rows = TRY(connection.query("SELECT count(*) FROM tandem.mirrors WHERE name = 'demo'"));
        if (TRY(rows.integer(0, 0)) == 0) break;
        step.update();
        TRY(connection.execute("SELECT pg_sleep(0.1)"));
    }
    return connection.execute("DROP TABLE IF EXISTS public.events, public.users", kLong);
}

}  // namespace

Result<uint64_t> load_demo_data(postgres::Connection& connection, uint64_t events) {
    Found found = TRY(look(connection));
    if (found == Found::foreign)
        return Error(ErrorCode::kAlreadyExists,
                     "tables public.events or public.users exist and are not the demo's");
    if (found == Found::complete) {
        uint64_t count = TRY(count_events(connection));
        if (count >= events) return count;
    }
    if (found != Found::nothing) TRY(drop_old(connection));
    TRY(connection.execute(kFunctions));
    TRY(connection.execute(kTables, kLong));
    TRY(fill(connection, events));
    return count_events(connection);
}

Status write_once(postgres::Connection& connection) {
    // New events go on with the sequence the load stopped at, so the counts stay apart. Updates
    // leave alone what the counts depend on.
    return connection.execute(
        "BEGIN; "
        "SELECT pg_advisory_xact_lock_shared(" +
        std::to_string(kDemoLock) +
        "); "
        "WITH next AS (SELECT nextval('public.events_event_id_seq') AS id FROM generate_series(1, "
        "5)) "
        "INSERT INTO public.events SELECT e.* FROM next, public.tandem_demo_events(id, id, "
        "clock_timestamp(), interval '0', public.tandem_demo_bounds()) AS e; "
        "UPDATE public.events SET duration_ms = duration_ms + 1, properties = properties || "
        "jsonb_build_object('revised', true) WHERE event_id IN (SELECT (random() * (SELECT "
        "last_value - 1 FROM public.events_event_id_seq))::bigint + 1 FROM generate_series(1, 5)); "
        "COMMIT");
}

}  // namespace tandem::cli
