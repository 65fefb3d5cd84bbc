#include "mirror/verify/compare.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "mirror/schema/source_types.h"
#include "postgres/decoder/copy_binary.h"
#include "sqltext/quote.h"

namespace tandem::mirror {
namespace {

using Values = std::vector<std::optional<std::string>>;

struct Bucket {
    uint64_t rows = 0;
    uint64_t sum = 0;
    uint64_t mixed = 0;
    bool operator==(const Bucket&) const = default;
};

void hash_value(XXH3_state_t& state, const std::optional<std::string>& value) {
    uint64_t length = value ? value->size() : ~uint64_t{0};
    XXH3_64bits_update(&state, &length, sizeof length);
    if (value) XXH3_64bits_update(&state, value->data(), value->size());
}

uint64_t hash_values(const Values& values, size_t count) {
    XXH3_state_t state;
    XXH3_64bits_reset(&state);
    for (size_t i = 0; i < count; ++i) hash_value(state, values[i]);
    return XXH3_64bits_digest(&state);
}

// Rows of one side, key values first, one call per row; the values may be moved away.
using OnRow = std::function<Status(Values&)>;

class Sides {
  public:
    Sides(const Table& table, postgres::Connection& source, clickhouse::Client& target,
          const CompareOptions& options)
        : table_(table), source_(source), target_(target) {
        columns_.assign(table.key.begin(), table.key.end());
        for (size_t i = 0; i < table.columns.size(); ++i) {
            const TableColumn& column = table.columns[i];
            bool left_out = std::find(options.without.begin(), options.without.end(),
                                      column.name) != options.without.end();
            if (!column.is_key() && !left_out) columns_.push_back(i);
        }
    }

    size_t key_count() const { return table_.key.size(); }
    const TableColumn& column(size_t i) const { return table_.columns[columns_[i]]; }
    size_t width() const { return columns_.size(); }

    Status read_source(const OnRow& on_row) {
        std::string list;
        for (size_t i : columns_) {
            if (!list.empty()) list += ", ";
            list += types::compare_select(table_.columns[i].mapping,
                                          sqltext::pg_ident(table_.columns[i].name));
        }
        std::string sql = "COPY (SELECT " + list + " FROM " + (table_.partitioned ? "" : "ONLY ") +
                          sqltext::pg_qualified(table_.schema, table_.name) +
                          ") TO STDOUT (FORMAT binary)";
        postgres::CopyBinaryReader reader({.columns = static_cast<int>(columns_.size())});
        Values values(columns_.size());
        auto on_data = [&](std::string_view chunk) -> Status {
            TRY(reader.feed(chunk));
            while (TRY(reader.next()) == postgres::CopyBinaryReader::Step::row) {
                auto row = reader.row();
                for (size_t i = 0; i < row.size(); ++i) {
                    if (row[i].is_null())
                        values[i].reset();
                    else
                        values[i] = std::string(row[i].bytes());
                }
                TRY(on_row(values));
                values.resize(columns_.size());
            }
            return {};
        };
        TRY(source_.copy_out(sql, on_data));
        return reader.finish();
    }

    Status read_target(const OnRow& on_row) {
        std::string list;
        for (size_t i : columns_) {
            if (!list.empty()) list += ", ";
            list += sqltext::ch_ident(table_.columns[i].name);
        }
        clickhouse::Query query;
        // The view: one moment of the table, under the names of the source.
        query.sql =
            "SELECT " + list + " FROM " + sqltext::ch_qualified(table_.database, table_.target);
        query.timeout = std::chrono::hours(6);
        return target_.select(query, [&](types::Block&& block) { return each_row(block, on_row); });
    }

  private:
    Status each_row(const types::Block& block, const OnRow& on_row) {
        if (block.columns.size() != columns_.size())
            return Error(ErrorCode::kProtocolViolation, "ClickHouse returned other columns");
        Values values(columns_.size());
        for (size_t row = 0; row < block.rows(); ++row) {
            values.resize(columns_.size());
            for (size_t i = 0; i < columns_.size(); ++i) {
                const types::Column& column = block.columns[i].column;
                values[i].reset();
                if (column.is_null(row)) continue;
                values[i].emplace();
                TRY(types::append_pg_text(column, row, table_.columns[columns_[i]].mapping,
                                          *values[i]));
            }
            TRY(on_row(values));
        }
        return {};
    }

    const Table& table_;
    postgres::Connection& source_;
    clickhouse::Client& target_;
    std::vector<size_t> columns_;  // key first
};

class Comparer {
  public:
    Comparer(Sides& sides, const CompareOptions& options) : sides_(sides), options_(options) {}

