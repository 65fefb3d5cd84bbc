// Values of Postgres into ClickHouse columns, and back into Postgres' text.
//
// A Converter is made once per column from its Mapping. append_* is the hot path of the mirror: one
// indirect call per value, no allocation beyond the growth of the column. The binary and the text
// form of one value give the same bytes. Input is untrusted: wrong bytes give kMalformedData and
// leave the column as it was.
//
// A value that the target cannot hold (infinity in a DateTime64, NaN in a Decimal, a
// two-dimensional array in an Array) is never changed quietly: see Unholdable. A Converter is
// used by one thread at a time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "types/clickhouse/column.h"
#include "types/mapping.h"

namespace tandem::types {

// What happens to a value that the target type cannot hold. Either way it is counted and reported.
// Keys are always rejected: rows with a default instead of their key would replace each other.
enum class Unholdable : uint8_t {
    kAppendNull,  // NULL, or the type's default where the column is not Nullable
    kReject,      // kValueOutOfRange and nothing is appended: the caller quarantines the row
};

// The values a converter could not keep since it was made or last asked by take_report().
struct ConvertReport {
    uint64_t count = 0;
    std::string code;         // stable: "out_of_range", "infinity", "nan", "array_shape", ...
    std::string why;          // for the operator, of the first one
    std::string first_value;  // its Postgres text, at most kReportedValueMax bytes
    bool empty() const { return count == 0; }
};
inline constexpr size_t kReportedValueMax = 200;

class Converter {
  public:
    explicit Converter(Mapping mapping, Unholdable policy = Unholdable::kAppendNull);

    const Mapping& mapping() const { return mapping_; }
    // Empty column of the mapping's type.
    Column make_column() const { return Column(mapping_.type); }

    // The column must be of the mapping's type (make_column).
    // Field of COPY binary or pgoutput binary: what the type's send function wrote.
    Status append_binary(std::string_view value, Column& column) {
        const uint8_t outcome = binary_(*plan_, value, column);
        if (outcome == 0) [[likely]]
            return {};
        return refused(outcome, value, true, column);
    }
    // What the type's output function wrote under kSessionSettings: pgoutput text, ::text.
    Status append_text(std::string_view value, Column& column) {
        const uint8_t outcome = text_(*plan_, value, column);
        if (outcome == 0) [[likely]]
            return {};
        return refused(outcome, value, false, column);
    }
    // SQL NULL. In a column that is not Nullable (an Array whose NOT NULL was dropped) it is a
    // value that the target cannot hold.
    Status append_null(Column& column);
    // The ClickHouse default, without a report: columns that a tombstone does not know.
    void append_default(Column& column) const { column.append_default(); }

    const ConvertReport& report() const { return report_; }
    ConvertReport take_report();

  private:
    using Append = uint8_t (*)(const TypePlan&, std::string_view, Column&);
    Status refused(uint8_t outcome, std::string_view value, bool binary, Column& column);

    const TypePlan* plan_;
    Append binary_;
    Append text_;
    Mapping mapping_;
    Unholdable policy_;
    ConvertReport report_;
};

// Postgres' text of the value in `row`: what compare_select() of the mapping gives in a session
// with kSessionSettings. NULL gives kInvalidArgument (ask column.is_null first). kMalformedData
// when the column does not have the mapping's type.
Status append_pg_text(const Column& column, size_t row, const Mapping& mapping, std::string& out);

// Postgres' text of a binary value, for messages and quarantine; works for every mapping with
// binary = true, also for values the target cannot hold.
Status binary_to_text(const Mapping& mapping, std::string_view binary, std::string& out);

}  // namespace tandem::types
