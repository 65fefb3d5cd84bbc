// Geometric types: float8 coordinates, big-endian.
#include "base/bytes.h"
#include "types/postgres/plan.h"

namespace tandem::types {
namespace {

double coordinate(const char* at) {
    return std::bit_cast<double>(load_big<uint64_t>(at));
}

void print_pair(const char* at, Bytes& out) {
    out.push_back('(');
    append_float(out, coordinate(at));
    out.push_back(',');
    append_float(out, coordinate(at + 8));
    out.push_back(')');
}

void print_points(const char* at, size_t count, Bytes& out) {
    for (size_t i = 0; i < count; ++i) {
        if (i != 0) out.push_back(',');
        print_pair(at + i * 16, out);
    }
}

// An int32 count and that many points.
uint8_t print_list(std::string_view value, std::string_view marks, Bytes& out) {
    if (value.size() < 4) return kMalformed;
    size_t count = load_big<uint32_t>(value.data());
    if (value.size() - 4 != count * 16) return kMalformed;
    out.push_back(marks[0]);
    print_points(value.data() + 4, count, out);
    out.push_back(marks[1]);
    return kOk;
}

}  // namespace

uint8_t point_print(const TypePlan&, std::string_view value, Bytes& out) {
    if (value.size() != 16) return kMalformed;
    print_pair(value.data(), out);
    return kOk;
}

uint8_t line_print(const TypePlan&, std::string_view value, Bytes& out) {
    if (value.size() != 24) return kMalformed;
    for (size_t i = 0; i < 3; ++i) {
        out.push_back(i == 0 ? '{' : ',');
        append_float(out, coordinate(value.data() + i * 8));
    }
    out.push_back('}');
    return kOk;
}

uint8_t lseg_print(const TypePlan&, std::string_view value, Bytes& out) {
    if (value.size() != 32) return kMalformed;
    out.push_back('[');
    print_points(value.data(), 2, out);
    out.push_back(']');
    return kOk;
}

uint8_t box_print(const TypePlan&, std::string_view value, Bytes& out) {
    if (value.size() != 32) return kMalformed;
    print_points(value.data(), 2, out);
    return kOk;
}

uint8_t path_print(const TypePlan&, std::string_view value, Bytes& out) {
    if (value.empty()) return kMalformed;
    return print_list(value.substr(1), value[0] != 0 ? "()" : "[]", out);
}

uint8_t polygon_print(const TypePlan&, std::string_view value, Bytes& out) {
    return print_list(value, "()", out);
}

uint8_t circle_print(const TypePlan&, std::string_view value, Bytes& out) {
    if (value.size() != 24) return kMalformed;
    out.push_back('<');
    print_pair(value.data(), out);
    out.push_back(',');
    append_float(out, coordinate(value.data() + 16));
    out.push_back('>');
    return kOk;
}

}  // namespace tandem::types