    Result<Comparison> run() {
        std::vector<Bucket> source(options_.buckets);
        std::vector<Bucket> target(options_.buckets);
        TRY(sides_.read_source([&](Values& values) { return add(source, values); }));
        TRY(sides_.read_target([&](Values& values) { return add(target, values); }));
        Comparison result;
        differing_.assign(options_.buckets, false);
        for (size_t i = 0; i < options_.buckets; ++i) {
            result.source_rows += source[i].rows;
            result.target_rows += target[i].rows;
            differing_[i] = !(source[i] == target[i]);
            result.differing_buckets += differing_[i] ? 1 : 0;
        }
        if (result.differing_buckets > 0) TRY(show(result));
        return result;
    }

    // Looks again at the rows that differed so far. Those that are equal now were only under way;
    // rows that came to differ since are not suspects, because their turn to arrive comes next.
    Status look_again(Comparison& result) {
        suspected_ = std::exchange(suspects_, {});
        again_ = true;
        result.differences.clear();
        return show(result);
    }

    // Differences that are left when the sides move: none, if every row was seen equal once.
    void settle(Comparison& result) const {
        if (!cut_) result.differing_buckets = suspects_.size();
    }

  private:
    size_t bucket_of(const Values& values) const {
        return hash_values(values, sides_.key_count()) % options_.buckets;
    }

    Status add(std::vector<Bucket>& buckets, const Values& values) const {
        Bucket& bucket = buckets[bucket_of(values)];
        uint64_t hash = hash_values(values, values.size());
        ++bucket.rows;
        bucket.sum += hash;
        bucket.mixed ^= hash * 0x9E3779B97F4A7C15U + (hash >> 29);
        return {};
    }

    std::string key_text(const Values& values) const {
        std::string text = "(";
        for (size_t i = 0; i < sides_.key_count(); ++i)
            text += (i == 0 ? "" : ", ") + values[i].value_or("NULL");
        return text + ")";
    }

    // Holds the source's rows of differing buckets, as many as the limit allows.
    Status show(Comparison& result) {
        std::map<std::string, Values> rows;
        size_t bytes = 0;
        bool cut = false;
        auto keep = [&](Values& values) -> Status {
            if (!differing_[bucket_of(values)]) return {};
            for (const auto& value : values) bytes += value ? value->size() + 32 : 32;
            cut |= bytes > options_.row_bytes_max;
            if (!cut) rows.emplace(key_text(values), std::move(values));
            return {};
        };
        TRY(sides_.read_source(keep));
        auto match = [&](Values& values) -> Status {
            if (!differing_[bucket_of(values)]) return {};
            std::string key = key_text(values);
            auto found = rows.find(key);
            if (found == rows.end()) {
                if (!cut) report(result, {key, "", std::nullopt, "(row)"});
                return {};
            }
            for (size_t i = 0; i < values.size(); ++i)
                if (values[i] != found->second[i])
                    report(result, {key, sides_.column(i).name, found->second[i], values[i]});
            rows.erase(found);
            return {};
        };
        TRY(sides_.read_target(match));
        cut_ = cut;
        for (const auto& [key, values] : rows) report(result, {key, "", "(row)", std::nullopt});
        return {};
    }

    void report(Comparison& result, Difference difference) {
        if (again_ && !suspected_.contains(difference.key)) return;
        suspects_.insert(difference.key);
        if (result.differences.size() < options_.differences_max)
            result.differences.push_back(std::move(difference));
    }

    Sides& sides_;
    const CompareOptions& options_;
    std::vector<bool> differing_;
    std::set<std::string> suspects_;   // keys that differed in every look so far
    std::set<std::string> suspected_;  // those of the look before
    bool again_ = false;
    bool cut_ = false;  // too many rows to hold: the suspects are not all of them
};

// For people: the begin of a long value and how long it is.
std::string shortened(const std::optional<std::string>& value) {
    constexpr size_t kShown = 48;
    if (!value) return "nothing";
    if (value->size() <= kShown) return *value;
    return value->substr(0, kShown) + "... (" + std::to_string(value->size()) + " bytes)";
}

}  // namespace

std::string Comparison::to_string() const {
    std::string text = "source rows " + std::to_string(source_rows) + ", target rows " +
                       std::to_string(target_rows) + ", differing key ranges " +
                       std::to_string(differing_buckets);
    for (const Difference& difference : differences) {
        text += "\n  key " + difference.key;
        if (!difference.column.empty()) text += " column " + difference.column;
        text +=
            ": source " + shortened(difference.source) + ", target " + shortened(difference.target);
    }
    return text;
}

Result<Comparison> compare_table(const Table& table, postgres::Connection& source,
                                 clickhouse::Client& target, const CompareOptions& options) {
    Sides sides(table, source, target, options);
    Comparer comparer(sides, options);
    Comparison result = TRY(comparer.run());
    if (options.rounds > 1) comparer.settle(result);
    for (int round = 1; round < options.rounds && !result.equal(); ++round) {
        if (options.catch_up) TRY(options.catch_up());
        TRY(comparer.look_again(result));
        comparer.settle(result);
    }
    return result;
}

}  // namespace tandem::mirror
