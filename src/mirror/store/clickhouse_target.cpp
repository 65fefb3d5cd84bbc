// How rows lie is told in README.md. Here is the order in which things have to be written so that a
// crash at any point can be undone: an insert's query id is noted before it is sent and forgotten
// with its acknowledgement; a fold writes rows into main under an origin of its own before it
// removes anything; views are replaced as a whole.
#include "mirror/store/clickhouse_target.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>

#include "base/back_off.h"
#include "base/failpoint.h"
#include "mirror/batch/value_bytes.h"
#include "mirror/schema/source_types.h"
#include "mirror/store/json_columns.h"
#include "sqltext/quote.h"
#include "sqltext/stored_relation.h"

namespace tandem::mirror {
namespace {

using clickhouse::Query;
using sqltext::ch_ident;
using sqltext::ch_qualified;
using sqltext::ch_string;

constexpr int kUnknownDatabase = 81;

constexpr int kUnknownTable = 60;
constexpr int kTooManyRowsOrBytes = 396;
constexpr int kUnknownIdentifier = 47;
constexpr int kAlterOfColumnIsForbidden = 524;
constexpr int kSettlePolls = 600;
constexpr std::chrono::milliseconds kIdle{1000};
constexpr int kPollsBeforeKill = 5;
// Origins: 0 the stream, 1.. chunks of the load, from here on folds.
constexpr uint32_t kFoldOrigin = uint32_t{1} << 31;

std::string main_table(const Table& table) {
    return ch_qualified(table.rows_database(), table.main_name());
}
std::string delta_table(const Table& table) {
    return ch_qualified(table.rows_database(), table.delta_name());
}

std::vector<std::string> key_names(const Table& table) {
    std::vector<std::string> names;
    names.reserve(table.key.size());
    for (size_t key : table.key) names.push_back(table.columns[key].target_name);
    return names;
}
std::vector<std::string> column_names(const Table& table) {
    std::vector<std::string> names;
    names.reserve(table.columns.size());
    for (const TableColumn& column : table.columns) names.push_back(column.target_name);
    return names;
}
// With those of ours that every row has of its documents.
std::vector<std::string> stored_names(const Table& table) {
    std::vector<std::string> names = column_names(table);
    append_json_names(table, names);
    return names;
}
// `a`, or (`a`, `b`)
std::string key_tuple(const Table& table) {
    std::string list = sqltext::ch_ident_list(key_names(table));
    return table.key.size() == 1 ? list : "(" + list + ")";
}
std::vector<sqltext::LeafSeen> seen_leaves(std::span<const LeafCut> cuts) {
    std::vector<sqltext::LeafSeen> leaves;
    for (const LeafCut& cut : cuts)
        leaves.push_back({cut.leaf.value, cut.cut.value, cut.loads, cut.loaded});
    return leaves;
}
std::string is_cut(const LeafCut& cut) {
    return std::string(kLeafColumn) + " = " + std::to_string(cut.leaf.value) +
           " AND _tandem_from < " + std::to_string(cut.cut.value);
}
std::string is_loaded(const LeafCut& cut) {
    return std::string(kLeafColumn) + " = " + std::to_string(cut.leaf.value) +
           " AND _tandem_from = " + std::to_string(cut.cut.value);
}
std::string between(const FoldTask& task) {
    return "_tandem_generation BETWEEN " + std::to_string(task.oldest) + " AND " +
           std::to_string(task.newest);
}
std::string position_name(const std::string& mark, bool durable) {
    return (durable ? "_tandem_durable_" : "_tandem_position_") + mark;
}
std::string position_table(const std::string& database, const std::string& mark, bool durable) {
    return ch_qualified(database + "_rows", position_name(mark, durable));
}

std::string identity_table(const std::string& database) {
    return ch_qualified(database + "_rows", "_tandem_identity");
}

// Measured, see test/bench: our blocks are as large as we want them and collapsed already, and two
// workers insert at once, so the server neither collects nor spreads them.
const std::vector<clickhouse::Setting>& insert_settings() {
    static const std::vector<clickhouse::Setting> settings = {
        {"async_insert", "0"},
        {"optimize_on_insert", "0"},
        {"max_insert_threads", "1"},
        {"insert_deduplicate", "0"},
        {"max_partitions_per_insert_block", "0"},
    };
    return settings;
}

}  // namespace

std::string position_mark(int mirror_id, int epoch, int era) {
    std::string mark = std::to_string(mirror_id) + "_" + std::to_string(epoch);
    return era == 0 ? mark : mark + "." + std::to_string(era);
}

Result<clickhouse::Client*> ClickHouseTarget::client() {
    if (client_ == nullptr) {
        clickhouse::ClientOptions options;
        options.compression = options_.compression;
        options.connect_timeout = options_.connect_timeout;
        options.client_name = "tandem mirror";
        client_ = TRY(clickhouse::connect_native(options_.endpoint, options));
    }
    return client_.get();
}

void ClickHouseTarget::interrupt() noexcept {
    if (client_ != nullptr) client_->interrupt();
}

Query ClickHouseTarget::query(std::string sql) const {
    Query query;
    query.sql = std::move(sql);
    query.timeout = options_.timeout;
    return query;
}

// Unique, and recognisable as the mirror's: see settle().
std::string ClickHouseTarget::next_query_id() const {
    static std::atomic<uint64_t> counter{0};
    return options_.query_prefix + "_" + std::to_string(getpid()) + "_" + std::to_string(++counter);
}

Status ClickHouseTarget::execute(std::string sql) {
    clickhouse::Client* connection = TRY(client());
    Query write = query(std::move(sql));
    write.settings = {{"max_partitions_per_insert_block", "0"}};
    write.query_id = next_query_id();
    return connection->execute(write);
}

// Whatever its size: the server's limit on that protects people from themselves.
Status ClickHouseTarget::drop_table(const std::string& qualified) {
    clickhouse::Client* connection = TRY(client());
    Query drop = query("DROP TABLE IF EXISTS " + qualified + " SYNC");
    drop.settings = {{"max_table_size_to_drop", "0"}, {"max_partition_size_to_drop", "0"}};
    drop.query_id = next_query_id();
    return connection->execute(drop);
}

Result<uint64_t> ClickHouseTarget::count(std::string sql) {
    clickhouse::Client* connection = TRY(client());
    types::Block answer = TRY(clickhouse::select_all(*connection, query(std::move(sql))));
    if (answer.rows() != 1)
        return Error(ErrorCode::kProtocolViolation, "ClickHouse did not answer with a number");
    return answer.columns[0].column.fixed<uint64_t>(0);
}

Query ClickHouseTarget::insert_query(std::string_view database, std::string_view table,
                                     const types::Block& block) {
    std::string columns;
    for (const types::NamedColumn& column : block.columns) {
        if (!columns.empty()) columns += ", ";
        columns += ch_ident(column.name);
    }
    Query insert = query("INSERT INTO " + ch_qualified(database, table) + " (" + columns + ")");
    insert.settings = insert_settings();
    insert.query_id = next_query_id();
    return insert;
}

Status ClickHouseTarget::insert(std::string_view database, std::string_view table,
                                const types::Block& block) {
    if (!unsettled_.empty()) TRY(settle(unsettled_));
    // A connection that was lost while it was idle: then nothing is lost with it.
    auto now = std::chrono::steady_clock::now();
    if (client_ != nullptr && now - inserted_at_ > kIdle && !client_->ping().ok()) client_.reset();
    clickhouse::Client* connection = TRY(client());
    Query insert = insert_query(database, table, block);
    unsettled_ = insert.query_id;
    TRY(connection->insert(insert, block));
    insert_acknowledged();
    inserted_at_ = std::chrono::steady_clock::now();
    if (options_.on_insert) options_.on_insert(block.rows(), block.byte_size());
    return {};
}

Status ClickHouseTarget::insert_main(const Table& table, types::Block& block) {
    size_t own = block.columns.size();
    TRY(append_json_columns(table, block));
    Status inserted = insert(table.rows_database(), table.main_name(), block);
    block.columns.resize(own);
    return inserted;
}

Status ClickHouseTarget::insert_delta(const Table& table, types::Block& block,
                                      uint32_t generation) {
    size_t own = block.columns.size();
    TRY(append_json_columns(table, block));
    types::Column generations(MUST(types::parse_clickhouse_type("UInt32")));
    generations.reserve(block.rows());
    for (size_t i = 0; i < block.rows(); ++i) generations.append_fixed(generation);
    block.columns.push_back({std::string(kGenerationColumn), std::move(generations)});
    Status inserted = insert(table.rows_database(), table.delta_name(), block);
    block.columns.resize(own);
    return inserted;
}

Result<std::unique_ptr<clickhouse::InsertStream>> ClickHouseTarget::begin_insert(
    const Table& table, const types::Block& columns) {
    if (!unsettled_.empty()) TRY(settle(unsettled_));
    clickhouse::Client* connection = TRY(client());
    Query insert = insert_query(table.rows_database(), table.main_name(), columns);
    unsettled_ = insert.query_id;
    return connection->begin_insert(insert);
}

Status ClickHouseTarget::settle(const std::string& query_prefix) {
    clickhouse::Client* connection = TRY(client());
    std::string mine = " WHERE startsWith(query_id, " + ch_string(query_prefix) + ")";
    Query running = query("SELECT count() FROM system.processes" + mine);
    for (int attempt = 0; attempt < kSettlePolls; ++attempt) {
        types::Block count = TRY(clickhouse::select_all(*connection, running));
        if (count.rows() == 1 && count.columns[0].column.fixed<uint64_t>(0) == 0) {
            unsettled_.clear();
            return {};
        }
        // Not at once: most of them are about to end. A user without the right to can only wait.
        if (attempt == kPollsBeforeKill)
            static_cast<void>(connection->execute(query("KILL QUERY" + mine + " ASYNC")).ok());
        back_off(std::chrono::milliseconds(100));
    }
    return Error(ErrorCode::kTimeout, "an insert of an earlier connection does not end");
}

// --- copies -----------------------------------------------------------------------------------

Status ClickHouseTarget::prepare(const std::string& database) {
    TRY(execute("CREATE DATABASE IF NOT EXISTS " + ch_ident(database)));
    TRY(execute("CREATE DATABASE IF NOT EXISTS " + ch_ident(database + "_rows")));
    return execute("CREATE TABLE IF NOT EXISTS " + identity_table(database) +
                   " (catalog String, mirror UInt32, sequence UInt64, system String, timeline "
                   "UInt32, database UInt32, database_name String, epoch Int32, owner Int64, "
                   "position UInt64, promised UInt64, recorded UInt64, written DateTime DEFAULT "
                   "now()) ENGINE = ReplacingMergeTree(sequence) ORDER BY (catalog, mirror) "
                   "SETTINGS fsync_after_insert = 1, fsync_part_directory = 1");
}

Status ClickHouseTarget::prepare_position(const std::string& database, const std::string& mark) {
    std::string columns = " (position UInt64, oldest Map(UInt32, UInt32)) ENGINE = ";
    // One row a batch: kept in memory, the last ones only.
    TRY(execute("CREATE TABLE IF NOT EXISTS " + position_table(database, mark, false) + columns +
                "Memory SETTINGS min_rows_to_keep = 8, max_rows_to_keep = 64"));
    return execute("CREATE TABLE IF NOT EXISTS " + position_table(database, mark, true) + columns +
                   "ReplacingMergeTree(position) ORDER BY tuple()");
}

Status ClickHouseTarget::drop_position(const std::string& database, const std::string& mark) {
    TRY(drop_table(position_table(database, mark, false)));
    return drop_table(position_table(database, mark, true));
}

Status ClickHouseTarget::make_room(const Table& table) {
    clickhouse::Client* connection = TRY(client());
    // A view of ours, or a table of the layout of 0.1, makes room.
    Query mine = query(
        "SELECT toUInt64(countIf(engine != 'View' AND name NOT IN (SELECT table FROM "
        "system.columns WHERE database = " +
        ch_string(table.database) +
        " AND name = '_tandem_version'))), toUInt64(countIf("
        "engine != 'View')) FROM system.tables WHERE database = " +
        ch_string(table.database) + " AND name = " + ch_string(table.target));
    types::Block found = TRY(clickhouse::select_all(*connection, mine));
    if (found.rows() == 1 && found.columns[0].column.fixed<uint64_t>(0) > 0)
        return Error(ErrorCode::kAlreadyExists, "ClickHouse has a table " + table.database + "." +
                                                    table.target + " that no mirror made");
    if (found.rows() == 1 && found.columns[1].column.fixed<uint64_t>(0) > 0)
        TRY(drop_table(ch_qualified(table.database, table.target)));
    return drop_rows(table);
}

Status ClickHouseTarget::drop_mirrored(const Table& table) {
    TRY(execute("DROP VIEW IF EXISTS " + ch_qualified(table.database, table.target)));
    return drop_rows(table);
}

// Of every copy and era.
Status ClickHouseTarget::drop_rows(const Table& table) {
    clickhouse::Client* connection = TRY(client());
    std::string name = ch_string(table.target);
    std::string delta = ch_string("_tandem_delta_" + table.target);
    Query left = query(
        "SELECT name FROM system.tables WHERE database = " + ch_string(table.rows_database()) +
        " AND (name IN (" + name + ", " + delta + ") OR startsWith(name, concat(" + name +
        ", '@')) OR startsWith(name, concat(" + delta + ", '@')))");
    types::Block names = TRY(clickhouse::select_all(*connection, left));
    for (size_t i = 0; i < names.rows(); ++i)
        TRY(drop_table(ch_qualified(table.rows_database(), names.columns[0].column.string(i))));
    return {};
}

Status ClickHouseTarget::create_copy(const Table& table) {
    TRY(drop_copy(table));
    TRY(execute(create_main_sql(table)));
    return execute(create_delta_sql(table));
}

Status ClickHouseTarget::drop_copy(const Table& table) {
    for (const std::string& name : {main_table(table), delta_table(table)}) {
        Status dropped = drop_table(name);
        if (!dropped.ok() && dropped.error().foreign_code() != kUnknownDatabase) return dropped;
    }
    return {};
}

Status ClickHouseTarget::create_view(const Table& table, std::span<const LeafCut> cuts,
                                     const std::string& mark) {
    std::string published = "(SELECT position, oldest FROM " +
                            position_table(table.database, mark, false) +
                            " UNION ALL SELECT position, oldest FROM " +
                            position_table(table.database, mark, true) + ")";
    std::string relid = std::to_string(table.relid.value);
    std::string position = "(SELECT max(position) FROM " + published + ")";
    std::string oldest = "(SELECT argMax(oldest[" + relid + "], position) FROM " + published + ")";
    std::vector<std::string> keys = key_names(table);
    std::vector<std::string> columns = column_names(table);
    sqltext::StoredRelation relation;
    std::string database = table.rows_database();
    std::string main = table.main_name();
    std::string delta = table.delta_name();
    relation.database = database;
    relation.main = main;
    relation.delta = delta;
    relation.keys = keys;
    relation.columns = columns;
    relation.position = position;
    relation.oldest = oldest;
    std::vector<sqltext::LeafSeen> leaves = seen_leaves(cuts);
    relation.leaves = leaves;
    std::string list;
    for (const TableColumn& column : table.columns)
        list += (list.empty() ? "" : ", ") + ch_ident(column.target_name) + " AS " +
                ch_ident(column.name);
    return execute("CREATE OR REPLACE VIEW " + ch_qualified(table.database, table.target) +
                   " AS SELECT " + list + " FROM (" + sqltext::stored_relation(relation) + ")");
}

Result<bool> ClickHouseTarget::has_columns(const Table& table) {
    std::string wanted;
    std::vector<std::string> names = stored_names(table);
    for (const std::string& name : names) wanted += (wanted.empty() ? "" : ", ") + ch_string(name);
    uint64_t found = TRY(count(
        "SELECT count() FROM system.columns WHERE database = " + ch_string(table.rows_database()) +
        " AND table IN (" + ch_string(table.main_name()) + ", " + ch_string(table.delta_name()) +
        ") AND name IN (" + wanted + ")"));
    return found == 2 * names.size();
}

// --- whose they are ---------------------------------------------------------------------------

Result<TargetFacts> ClickHouseTarget::read_identity(const std::string& database,
                                                    const StoredIdentity& own) {
    clickhouse::Client* connection = TRY(client());
    Query ask = query(
        "SELECT catalog, mirror, system, timeline, database, database_name, epoch, owner, "
        "position, promised, recorded FROM " +
        identity_table(database) + " ORDER BY sequence DESC LIMIT 1 BY catalog, mirror");
    types::Block found = TRY(clickhouse::select_all(*connection, ask));
    TargetFacts facts;
    for (size_t row = 0; row < found.rows(); ++row) {
        StoredIdentity identity;
        auto at = [&](size_t column) -> const types::Column& {
            return found.columns[column].column;
        };
        identity.catalog = at(0).string(row);
        identity.mirror = static_cast<int>(at(1).fixed<uint32_t>(row));
        identity.system = at(2).string(row);
        identity.timeline = at(3).fixed<uint32_t>(row);
        identity.database = at(4).fixed<uint32_t>(row);
        identity.database_name = at(5).string(row);
        identity.epoch = at(6).fixed<int32_t>(row);
        identity.owner = at(7).fixed<int64_t>(row);
        identity.position = Lsn{at(8).fixed<uint64_t>(row)};
        identity.promised = Lsn{at(9).fixed<uint64_t>(row)};
        identity.recorded = Lsn{at(10).fixed<uint64_t>(row)};
        if (identity.catalog == own.catalog && identity.mirror == own.mirror)
            facts.mine = identity;
        else if (identity.catalog != own.catalog && !identity.system.empty() &&  // not released
                 (identity.system != own.system || identity.database != own.database))
            facts.other = identity;
    }
    return facts;
}

Status ClickHouseTarget::write_identity(const std::string& database, const StoredIdentity& identity,
                                        uint64_t sequence) {
    auto text = [](uint64_t value) { return std::to_string(value); };
    return execute(
        "INSERT INTO " + identity_table(database) +
        " (catalog, mirror, sequence, system, timeline, database, database_name, epoch, owner, "
        "position, promised, recorded) SELECT " +
        ch_string(identity.catalog) + ", " + std::to_string(identity.mirror) + ", " +
        text(sequence) + ", " + ch_string(identity.system) + ", " + text(identity.timeline) + ", " +
        text(identity.database) + ", " + ch_string(identity.database_name) + ", " +
        std::to_string(identity.epoch) + ", " + std::to_string(identity.owner) + ", " +
        text(identity.position.value) + ", " + text(identity.promised.value) + ", " +
        text(identity.recorded.value));
}

// The table is in memory, and empty after a restart.
Result<bool> ClickHouseTarget::ran_on(const std::string& database, const std::string& mark) {
    uint64_t rows = TRY(count("SELECT count() FROM " + position_table(database, mark, false)));
    return rows > 0;
}

Result<std::vector<std::string>> ClickHouseTarget::table_names(const std::string& database) {
    clickhouse::Client* connection = TRY(client());
    types::Block found = TRY(clickhouse::select_all(
        *connection,
        query("SELECT name FROM system.tables WHERE database = " + ch_string(database))));
    std::vector<std::string> names;
    for (size_t i = 0; i < found.rows(); ++i) names.emplace_back(found.columns[0].column.string(i));
    return names;
}

// A table is named `first` in the first era, `stem` and the number of the era later.
Status ClickHouseTarget::rename_table(const std::string& database, const std::string& first,
                                      const std::string& stem, const std::string& wanted) {
    std::vector<std::string> names = TRY(table_names(database));
    std::string found;
    int newest = -1;
    for (const std::string& name : names) {
        if (name == wanted) return {};
        int era = -1;
        if (name == first) era = 0;
        if (name.starts_with(stem)) era = std::atoi(name.c_str() + stem.size());
        if (era <= newest) continue;
        newest = era;
        found = name;
    }
    if (found.empty()) return {};  // whoever needs it will say so
    return execute("RENAME TABLE " + ch_qualified(database, found) + " TO " +
                   ch_qualified(database, wanted));
}

Status ClickHouseTarget::rename_copy(const Table& copy) {
    Table first = copy;
    first.era = 0;
    std::string stem = copy.target + "@" + std::to_string(copy.copy) + ".";
    std::string database = copy.rows_database();
    TRY(rename_table(database, first.main_name(), stem, copy.main_name()));
    return rename_table(database, first.delta_name(), "_tandem_delta_" + stem, copy.delta_name());
}

Status ClickHouseTarget::rename_position(const std::string& database, int mirror_id, int epoch,
                                         int era) {
    std::string first = position_mark(mirror_id, epoch, 0);
    std::string wanted = position_mark(mirror_id, epoch, era);
    for (bool durable : {false, true}) {
        std::string prefix = durable ? "_tandem_durable_" : "_tandem_position_";
        TRY(rename_table(database + "_rows", prefix + first, prefix + first + ".",
                         prefix + wanted));
    }
    return {};
}

// --- undo -------------------------------------------------------------------------------------

// Nothing there is the usual case, and cheap to see; a mutation is not.
Status ClickHouseTarget::remove(const Table& table, const std::string& name,
                                const std::string& condition) {
    std::string from = ch_qualified(table.rows_database(), name);
    uint64_t rows = TRY(count("SELECT count() FROM " + from + " WHERE " + condition));
    if (rows == 0) return {};
    Query remove = query("DELETE FROM " + from + " WHERE " + condition);
    remove.settings = {{"lightweight_deletes_sync", "2"}};
    remove.query_id = next_query_id();
    clickhouse::Client* connection = TRY(client());
    return connection->execute(remove);
}

Status ClickHouseTarget::undo(const Table& table, Lsn position) {
    std::string later = "_tandem_from >= " + std::to_string(position.value);
    TRY(remove(table, table.main_name(), later));
    return remove(table, table.delta_name(), later);
}

Status ClickHouseTarget::undo_chunk(const Table& table, const Chunk& chunk) {
    if (!unsettled_.empty()) TRY(settle(unsettled_));
    std::string condition = "_tandem_from = " + std::to_string(chunk.from.value) +
                            " AND _tandem_origin = " + std::to_string(chunk.number);
    if (table.partitioned)
        condition += " AND " + std::string(kLeafColumn) + " = " + std::to_string(chunk.part.value);
    return remove(table, table.main_name(), condition);
}

Status ClickHouseTarget::remove_cut(const Table& table, const LeafCut& cut) {
    TRY(remove(table, table.main_name(), is_cut(cut)));
    TRY(remove(table, table.delta_name(), is_cut(cut)));
    return cut.loaded ? remove_moved(table, cut) : Status();
}

// Rows that were moved to the leaf before it joined: the delta says of their keys that they went,
// from another leaf. What went is removed itself, and then nothing has to say so.
Status ClickHouseTarget::remove_moved(const Table& table, const LeafCut& cut) {
    std::string elsewhere = "_tandem_from <= " + std::to_string(cut.cut.value) + " AND " +
                            std::string(kLeafColumn) + " != " + std::to_string(cut.leaf.value);
    uint64_t rows = TRY(count("SELECT count() FROM " + delta_table(table) + " WHERE " + elsewhere));
    if (rows == 0) return {};
    std::string keys = sqltext::ch_ident_list(key_names(table));
    std::string moved = elsewhere + " AND " + key_tuple(table) + " IN (SELECT " + keys + " FROM " +
                        main_table(table) + " WHERE " + is_loaded(cut) + " AND " +
                        key_tuple(table) + " IN (SELECT " + keys + " FROM " + delta_table(table) +
                        " WHERE " + elsewhere + "))";
    TRY(remove(table, table.main_name(), moved));
    return remove(table, table.delta_name(), moved);
}

// --- folding ----------------------------------------------------------------------------------

Result<std::vector<uint32_t>> ClickHouseTarget::generations(const Table& table) {
    clickhouse::Client* connection = TRY(client());
    Query ask = query(
        "SELECT DISTINCT toUInt32(partition) AS g FROM system.parts WHERE active AND "
        "database = " +
        ch_string(table.rows_database()) + " AND table = " + ch_string(table.delta_name()) +
        " ORDER BY g");
    types::Block found = TRY(clickhouse::select_all(*connection, ask));
    std::vector<uint32_t> numbers;
    for (size_t i = 0; i < found.rows(); ++i)
        numbers.push_back(found.columns[0].column.fixed<uint32_t>(i));
    return numbers;
}

Status ClickHouseTarget::delta_keys(const Table& table, uint32_t oldest,
                                    const std::function<void(uint64_t, uint32_t)>& on_key) {
    clickhouse::Client* connection = TRY(client());
    size_t keys = table.keyless() ? 1 : table.key.size();
    std::string list =
        table.keyless() ? std::string(kRowColumn) : sqltext::ch_ident_list(key_names(table));
    Query ask =
        query("SELECT " + list + ", " + std::string(kGenerationColumn) + " FROM " +
              delta_table(table) + " WHERE _tandem_generation >= " + std::to_string(oldest));
    return connection->select(ask, [&](types::Block&& block) -> Status {
        if (block.columns.size() != keys + 1) return {};  // the header of an empty answer
        std::string scratch;
        for (size_t row = 0; row < block.rows(); ++row)
            on_key(hash_of_key(std::span(block.columns).first(keys), row, scratch),
                   block.columns[keys].column.fixed<uint32_t>(row));
        return {};
    });
}

Status ClickHouseTarget::fold(const FoldTask& task) {
    const Table& table = *task.table;
    std::string origin = std::to_string(kFoldOrigin | task.newest);
    if (task.again) TRY(remove(table, table.main_name(), "_tandem_origin = " + origin));
    if (table.keyless()) return fold_counted(task, origin);
    std::vector<std::string> keys = key_names(table);
    std::vector<std::string> columns = stored_names(table);
    if (table.partitioned) columns.emplace_back(kLeafColumn);
    std::string database = table.rows_database();
    std::string delta = table.delta_name();
    sqltext::StoredRelation relation;
    relation.database = database;
    relation.delta = delta;
    relation.keys = keys;
    relation.columns = columns;
    std::string list = sqltext::ch_ident_list(columns);
    TRY(execute("INSERT INTO " + main_table(table) + " (" + list +
                ", _tandem_from, _tandem_origin) SELECT " + list + ", _tandem_from, " + origin +
                " FROM (" + sqltext::newest_of_delta(relation, between(task)) +
                ") WHERE _tandem_deleted = 0"));
    TRY(failpoint("fold_after_insert"));
    std::string superseded = key_tuple(table) + " IN (SELECT " + sqltext::ch_ident_list(keys) +
                             " FROM " + delta_table(table) + " WHERE " + between(task) +
                             ") AND _tandem_origin != " + origin;
    return remove(table, table.main_name(), superseded);
}

// As rows of a generation that only readers of positions before the fold look at: to all others
// nothing changes, however far apart one query opens its tables.
Status ClickHouseTarget::keep_replaced(const FoldTask& task) {
    const Table& table = *task.table;
    std::vector<std::string> columns = stored_names(table);
    if (table.partitioned) columns.emplace_back(kLeafColumn);
    std::string list = sqltext::ch_ident_list(columns);
    return execute("INSERT INTO " + delta_table(table) + " (" + list +
                   ", _tandem_from, _tandem_ordinal, _tandem_deleted, _tandem_generation) SELECT " +
                   list + ", _tandem_from, 0, 0, " + std::to_string(task.replaced()) + " FROM " +
                   main_table(table) + " WHERE " + key_tuple(table) + " IN (SELECT " +
                   sqltext::ch_ident_list(key_names(table)) + " FROM " + delta_table(table) +
                   " WHERE " + between(task) +
                   ") AND _tandem_origin != " + std::to_string(kFoldOrigin | task.newest));
}

Result<bool> ClickHouseTarget::settle_counts(const FoldTask& task, Lsn position) {
    const Table& table = *task.table;
    std::string settled = "_tandem_deleted = 0 AND " + between(task);
    // Of a try that was not followed by a fold: nobody needs it.
    TRY(remove(table, table.delta_name(), settled));
    std::vector<std::string> columns = stored_names(table);
    std::string database = table.rows_database();
    std::string main = table.main_name();
    std::string delta = table.delta_name();
    std::string before = std::to_string(position.value);
    sqltext::StoredRelation relation;
    relation.database = database;
    relation.main = main;
    relation.delta = delta;
    relation.columns = columns;
    relation.position = before;
    std::string list = sqltext::ch_ident_list(columns) + ", _tandem_row, _tandem_count";
    TRY(execute("INSERT INTO " + delta_table(table) + " (" + list +
                ", _tandem_from, _tandem_ordinal, _tandem_deleted, _tandem_generation) SELECT " +
                list + ", " + std::to_string(position.value - 1) + ", 0, 0, " +
                std::to_string(task.newest) + " FROM (" +
                sqltext::amounts(relation, between(task)) + ")"));
    uint64_t impossible = TRY(count("SELECT count() FROM " + delta_table(table) + " WHERE " +
                                    settled + " AND _tandem_count < 0"));
    return impossible == 0;
}

// By settle_counts() readers of these generations see of main only what is newer. What is moved has
// no position: no reader of these generations may count it.
Status ClickHouseTarget::fold_counted(const FoldTask& task, const std::string& origin) {
    const Table& table = *task.table;
    std::string settled = delta_table(table) + " WHERE _tandem_deleted = 0 AND " + between(task);
    std::string list = sqltext::ch_ident_list(stored_names(table)) + ", _tandem_row";
    TRY(execute("INSERT INTO " + main_table(table) + " (" + list +
                ", _tandem_from, _tandem_origin) SELECT " + list + ", 0, " + origin +
                " FROM (SELECT * FROM " + settled +
                " AND _tandem_count > 0) ARRAY JOIN range(toUInt64(_tandem_count)) AS _i"));
    TRY(failpoint("fold_after_insert"));
    uint64_t position = TRY(count("SELECT max(_tandem_from) FROM " + settled));
    return remove(table, table.main_name(),
                  "_tandem_row IN (SELECT _tandem_row FROM " + settled + ") AND _tandem_from <= " +
                      std::to_string(position) + " AND _tandem_origin != " + origin);
}

Status ClickHouseTarget::drop_generation(const Table& table, uint32_t generation) {
    Query drop = query("ALTER TABLE " + delta_table(table) + " DROP PARTITION " +
                       std::to_string(generation));
    drop.settings = {{"max_partition_size_to_drop", "0"}};
    drop.query_id = next_query_id();
    clickhouse::Client* connection = TRY(client());
    Status dropped = connection->execute(drop);
    if (!dropped.ok() && dropped.error().foreign_code() == kUnknownTable) return {};
    return dropped;
}

Status ClickHouseTarget::publish(const std::string& database, const std::string& mark, Lsn position,
                                 const std::map<uint32_t, uint32_t>& oldest, Published how) {
    std::string pairs;
    for (const auto& [relid, generation] : oldest)
        pairs +=
            (pairs.empty() ? "" : ", ") + std::to_string(relid) + ", " + std::to_string(generation);
    std::string table = position_table(database, mark, how == Published::durable);
    std::string only_if = how != Published::next ? ""
                                                 : " WHERE throwIf((SELECT count() FROM " + table +
                                                       ") = 0, 'ClickHouse was started again') = 0";
    return execute("INSERT INTO " + table + " SELECT " + std::to_string(position.value) +
                   ", CAST(map(" + pairs + "), 'Map(UInt32, UInt32)')" + only_if);
}

// --- schema changes and look-ups --------------------------------------------------------------

// What old rows have, as an expression: the value is sent as a block, so ClickHouse itself writes
// it as text.
Result<std::string> ClickHouseTarget::default_expression(const AddedColumn& added) {
    if (!added.old_value) return std::string();
    types::Converter converter(added.column.mapping, types::Unholdable::kReject);
    types::Column value = converter.make_column();
    // A load says of each row what could not be held.
    if (Status fits = converter.append_text(*added.old_value, value); !fits.ok())
        return Error(ErrorCode::kSchemaChanged, fits.error().message());
    Query text = query("SELECT toString(v) FROM _value");
    types::Block block;
    block.columns.push_back({"v", std::move(value)});
    text.external_tables.push_back({"_value", std::move(block)});
    clickhouse::Client* connection = TRY(client());
    types::Block answer = TRY(clickhouse::select_all(*connection, text));
    if (answer.rows() != 1 || answer.columns[0].column.is_null(0)) return std::string();
    return " DEFAULT CAST(" + ch_string(answer.columns[0].column.string(0)) + ", " +
           ch_string(added.column.mapping.type->name) + ")";
}

// What a table is ordered or partitioned by cannot be altered: it is loaded again.
Status ClickHouseTarget::alter(const TableChange& change) {
    auto fixed = [](const TableColumn& column) {
        return column.order_position > 0 || column.partition_function;
    };
    bool in_place =
        std::none_of(change.dropped.begin(), change.dropped.end(), fixed) &&
        std::none_of(change.retyped.begin(), change.retyped.end(), fixed) &&
        std::none_of(change.renamed.begin(), change.renamed.end(),
                     [&](const RenamedColumn& renamed) { return fixed(renamed.before); });
    if (!in_place)
        return Error(ErrorCode::kSchemaChanged,
                     change.before->label() + " is ordered or partitioned by a changed column");
    Status altered = alter_in_place(change);
    int code = altered.ok() ? 0 : altered.error().foreign_code();
    if (code != kAlterOfColumnIsForbidden && code != kUnknownIdentifier) return altered;
    return Error(ErrorCode::kSchemaChanged,
                 change.before->label() + ": " + altered.error().message());
}

Status ClickHouseTarget::alter_in_place(const TableChange& change) {
    std::vector<std::string> dropped;
    for (const TableColumn& column : change.dropped) {
        append_json_names(*change.before, dropped, column.attnum);
        dropped.push_back(column.target_name);
    }
    for (const std::string& name : {main_table(*change.before), delta_table(*change.before)}) {
        std::string prefix = "ALTER TABLE " + name + " ";
        for (const std::string& column : dropped)
            TRY(execute(prefix + "DROP COLUMN IF EXISTS " + ch_ident(column)));
        for (const RenamedColumn& renamed : change.renamed)
            TRY(execute(prefix + "RENAME COLUMN IF EXISTS " + ch_ident(renamed.before.target_name) +
                        " TO " + ch_ident(renamed.name)));
        for (const TableColumn& column : change.retyped)
            TRY(execute(prefix + "MODIFY COLUMN " + column_definition(column)));
        for (const AddedColumn& added : change.added) {
            std::string old_value = TRY(default_expression(added));
            TRY(execute(prefix + "ADD COLUMN IF NOT EXISTS " +
                        column_definition(added.column, old_value)));
        }
    }
    return {};
}

Result<types::Block> ClickHouseTarget::rows_by_key(const Table& table, LookUp look_up) {
    std::string keys = sqltext::ch_ident_list(key_names(table));
    std::string list = keys;
    for (size_t column : look_up.columns)
        list += ", " + ch_ident(table.columns[column].target_name);
    std::string wanted = key_tuple(table) + " IN (SELECT " + keys + " FROM _keys)";
    // What a leaf held when it joined is newer than all of that transaction.
    std::string newest;
    for (const LeafCut& cut : look_up.cuts) {
        wanted += " AND NOT (" + is_cut(cut) + ")";
        if (cut.loaded) newest += (newest.empty() ? "" : " OR ") + is_loaded(cut);
    }
    std::string ordinal =
        newest.empty() ? "toUInt64(0)" : "if(" + newest + ", toUInt64(18446744073709551615), 0)";
    std::string commit = std::to_string(look_up.before.commit.value);
    std::string sql =
        "SELECT * EXCEPT _tandem_deleted FROM (SELECT * FROM (SELECT " + list + ", _tandem_from, " +
        ordinal + " AS _tandem_ordinal, toUInt8(0) AS _tandem_deleted FROM " + main_table(table) +
        " WHERE _tandem_from <= " + commit + " AND " + wanted + " UNION ALL SELECT " + list +
        ", _tandem_from, _tandem_ordinal, _tandem_deleted FROM " + delta_table(table) +
        " WHERE (_tandem_from, _tandem_ordinal) < (" + commit + ", " +
        std::to_string(look_up.before.ordinal) + ") AND " + wanted +
        ") ORDER BY _tandem_from DESC, _tandem_ordinal DESC LIMIT 1 BY " + keys +
        ") WHERE _tandem_deleted = 0";
    Query select = query(std::move(sql));
    select.external_tables.push_back({"_keys", std::move(look_up.keys)});
    // The server sends blocks of any size; what is too much should not come at all.
    select.settings = {{"max_result_bytes", std::to_string(look_up.bytes_max)},
                       {"result_overflow_mode", "throw"}};
    clickhouse::Client* connection = TRY(client());
    auto found = clickhouse::select_all(*connection, select, look_up.bytes_max);
    if (!found.ok() && found.error().foreign_code() == kTooManyRowsOrBytes)
        return Error(ErrorCode::kLimitExceeded, found.error().message());
    return found;
}

}  // namespace tandem::mirror
