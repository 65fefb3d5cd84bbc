// Values of Postgres become columns by the converters of the mirror, which refuse what they cannot
// hold.
#include <cstdlib>
#include <string>
#include <vector>

#include "base/barrier.h"
#include "clickhouse/facade.h"
#include "types/oid.h"
#include "types/postgres/convert.h"

namespace tandem::clickhouse {

struct Rows {
    std::vector<types::Converter> converters;
    types::Block block;
};

namespace {

// An array that is NULL has no place in ClickHouse; others keep theirs.
Result<types::Mapping> mapping_of(const RowColumn& column) {
    uint32_t type = column.as_text ? types::oid::kText : column.type;
    types::PgType described =
        TRY(types::builtin_type(Oid{type}, column.as_text ? -1 : column.typmod));
    described.not_null = described.kind == types::PgTypeKind::kArray;
    types::Mapping mapping = TRY(types::map_type(described));
    if (!mapping.binary)
        return Error(ErrorCode::kUnsupportedType, described.name + " has no binary form");
    return mapping;
}

Status append(Rows& rows, const RowValue* values) {
    for (size_t i = 0; i < rows.converters.size(); ++i) {
        types::Column& column = rows.block.columns[i].column;
        const RowValue& value = values[i];
        TRY((value.bytes == nullptr
                 ? rows.converters[i].append_null(column)
                 : rows.converters[i].append_binary({value.bytes, value.size}, column))
                .context("column " + rows.block.columns[i].name));
    }
    return {};
}

}  // namespace

Rows* rows_new(List<RowColumn> columns, Failure* failure) noexcept {
    return barrier(failure, static_cast<Rows*>(nullptr), [&]() -> Rows* {
        auto rows = std::make_unique<Rows>();
        for (const RowColumn& column : columns) {
            Result<types::Mapping> mapping = mapping_of(column);
            if (!mapping.ok()) return fill_failure(failure, mapping.error()), nullptr;
            types::Converter& converter =
                rows->converters.emplace_back(*std::move(mapping), types::Unholdable::kReject);
            rows->block.columns.push_back({std::string(column.name), converter.make_column()});
        }
        return rows.release();
    });
}

void rows_free(Rows* rows) noexcept {
    delete rows;
}

Text rows_type(const Rows& rows, uint32_t column) noexcept {
    return rows.block.columns[column].column.type->name;
}

bool rows_append(Rows* rows, const RowValue* values, Failure* failure) noexcept {
    return barrier(failure, false, [&] {
        size_t before = rows->block.rows();
        Status status = append(*rows, values);
        if (status.ok()) return true;
        for (types::NamedColumn& named : rows->block.columns)
            if (named.column.rows > before) named.column.truncate(before);
        fill_failure(failure, status.error());
        return false;
    });
}

uint64_t rows_count(const Rows& rows) noexcept {
    return rows.block.rows();
}

uint64_t rows_bytes(const Rows& rows) noexcept {
    return rows.block.byte_size();
}

const types::Block* rows_block(const Rows& rows) noexcept {
    return &rows.block;
}

void rows_clear(Rows* rows) noexcept {
    for (types::NamedColumn& named : rows->block.columns) named.column.clear();
}

}  // namespace tandem::clickhouse
