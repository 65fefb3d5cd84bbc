#include "mirror/verify/compare.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>
#include <utility>

#include "sqltext/quote.h"

namespace tandem::mirror {
namespace {

constexpr size_t kKeysAtOnce = 500;

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

class Comparer {
  public:
    Comparer(Sides& sides, const CompareOptions& options) : sides_(sides), options_(options) {}

    Result<Comparison> run() {
        KeyRange range;
        do {
            if (sides_.divisible())
                range.below = TRY(sides_.next_range(range.from, options_.range_rows));
            TRY(compare(range));
            range.from = range.below;
        } while (range.from);
        return std::move(result_);
    }

  private:
    // Rows of one look that differ: by key text, with both sides' values. Without a key rows may be
    // there several times: how much more often in the source is what counts then.
    struct Pair {
        std::optional<Values> source, target;
        int64_t more = 0;
    };
    using Pairs = std::map<std::string, Pair>;

    Status compare(const KeyRange& range) {
        std::vector<Bucket> source(options_.buckets);
        std::vector<Bucket> target(options_.buckets);
        TRY(sides_.read(
            range, [&](Values& values) { return add(target, values); },
            [&](Values& values) { return add(source, values); }));
        std::vector<bool> differs(options_.buckets);
        bool any = false;
        for (size_t i = 0; i < options_.buckets; ++i) {
            result_.source_rows += source[i].rows;
            result_.target_rows += target[i].rows;
            differs[i] = !(source[i] == target[i]);
            any |= differs[i];
        }
        if (!any) return {};
        Pairs pairs;
        TRY(find_pairs(range, differs, pairs));
        return look_again(pairs);
    }

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

    // Of no two rows the same; of a key they are not NULL.
    std::string key_text(const Values& values) const {
        std::string text = "(";
        for (size_t i = 0; i < sides_.key_count(); ++i) {
            bool quoted = sides_.keyless() && values[i];
            text += i == 0 ? "" : ", ";
            text += quoted ? sqltext::pg_literal(*values[i]) : values[i].value_or("NULL");
        }
        return text + ")";
    }

    void count(Pairs& pairs, const std::string& key, Values& values, int more) const {
        Pair& pair = pairs[key];
        pair.more += more;
        if (!pair.source) pair.source = pair.target = std::move(values);
        if (pair.more == 0) pairs.erase(key);
    }

    // A row that ClickHouse has twice differs, whatever its values are.
    void take_target(Pairs& pairs, Values& values) const {
        if (sides_.keyless()) return count(pairs, key_text(values), values, -1);
        Pair& pair = pairs[key_text(values)];
        if (pair.target) values.back() = "(twice)";
        pair.target = std::move(values);
    }

    void take_source(Pairs& pairs, const std::string& key, Values& values) const {
        if (sides_.keyless()) return count(pairs, key, values, 1);
        auto found = pairs.find(key);
        if (found != pairs.end() && found->second.target == values)
            pairs.erase(found);
        else
            pairs[key].source = std::move(values);
    }

    // Holds the rows of differing buckets, as many as the limit allows.
    Status find_pairs(const KeyRange& range, const std::vector<bool>& differs, Pairs& pairs) {
        size_t bytes = 0;
        auto fits = [&](const Values& values) {
            for (const auto& value : values) bytes += value ? value->size() + 32 : 32;
            bool room = bytes <= options_.row_bytes_max;
            result_.more |= !room;
            return room;
        };
        bool cut = false;
        TRY(sides_.read(
            range,
            [&](Values& values) -> Status {
                if (!differs[bucket_of(values)]) return {};
                if (fits(values))
                    take_target(pairs, values);
                else
                    cut = true;
                return {};
            },
            [&](Values& values) -> Status {
                if (!differs[bucket_of(values)]) return {};
                std::string key = key_text(values);
                // Without all of the other side nothing can be said of a key that is new here.
                if (pairs.contains(key) || (!cut && fits(values))) take_source(pairs, key, values);
                return {};
            }));
        return {};
    }

    // Rows that differed because they were changing are equal at one of the next positions.
    Status look_again(const Pairs& pairs) {
        std::vector<Values> keys;
        for (auto& [key, pair] : pairs) {
            if (result_.keys.size() + keys.size() >= options_.suspects_max) {
                result_.more = true;
                break;
            }
            const Values& row = pair.source ? *pair.source : *pair.target;
            keys.emplace_back(row.begin(), row.begin() + static_cast<long>(sides_.key_count()));
        }
        size_t at_once = sides_.keyless() ? keys.size() : kKeysAtOnce;
        for (size_t first = 0; first < keys.size(); first += at_once) {
            size_t count = std::min(at_once, keys.size() - first);
            auto begin = keys.begin() + static_cast<long>(first);
            TRY(settle({begin, begin + static_cast<long>(count)}));
        }
        return {};
    }

    Status read_again(const std::vector<Values>& keys, Pairs& pairs) {
        std::set<std::string> wanted;
        for (const Values& key : keys) wanted.insert(key_text(key));
        auto on_target = [&](Values& values) -> Status {
            if (wanted.contains(key_text(values))) take_target(pairs, values);
            return {};
        };
        auto on_source = [&](Values& values) -> Status {
            std::string key = key_text(values);
            if (wanted.contains(key)) take_source(pairs, key, values);
            return {};
        };
        // Not every value can be asked for, and a NULL cannot.
        if (sides_.keyless()) return sides_.read(KeyRange(), on_target, on_source);
        return sides_.read(keys, on_target, on_source);
    }

    Status settle(std::vector<Values> keys) {
        Pairs pairs;
        for (int round = 1; round < std::max(2, options_.rounds) && !keys.empty(); ++round) {
            pairs.clear();
            TRY(read_again(keys, pairs));
            std::erase_if(keys, [&](const Values& key) { return !pairs.contains(key_text(key)); });
        }
        for (const Values& key : keys) report(key_text(key), pairs.at(key_text(key)));
        result_.keys.insert(result_.keys.end(), keys.begin(), keys.end());
        return {};
    }

    void report(const std::string& key, const Pair& pair) {
        ++result_.differing;
        if (sides_.keyless()) {
            std::string rows = std::to_string(std::abs(pair.more)) + " more";
            if (pair.more > 0) return show({key, "", rows, std::nullopt});
            return show({key, "", std::nullopt, rows});
        }
        if (!pair.source) return show({key, "", std::nullopt, "(row)"});
        if (!pair.target) return show({key, "", "(row)", std::nullopt});
        for (size_t i = 0; i < pair.source->size(); ++i)
            if ((*pair.source)[i] != (*pair.target)[i])
                show({key, sides_.column(i).name, (*pair.source)[i], (*pair.target)[i]});
    }

    void show(Difference difference) {
        if (result_.differences.size() < options_.differences_max)
            result_.differences.push_back(std::move(difference));
    }

    Sides& sides_;
    const CompareOptions& options_;
    Comparison result_;
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
                       std::to_string(target_rows) + ", differing rows " +
                       std::to_string(differing) + (more ? " and more" : "");
    for (const Difference& difference : differences) {
        text += "\n  key " + difference.key;
        if (!difference.column.empty()) text += " column " + difference.column;
        text +=
            ": source " + shortened(difference.source) + ", target " + shortened(difference.target);
    }
    return text;
}

Result<Comparison> compare_table(Sides& sides, const CompareOptions& options) {
    return Comparer(sides, options).run();
}

}  // namespace tandem::mirror
