// From a Postgres type, resolved down to what it is made of, to a ClickHouse type and the plan of
// its conversion. Built-in types are rows of type_table.def; here is what no row can say: numeric
// by its typmod, arrays, ranges, enums, domains, and that what is not known is held as text.
#include "types/mapping.h"

#include <algorithm>

#include "types/oid.h"
#include "types/postgres/plan.h"

namespace tandem::types {
namespace {

constexpr uint32_t kFirstUserOid = 16384;

// A type on its way to a Mapping.
struct Resolved {
    std::shared_ptr<TypePlan> plan = std::make_shared<TypePlan>();
    std::string clickhouse = "String";
    Exactness exactness = Exactness::kText;
    std::string note;
    bool has_send = true;
    bool low_cardinality = false;

    bool understood() const { return plan->print != nullptr; }
};

bool names_object(const TypeRow& row) {
    return row.name.starts_with("reg");
}

void hold_as_text(Resolved& resolved, PrintFunction print) {
    TypePlan& plan = *resolved.plan;
    plan.print = print;
    plan.append_binary = print == nullptr ? append_verbatim : append_printed;
    plan.append_text = append_verbatim;
    plan.reverse = reverse_string;
    plan.kind = ChKind::kString;
    resolved.clickhouse = "String";
    resolved.exactness = Exactness::kText;
}

void take_row(Resolved& resolved, const TypeRow& row) {
    TypePlan& plan = *resolved.plan;
    plan.append_binary = row.append_binary;
    plan.append_text = row.append_text;
    plan.print = row.print;
    plan.reverse = row.reverse;
    plan.names_objects = names_object(row);
    plan.delimiter = row.oid == oid::kBox ? ';' : ',';
    resolved.clickhouse = row.clickhouse;
    resolved.exactness = row.exactness;
    resolved.note = row.note;
}

// typmod of numeric: precision in the upper half, scale in the lower eleven bits, signed.
void take_decimal(Resolved& resolved, int32_t typmod) {
    int precision = ((typmod - 4) >> 16) & 0xffff;
    int scale = ((typmod - 4) & 0x7ff);
    scale = (scale ^ 1024) - 1024;
    int digits = scale < 0 ? precision - scale : std::max(precision, scale);
    if (digits > 76) return;
    TypePlan& plan = *resolved.plan;
    plan.precision = digits;
    plan.scale = std::max(scale, 0);
    plan.kind = decimal_kind(digits);
    plan.append_binary = decimal_append_binary(plan.kind);
    plan.append_text = decimal_append_text(plan.kind);
    plan.reverse = decimal_reverse(plan.kind);
    resolved.clickhouse =
        "Decimal(" + std::to_string(digits) + ", " + std::to_string(plan.scale) + ")";
    resolved.exactness = Exactness::kRanged;
    resolved.note = "No NaN.";
}

Resolved resolve(const PgType& type, const MappingOptions& options, int depth);

Resolved resolve_base(const PgType& type, const MappingOptions& options) {
    Resolved resolved;
    const TypeRow* row = type.oid.value < kFirstUserOid ? find_row(type.oid.value)
                         : type.extension.empty()       ? nullptr
                                                        : find_extension_row(type.name);
    take_row(resolved, row != nullptr ? *row : unknown_row());
    if (type.oid.value == oid::kNumeric && type.typmod >= 4) take_decimal(resolved, type.typmod);
    if (type.oid.value == oid::kTime && !options.time64) hold_as_text(resolved, time_print);
    if (row != nullptr && row->clickhouse == "Array(Float32)") {
        hold_as_text(resolved, row->print);
        if (type.not_null && !type.key) {
            resolved.clickhouse = row->clickhouse;
            resolved.exactness = Exactness::kExact;
            resolved.plan->append_binary = vector_append_binary;
            resolved.plan->append_text = vector_append_text;
            resolved.plan->reverse = vector_reverse;
        }
    }
    return resolved;
}

// Whether values of the part have the same text by our printer as inside Postgres' own text.
bool prints_inside(const Resolved& part, const PgType& type) {
    return part.understood() && !part.plan->names_objects && type.oid.value != oid::kMoney;
}

const PgType& below_domains(const PgType& type) {
    const PgType* at = &type;
    while (at->kind == PgTypeKind::kDomain && at->below != nullptr) at = at->below.get();
    return *at;
}

Resolved resolve_array(const PgType& type, const MappingOptions& options, int depth) {
    Resolved resolved;
    if (type.below == nullptr) return hold_as_text(resolved, nullptr), resolved;
    PgType declared = *type.below;
    if (declared.typmod == -1) declared.typmod = type.typmod;
    const PgType& element_type = below_domains(declared);
    Resolved element = resolve(declared, options, depth + 1);
    resolved.has_send = element.has_send;
    resolved.plan->parts.push_back(element.plan);
    bool understood = prints_inside(element, element_type);
    hold_as_text(resolved, understood ? array_print : nullptr);
    resolved.note =
        "The text of the array literal, because the column may be NULL, is part of a "
        "key or has several dimensions.";
    bool flat = type.not_null && !type.key && type.ndims <= 1 && understood &&
                element_type.kind != PgTypeKind::kArray && !element.clickhouse.starts_with("Array");
    if (!flat) return resolved;
    resolved.plan->append_binary = array_append_binary;
    resolved.plan->append_text = array_append_text;
    resolved.plan->reverse = array_reverse;
    resolved.plan->kind = ChKind::kArray;
    resolved.clickhouse = "Array(Nullable(" + element.clickhouse + "))";
    resolved.exactness =
        element.exactness == Exactness::kText ? Exactness::kText : Exactness::kRanged;
    resolved.note = "One dimension, counted from 1.";
    return resolved;
}

// Ranges, multiranges and composites: text, made of the texts of their parts.
Resolved resolve_parts(const PgType& type, const MappingOptions& options, int depth,
                       PrintFunction print) {
    Resolved resolved;
    std::vector<PgTypePtr> parts;
    if (type.below != nullptr) parts.push_back(type.below);
    for (const PgField& field : type.fields) parts.push_back(field.type);
    bool understood = type.kind == PgTypeKind::kComposite || !parts.empty();
    for (const PgTypePtr& part : parts) {
        if (part == nullptr) {
            understood = false;
            continue;
        }
        Resolved inner = resolve(*part, options, depth + 1);
        understood = understood && prints_inside(inner, below_domains(*part));
        resolved.plan->parts.push_back(inner.plan);
        resolved.plan->part_oids.push_back(part->oid.value);
    }
    hold_as_text(resolved, understood ? print : nullptr);
    resolved.note = "The text of the value.";
    return resolved;
}

Resolved resolve(const PgType& type, const MappingOptions& options, int depth) {
    Resolved resolved;
    if (depth > kNestingMax) return hold_as_text(resolved, nullptr), resolved;
    switch (type.kind) {
        case PgTypeKind::kDomain: {
            if (type.below == nullptr) return hold_as_text(resolved, nullptr), resolved;
            PgType base = *type.below;
            base.not_null = type.not_null;
            base.key = type.key;
            base.ndims = std::max(base.ndims, type.ndims);
            return resolve(base, options, depth + 1);
        }
        case PgTypeKind::kEnumeration:
            hold_as_text(resolved, print_verbatim);
            resolved.exactness = Exactness::kExact;
            resolved.low_cardinality = depth == 0 && !type.key;
            resolved.note =
                "The label; new labels need no change. Ordered by label, not by position.";
            break;
        case PgTypeKind::kArray:
            resolved = resolve_array(type, options, depth);
            break;
        case PgTypeKind::kRange:
            resolved = resolve_parts(type, options, depth, range_print);
            break;
        case PgTypeKind::kMultirange:
            resolved = resolve_parts(type, options, depth, multirange_print);
            break;
        case PgTypeKind::kComposite:
            resolved = resolve_parts(type, options, depth, composite_print);
            break;
        case PgTypeKind::kBase:
        case PgTypeKind::kPseudo:
            resolved = resolve_base(type, options);
            break;
    }
    resolved.has_send = resolved.has_send && type.has_send;
    return resolved;
}

std::string wrap(const Resolved& resolved, bool nullable) {
    std::string name = nullable ? "Nullable(" + resolved.clickhouse + ")" : resolved.clickhouse;
    return resolved.low_cardinality ? "LowCardinality(" + name + ")" : name;
}

}  // namespace

std::string_view to_string(Exactness exactness) {
    switch (exactness) {
        case Exactness::kExact:
            return "exact";
        case Exactness::kRanged:
            return "ranged";
        case Exactness::kText:
            break;
    }
    return "text";
}

Result<Mapping> map_type(const PgType& type, const MappingOptions& options) {
    if (type.kind == PgTypeKind::kPseudo)
        return Error(ErrorCode::kUnsupportedType, "columns of pseudo type " + type.name);
    Resolved resolved = resolve(type, options, 0);
    Mapping mapping;
    mapping.nullable = !type.not_null && !type.key && !resolved.clickhouse.starts_with("Array(");
    mapping.type = TRY(parse_clickhouse_type(wrap(resolved, mapping.nullable)));
    resolved.plan->kind = mapping.type->value_type().kind;
    mapping.key = type.key;
    mapping.exactness = resolved.exactness;
    mapping.note = resolved.note;
    mapping.binary = resolved.understood() && resolved.has_send;
    mapping.needs_text_stream = resolved.has_send && !resolved.understood();
    mapping.plan = std::move(resolved.plan);
    return mapping;
}

std::string snapshot_select(const Mapping& mapping, std::string_view quoted_column) {
    std::string column(quoted_column);
    if (mapping.binary) return column;
    // The output function: a cast to text may be one of the type's own. num_nulls looks at the
    // value itself, because a composite of NULLs is not NULL.
    return "CASE num_nulls(" + column + ") WHEN 0 THEN format('%s', " + column + ") END";
}

std::string compare_select(const Mapping& mapping, std::string_view quoted_column) {
    std::string column(quoted_column);
    if (mapping.plan->names_objects) return column + "::oid::text";
    if (mapping.plan->reverse == money_reverse)
        return "(" + column + "::numeric * 100)::int8::text";
    // The output function; a cast would strip the blanks of bpchar and add /32 to inet.
    if (mapping.plan->kind == ChKind::kString && mapping.plan->reverse == reverse_string)
        return "CASE WHEN " + column + " IS DISTINCT FROM NULL THEN format('%s', " + column +
               ") END";
    return column + "::text";
}

namespace {

PgTypePtr made_of(uint32_t oid, PgTypeKind kind, std::string name, PgTypePtr below) {
    return std::make_shared<PgType>(
        PgType{.oid = Oid{oid}, .kind = kind, .name = std::move(name), .below = std::move(below)});
}

// Ranges and multiranges of pg_catalog, and their arrays; nullptr for other OIDs.
PgTypePtr builtin_range(uint32_t oid) {
    for (const RangeRow& row : builtin_ranges()) {
        auto subtype = std::make_shared<PgType>(PgType{
            .oid = Oid{row.subtype_oid}, .name = std::string(find_row(row.subtype_oid)->name)});
        const std::string name(row.range_name);
        const std::string multi(row.multirange_name);
        PgTypePtr range = made_of(row.range_oid, PgTypeKind::kRange, name, std::move(subtype));
        PgTypePtr multirange = made_of(row.multirange_oid, PgTypeKind::kMultirange, multi, range);
        if (oid == row.range_oid) return range;
        if (oid == row.multirange_oid) return multirange;
        if (oid == row.range_array_oid)
            return made_of(oid, PgTypeKind::kArray, "_" + name, std::move(range));
        if (oid == row.multirange_array_oid)
            return made_of(oid, PgTypeKind::kArray, "_" + multi, std::move(multirange));
    }
    return nullptr;
}

}  // namespace

Result<PgType> builtin_type(Oid oid, int32_t typmod) {
    PgType type{.oid = oid, .typmod = typmod};
    if (const TypeRow* row = find_row(oid.value)) {
        type.name = row->name;
        return type;
    }
    if (const TypeRow* row = find_row_of_array(oid.value)) {
        type.name = "_" + std::string(row->name);
        type.kind = PgTypeKind::kArray;
        type.below = std::make_shared<PgType>(
            PgType{.oid = Oid{row->oid}, .typmod = typmod, .name = std::string(row->name)});
        return type;
    }
    if (PgTypePtr range = builtin_range(oid.value)) return *range;
    return Error(ErrorCode::kUnsupportedType,
                 "type with OID " + std::to_string(oid.value) + " is not built in");
}

}  // namespace tandem::types
