// A small table and rows for it as pgoutput has them, for the tests of batches and what makes and
// applies them: key int, number int, large text.
#pragma once

#include <array>
#include <string>
#include <utility>

#include "mirror/schema/table.h"
#include "postgres/decoder/pgoutput.h"

namespace tandem::mirror::test_rows {

inline constexpr Oid kTable{100};

inline TablePtr make_table(Oid relid = kTable) {
    auto table = std::make_shared<Table>();
    table->relid = relid;
    table->schema = "public";
    table->name = table->target = "t";
    table->database = "tandem";
    auto add = [&](std::string name, uint32_t oid, int key) {
        TableColumn column;
        column.attnum = static_cast<int16_t>(table->columns.size() + 1);
        column.name = column.target_name = std::move(name);
        column.type = Oid{oid};
        column.key_position = key;
        column.source_type = MUST(types::builtin_type(Oid{oid}));
        column.source_type.not_null = column.source_type.key = key > 0;
        column.mapping = MUST(types::map_type(column.source_type));
        table->columns.push_back(std::move(column));
    };
    add("key", 23, 1);
    add("number", 23, 0);
    add("large", 25, 0);
    table->key = {0};
    return table;
}

inline std::string big_endian(int value) {
    auto swapped = __builtin_bswap32(static_cast<uint32_t>(value));
    return {reinterpret_cast<const char*>(&swapped), sizeof swapped};
}

// One row, alive as long as the object.
class Row {
  public:
    Row(int key, int number, std::string large)
        : texts_{big_endian(key), big_endian(number), std::move(large)} {}
    // The large value is left out, as of an update that did not touch it.
    Row& without_large() {
        unchanged_ = true;
        return *this;
    }
    postgres::Tuple get() {
        using postgres::ValueKind;
        for (size_t i = 0; i < values_.size(); ++i) values_[i] = {texts_[i], ValueKind::binary};
        if (unchanged_) values_[2] = {"", ValueKind::unchanged_toast};
        return values_;
    }
    // Only the key, as an old row has it.
    postgres::Tuple key() {
        values_ = {};
        values_[0] = {texts_[0], postgres::ValueKind::binary};
        return values_;
    }

  private:
    std::array<std::string, 3> texts_;
    std::array<postgres::TupleValue, 3> values_;
    bool unchanged_ = false;
};

}  // namespace tandem::mirror::test_rows
