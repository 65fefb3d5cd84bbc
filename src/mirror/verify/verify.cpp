#include "mirror/verify/verify.h"

#include <algorithm>

#include "mirror/session/catalog_store.h"
#include "mirror/verify/repair.h"
#include "sqltext/quote.h"

namespace tandem::mirror {
namespace {

using sqltext::pg_literal;

class Verifier {
  public:
    Verifier(std::string source, clickhouse::Endpoint target, std::string name,
             const CompareOptions& options)
        : source_(std::move(source)),
          endpoint_(std::move(target)),
          name_(std::move(name)),
          options_(options) {}

    Result<std::vector<VerifiedTable>> run(const std::vector<std::string>& tables) {
        postgres::ConnectOptions connect;
        connect.conninfo = source_;
        connect.application_name = "tandem verify";
        connect.statement_timeout = std::chrono::hours(6);
        rows_ = TRY(postgres::Connection::open(connect));
        asking_ = TRY(postgres::Connection::open(connect));
        auto id = TRY(asking_->query("SELECT tandem.mirror_by_name(" + pg_literal(name_) + ")"));
        mirror_id_ = static_cast<int>(TRY(id.integer(0, 0)));
        catalog_.emplace(CatalogStore::Options{connect, mirror_id_, 1, 0}, nullptr);
        mirror_ = TRY(catalog_->read_mirror());
        client_ = TRY(clickhouse::connect_native(endpoint_));
        std::vector<VerifiedTable> result;
        for (const TableRow& row : TRY(catalog_->read_tables())) {
            bool wanted = tables.empty() || std::find(tables.begin(), tables.end(),
                                                      row.schema + "." + row.name) != tables.end();
            if (wanted) result.push_back(TRY(verify(row)));
        }
        return result;
    }

  private:
    Result<VerifiedTable> verify(const TableRow& row) {
        VerifiedTable verified;
        verified.schema = row.schema;
        verified.name = row.name;
        verified.state = row.state;
        if (row.state != "live") return verified;
        TablePtr table = TRY(catalog_->read_table(row, mirror_.database, 1));
        std::string columns = "SELECT column_name FROM tandem.mirror_column k WHERE mirror_id = " +
                              std::to_string(mirror_id_) +
                              " AND relid = " + std::to_string(row.relid.value);
        verified.inexact_columns = TRY(names(columns + " AND inexact_since IS NOT NULL"));
        verified.missing_columns = TRY(
            names("SELECT attname FROM pg_attribute a WHERE attrelid = " +
                  std::to_string(row.relid.value) +
                  " AND attnum > 0 AND NOT attisdropped AND attgenerated = '' AND NOT EXISTS (" +
                  columns + " AND k.attnum = a.attnum)"));
        verified.comparison = TRY(compare(*table, verified.inexact_columns));
        if (!options_.repair || verified.comparison.keys.empty()) return verified;
        RunnerOptions runner;
        runner.source = source_;
        runner.target = endpoint_;
        runner.mirror_id = mirror_id_;
        verified.repaired = verified.comparison.keys.size();
        TRY(repair_rows(runner, name_, row.relid, verified.comparison.keys));
        auto live = TRY(asking_->query("SELECT tandem.wait_until_live(" + pg_literal(name_) + ")"));
        verified.comparison = TRY(compare(*table, verified.inexact_columns));
        return verified;
    }

    Result<Comparison> compare(const Table& table, const std::vector<std::string>& inexact) {
        Sides sides(table, inexact, *rows_, *client_,
                    [&](Lsn position) { return find_rows(table.relid, position); });
        return compare_table(sides, options_);
    }

    // What the mirror is known to have goes back for seconds: what is asked for next is there.
    Result<RowsAt> find_rows(Oid relid, Lsn position) {
        auto there = TRY(asking_->query("SELECT tandem.wait_for(" + pg_literal(name_) + ", '" +
                                        to_string(position) + "', '60 s')"));
        if (!TRY(there.boolean(0, 0)))
            return Error(ErrorCode::kTimeout, "the mirror does not catch up");
        auto found = TRY(asking_->query(
            "SELECT main, delta, oldest_generation, delta_empty, copy FROM "
            "tandem.mirror_copy WHERE "
            "mirror_id = " +
            std::to_string(mirror_id_) + " AND relid = " + std::to_string(relid.value) +
            " AND visible_from <= '" + to_string(position) +
            "' ORDER BY visible_from DESC, copy DESC LIMIT 1"));
        if (found.rows() == 0)
            return Error(ErrorCode::kPostgresRetry, "the table is being loaded again");
        RowsAt rows;
        rows.main = found.text(0, 0);
        rows.delta = found.text(0, 1);
        rows.oldest = static_cast<uint32_t>(TRY(found.integer(0, 2)));
        rows.delta_empty = TRY(found.boolean(0, 3));
        int copy = static_cast<int>(TRY(found.integer(0, 4)));
        rows.cuts = TRY(catalog_->read_cuts(relid, copy));
        return rows;
    }

    Result<std::vector<std::string>> names(const std::string& query) {
        auto rows = TRY(asking_->query(query));
        std::vector<std::string> list;
        list.reserve(static_cast<size_t>(rows.rows()));
        for (int i = 0; i < rows.rows(); ++i) list.push_back(rows.text(i, 0));
        return list;
    }

    const std::string source_;
    const clickhouse::Endpoint endpoint_;
    const std::string name_;
    const CompareOptions& options_;
    int mirror_id_ = 0;
    MirrorRow mirror_;
    std::optional<postgres::Connection> rows_;    // in a snapshot of its own while it reads
    std::optional<postgres::Connection> asking_;  // the catalog meanwhile
    std::optional<CatalogStore> catalog_;
    std::unique_ptr<clickhouse::Client> client_;
};

}  // namespace

Result<std::vector<VerifiedTable>> verify_mirror(const std::string& source,
                                                 const clickhouse::Endpoint& target,
                                                 const std::string& name,
                                                 const std::vector<std::string>& tables,
                                                 const CompareOptions& options) {
    return Verifier(source, target, name, options).run(tables);
}

}  // namespace tandem::mirror
