// Recursive-descent parser of ClickHouse type names.
//
// Every function that can recurse goes through parse_type, which counts the depth; the text itself
// is limited to kTypeNameMax, so neither stack nor heap depends on more than that.
#include "types/clickhouse/type.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace tandem::types {

namespace {

struct SimpleName {
    std::string_view name;
    ChKind kind;
};

constexpr std::array kSimpleNames = {
    SimpleName{"Nothing", ChKind::kNothing},   SimpleName{"Bool", ChKind::kBool},
    SimpleName{"Int8", ChKind::kInt8},         SimpleName{"Int16", ChKind::kInt16},
    SimpleName{"Int32", ChKind::kInt32},       SimpleName{"Int64", ChKind::kInt64},
    SimpleName{"Int128", ChKind::kInt128},     SimpleName{"Int256", ChKind::kInt256},
    SimpleName{"UInt8", ChKind::kUInt8},       SimpleName{"UInt16", ChKind::kUInt16},
    SimpleName{"UInt32", ChKind::kUInt32},     SimpleName{"UInt64", ChKind::kUInt64},
    SimpleName{"UInt128", ChKind::kUInt128},   SimpleName{"UInt256", ChKind::kUInt256},
    SimpleName{"Float32", ChKind::kFloat32},   SimpleName{"Float64", ChKind::kFloat64},
    SimpleName{"BFloat16", ChKind::kBFloat16}, SimpleName{"String", ChKind::kString},
    SimpleName{"Date", ChKind::kDate},         SimpleName{"Date32", ChKind::kDate32},
    SimpleName{"Time", ChKind::kTime},         SimpleName{"UUID", ChKind::kUuid},
    SimpleName{"IPv4", ChKind::kIpv4},         SimpleName{"IPv6", ChKind::kIpv6},
};

constexpr std::array<std::string_view, 11> kIntervalUnits = {
    "Nanosecond", "Microsecond", "Millisecond", "Second",  "Minute", "Hour",
    "Day",        "Week",        "Month",       "Quarter", "Year"};

// Geo types are names for compositions of Tuple(Float64, Float64); on the wire they are those.
constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kGeoTypes = {{
    {"Point", "Tuple(Float64, Float64)"},
    {"Ring", "Array(Point)"},
    {"LineString", "Array(Point)"},
    {"MultiLineString", "Array(LineString)"},
    {"Polygon", "Array(Ring)"},
    {"MultiPolygon", "Array(Polygon)"},
    {"Geometry", "Variant(LineString, MultiLineString, MultiPolygon, Point, Polygon, Ring)"},
}};

bool is_identifier_start(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool is_identifier_part(char c) {
    return is_identifier_start(c) || (c >= '0' && c <= '9');
}

bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

char unescape(char c) {
    switch (c) {
        case 'b':
            return '\b';
        case 'f':
            return '\f';
        case 'n':
            return '\n';
        case 'r':
            return '\r';
        case 't':
            return '\t';
        case 'a':
            return '\a';
        case 'v':
            return '\v';
        case 'e':
            return '\x1b';
        case '0':
            return '\0';
        default:
            return c;
    }
}

// A quoted piece of the text: its spelling with the quotes, and what it stands for.
struct Quoted {
    std::string_view spelling;
    std::string value;
};

using Node = std::shared_ptr<ChType>;

Node make_node(ChKind kind, std::string name) {
    auto node = std::make_shared<ChType>();
    node->kind = kind;
    node->name = std::move(name);
    return node;
}

std::string join_names(std::string_view head, const std::vector<ChTypePtr>& children) {
    std::string name(head);
    name += '(';
    for (size_t i = 0; i < children.size(); ++i) {
        if (i != 0) name += ", ";
        name += children[i]->name;
    }
    name += ')';
    return name;
}

class TypeParser {
  public:
    explicit TypeParser(std::string_view text, int depth = 0) : text_(text), depth_(depth) {}

    Result<ChTypePtr> parse_all() {
        ChTypePtr type = TRY(parse_type());
        skip_space();
        if (at_ != text_.size()) return malformed("unexpected text after the type");
        return type;
    }

  private:
    Result<ChTypePtr> parse_type();
    Result<ChTypePtr> parse_named(std::string_view head);
    Result<ChTypePtr> parse_temporal(std::string_view head);
    Result<ChTypePtr> parse_composite(std::string_view head);
    Result<ChTypePtr> parse_decimal(std::string_view head);
    Result<ChTypePtr> parse_fixed_string();
    Result<ChTypePtr> parse_date_time(std::string_view head);
    Result<ChTypePtr> parse_scaled(std::string_view head, ChKind kind, bool with_timezone);
    Result<ChTypePtr> parse_enum(std::string_view head);
    Result<ChTypePtr> parse_nullable();
    Result<ChTypePtr> parse_low_cardinality();
    Result<ChTypePtr> parse_array();
    Result<ChTypePtr> parse_map();
    Result<ChTypePtr> parse_tuple(std::string_view head);
    Result<ChTypePtr> parse_variant();
    Result<ChTypePtr> parse_dynamic();
    Result<ChTypePtr> parse_json();
    Status parse_json_argument(ChType& json);
    Result<ChTypePtr> parse_aggregate(std::string_view head);

    Result<Quoted> parse_quoted(char quote);
    Result<long long> parse_integer();
    Result<std::string_view> parse_identifier();
    // An element name of a Tuple or a path of a JSON type: plain or quoted, as it is spelt.
    Result<std::string_view> parse_path(std::string& value);
    // Text up to the next comma or closing parenthesis of this level, quotes respected.
    Result<std::string_view> parse_raw_argument();

    void skip_space() {
        while (at_ < text_.size() && is_space(text_[at_])) ++at_;
    }
    bool peek(char c) {
        skip_space();
        return at_ < text_.size() && text_[at_] == c;
    }
    bool accept(char c) {
        if (!peek(c)) return false;
        ++at_;
        return true;
    }
    Status expect(char c) {
        if (accept(c)) return {};
        return malformed(std::string("expected '") + c + "'");
    }
    Error malformed(std::string_view what) const {
        std::string shown(text_.substr(0, 120));
        return Error(ErrorCode::kMalformedData, "not a ClickHouse type: " + std::string(what) +
                                                    " at offset " + std::to_string(at_) + " of " +
                                                    shown);
    }

    std::string_view text_;
    size_t at_ = 0;
    int depth_;
};

Result<std::string_view> TypeParser::parse_identifier() {
    skip_space();
    size_t start = at_;
    if (at_ < text_.size() && is_identifier_start(text_[at_])) {
        while (at_ < text_.size() && is_identifier_part(text_[at_])) ++at_;
    }
    if (at_ == start) return malformed("expected a name");
    return text_.substr(start, at_ - start);
}

Result<long long> TypeParser::parse_integer() {
    skip_space();
    long long value = 0;
    const char* first = text_.data() + at_;
    auto [end, error] = std::from_chars(first, text_.data() + text_.size(), value);
    if (error != std::errc()) return malformed("expected a number");
    at_ += static_cast<size_t>(end - first);
    return value;
}

Result<Quoted> TypeParser::parse_quoted(char quote) {
    TRY(expect(quote));
    size_t start = at_ - 1;
    std::string value;
    while (at_ < text_.size()) {
        char c = text_[at_++];
        if (c == quote) {
            if (at_ < text_.size() && text_[at_] == quote) {
                value += quote;
                ++at_;
                continue;
            }
            return Quoted{text_.substr(start, at_ - start), std::move(value)};
        }
        if (c != '\\') {
            value += c;
            continue;
        }
        if (at_ == text_.size()) break;
        char escaped = text_[at_++];
        if (escaped != 'x') {
            value += unescape(escaped);
            continue;
        }
        if (text_.size() - at_ < 2) break;
        int high = hex_digit(text_[at_]);
        int low = hex_digit(text_[at_ + 1]);
        if (high < 0 || low < 0) return malformed("bad escape");
        value += static_cast<char>(high * 16 + low);
        at_ += 2;
    }
    return malformed("quote without an end");
}

Result<std::string_view> TypeParser::parse_path(std::string& value) {
    skip_space();
    size_t start = at_;
    value.clear();
    for (;;) {
        if (peek('`') || peek('"')) {
            Quoted part = TRY(parse_quoted(text_[at_]));
            value += part.value;
        } else {
            value += TRY(parse_identifier());
        }
        if (at_ == text_.size() || text_[at_] != '.') break;
        value += '.';
        ++at_;
    }
    return text_.substr(start, at_ - start);
}

Result<std::string_view> TypeParser::parse_raw_argument() {
    skip_space();
    size_t start = at_;
    size_t open = 0;
    while (at_ < text_.size()) {
        char c = text_[at_];
        if (c == '\'' || c == '`' || c == '"') {
            TRY(parse_quoted(c));
            continue;
        }
        if (open == 0 && (c == ',' || c == ')')) break;
        if (c == '(') ++open;
        if (c == ')') --open;
        ++at_;
    }
    if (open != 0) return malformed("parenthesis without an end");
    if (at_ == start) return malformed("expected an argument");
    return text_.substr(start, at_ - start);
}

Result<ChTypePtr> TypeParser::parse_type() {
    if (depth_ >= kTypeDepthMax)
        return Error(ErrorCode::kLimitExceeded,
                     "type is nested deeper than " + std::to_string(kTypeDepthMax) + " levels");
    ++depth_;
    std::string_view head = TRY(parse_identifier());
    Result<ChTypePtr> type = parse_named(head);
    --depth_;
    return type;
}

Result<ChTypePtr> TypeParser::parse_named(std::string_view head) {
    for (const SimpleName& simple : kSimpleNames) {
        if (simple.name == head) return ChTypePtr(make_node(simple.kind, std::string(head)));
    }
    if (head.starts_with("Decimal")) return parse_decimal(head);
    if (head.starts_with("Enum")) return parse_enum(head);
    if (head == "FixedString") return parse_fixed_string();
    if (head.starts_with("Date") || head.starts_with("Time") || head.starts_with("Interval"))
        return parse_temporal(head);
    for (const auto& [name, meaning] : kGeoTypes) {
        if (name != head) continue;
        TypeParser inner(meaning, depth_);
        ChTypePtr alias = TRY(inner.parse_all());
        auto node = std::make_shared<ChType>(*alias);
        node->name = std::string(head);
        return ChTypePtr(std::move(node));
    }
    return parse_composite(head);
}

Result<ChTypePtr> TypeParser::parse_temporal(std::string_view head) {
    if (head == "DateTime" || head == "DateTime32") return parse_date_time(head);
    if (head == "DateTime64") return parse_scaled(head, ChKind::kDateTime64, true);
    if (head == "Time64") return parse_scaled(head, ChKind::kTime64, false);
    if (head.starts_with("Interval")) {
        std::string_view unit = head.substr(8);
        if (std::find(kIntervalUnits.begin(), kIntervalUnits.end(), unit) != kIntervalUnits.end())
            return ChTypePtr(make_node(ChKind::kInterval, std::string(head)));
    }
    return malformed("unknown type");
}

Result<ChTypePtr> TypeParser::parse_composite(std::string_view head) {
    if (head == "Nullable") return parse_nullable();
    if (head == "LowCardinality") return parse_low_cardinality();
    if (head == "Array") return parse_array();
    if (head == "Map") return parse_map();
    if (head == "Tuple") return parse_tuple(head);
    if (head == "Nested") {
        ChTypePtr tuple = TRY(parse_tuple(head));
        Node node = make_node(ChKind::kArray, tuple->name);
        auto element = std::make_shared<ChType>(*tuple);
        element->name.replace(0, head.size(), "Tuple");
        node->children.push_back(std::move(element));
        return ChTypePtr(std::move(node));
    }
    if (head == "Variant") return parse_variant();
    if (head == "Dynamic") return parse_dynamic();
    if (head == "JSON") return parse_json();
    if (head == "AggregateFunction" || head == "SimpleAggregateFunction")
        return parse_aggregate(head);
    if (head == "Object" || head == "QBit")
        return Error(ErrorCode::kUnsupportedType,
                     "ClickHouse type " + std::string(head) + " is not supported");
    return malformed("unknown type");
}

Result<ChTypePtr> TypeParser::parse_decimal(std::string_view head) {
    long long precision = 10;
    long long scale = 0;
    std::string_view bits = head.substr(7);
    if (bits.empty()) {
        if (accept('(')) {
            precision = TRY(parse_integer());
            if (accept(',')) scale = TRY(parse_integer());
            TRY(expect(')'));
        }
    } else {
        if (bits == "32")
            precision = 9;
        else if (bits == "64")
            precision = 18;
        else if (bits == "128")
            precision = 38;
        else if (bits == "256")
            precision = 76;
        else
            return malformed("unknown type");
        TRY(expect('('));
        scale = TRY(parse_integer());
        TRY(expect(')'));
    }
    if (precision < 1 || precision > 76 || scale < 0 || scale > precision)
        return malformed("precision or scale out of range");
    Node node =
        make_node(decimal_kind(static_cast<int>(precision)),
                  "Decimal(" + std::to_string(precision) + ", " + std::to_string(scale) + ")");
    node->precision = static_cast<int>(precision);
    node->scale = static_cast<int>(scale);
    return ChTypePtr(std::move(node));
}

Result<ChTypePtr> TypeParser::parse_fixed_string() {
    TRY(expect('('));
    long long length = TRY(parse_integer());
    TRY(expect(')'));
    if (length < 1 || length > kFixedStringMax) return malformed("length out of range");
    Node node = make_node(ChKind::kFixedString, "FixedString(" + std::to_string(length) + ")");
    node->fixed_length = static_cast<size_t>(length);
    return ChTypePtr(std::move(node));
}

Result<ChTypePtr> TypeParser::parse_date_time(std::string_view) {
    Node node = make_node(ChKind::kDateTime, "DateTime");
    if (accept('(')) {
        Quoted zone = TRY(parse_quoted('\''));
        TRY(expect(')'));
        node->name += '(';
        node->name += zone.spelling;
        node->name += ')';
        node->timezone = std::move(zone.value);
    }
    return ChTypePtr(std::move(node));
}

Result<ChTypePtr> TypeParser::parse_scaled(std::string_view head, ChKind kind, bool with_timezone) {
    long long scale = 3;
    Node node = make_node(kind, std::string(head));
    if (!accept('(')) {
        node->name += "(3)";
    } else {
        scale = TRY(parse_integer());
        if (scale < 0 || scale > 9) return malformed("scale out of range");
        node->name += '(';
        node->name += std::to_string(scale);
        if (with_timezone && accept(',')) {
            Quoted zone = TRY(parse_quoted('\''));
            node->name += ", ";
            node->name += zone.spelling;
            node->timezone = std::move(zone.value);
        }
        TRY(expect(')'));
        node->name += ')';
    }
    node->scale = static_cast<int>(scale);
    return ChTypePtr(std::move(node));
}

Result<ChTypePtr> TypeParser::parse_enum(std::string_view head) {
    std::string_view bits = head.substr(4);
    if (!bits.empty() && bits != "8" && bits != "16") return malformed("unknown type");
    TRY(expect('('));
    std::string arguments;
    std::vector<std::pair<std::string, int>> values;
    long long next = 1;
    bool wide = bits == "16";
    do {
        Quoted label = TRY(parse_quoted('\''));
        if (accept('=')) next = TRY(parse_integer());
        if (next < -32768 || next > 32767) return malformed("enum value out of range");
        bool fits_narrow = next >= -128 && next <= 127;
        if (bits == "8" && !fits_narrow) return malformed("enum value out of range");
        wide = wide || !fits_narrow;
        if (!values.empty()) arguments += ", ";
        arguments += label.spelling;
        arguments += " = ";
        arguments += std::to_string(next);
        values.emplace_back(std::move(label.value), static_cast<int>(next));
        ++next;
    } while (accept(','));
    TRY(expect(')'));
    Node node = make_node(wide ? ChKind::kEnum16 : ChKind::kEnum8,
                          (wide ? "Enum16(" : "Enum8(") + arguments + ")");
    node->enum_values = std::move(values);
    return ChTypePtr(std::move(node));
}

Result<ChTypePtr> TypeParser::parse_nullable() {
    TRY(expect('('));
    ChTypePtr inner = TRY(parse_type());
    TRY(expect(')'));
    switch (inner->kind) {
        case ChKind::kNullable:
        case ChKind::kLowCardinality:
        case ChKind::kArray:
        case ChKind::kMap:
        case ChKind::kVariant:
        case ChKind::kDynamic:
        case ChKind::kSimpleAggregateFunction:
            return malformed("a type that cannot be inside Nullable");
        default:
            break;
    }
    Node node = make_node(ChKind::kNullable, "Nullable(" + inner->name + ")");
    node->children.push_back(std::move(inner));
    return ChTypePtr(std::move(node));
}

Result<ChTypePtr> TypeParser::parse_low_cardinality() {
    TRY(expect('('));
    ChTypePtr inner = TRY(parse_type());
    TRY(expect(')'));
    const ChType& value = inner->kind == ChKind::kNullable ? *inner->children[0] : *inner;
    if (value.kind != ChKind::kString &&
        (value.width() == 0 || value.kind == ChKind::kLowCardinality))
        return malformed("a type that cannot be inside LowCardinality");
    Node node = make_node(ChKind::kLowCardinality, "LowCardinality(" + inner->name + ")");
    node->children.push_back(std::move(inner));
    return ChTypePtr(std::move(node));
}

Result<ChTypePtr> TypeParser::parse_array() {
    TRY(expect('('));
    ChTypePtr element = TRY(parse_type());
    TRY(expect(')'));
    Node node = make_node(ChKind::kArray, "Array(" + element->name + ")");
    node->children.push_back(std::move(element));
    return ChTypePtr(std::move(node));
}

Result<ChTypePtr> TypeParser::parse_map() {
    TRY(expect('('));
    ChTypePtr key = TRY(parse_type());
    TRY(expect(','));
    ChTypePtr value = TRY(parse_type());
    TRY(expect(')'));
    Node node = make_node(ChKind::kMap, "Map(" + key->name + ", " + value->name + ")");
    node->children.push_back(std::move(key));
    node->children.push_back(std::move(value));
    return ChTypePtr(std::move(node));
}

// Elements are all named or all bare. What follows the first word tells the two apart: a name is
// followed by a type, a type by a parenthesis or a comma.
Result<ChTypePtr> TypeParser::parse_tuple(std::string_view head) {
    TRY(expect('('));
    Node node = make_node(ChKind::kTuple, std::string(head) + "(");
    while (!accept(')')) {
        if (!node->children.empty()) {
            TRY(expect(','));
            node->name += ", ";
        }
        size_t start = at_;
        std::string element;
        std::string_view spelling = TRY(parse_path(element));
        if (peek('(') || peek(',') || peek(')')) {
            if (!node->child_names.empty()) return malformed("a tuple element without a name");
            at_ = start;
        } else {
            if (node->child_names.size() != node->children.size())
                return malformed("a tuple element without a name");
            node->child_names.push_back(std::move(element));
            node->name += spelling;
            node->name += ' ';
        }
        node->children.push_back(TRY(parse_type()));
        node->name += node->children.back()->name;
    }
    node->name += ')';
    return ChTypePtr(std::move(node));
}

// The server orders alternatives by name, and discriminators count in that order.
Result<ChTypePtr> TypeParser::parse_variant() {
    TRY(expect('('));
    Node node = make_node(ChKind::kVariant, "");
    if (!accept(')')) {
        do {
            node->children.push_back(TRY(parse_type()));
        } while (accept(','));
        TRY(expect(')'));
    }
    auto by_name = [](const ChTypePtr& a, const ChTypePtr& b) { return a->name < b->name; };
    auto same = [](const ChTypePtr& a, const ChTypePtr& b) { return a->name == b->name; };
    std::sort(node->children.begin(), node->children.end(), by_name);
    node->children.erase(std::unique(node->children.begin(), node->children.end(), same),
                         node->children.end());
    if (node->children.size() > kVariantAlternativesMax) return malformed("too many alternatives");
    node->name = join_names("Variant", node->children);
    return ChTypePtr(std::move(node));
}

Result<ChTypePtr> TypeParser::parse_dynamic() {
    Node node = make_node(ChKind::kDynamic, "Dynamic");
    if (accept('(')) {
        node->name += '(';
        node->name += TRY(parse_raw_argument());
        node->name += ')';
        TRY(expect(')'));
    }
    return ChTypePtr(std::move(node));
}

Result<ChTypePtr> TypeParser::parse_json() {
    Node node = make_node(ChKind::kJson, "JSON");
    if (!accept('(')) return ChTypePtr(std::move(node));
    size_t start = at_;
    if (!peek(')')) {
        do {
            TRY(parse_json_argument(*node));
        } while (accept(','));
    }
    node->name += '(';
    node->name += text_.substr(start, at_ - start);
    node->name += ')';
    TRY(expect(')'));
    return ChTypePtr(std::move(node));
}

// name=number, SKIP path, SKIP REGEXP 'text', or path Type. Only the last concerns the codec: the
// values of such a path travel in a column of their own.
Status TypeParser::parse_json_argument(ChType& json) {
    size_t start = at_;
    std::string path;
    TRY(parse_path(path));
    if (peek('=') || path == "SKIP") {
        at_ = start;
        TRY(parse_raw_argument());
        return {};
    }
    json.children.push_back(TRY(parse_type()));
    json.child_names.push_back(std::move(path));
    return {};
}

Result<ChTypePtr> TypeParser::parse_aggregate(std::string_view head) {
    bool simple = head == "SimpleAggregateFunction";
    Node node = make_node(simple ? ChKind::kSimpleAggregateFunction : ChKind::kAggregateFunction,
                          std::string(head));
    TRY(expect('('));
    node->name += '(';
    node->name += TRY(parse_raw_argument());
    while (accept(',')) {
        node->name += ", ";
        if (simple) {
            if (!node->children.empty()) return malformed("expected one type");
            node->children.push_back(TRY(parse_type()));
            node->name += node->children[0]->name;
        } else {
            node->name += TRY(parse_raw_argument());
        }
    }
    TRY(expect(')'));
    node->name += ')';
    if (simple && node->children.empty()) return malformed("expected a type");
    return ChTypePtr(std::move(node));
}

}  // namespace

size_t ChType::width() const {
    switch (kind) {
        case ChKind::kNothing:
        case ChKind::kBool:
        case ChKind::kInt8:
        case ChKind::kUInt8:
        case ChKind::kEnum8:
            return 1;
        case ChKind::kInt16:
        case ChKind::kUInt16:
        case ChKind::kBFloat16:
        case ChKind::kDate:
        case ChKind::kEnum16:
            return 2;
        case ChKind::kInt32:
        case ChKind::kUInt32:
        case ChKind::kFloat32:
        case ChKind::kDecimal32:
        case ChKind::kDate32:
        case ChKind::kDateTime:
        case ChKind::kTime:
        case ChKind::kIpv4:
            return 4;
        case ChKind::kInt64:
        case ChKind::kUInt64:
        case ChKind::kFloat64:
        case ChKind::kDecimal64:
        case ChKind::kDateTime64:
        case ChKind::kTime64:
        case ChKind::kInterval:
            return 8;
        case ChKind::kInt128:
        case ChKind::kUInt128:
        case ChKind::kDecimal128:
        case ChKind::kUuid:
        case ChKind::kIpv6:
            return 16;
        case ChKind::kInt256:
        case ChKind::kUInt256:
        case ChKind::kDecimal256:
            return 32;
        case ChKind::kFixedString:
            return fixed_length;
        case ChKind::kNullable:
        case ChKind::kLowCardinality:
        case ChKind::kSimpleAggregateFunction:
            return children[0]->width();
        case ChKind::kString:
        case ChKind::kArray:
        case ChKind::kTuple:
        case ChKind::kMap:
        case ChKind::kVariant:
        case ChKind::kDynamic:
        case ChKind::kJson:
        case ChKind::kAggregateFunction:
            return 0;
    }
    return 0;
}

const ChType& ChType::value_type() const {
    const ChType* type = this;
    while (type->kind == ChKind::kNullable || type->kind == ChKind::kLowCardinality ||
           type->kind == ChKind::kSimpleAggregateFunction) {
        type = type->children[0].get();
    }
    return *type;
}

bool ChType::nullable() const {
    switch (kind) {
        case ChKind::kNullable:
        case ChKind::kVariant:
        case ChKind::kDynamic:
            return true;
        case ChKind::kLowCardinality:
        case ChKind::kSimpleAggregateFunction:
            return children[0]->nullable();
        default:
            return false;
    }
}

Result<ChTypePtr> parse_clickhouse_type(std::string_view text) {
    if (text.size() > kTypeNameMax)
        return Error(ErrorCode::kLimitExceeded,
                     "type name is longer than " + std::to_string(kTypeNameMax) + " bytes");
    return TypeParser(text).parse_all();
}

ChKind decimal_kind(int precision) {
    if (precision <= 9) return ChKind::kDecimal32;
    if (precision <= 18) return ChKind::kDecimal64;
    if (precision <= 38) return ChKind::kDecimal128;
    return ChKind::kDecimal256;
}

}  // namespace tandem::types
