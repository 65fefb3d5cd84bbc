#include "mirror/store/json_columns.h"

#include <algorithm>

#include "types/postgres/json_keys.h"

namespace tandem::mirror {
namespace {

types::Column empty_column(std::string_view type) {
    return types::Column(MUST(types::parse_clickhouse_type(type)));  // names of ours
}

// The keys of one document.
Status append_columns(const Table& table, const TableColumn& document,
                      const std::vector<const JsonKey*>& keys, types::Block& block) {
    auto at = std::find_if(
        block.columns.begin(), block.columns.end(),
        [&](const types::NamedColumn& named) { return named.name == document.target_name; });
    if (at == block.columns.end()) return {};
    size_t place = static_cast<size_t>(at - block.columns.begin());
    std::vector<std::string> names;
    std::vector<types::NamedColumn> texts;
    std::vector<types::NamedColumn> kinds;
    for (const JsonKey* key : keys) {
        names.push_back(key->key);
        texts.push_back({key->text_name, empty_column(key->text_type())});
        kinds.push_back({key->kind_name, empty_column("UInt8")});
    }
    types::JsonKeys reader(names);
    const types::Column& documents = block.columns[place].column;
    for (size_t row = 0; row < documents.rows; ++row) {
        bool read = true;
        if (documents.is_null(row))
            reader.read_null();
        else
            read = reader.read(documents.string(row));
        for (size_t i = 0; read && i < keys.size(); ++i)
            read = types::append_member(reader.members()[i], texts[i].column, kinds[i].column);
        if (!read)
            return Error(ErrorCode::kMalformedData, table.label() + ": column " + document.name +
                                                        " has what is no jsonb of Postgres'");
    }
    std::move(texts.begin(), texts.end(), std::back_inserter(block.columns));
    std::move(kinds.begin(), kinds.end(), std::back_inserter(block.columns));
    return {};
}

}  // namespace

Status append_json_columns(const Table& table, types::Block& block) {
    if (table.json_keys.empty()) return {};
    for (const TableColumn& column : table.columns) {
        std::vector<const JsonKey*> keys;
        for (const JsonKey& key : table.json_keys)
            if (key.attnum == column.attnum) keys.push_back(&key);
        if (!keys.empty()) TRY(append_columns(table, column, keys, block));
    }
    return {};
}

void append_json_names(const Table& table, std::vector<std::string>& names,
                       std::optional<int16_t> attnum) {
    for (const JsonKey& key : table.json_keys) {
        if (attnum && key.attnum != *attnum) continue;
        names.push_back(key.text_name);
        names.push_back(key.kind_name);
    }
}

}  // namespace tandem::mirror
