// The settings tandem.telemetry*. Postgres changes them between statements.
#pragma once

namespace tandem::shell {

extern bool telemetry_on;
extern bool telemetry_nested;         // also what runs inside of functions and other statements
extern double telemetry_sample_rate;  // of statements faster than telemetry_slow_ms
extern double telemetry_slow_ms;      // from here on all are kept
extern double telemetry_cpu_cost;     // planner cost from which CPU is measured
extern int telemetry_text_max;        // bytes of a query's text
enum TelemetryPlans { kPlansOff, kPlansSlow, kPlansSampled };
extern int telemetry_plans;              // TelemetryPlans: of which statements the plan is taken
extern double telemetry_plan_rate;       // of those that are not slow, when sampled
extern int telemetry_plan_max;           // bytes of a plan as text, and as JSON
extern int telemetry_memory_kb;          // of all rings
extern int telemetry_flush_interval_ms;  // longest time an event waits for others
extern int telemetry_activity_ms;        // between two looks at the sessions; 0: none
extern int telemetry_backlog_kb;         // of batches that ClickHouse has not got yet
extern char* telemetry_url;              // clickhouse://...; empty: none
extern char* telemetry_tls_ca;           // files; empty: the system's store, none, none
extern char* telemetry_tls_certificate;
extern char* telemetry_tls_key;
enum TelemetryParameters { kParametersOff, kParametersMasked, kParametersFull };
extern int telemetry_parameters;  // TelemetryParameters

// Before define_settings(), which closes the prefix.
void define_telemetry_settings();

}  // namespace tandem::shell
