#include "telemetry/batch.h"

#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <sstream>

#include "clickhouse/codec/block.h"
#include "telemetry/schema.h"

namespace tandem::telemetry {
namespace {

const char* const kCommands[] = {"???", "SELECT", "INSERT"};

Origin origin() {
    return {77, "box", "main", 150020, kCommands, 3};
}

// A record as a backend would write it.
struct Record {
    std::string bytes;
    template <typename T>
    void put(const T& value) {
        bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
    }
    void text(const std::string& value) { bytes += value; }
    void align() { bytes.resize((bytes.size() + 7) / 8 * 8); }
    const RecordHead* finish() {
        align();
        words.resize(bytes.size() / 8);
        std::memcpy(words.data(), bytes.data(), bytes.size());
        auto* head = reinterpret_cast<RecordHead*>(words.data());
        head->size = static_cast<uint32_t>(bytes.size());
        return head;
    }
    std::vector<uint64_t> words;
};

Record session(const std::string& database, const std::string& application) {
    Record record;
    SessionRecord head = {{0, RecordKind::kSession, 0}, 5'000'000, 99, 1234, {}};
    head.sizes[kSessionDatabase] = static_cast<uint16_t>(database.size());
    head.sizes[kSessionApplication] = static_cast<uint16_t>(application.size());
    record.put(head);
    record.text(database + application);
    return record;
}

StatementRecord statement(uint16_t sections = 0) {
    StatementRecord record = {};
    record.head = {0, RecordKind::kStatement, sections};
    record.started_us = 6'000'000;
    record.query_id = -5;
    record.duration_us = 42;
    record.weight = 1;
    record.command = 1;
    return record;
}

const types::Column& column(const types::Block& block, const std::string& name) {
    for (const types::NamedColumn& named : block.columns)
        if (named.name == name) return named.column;
    ADD_FAILURE() << name;
    return block.columns[0].column;
}

std::string text(const Batch& batch, const std::string& name, size_t row = 0) {
    return std::string(column(batch.parts[kPartEvents], name).string(row));
}

uint64_t number(const Batch& batch, const std::string& name, size_t row = 0) {
    return column(batch.parts[kPartEvents], name).fixed<uint64_t>(row);
}

TEST(BatchBuilder, keeps_the_session_of_each_ring) {
    BatchBuilder builder(origin(), 2);
    Record first = session("shop", "web");
    Record second = session("crm", "job");
    Record event;
    event.put(statement());
    builder.add(0, first.finish());
    builder.add(1, second.finish());
    builder.add(0, event.finish());
    builder.add(1, event.finish());
    auto batch = builder.seal(1);
    EXPECT_EQ(text(*batch, "database", 0), "shop");
    EXPECT_EQ(text(*batch, "application", 0), "web");
    EXPECT_EQ(text(*batch, "database", 1), "crm");
    EXPECT_EQ(text(*batch, "operation", 0), "SELECT");
    EXPECT_EQ(number(*batch, "duration_us"), 42U);
    EXPECT_TRUE(column(batch->parts[kPartEvents], "cpu_user_us").is_null(0));
}

TEST(BatchBuilder, finds_every_section_behind_those_before_it) {
    BatchBuilder builder(origin(), 1);
    Record event;
    event.put(statement(kBuffers | kWal | kJit | kParallel | kCpu | kError | kRoute | kTags |
                        kPlan | kParameters));
    BuffersSection buffers = {};
    buffers.shared_read = 3;
    buffers.temp_write_us = 4;
    event.put(buffers);
    event.put(WalSection{5, 6, 7});
    event.put(JitSection{8, 9, 10, 11, 12, 13});
    event.put(ParallelSection{2, 1});
    event.put(CpuSection{14, 15});
    ErrorSection error = {};
    error.sqlstate =
        ('2' - '0') | ('2' - '0') << 6 | ('0' - '0') << 12 | ('1' - '0') << 18 | ('P' - '0') << 24;
    error.position = 16;
    error.sizes[kErrorMessage] = 3;
    error.sizes[kErrorConstraint] = 2;
    event.put(error);
    event.text("bad");
    event.text("pk");
    event.align();
    RouteSection route = {17, 18, 5, 2, static_cast<uint8_t>(RouteSide::kPostgres), {}};
    event.put(route);
    event.text("stale");
    event.text("id");
    event.align();
    const std::string comment =
        "a='b',traceparent='00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'";
    event.put(TagsSection{static_cast<uint32_t>(comment.size()), 0});
    event.text(comment);
    event.align();
    event.put(PlanSection{-19});
    event.put(ParametersSection{2, 10});
    event.put(int32_t{-1});
    event.put(int32_t{2});
    event.text("42");
    builder.add(0, event.finish());
    auto batch = builder.seal(1);
    EXPECT_EQ(number(*batch, "shared_blks_read"), 3U);
    EXPECT_EQ(number(*batch, "temp_blk_write_time_us"), 4U);
    EXPECT_EQ(number(*batch, "wal_bytes"), 7U);
    EXPECT_EQ(number(*batch, "jit_emission_us"), 13U);
    EXPECT_EQ(column(batch->parts[kPartEvents], "parallel_workers_launched").fixed<uint16_t>(0), 1);
    EXPECT_EQ(number(*batch, "cpu_system_us"), 15U);
    EXPECT_EQ(text(*batch, "sqlstate"), "2201P");
    EXPECT_EQ(text(*batch, "error_message"), "bad");
    EXPECT_EQ(text(*batch, "error_detail"), "");
    EXPECT_EQ(text(*batch, "error_constraint"), "pk");
    EXPECT_EQ(text(*batch, "routed"), "postgres");
    EXPECT_EQ(text(*batch, "route_reason"), "stale");
    EXPECT_EQ(text(*batch, "remote_query_id"), "id");
    EXPECT_EQ(number(*batch, "remote_bytes_read"), 18U);
    EXPECT_EQ(column(batch->parts[kPartEvents], "tags").elements(0).second, 2U);
    EXPECT_EQ(text(*batch, "trace_id"), "0af7651916cd43dd8448eb211c80319c");
    EXPECT_EQ(text(*batch, "span_id"), "b7ad6b7169203331");
    EXPECT_EQ(number(*batch, "plan_id"), static_cast<uint64_t>(-19));
    const types::Column& parameters = column(batch->parts[kPartEvents], "parameters");
    ASSERT_EQ(parameters.elements(0), (std::pair<size_t, size_t>(0, 2)));
    EXPECT_TRUE(parameters.children[0].is_null(0));
    EXPECT_EQ(parameters.children[0].string(1), "42");
}

TEST(BatchBuilder, takes_texts_and_plans_with_their_relations) {
    BatchBuilder builder(origin(), 1);
    Record who = session("shop", "web");
    builder.add(0, who.finish());
    const std::string names("public.a\0public.b\0", 18);
    Record text_record;
    text_record.put(TextRecord{{0, RecordKind::kText, 0}, 7, 8, 18, 1, 0, 0});
    text_record.text("SELECT 1" + names);
    builder.add(0, text_record.finish());
    Record plan;
    plan.put(PlanRecord{{0, RecordKind::kPlan, 0}, 7, 8, 6, 2, 9, 1});
    plan.text("Result[]" + names.substr(0, 9));
    builder.add(0, plan.finish());
    auto batch = builder.seal(1);
    EXPECT_EQ(batch->parts[kPartEvents].rows(), 0U);
    const types::Block& texts = batch->parts[kPartTexts];
    EXPECT_EQ(column(texts, "text").string(0), "SELECT 1");
    EXPECT_EQ(column(texts, "relations").children[0].string(1), "public.b");
    const types::Block& plans = batch->parts[kPartPlans];
    EXPECT_EQ(column(plans, "database").string(0), "shop");
    EXPECT_EQ(column(plans, "text").string(0), "Result");
    EXPECT_EQ(column(plans, "json").string(0), "[]");
    EXPECT_EQ(column(plans, "relations").children[0].rows, 1U);
}

TEST(BatchBuilder, names_databases_of_sessions_by_those_it_has_heard_of) {
    BatchBuilder builder(origin(), 2);
    Record who = session("shop", "web");
    builder.add(1, who.finish());
    ActivitySample sample = {};
    sample.ring = 1;
    sample.pid = 1234;
    sample.session_id = 99;
    sample.database_oid = 5;
    const int32_t blockers[] = {7, 8};
    sample.blocked_by = {blockers, 2};
    builder.add_activity(sample);
    sample.ring = 0;
    sample.pid = 4321;
    builder.add_activity(sample);
    sample.database_oid = 6;
    builder.add_activity(sample);
    auto batch = builder.seal(1);
    const types::Column& database = column(batch->parts[kPartActivity], "database");
    EXPECT_EQ(database.string(0), "shop");
    EXPECT_EQ(database.string(1), "shop");
    EXPECT_EQ(database.string(2), "");
    EXPECT_EQ(column(batch->parts[kPartActivity], "blocked_by").elements(0).second, 2U);
}

TEST(BatchBuilder, makes_blocks_that_travel_and_tokens_that_never_repeat) {
    BatchBuilder builder(origin(), 1);
    Record event;
    event.put(statement());
    for (int i = 0; i < 1000; ++i) builder.add(0, event.finish());
    EXPECT_GT(builder.bytes(), 1000U * 200);
    auto first = builder.seal(1);
    EXPECT_EQ(builder.rows(kPartEvents), 0U);
    types::Bytes bytes;
    ASSERT_TRUE(
        clickhouse::encode_block(first->parts[kPartEvents], clickhouse::kRevisionNewest, bytes)
            .ok());
    ByteCursor cursor(bytes.view());
    auto decoded = clickhouse::decode_block(cursor, clickhouse::kRevisionNewest);
    ASSERT_TRUE(decoded.ok());
    EXPECT_EQ(decoded->rows(), 1000U);
    EXPECT_NE(first->tokens[kPartEvents], builder.seal(2)->tokens[kPartEvents]);
    EXPECT_NE(first->tokens[kPartEvents], BatchBuilder(origin(), 1).seal(1)->tokens[kPartEvents]);
}

TEST(Schema, is_documented) {
    const std::string path = TANDEM_SOURCE_DIRECTORY "/docs/reference/telemetry.md";
    std::ifstream in(path);
    std::stringstream page;
    page << in.rdbuf();
    std::string text = page.str();
    const std::string kBegin = "<!-- columns: written by telemetry_test -->\n";
    size_t at = text.find(kBegin);
    ASSERT_NE(at, std::string::npos) << path;
    std::string whole = text.substr(0, at + kBegin.size()) + "\n" + column_reference();
    if (getenv("TANDEM_WRITE_DOCS") != nullptr) std::ofstream(path) << whole;
    EXPECT_EQ(text, whole) << "TANDEM_WRITE_DOCS=1 telemetry_test writes it again";
}

}  // namespace
}  // namespace tandem::telemetry
