// Dictionary: the distinct values of a LowCardinality column, numbered as they first appear.
// Internal to the codec.
//
// Open addressing over numbers of values; the values themselves stay where they are, in the column.
#pragma once

#include <xxhash.h>

#include <cstdint>
#include <string_view>
#include <vector>

namespace tandem::clickhouse {

class Dictionary {
  public:
    Dictionary() : slots_(kSlotsMin, kEmpty) {}

    // Number of the value; it must outlive the dictionary.
    uint32_t number_of(std::string_view value) {
        if (!values_.empty() && values_[last_] == value) return last_;  // runs are common
        uint64_t hash = XXH3_64bits(value.data(), value.size());
        size_t at = hash & (slots_.size() - 1);
        for (; slots_[at] != kEmpty; at = (at + 1) & (slots_.size() - 1)) {
            if (values_[slots_[at]] == value) return last_ = slots_[at];
        }
        last_ = static_cast<uint32_t>(values_.size());
        slots_[at] = last_;
        values_.push_back(value);
        hashes_.push_back(hash);
        if (values_.size() * 2 > slots_.size()) grow();
        return last_;
    }

    const std::vector<std::string_view>& values() const { return values_; }

  private:
    static constexpr uint32_t kEmpty = UINT32_MAX;
    static constexpr size_t kSlotsMin = 256;

    void grow() {
        slots_.assign(slots_.size() * 2, kEmpty);
        for (uint32_t number = 0; number < hashes_.size(); ++number) {
            size_t at = hashes_[number] & (slots_.size() - 1);
            while (slots_[at] != kEmpty) at = (at + 1) & (slots_.size() - 1);
            slots_[at] = number;
        }
    }

    std::vector<uint32_t> slots_;
    std::vector<std::string_view> values_;
    std::vector<uint64_t> hashes_;
    uint32_t last_ = 0;
};

}  // namespace tandem::clickhouse
