// Dynamic and JSON: columns whose types arrive with the data.
//
// Their values become text. The client asks the server for JSON as text and for Dynamic in the flat
// form, so what is read here beyond that is for servers that know neither: the forms of 24.8 and
// 24.12. In those, values of rare types lie in a shared binary store, which is refused.
#include <algorithm>
#include <numeric>

#include "clickhouse/codec/column_decode.h"
#include "clickhouse/codec/value_text.h"
#include "clickhouse/codec/wire.h"

namespace tandem::clickhouse {

using types::Bytes;
using types::ChKind;
using types::ChType;
using types::ChTypePtr;
using types::Column;

namespace {

constexpr std::string_view kSharedVariant = "SharedVariant";
constexpr size_t kTypeCost = 64;  // memory of a parsed type per byte of its name
constexpr uint64_t kDynamicTypesMax = 10'000;
constexpr uint64_t kPathsMax = 100'000;

Error shared_store(std::string_view what) {
    return Error(ErrorCode::kUnsupportedType,
                 std::string(what) +
                     " with values in the shared binary store; set "
                     "output_format_native_use_flattened_dynamic_and_json_serialization = 1");
}

Error unknown_version(std::string_view what, uint64_t version) {
    return Error(ErrorCode::kUnsupportedType, "unknown form " + std::to_string(version) + " of " +
                                                  std::string(what) + " values");
}

Result<std::vector<ChTypePtr>> decode_types(Source& source) {
    uint64_t count = TRY(source.varint());
    if (count > kDynamicTypesMax)
        return Error(ErrorCode::kLimitExceeded, "too many types in a Dynamic");
    std::vector<ChTypePtr> list;
    for (; count != 0; --count) {
        std::string_view name = TRY(source.string());
        TRY(source.charge(name.size() + 8, kTypeCost));
        list.push_back(TRY(types::parse_clickhouse_type(name)));
    }
    return list;
}

// The shared store takes part in the order of the types without being named.
void add_shared_variant(std::vector<ChTypePtr>& list) {
    auto shared = std::make_shared<ChType>();
    shared->kind = ChKind::kString;
    shared->name = kSharedVariant;
    list.push_back(std::move(shared));
    std::sort(list.begin(), list.end(),
              [](const ChTypePtr& a, const ChTypePtr& b) { return a->name < b->name; });
}

size_t index_width(size_t count) {
    if (count <= 0xff) return 1;
    return count <= 0xffff ? 2 : 4;
}

// The values of a Dynamic column by type, and which of them each row holds.
struct DynamicValues {
    std::vector<uint64_t> alternatives;  // beyond the last type: NULL
    std::vector<uint64_t> positions;
    std::vector<Column> columns;

    bool is_null(size_t row) const { return alternatives[row] >= columns.size(); }
    void append_text(size_t row, TextForm form, Bytes& out) const {
        append_value_text(columns[alternatives[row]], static_cast<size_t>(positions[row]), form,
                          out);
    }
};

Result<std::vector<uint64_t>> decode_alternatives(const ColumnState& state, uint64_t rows,
                                                  Source& source) {
    size_t count = state.types.size();
    if (state.version == kDynamicFlattened)
        return decode_indexes(rows, index_width(count), count + 1, source);
    if (state.mode != kVariantBasic)
        return Error(ErrorCode::kUnsupportedType, "compact discriminators in a Dynamic");
    std::vector<uint64_t> alternatives = TRY(decode_indexes(rows, 1, 256, source));
    for (uint64_t& alternative : alternatives) {
        if (alternative == types::kVariantNull) alternative = count;
        if (alternative > count)
            return Error(ErrorCode::kMalformedData, "Dynamic discriminator beyond its types");
    }
    return alternatives;
}

Result<DynamicValues> decode_values(const ColumnState& state, uint64_t rows, Source& source) {
    DynamicValues values;
    values.alternatives = TRY(decode_alternatives(state, rows, source));
    TRY(source.charge(rows, sizeof(uint64_t)));
    values.positions.resize(values.alternatives.size());
    std::vector<uint64_t> counts(state.types.size() + 1, 0);
    for (size_t row = 0; row < values.positions.size(); ++row)
        values.positions[row] = counts[values.alternatives[row]]++;
    TRY(source.enter_dynamic());
    for (size_t i = 0; i < state.types.size(); ++i) {
        const ChType& type = *state.types[i];
        if (type.name == kSharedVariant && counts[i] != 0) return shared_store("Dynamic");
        values.columns.emplace_back(state.types[i]);
        TRY(decode_data(type, state.children[i], values.columns.back(), counts[i], source));
    }
    source.leave_dynamic();
    return values;
}

std::vector<std::string> split_path(std::string_view path) {
    std::vector<std::string> parts;
    for (;;) {
        size_t dot = path.find('.');
        parts.emplace_back(path.substr(0, dot));
        if (dot == std::string_view::npos) return parts;
        path.remove_prefix(dot + 1);
    }
}

// Writes dotted paths, given in the order of their parts, as nested objects.
class ObjectWriter {
  public:
    explicit ObjectWriter(Bytes& out) : out_(out) { out_.push_back('{'); }

