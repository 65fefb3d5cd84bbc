#include "mirror/verify/repair.h"

#include <set>

#include "base/back_off.h"
#include "mirror/batch/value_bytes.h"
#include "mirror/session/ownership.h"
#include "mirror/session/parts.h"
#include "mirror/source/source_reader.h"
#include "sqltext/quote.h"

namespace tandem::mirror {
namespace {

using sqltext::pg_literal;

constexpr size_t kKeysAtOnce = 500;
constexpr size_t kBytesMax = size_t{256} << 20;
// Newer than every change of the transaction before the position, and marked as possibly newer than
// it says: store/version.h.
constexpr uint64_t kOrdinal = ~uint64_t{0} - 2;

void append_system(types::Block& block, Lsn from, bool deleted) {
    auto add = [&](std::string_view name, const char* type, uint64_t value) {
        types::Column column(MUST(types::parse_clickhouse_type(type)));
        for (size_t row = block.rows(), i = 0; i < row; ++i) {
            if (column.type->name == "UInt8")
                column.append_fixed(static_cast<uint8_t>(value));
            else
                column.append_fixed(value);
        }
        block.columns.push_back({std::string(name), std::move(column)});
    };
    add(kFromColumn, "UInt64", from.value);
    add(kOrdinalColumn, "UInt64", kOrdinal);
    add(kDeletedColumn, "UInt8", deleted ? 1 : 0);
}

class Repair {
  public:
    Repair(const RunnerOptions& options, const std::string& mirror)
        : options_(options), mirror_(mirror) {}

    Status run(Oid relid, const std::vector<Values>& keys) {
        postgres::ConnectOptions connect;
        connect.conninfo = options_.source;
        connect.application_name = "tandem repair";
        connection_ = TRY(postgres::Connection::open(connect));
        bool ran = TRY(pause());
        Status done = write(relid, keys);
        if (ran)
            TRY(connection_->execute("SELECT tandem.resume_mirror(" + pg_literal(mirror_) + ")"));
        return done;
    }

  private:
    // Returns whether it ran.
    Result<bool> pause() {
        std::string where = " FROM tandem.mirror WHERE name = " + pg_literal(mirror_);
        auto wanted = TRY(connection_->query("SELECT wanted" + where));
        bool ran = wanted.rows() == 1 && wanted.value(0, 0) == "running";
        TRY(connection_->execute("SELECT tandem.pause_mirror(" + pg_literal(mirror_) + ")"));
        for (int i = 0; i < 1000; ++i) {
            auto state = TRY(connection_->query("SELECT state" + where));
            if (state.rows() == 1 && state.value(0, 0) == "paused") return ran;
            back_off(std::chrono::milliseconds(10));
        }
        return Error(ErrorCode::kTimeout, "the mirror does not pause; is a daemon running?");
    }

    Status write(Oid relid, const std::vector<Values>& keys) {
        auto catalog_id = TRY(connection_->query("SELECT catalog_id FROM tandem.catalog_identity"));
        if (catalog_id.rows() != 1)
            return Error(ErrorCode::kInternal, "the catalog has no identity");
        options_.catalog = catalog_id.text(0, 0);
        options_.owner = TRY(take_ownership(*connection_, options_.mirror_id, 0))
        .number;
        CatalogStore catalog(
            {connect_options(options_, "repair"), options_.mirror_id, 1, options_.owner}, nullptr);
        MirrorRow mirror = TRY(catalog.read_mirror());
        std::optional<TableRow> row;
        for (const TableRow& one : TRY(catalog.read_tables()))
            if (one.relid == relid) row = one;
        if (!row || row->state != "live")
            return Error(ErrorCode::kNotFound, "the table is not live any more");
        auto table = std::make_shared<Table>(*TRY(catalog.read_table(*row, mirror.database, 1)));
        table->era = mirror.era;
        for (const CopyRow& copy : TRY(catalog.read_copies(relid)))
            if (copy.visible_from) table->copy = copy.copy;
        TRY(catalog.read_json_keys(*table));
        catalog.set_generations({{relid.value, row->generation}});
        if (table->partitioned || table->keyless()) return catalog.reload(relid);
        ClickHouseTarget target(target_options(options_, false));
        uint32_t generation = 1;
        for (uint32_t used : TRY(target.generations(*table))) generation = used + 1;
        TRY(catalog.record_delta_rows(*table));
        for (size_t first = 0; first < keys.size(); first += kKeysAtOnce) {
            size_t count = std::min(kKeysAtOnce, keys.size() - first);
            TRY(write_some(*table, std::span(keys).subspan(first, count), generation,
                           Lsn{mirror.position.value - 1}, target));
        }
        return {};
    }

    static Result<types::Block> key_block(const Table& table, std::span<const Values> keys) {
        types::Block block;
        for (size_t k = 0; k < table.key.size(); ++k) {
            const TableColumn& column = table.columns[table.key[k]];
            types::Converter converter(column.mapping, types::Unholdable::kReject);
            types::Column values = converter.make_column();
            for (const Values& key : keys) TRY(converter.append_text(key[k].value_or(""), values));
            block.columns.push_back({column.target_name, std::move(values)});
        }
        return block;
    }

    static std::string bytes_of(const types::Block& block, size_t keys, size_t row) {
        std::string bytes;
        for (size_t k = 0; k < keys; ++k) append_value_bytes(block.columns[k].column, row, bytes);
        return bytes;
    }

    Status write_some(const Table& table, std::span<const Values> keys, uint32_t generation,
                      Lsn from, ClickHouseTarget& target) {
        types::Block wanted = TRY(key_block(table, keys));
        std::vector<size_t> columns;
        for (size_t i = 0; i < table.columns.size(); ++i)
            if (!table.columns[i].is_key()) columns.push_back(i);
        SourceReader source(connect_options(options_, "repair"));
        types::Block rows = TRY(source.current_rows(table, wanted, columns, kBytesMax))
        .rows;
        std::set<std::string> found;
        for (size_t i = 0; i < rows.rows(); ++i) found.insert(bytes_of(rows, table.key.size(), i));
        types::Block gone;
        for (const types::NamedColumn& key : wanted.columns)
            gone.columns.push_back({key.name, types::Column(key.column.type)});
        for (size_t i = 0; i < wanted.rows(); ++i) {
            if (found.contains(bytes_of(wanted, table.key.size(), i))) continue;
            for (size_t k = 0; k < wanted.columns.size(); ++k)
                gone.columns[k].column.append_from(wanted.columns[k].column, i);
        }
        if (rows.rows() > 0) {
            append_system(rows, from, false);
            TRY(target.insert_delta(table, rows, generation));
        }
        if (gone.rows() == 0) return {};
        append_system(gone, from, true);
        return target.insert_delta(table, gone, generation);
    }

    RunnerOptions options_;
    const std::string mirror_;
    std::optional<postgres::Connection> connection_;
};

}  // namespace

Status repair_rows(const RunnerOptions& options, const std::string& mirror, Oid relid,
                   const std::vector<Values>& keys) {
    return Repair(options, mirror).run(relid, keys);
}

}  // namespace tandem::mirror
