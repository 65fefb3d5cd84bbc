#include "extension/shell/pg.h"

extern "C" {
#include "miscadmin.h"
#include "utils/guc.h"
}

#include "extension/shell/query_id.h"
#include "extension/telemetry/settings.h"

namespace tandem::shell {

bool telemetry_on = false;
bool telemetry_nested = true;
double telemetry_sample_rate = 1.0;
double telemetry_slow_ms = 100.0;
double telemetry_cpu_cost = 1000.0;
int telemetry_text_max = 16384;
int telemetry_plans = kPlansOff;
double telemetry_plan_rate = 0.01;
int telemetry_plan_max = 32768;
int telemetry_memory_kb = 32 * 1024;
int telemetry_flush_interval_ms = 1000;
int telemetry_activity_ms = 1000;
int telemetry_backlog_kb = 32 * 1024;
char* telemetry_url = nullptr;
char* telemetry_tls_ca = nullptr;
char* telemetry_tls_certificate = nullptr;
char* telemetry_tls_key = nullptr;
int telemetry_parameters = kParametersOff;

namespace {

// Statements are told apart by Postgres' own fingerprint, which costs something; so it is computed
// where telemetry is on, and nowhere else.
void assign_on(bool on, void*) {
    if (on) EnableQueryId();
}

const config_enum_entry kPlanChoices[] = {{"off", kPlansOff, false},
                                          {"slow", kPlansSlow, false},
                                          {"sampled", kPlansSampled, false},
                                          {nullptr, 0, false}};

const config_enum_entry kParameterChoices[] = {{"off", kParametersOff, false},
                                               {"masked", kParametersMasked, false},
                                               {"full", kParametersFull, false},
                                               {nullptr, 0, false}};

void define_parameters() {
    DefineCustomEnumVariable(
        "tandem.telemetry_parameters", "Whether values of parameters are part of events.",
        "masked: numbers, times, booleans and UUIDs as they are, *** for all else; full: all of "
        "the types that Postgres comes with.",
        &telemetry_parameters, kParametersOff, kParameterChoices, PGC_SUSET, 0, nullptr, nullptr,
        nullptr);
}

void define_file(const char* name, const char* what, char** into) {
    DefineCustomStringVariable(name, what, "A PEM file. Read again on reload.", into, "",
                               PGC_SIGHUP, GUC_SUPERUSER_ONLY, nullptr, nullptr, nullptr);
}

void define_tls() {
    define_file("tandem.telemetry_tls_ca",
                "Authorities that the certificate of telemetry's ClickHouse is checked with.",
                &telemetry_tls_ca);
    define_file("tandem.telemetry_tls_certificate",
                "Certificate to show to telemetry's ClickHouse.", &telemetry_tls_certificate);
    define_file("tandem.telemetry_tls_key", "Key of that certificate.", &telemetry_tls_key);
}

void define_plans() {
    DefineCustomEnumVariable(
        "tandem.telemetry_plans", "Of which statements the plan is taken.",
        "slow: those that take tandem.telemetry_slow_duration or longer; sampled: a share of the "
        "others as well.",
        &telemetry_plans, kPlansOff, kPlanChoices, PGC_SUSET, 0, nullptr, nullptr, nullptr);
    DefineCustomRealVariable("tandem.telemetry_plan_sample_rate",
                             "Share of the statements that are not slow whose plan is taken.",
                             nullptr, &telemetry_plan_rate, 0.01, 0.0, 1.0, PGC_SUSET, 0, nullptr,
                             nullptr, nullptr);
    DefineCustomIntVariable("tandem.telemetry_plan_max",
                            "Longest plan that is kept, as text and as JSON.", nullptr,
                            &telemetry_plan_max, 32768, 256, 1024 * 1024, PGC_SUSET, GUC_UNIT_BYTE,
                            nullptr, nullptr, nullptr);
}

void define_where_it_goes() {
    DefineCustomStringVariable(
        "tandem.telemetry_clickhouse", "ClickHouse server that telemetry goes to.",
        "clickhouse://user:password@host:9000, clickhouses:// for TLS. Read again on reload.",
        &telemetry_url, "", PGC_SIGHUP, GUC_SUPERUSER_ONLY, nullptr, nullptr, nullptr);
    DefineCustomIntVariable("tandem.telemetry_flush_interval",
                            "Longest time an event waits for others before it is sent.", nullptr,
                            &telemetry_flush_interval_ms, 1000, 50, 60000, PGC_SIGHUP, GUC_UNIT_MS,
                            nullptr, nullptr, nullptr);
    DefineCustomIntVariable(
        "tandem.telemetry_activity_interval",
        "How often the sessions that are not idle are looked at; 0: never.",
        "By the worker, and only while tandem.telemetry is on for the whole server.",
        &telemetry_activity_ms, 1000, 0, 3600000, PGC_SIGHUP, GUC_UNIT_MS, nullptr, nullptr,
        nullptr);
    // Later it could not be had any more, and Postgres ends a session that asks for such a setting.
    if (process_shared_preload_libraries_in_progress)
        DefineCustomIntVariable(
            "tandem.telemetry_memory",
            "Shared memory for events on their way, divided among all sessions.", nullptr,
            &telemetry_memory_kb, 32 * 1024, 1024, 4 * 1024 * 1024, PGC_POSTMASTER, GUC_UNIT_KB,
            nullptr, nullptr, nullptr);
    DefineCustomIntVariable(
        "tandem.telemetry_backlog",
        "Memory of the worker for events that ClickHouse has not confirmed.",
        "What does not fit stays in shared memory, and what does not fit there is dropped and "
        "counted.",
        &telemetry_backlog_kb, 32 * 1024, 4096, 4 * 1024 * 1024, PGC_SIGHUP, GUC_UNIT_KB, nullptr,
        nullptr, nullptr);
}

}  // namespace

void define_telemetry_settings() {
    DefineCustomBoolVariable(
        "tandem.telemetry", "Whether statements and errors are sent to ClickHouse as events.",
        "Can be set for a database, a role or a session. Needs shared_preload_libraries.",
        &telemetry_on, false, PGC_SUSET, 0, nullptr, assign_on, nullptr);
    DefineCustomBoolVariable("tandem.telemetry_nested",
                             "Whether statements inside of functions are events of their own.",
                             nullptr, &telemetry_nested, true, PGC_SUSET, 0, nullptr, nullptr,
                             nullptr);
    DefineCustomRealVariable(
        "tandem.telemetry_sample_rate", "Share of the statements that become events.",
        "Errors and what takes tandem.telemetry_slow_duration or longer always do. An event says "
        "how many executions it stands for.",
        &telemetry_sample_rate, 1.0, 0.0, 1.0, PGC_SUSET, 0, nullptr, nullptr, nullptr);
    DefineCustomRealVariable(
        "tandem.telemetry_slow_duration",
        "Duration from which a statement is an event whatever the sample rate.", nullptr,
        &telemetry_slow_ms, 100.0, 0.0, 1e9, PGC_SUSET, GUC_UNIT_MS, nullptr, nullptr, nullptr);
    DefineCustomRealVariable("tandem.telemetry_cpu_cost",
                             "Planner cost from which the CPU time of a statement is measured.",
                             "Asking the kernel costs more than a short statement. 0: always.",
                             &telemetry_cpu_cost, 1000.0, 0.0, 1e18, PGC_SUSET, 0, nullptr, nullptr,
                             nullptr);
    DefineCustomIntVariable("tandem.telemetry_text_max", "Longest text of a query that is kept.",
                            nullptr, &telemetry_text_max, 16384, 256, 1024 * 1024, PGC_SUSET,
                            GUC_UNIT_BYTE, nullptr, nullptr, nullptr);
    define_plans();
    define_parameters();
    define_tls();
    define_where_it_goes();
}

}  // namespace tandem::shell