    // Writes up to the colon; the caller appends the value.
    void key(const std::vector<std::string>& parts) {
        size_t common = 0;
        while (common < open_.size() && common + 1 < parts.size() && open_[common] == parts[common])
            ++common;
        for (; open_.size() > common; open_.pop_back()) out_.push_back('}');
        if (!first_) out_.push_back(',');
        first_ = false;
        for (; open_.size() + 1 < parts.size(); open_.push_back(parts[open_.size()])) {
            append_json_string(parts[open_.size()], out_);
            out_.append(":{", 2);
        }
        append_json_string(parts.back(), out_);
        out_.push_back(':');
    }

    void finish() {
        for (; !open_.empty(); open_.pop_back()) out_.push_back('}');
        out_.push_back('}');
    }

  private:
    Bytes& out_;
    std::vector<std::string> open_;
    bool first_ = true;
};

// The columns of a JSON column: typed paths first, then those found at run time.
struct JsonPaths {
    struct Path {
        std::vector<std::string> parts;
        size_t typed = SIZE_MAX;
        size_t dynamic = SIZE_MAX;
    };
    std::vector<Path> paths;
    std::vector<Column> typed;
    std::vector<DynamicValues> dynamic;

    void append_row(size_t row, Bytes& out) const {
        ObjectWriter writer(out);
        for (const Path& path : paths) {
            if (path.typed != SIZE_MAX) {
                writer.key(path.parts);
                append_value_text(typed[path.typed], row, TextForm::kJson, out);
            } else if (!dynamic[path.dynamic].is_null(row)) {
                writer.key(path.parts);
                dynamic[path.dynamic].append_text(row, TextForm::kJson, out);
            }
        }
        writer.finish();
    }
};

// Typed paths travel in the order of their names, not in that of the type.
std::vector<size_t> typed_order(const ChType& type) {
    std::vector<size_t> order(type.children.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::sort(order.begin(), order.end(),
              [&type](size_t a, size_t b) { return type.child_names[a] < type.child_names[b]; });
    return order;
}

Status refuse_shared_data(uint64_t rows, Source& source) {
    std::string_view offsets = TRY(source.array(rows, sizeof(uint64_t)));
    uint64_t pairs = load_little<uint64_t>(offsets.data() + offsets.size() - sizeof(uint64_t));
    if (pairs != 0) return shared_store("JSON");
    return {};
}

Result<JsonPaths> decode_paths(const ChType& type, const ColumnState& state, uint64_t rows,
                               Source& source) {
    JsonPaths json;
    size_t next = 0;
    for (size_t index : typed_order(type)) {
        json.paths.push_back({.parts = split_path(type.child_names[index]), .typed = next});
        json.typed.emplace_back(type.children[index]);
        TRY(decode_data(*type.children[index], state.children[next++], json.typed.back(), rows,
                        source));
    }
    for (const std::string& name : state.paths) {
        json.paths.push_back({.parts = split_path(name), .dynamic = json.dynamic.size()});
        json.dynamic.push_back(TRY(decode_values(state.children[next++], rows, source)));
    }
    if (state.version != kJsonFlattened) TRY(refuse_shared_data(rows, source));
    std::sort(json.paths.begin(), json.paths.end(),
              [](const auto& a, const auto& b) { return a.parts < b.parts; });
    return json;
}

}  // namespace

Result<ColumnState> decode_dynamic_state(Source& source) {
    ColumnState state;
    state.version = TRY(source.fixed<uint64_t>());
    bool flattened = state.version == kDynamicFlattened;
    if (!flattened && state.version != kDynamicV1 && state.version != kDynamicV2)
        return unknown_version("Dynamic", state.version);
    if (state.version == kDynamicV1) TRY(source.varint());  // the largest number of types
    state.types = TRY(decode_types(source));
    if (!flattened) {
        add_shared_variant(state.types);
        if (state.types.size() > types::kVariantAlternativesMax)
            return Error(ErrorCode::kMalformedData, "too many types in a Dynamic");
        state.mode = TRY(source.fixed<uint64_t>());
    }
    TRY(source.enter_dynamic());
    for (const ChTypePtr& type : state.types)
        state.children.push_back(TRY(decode_state(*type, source)));
    source.leave_dynamic();
    return state;
}

Status decode_dynamic(const ColumnState& state, Column& column, uint64_t rows, Source& source) {
    DynamicValues values = TRY(decode_values(state, rows, source));
    TextForm form = source.within_json() ? TextForm::kJson : TextForm::kPlain;
    for (size_t row = 0; row < rows; ++row) {
        size_t before = column.data.size();
        bool null = values.is_null(row);
        if (!null) values.append_text(row, form, column.data);
        TRY(source.charge(column.data.size() - before + sizeof(uint64_t) + 1));
        column.offsets.push_back(column.data.size());
        column.nulls.push_back(null ? 1 : 0);
    }
    return {};
}

Result<ColumnState> decode_json_state(const ChType& type, Source& source) {
    ColumnState state;
    state.version = TRY(source.fixed<uint64_t>());
    if (state.version == kJsonString) return state;
    if (state.version != kJsonV1 && state.version != kJsonV2 && state.version != kJsonFlattened)
        return unknown_version("JSON", state.version);
    if (state.version == kJsonV1) TRY(source.varint());  // the largest number of paths
    uint64_t count = TRY(source.varint());
    if (count > kPathsMax) return Error(ErrorCode::kLimitExceeded, "too many paths in a JSON");
    for (; count != 0; --count) {
        std::string_view path = TRY(source.string());
        TRY(source.charge(path.size() + 8, kTypeCost));
        state.paths.emplace_back(path);
    }
    TRY(source.enter_dynamic());
    for (size_t index : typed_order(type))
        state.children.push_back(TRY(decode_state(*type.children[index], source)));
    for (size_t i = 0; i < state.paths.size(); ++i)
        state.children.push_back(TRY(decode_dynamic_state(source)));
    source.leave_dynamic();
    return state;
}

Status decode_json(const ChType& type, const ColumnState& state, Column& column, uint64_t rows,
                   Source& source) {
    if (state.version == kJsonString) return decode_strings(column, rows, source);
    source.enter_json();
    JsonPaths json = TRY(decode_paths(type, state, rows, source));
    source.leave_json();
    for (size_t row = 0; row < rows; ++row) {
        size_t before = column.data.size();
        json.append_row(row, column.data);
        TRY(source.charge(column.data.size() - before + sizeof(uint64_t)));
        column.offsets.push_back(column.data.size());
    }
    return {};
}

}  // namespace tandem::clickhouse
