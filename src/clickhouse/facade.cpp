// Between the shell, which owns the waiting and may leave by longjmp, and the asynchronous driver.
// Each run checks the columns of the answer against what the shell was built for, holds blocks back
// until the query has ended well, as far as it was asked to, and counts their bytes against its
// limit.
#include "clickhouse/facade.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <deque>

#include "base/barrier.h"
#include "base/bytes.h"
#include "clickhouse/client/async.h"
#include "net/lookup.h"
#include "types/postgres/parameter.h"

namespace tandem::clickhouse {

struct Connection {
    Endpoint endpoint;
    std::chrono::milliseconds connect_timeout;
    uint64_t memory_max = 0;  // of the open connection; another limit opens a new one
    std::unique_ptr<AsyncConnection> async;
    bool broken = false;
};

struct Run {
    Connection* connection;
    std::vector<std::string> expected;
    uint64_t hold_bytes = 0;
    uint64_t held_bytes = 0;
    std::deque<types::Block> held;  // received and not handed out yet
    types::Block block;             // the one the shell looks at
    std::vector<ColumnView> views;
    bool checked = false;  // the result's types are those the shell relies on
    bool finished = false;
};

namespace {

constexpr std::chrono::milliseconds kNoLimit = std::chrono::hours(24 * 365);
// The server tells ten times a second how far it is.
constexpr std::chrono::milliseconds kSilence{10'000};

// Binary form of an interval: microseconds (8 bytes), days (4), months (4), big-endian.
Result<std::string> interval_part(const BoundParameter& value) {
    ByteCursor cursor(std::string_view(value.binary, value.size));
    auto microseconds = TRY(cursor.big<int64_t>());
    auto days = TRY(cursor.big<int32_t>());
    auto months = TRY(cursor.big<int32_t>());
    switch (value.part) {
        case 1:
            return std::to_string(months);
        case 2:
            return std::to_string(days);
        case 3:
            return std::to_string(microseconds);
        default:
            return Error(ErrorCode::kUnsupportedType, "an interval has no whole in ClickHouse");
    }
}

constexpr uint8_t kBits = 4;

// Of a floating point number, as an integer.
Result<std::string> bits(const BoundParameter& value) {
    ByteCursor cursor(std::string_view(value.binary, value.size));
    if (value.size == sizeof(int32_t)) return std::to_string(TRY(cursor.big<int32_t>()));
    return std::to_string(TRY(cursor.big<int64_t>()));
}

// The server cuts what lies behind the scale it was told, without a word.
Status check_scale(const BoundParameter& value, std::string_view got) {
    auto scale_of = [](std::string_view type) {
        size_t comma = type.find(", ");
        size_t start = type.find("Decimal(");
        if (start == std::string_view::npos || comma == std::string_view::npos) return -1;
        return std::atoi(std::string(type.substr(comma + 2)).c_str());
    };
    if (scale_of(got) <= scale_of(value.clickhouse_type) || scale_of(value.clickhouse_type) < 0)
        return {};
    return Error(ErrorCode::kValueOutOfRange,
                 std::string(got) + " does not fit into " + std::string(value.clickhouse_type));
}

Result<Parameter> parameter(const BoundParameter& value) {
    Parameter result{.name = std::string(value.name), .value = {}};
    if (value.binary == nullptr) {
        result.form = ParameterForm::kNull;
        return result;
    }
    if (value.part != 0) {
        result.value = TRY(value.part == kBits ? bits(value) : interval_part(value));
        return result;
    }
    auto converted = TRY(types::parameter_from_binary(Oid{value.type}, value.typmod,
                                                      std::string_view(value.binary, value.size)));
    TRY(check_scale(value, converted.type));
    result.value = std::move(converted.text);
    if (value.clickhouse_type.starts_with("Array(")) result.form = ParameterForm::kLiteral;
    return result;
}

void add_settings(Query& query, List<RunSetting> settings) {
    for (const RunSetting& setting : settings)
        query.settings.push_back({std::string(setting.name), std::string(setting.value), true});
}

Result<Query> make_query(const RunOptions& options) {
    Query query{.sql = std::string(options.sql)};
    query.query_id = std::string(options.query_id);
    // Joins run in the order they are written in, which is that of Postgres' estimates. A server
    // that does not know the settings has no order of its own.
    query.settings = {{"query_plan_optimize_join_order_limit", "0", false},
                      {"query_plan_join_swap_table", "false", false}};
    add_settings(query, options.settings);
    query.timeout = options.max_execution_ms == 0
                        ? kNoLimit
                        : std::chrono::milliseconds(options.max_execution_ms);
    for (const BoundParameter& value : options.parameters)
        query.parameters.push_back(
            TRY(parameter(value).context("parameter " + std::string(value.name))));
    return query;
}

Status open_if_needed(Connection& connection, uint64_t memory_max) {
    if (connection.async != nullptr && connection.memory_max == memory_max) return {};
    ClientOptions options;
    options.connect_timeout = connection.connect_timeout;
    options.first_answer = connection.connect_timeout;
    options.silence = kSilence;
    if (memory_max != 0) options.block_bytes_max = memory_max;
    connection.async = TRY(AsyncConnection::open(connection.endpoint, options));
    connection.memory_max = memory_max;
    return {};
}

// Starts something on the connection, on a new one where the server closed it while it was idle:
// nothing was sent then.
template <typename Start>
Status start_on(Connection& connection, uint64_t memory_max, Start start) {
    Status status = open_if_needed(connection, memory_max);
    if (status.ok()) status = start(*connection.async);
    if (!status.ok() && status.error().code() == ErrorCode::kConnectionLost) {
        connection.async.reset();
        status = open_if_needed(connection, memory_max);
        if (status.ok()) status = start(*connection.async);
    }
    if (!status.ok()) connection.broken = true;
    return status;
}

// A time zone says how a time is shown; the bytes are the same without it.
std::string without_zone(std::string type) {
    static constexpr std::string_view kUtc = ", 'UTC'";
    size_t at = type.find(kUtc);
    if (at != std::string::npos) type.erase(at, kUtc.size());
    return type;
}

// The result must have the columns the shell will read, by number and type.
Status check_types(const Run& run, const types::Block& header) {
    if (header.columns.size() != run.expected.size())
        return Error(ErrorCode::kProtocolViolation,
                     "ClickHouse returned " + std::to_string(header.columns.size()) +
                         " columns, expected " + std::to_string(run.expected.size()));
    for (size_t i = 0; i < run.expected.size(); ++i) {
        const std::string& got = header.columns[i].column.type->name;
        if (without_zone(got) != without_zone(run.expected[i]))
            return Error(ErrorCode::kProtocolViolation, "ClickHouse returned column " +
                                                            std::to_string(i + 1) + " as " + got +
                                                            ", expected " + run.expected[i]);
    }
    return {};
}

ColumnView view_of(const types::Column& column) {
    ColumnView view = {};
    if (column.has_nulls()) view.nulls = reinterpret_cast<const uint8_t*>(column.nulls.data());
    view.data = column.data.data();
    view.width = static_cast<uint32_t>(column.value_width());
    if (view.width == 0) view.offsets = column.offsets.data();
    return view;
}

void show_block(Run& run, BlockView* view) {
    run.block = std::move(run.held.front());
    run.held.pop_front();
    run.views.clear();
    for (const types::NamedColumn& named : run.block.columns)
        run.views.push_back(view_of(named.column));
    view->rows = run.block.rows();
    view->columns = {run.views.data(), static_cast<uint32_t>(run.views.size())};
}

// Blocks are held back until the query has ended or there are too many bytes of them.
bool may_hand_out(const Run& run) {
    return !run.held.empty() && (run.finished || run.held_bytes >= run.hold_bytes);
}

void hold_block(Run& run) {
    run.held.push_back(run.connection->async->take_block());
    run.held_bytes += run.held.back().byte_size();
}

RunStep fail(Run& run, const Error& error, Failure* failure) {
    run.finished = true;
    run.connection->broken = true;
    fill_failure(failure, error);
    return RunStep::kFailed;
}

RunStep step_failed(Run& run, Failure* failure) {
    run.finished = true;
    run.connection->broken = run.connection->async->broken();
    fill_failure(failure, run.connection->async->error());
    return RunStep::kFailed;
}

RunStep step(Run& run, BlockView* view, Failure* failure) {
    for (;;) {
        if (may_hand_out(run)) return show_block(run, view), RunStep::kBlock;
        if (run.finished) return RunStep::kDone;
        Step outcome = run.connection->async->step();
        if (outcome == Step::kWantRead) return RunStep::kWantRead;
        if (outcome == Step::kWantWrite) return RunStep::kWantWrite;
        if (outcome == Step::kError) return step_failed(run, failure);
        if (!run.checked) {
            Status status = check_types(run, run.connection->async->header());
            if (!status.ok()) return fail(run, status.error(), failure);
            run.checked = true;
        }
        if (outcome == Step::kDone)
            run.finished = true;
        else
            hold_block(run);
    }
}

}  // namespace

struct Resolver {
    std::shared_ptr<net::BackgroundLookup> lookup;
};

Resolver* resolver_start(Text host, Failure* failure) noexcept {
    return barrier(failure, static_cast<Resolver*>(nullptr), [&]() -> Resolver* {
        auto started = net::BackgroundLookup::start(std::string(host));
        if (!started.ok()) return fill_failure(failure, started.error()), nullptr;
        return new Resolver{*std::move(started)};
    });
}

int resolver_socket(const Resolver& resolver) noexcept {
    return resolver.lookup->socket();
}

Resolved resolver_address(const Resolver& resolver, uint32_t attempt, char* address, size_t size,
                          Failure* failure) noexcept {
    return barrier(failure, Resolved::kFailed, [&] {
        const auto* result = resolver.lookup->result();
        if (result == nullptr) return Resolved::kPending;
        if (!result->ok()) return fill_failure(failure, result->error()), Resolved::kFailed;
        const std::string& text = (*result)->at(attempt % (*result)->size());
        copy_text(address, size, text);
        return Resolved::kDone;
    });
}

void resolver_free(Resolver* resolver) noexcept {
    delete resolver;
}

bool is_numeric_host(Text host) noexcept {
    return net::is_numeric_host(host);
}

Connection* connection_new(const ServerAddress& target, Failure* failure) noexcept {
    return barrier(failure, static_cast<Connection*>(nullptr), [&] {
        auto connection = std::make_unique<Connection>();
        connection->endpoint = {.host = std::string(target.host),
                                .port = target.port,
                                .user = std::string(target.user),
                                .password = std::string(target.password),
                                .database = std::string(target.database),
                                .secure = target.secure,
                                .tls = {.ca_file = std::string(target.ca_file),
                                        .certificate = std::string(target.certificate),
                                        .private_key = std::string(target.private_key),
                                        .server_name = std::string(target.server_name)}};
        connection->connect_timeout = std::chrono::milliseconds(target.connect_timeout_ms);
        return connection.release();
    });
}

void connection_free(Connection* connection) noexcept {
    delete connection;
}

bool connection_broken(const Connection& connection) noexcept {
    return connection.broken;
}

uint32_t connection_server_version(const Connection& connection) noexcept {
    if (connection.async == nullptr) return 0;
    const ServerInfo& server = connection.async->server();
    return static_cast<uint32_t>(server.version_major * 1000 + server.version_minor);
}

Run* run_start(Connection* connection, const RunOptions& options, Failure* failure) noexcept {
    return barrier(failure, static_cast<Run*>(nullptr), [&]() -> Run* {
        auto query = make_query(options);
        if (!query.ok()) return fill_failure(failure, query.error()), nullptr;
        Status status = start_on(*connection, options.memory_max,
                                 [&](AsyncConnection& async) { return async.start(*query); });
        if (!status.ok()) return fill_failure(failure, status.error()), nullptr;
        auto run = std::make_unique<Run>();
        run->connection = connection;
        run->hold_bytes = options.hold_bytes;
        for (Text type : options.expected) run->expected.emplace_back(type);
        return run.release();
    });
}

Run* insert_start(Connection* connection, const InsertOptions& options, Failure* failure) noexcept {
    return barrier(failure, static_cast<Run*>(nullptr), [&]() -> Run* {
        Query query{.sql = std::string(options.sql)};
        query.settings = {{"insert_deduplication_token", std::string(options.token)},
                          {"async_insert", "0"},
                          {"insert_null_as_default", "0"}};
        add_settings(query, options.settings);
        query.timeout = options.max_execution_ms == 0
                            ? kNoLimit
                            : std::chrono::milliseconds(options.max_execution_ms);
        Status status = start_on(*connection, connection->memory_max, [&](AsyncConnection& async) {
            return async.start_insert(query, *options.block);
        });
        if (!status.ok()) return fill_failure(failure, status.error()), nullptr;
        auto run = std::make_unique<Run>();
        run->connection = connection;
        run->checked = true;
        return run.release();
    });
}

RunStep run_step(Run* run, BlockView* block, Failure* failure) noexcept {
    RunStep outcome =
        barrier(failure, RunStep::kFailed, [&] { return step(*run, block, failure); });
    // After bad_alloc the connection may only be destroyed.
    if (outcome == RunStep::kFailed && !run->finished) {
        run->finished = true;
        run->connection->broken = true;
    }
    return outcome;
}

bool run_is_complete(const Run& run) noexcept {
    return run.finished;
}

int run_socket(const Run& run) noexcept {
    return run.connection->async->fd();
}

int64_t run_wait_ms(const Run& run) noexcept {
    return run.connection->async->deadline().remaining().count();
}

RunProgress run_progress(const Run& run) noexcept {
    const Progress& progress = run.connection->async->progress();
    return {progress.rows_read, progress.bytes_read, progress.elapsed_ns};
}

void run_free(Run* run) noexcept {
    if (run == nullptr) return;
    // A query that still runs is cancelled and its socket closed, which also stops it: reading
    // the rest of its answer would have to wait.
    if (!run->finished) {
        run->connection->broken = true;
        Failure ignored;
        barrier(&ignored, 0, [&] {
            run->connection->async->cancel();
            run->connection->async->step();
            return 0;
        });
    }
    if (run->connection->broken) run->connection->async.reset();
    delete run;
}

}  // namespace tandem::clickhouse
