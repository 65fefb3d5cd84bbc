// A few bytes can stand for many rows here, so every row is charged before it is appended.
#include "clickhouse/codec/layout_decode.h"

#include <algorithm>
#include <span>

namespace tandem::clickhouse {

using types::ChKind;
using types::ChType;
using types::Column;
using Form = Layout::Form;

namespace {

// Codes of the kinds of serialisation on the wire.
enum class Code : uint8_t {
    kDefault = 0,
    kSparse = 1,
    kDetached = 2,
    kDetachedOverSparse = 3,
    kReplicated = 4,
    kCombination = 5,
};

Error unknown_kind(unsigned kind) {
    return Error(ErrorCode::kUnsupportedType,
                 "column in a form that is not supported (kind " + std::to_string(kind) + ")");
}

// Inside a combination another numbering is used.
Status decode_combination(std::vector<Form>& forms, Source& source) {
    uint64_t count = TRY(source.varint());
    if (count > 8) return Error(ErrorCode::kMalformedData, "too many forms above each other");
    for (; count != 0; --count) {
        switch (auto kind = TRY(source.fixed<uint8_t>())) {
            case 0:
                break;
            case 1:
                forms.push_back(Form::kSparse);
                break;
            case 3:
                forms.push_back(Form::kReplicated);
                break;
            default:
                return unknown_kind(kind);
        }
    }
    return {};
}

// What one default row of the column takes.
uint64_t default_size(const Column& column) {
    uint64_t size = column.value_width() + sizeof(uint64_t) + 2;
    if (column.value_kind() != ChKind::kTuple) return size;
    for (const Column& child : column.children) size += default_size(child);
    return size;
}

uint64_t row_size(const Column& column, size_t row) {
    uint64_t size = column.value_width() + sizeof(uint64_t) + 2;
    switch (column.value_kind()) {
        case ChKind::kString:
        case ChKind::kJson:
        case ChKind::kDynamic:
            return size + column.string(row).size();
        case ChKind::kArray:
        case ChKind::kMap: {
            auto [first, end] = column.elements(row);
            for (size_t i = first; i < end; ++i)
                for (const Column& child : column.children) size += row_size(child, i);
            return size;
        }
        case ChKind::kTuple:
            for (const Column& child : column.children) size += row_size(child, row);
            return size;
        case ChKind::kVariant: {
            auto alternative = static_cast<uint8_t>(column.data[row]);
            if (alternative == types::kVariantNull) return size;
            return size +
                   row_size(column.children[alternative], static_cast<size_t>(column.offsets[row]));
        }
        default:
            return size;
    }
}

// How many defaults precede each value; the last number, marked by a bit, counts those at the end.
Result<std::vector<uint64_t>> decode_positions(uint64_t rows, Source& source) {
    constexpr uint64_t kEndOfGranule = uint64_t{1} << 62;
    std::vector<uint64_t> positions;
    uint64_t row = 0;
    for (;;) {
        uint64_t group = TRY(source.varint());
        bool last = (group & kEndOfGranule) != 0;
        group &= ~kEndOfGranule;
        if (group > rows - row || (!last && group == rows - row))
            return Error(ErrorCode::kMalformedData, "sparse column is longer than its block");
        row += group;
        if (last) break;
        TRY(source.charge(sizeof(uint64_t)));
        positions.push_back(row++);
    }
    if (row != rows) return Error(ErrorCode::kMalformedData, "sparse column ends early");
    return positions;
}

class LaidOut {
  public:
    LaidOut(const ChType& type, const Layout& layout, const ColumnState& state, Source& source)
        : type_(type), layout_(layout), state_(state), source_(source) {}

    // The outermost form comes last in the list and first on the wire.
    Status decode(std::span<const Form> forms, Column& column, uint64_t rows) {
        if (forms.empty()) return decode_plain(column, rows);
        std::span<const Form> inner = forms.first(forms.size() - 1);
        return forms.back() == Form::kSparse ? decode_sparse(inner, column, rows)
                                             : decode_replicated(inner, column, rows);
    }

  private:
    Status decode_plain(Column& column, uint64_t rows) {
        if (layout_.elements.empty()) return decode_data(type_, state_, column, rows, source_);
        for (size_t i = 0; i < layout_.elements.size(); ++i) {
            TRY(decode_laid_out(*type_.children[i], layout_.elements[i], state_.children[i],
                                column.children[i], rows, source_));
        }
        column.rows = static_cast<size_t>(rows);
        return {};
    }

    // The default of a Nullable is NULL, so its values need no null flags and have none.
    Status decode_sparse(std::span<const Form> inner, Column& column, uint64_t rows) {
        std::vector<uint64_t> positions = TRY(decode_positions(rows, source_));
        bool nullable = type_.kind == ChKind::kNullable && inner.empty();
        Column values(nullable ? type_.children[0] : column.type);
        if (nullable) {
            TRY(decode_data(*type_.children[0], state_.children[0], values, positions.size(),
                            source_));
        } else {
            TRY(decode(inner, values, positions.size()));
        }
        TRY(source_.charge(rows, default_size(column)));
        column.reserve(static_cast<size_t>(rows));
        size_t next = 0;
        for (uint64_t row = 0; row < rows; ++row) {
            if (next < positions.size() && positions[next] == row) {
                column.append_from(values, next++);
            } else {
                column.append_default();
            }
        }
        return {};
    }

    Status decode_replicated(std::span<const Form> inner, Column& column, uint64_t rows) {
        if (TRY(source_.varint()) != rows)
            return Error(ErrorCode::kMalformedData, "replicated column with other rows");
        auto width = TRY(source_.fixed<uint8_t>());
        std::vector<uint64_t> indexes = TRY(decode_indexes(rows, width, UINT64_MAX, source_));
        uint64_t count = TRY(source_.varint());
        Column values(column.type);
        TRY(decode(inner, values, count));
        for (uint64_t index : indexes) {
            if (index >= count)
                return Error(ErrorCode::kMalformedData, "replicated column beyond its values");
            auto at = static_cast<size_t>(index);
            TRY(source_.charge(row_size(values, at)));
            column.append_from(values, at);
        }
        return {};
    }

    const ChType& type_;
    const Layout& layout_;
    const ColumnState& state_;
    Source& source_;
};

}  // namespace

Result<Layout> decode_layout(const ChType& type, Source& source) {
    if (type.kind == ChKind::kSimpleAggregateFunction)
        return decode_layout(*type.children[0], source);
    Layout layout;
    auto kind = TRY(source.fixed<uint8_t>());
    switch (static_cast<Code>(kind)) {
        case Code::kDefault:
            break;
        case Code::kSparse:
            layout.forms.push_back(Form::kSparse);
            break;
        case Code::kReplicated:
            layout.forms.push_back(Form::kReplicated);
            break;
        case Code::kCombination:
            TRY(decode_combination(layout.forms, source));
            break;
        default:
            return unknown_kind(kind);
    }
    if (type.kind != ChKind::kTuple) return layout;
    for (const types::ChTypePtr& child : type.children)
        layout.elements.push_back(TRY(decode_layout(*child, source)));
    return layout;
}

Status decode_laid_out(const ChType& type, const Layout& layout, const ColumnState& state,
                       Column& column, uint64_t rows, Source& source) {
    if (type.kind == ChKind::kSimpleAggregateFunction)
        return decode_laid_out(*type.children[0], layout, state.children[0], column, rows, source);
    return LaidOut(type, layout, state, source).decode(layout.forms, column, rows);
}

}  // namespace tandem::clickhouse
