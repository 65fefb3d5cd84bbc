// type_table.def as rows.
#include <array>

#include "types/postgres/plan.h"

namespace tandem::types {
namespace {

constexpr TypeRow kRows[] = {
#define TANDEM_TYPE(oid, array_oid, name, clickhouse, exactness, family, note) \
    TypeRow{oid,                                                               \
            array_oid,                                                         \
            name,                                                              \
            clickhouse,                                                        \
            Exactness::k##exactness,                                           \
            family##_append_binary,                                            \
            family##_append_text,                                              \
            family##_print,                                                    \
            family##_reverse,                                                  \
            note},
#define TANDEM_TEXT(oid, array_oid, name, exactness, family, note) \
    TypeRow{oid,                                                   \
            array_oid,                                             \
            name,                                                  \
            "String",                                              \
            Exactness::k##exactness,                               \
            append_printed,                                        \
            append_verbatim,                                       \
            family##_print,                                        \
            reverse_string,                                        \
            note},
#define TANDEM_NO_BINARY(oid, array_oid, name, note) \
    TypeRow{oid,                                     \
            array_oid,                               \
            name,                                    \
            "String",                                \
            Exactness::kText,                        \
            append_verbatim,                         \
            append_verbatim,                         \
            nullptr,                                 \
            reverse_string,                          \
            note},
#define TANDEM_EXTENSION(...)
#define TANDEM_RANGE(...)
#define verbatim_print print_verbatim
#include "types/type_table.def"
#undef TANDEM_EXTENSION
#undef TANDEM_TYPE
#undef TANDEM_TEXT
#undef TANDEM_NO_BINARY
};

constexpr TypeRow kExtensionRows[] = {
#define TANDEM_TYPE(...)
#define TANDEM_TEXT(...)
#define TANDEM_NO_BINARY(...)
#define TANDEM_EXTENSION(name, clickhouse, exactness, family, note) \
    TypeRow{0,                                                      \
            0,                                                      \
            name,                                                   \
            clickhouse,                                             \
            Exactness::k##exactness,                                \
            append_printed,                                         \
            append_verbatim,                                        \
            family##_print,                                         \
            reverse_string,                                         \
            note},
#include "types/type_table.def"
#undef TANDEM_EXTENSION
#undef TANDEM_RANGE
};

constexpr RangeRow kRanges[] = {
#define TANDEM_EXTENSION(...)
#define TANDEM_RANGE(range, range_array, multirange, multirange_array, subtype, name, multi) \
    RangeRow{range, range_array, multirange, multirange_array, subtype, name, multi},
#include "types/type_table.def"
#undef TANDEM_EXTENSION
#undef TANDEM_RANGE
#undef TANDEM_TYPE
#undef TANDEM_TEXT
#undef TANDEM_NO_BINARY
#undef verbatim_print
};

constexpr TypeRow kUnknown{.name = "unknown",
                           .clickhouse = "String",
                           .exactness = Exactness::kText,
                           .append_binary = append_verbatim,
                           .append_text = append_verbatim,
                           .reverse = reverse_string,
                           .note = "The text form of a type that is not built in."};

}  // namespace

const TypeRow* find_row(uint32_t oid) {
    for (const TypeRow& row : kRows)
        if (row.oid == oid) return &row;
    return nullptr;
}

const TypeRow* find_row_of_array(uint32_t array_oid) {
    for (const TypeRow& row : kRows)
        if (array_oid != 0 && row.array_oid == array_oid) return &row;
    return nullptr;
}

const TypeRow* find_extension_row(std::string_view name) {
    for (const TypeRow& row : kExtensionRows)
        if (row.name == name) return &row;
    return nullptr;
}

const TypeRow& unknown_row() {
    return kUnknown;
}

std::vector<RangeRow> builtin_ranges() {
    return {std::begin(kRanges), std::end(kRanges)};
}

std::vector<const TypeRow*> builtin_rows() {
    std::vector<const TypeRow*> rows;
    for (const TypeRow& row : kRows) rows.push_back(&row);
    return rows;
}

}  // namespace tandem::types
