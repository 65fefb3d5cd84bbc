// Network addresses, in the text Postgres writes.
#include <cstdio>

#include "base/bytes.h"
#include "types/postgres/plan.h"

namespace tandem::types {
namespace {

void print_ipv4(const char* bytes, Bytes& out) {
    for (int i = 0; i < 4; ++i) {
        if (i != 0) out.push_back('.');
        append_unsigned(out, static_cast<uint8_t>(bytes[i]));
    }
}

// The longest run of two or more zero groups is left out; addresses that embed an IPv4 address
// end in its dotted form.
void print_ipv6(const char* bytes, Bytes& out) {
    unsigned groups[8];
    for (int i = 0; i < 8; ++i)
        groups[i] = load_big<uint16_t>(bytes + static_cast<ptrdiff_t>(i) * 2);
    int best = -1;
    int best_length = 1;
    for (int i = 0; i < 8;) {
        int end = i;
        while (end < 8 && groups[end] == 0) ++end;
        if (end - i > best_length) {
            best = i;
            best_length = end - i;
        }
        i = end + 1;
    }
    for (int i = 0; i < 8; ++i) {
        if (best >= 0 && i >= best && i < best + best_length) {
            if (i == best) out.push_back(':');
            continue;
        }
        if (i != 0) out.push_back(':');
        bool embeds = i == 6 && best == 0 &&
                      (best_length == 6 || (best_length == 7 && groups[7] != 1) ||
                       (best_length == 5 && groups[5] == 0xffff));
        if (embeds) return print_ipv4(bytes + 12, out);
        char text[8];
        append(out, {text, static_cast<size_t>(std::snprintf(text, sizeof text, "%x", groups[i]))});
    }
    if (best >= 0 && best + best_length == 8) out.push_back(':');
}

uint8_t print_mac(std::string_view value, size_t size, Bytes& out) {
    if (value.size() != size) return kMalformed;
    for (size_t i = 0; i < size; ++i) {
        if (i != 0) out.push_back(':');
        append_hex(out, value.substr(i, 1));
    }
    return kOk;
}

}  // namespace

// Family (2: IPv4, 3: IPv6), bits of the network, whether it is a cidr, bytes, the address.
uint8_t inet_print(const TypePlan&, std::string_view value, Bytes& out) {
    if (value.size() < 4) return kMalformed;
    auto family = static_cast<uint8_t>(value[0]);
    auto bits = static_cast<uint8_t>(value[1]);
    bool cidr = value[2] != 0;
    size_t size = family == 2 ? 4 : 16;
    if ((family != 2 && family != 3) || static_cast<uint8_t>(value[3]) != size ||
        value.size() != 4 + size || bits > size * 8)
        return kMalformed;
    if (family == 2)
        print_ipv4(value.data() + 4, out);
    else
        print_ipv6(value.data() + 4, out);
    if (cidr || bits != size * 8) {
        out.push_back('/');
        append_unsigned(out, bits);
    }
    return kOk;
}

uint8_t macaddr_print(const TypePlan&, std::string_view value, Bytes& out) {
    return print_mac(value, 6, out);
}
uint8_t macaddr8_print(const TypePlan&, std::string_view value, Bytes& out) {
    return print_mac(value, 8, out);
}

}  // namespace tandem::types
