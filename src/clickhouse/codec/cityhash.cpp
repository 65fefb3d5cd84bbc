#include "clickhouse/codec/cityhash.h"

#include <utility>

#include "base/bytes.h"

namespace tandem::clickhouse {
namespace {

constexpr uint64_t kK0 = 0xc3a5c85c97cb3127ULL;
constexpr uint64_t kK1 = 0xb492b66fbe98f273ULL;
constexpr uint64_t kK2 = 0x9ae16a3b2f90404fULL;
constexpr uint64_t kK3 = 0xc949d7c7509e6557ULL;

uint64_t fetch64(const char* p) {
    return load_little<uint64_t>(p);
}
uint64_t fetch32(const char* p) {
    return load_little<uint32_t>(p);
}
uint64_t rotate(uint64_t v, int shift) {
    return shift == 0 ? v : (v >> shift) | (v << (64 - shift));
}
uint64_t shift_mix(uint64_t v) {
    return v ^ (v >> 47);
}

uint64_t hash_len_16(uint64_t u, uint64_t v) {
    constexpr uint64_t kMul = 0x9ddfea08eb382d69ULL;
    uint64_t a = (u ^ v) * kMul;
    a ^= a >> 47;
    uint64_t b = (v ^ a) * kMul;
    b ^= b >> 47;
    return b * kMul;
}

uint64_t hash_len_0_to_16(const char* s, size_t len) {
    if (len > 8) {
        uint64_t a = fetch64(s);
        uint64_t b = fetch64(s + len - 8);
        return hash_len_16(a, rotate(b + len, static_cast<int>(len))) ^ b;
    }
    if (len >= 4) return hash_len_16(len + (fetch32(s) << 3), fetch32(s + len - 4));
    if (len > 0) {
        auto a = static_cast<uint8_t>(s[0]);
        auto b = static_cast<uint8_t>(s[len >> 1]);
        auto c = static_cast<uint8_t>(s[len - 1]);
        uint64_t y = a + (static_cast<uint64_t>(b) << 8);
        uint64_t z = len + (static_cast<uint64_t>(c) << 2);
        return shift_mix(y * kK2 ^ z * kK3) * kK2;
    }
    return kK2;
}

using Pair = std::pair<uint64_t, uint64_t>;

Pair weak_hash_32(const char* s, uint64_t a, uint64_t b) {
    uint64_t w = fetch64(s);
    uint64_t x = fetch64(s + 8);
    uint64_t y = fetch64(s + 16);
    uint64_t z = fetch64(s + 24);
    a += w;
    b = rotate(b + a + z, 21);
    uint64_t c = a;
    a += x;
    a += y;
    b += rotate(a, 44);
    return {a + z, b + c};
}

Hash128 city_murmur(const char* s, size_t len, uint64_t a, uint64_t b) {
    uint64_t c = 0;
    uint64_t d = 0;
    if (len <= 16) {
        a = shift_mix(a * kK1) * kK1;
        c = b * kK1 + hash_len_0_to_16(s, len);
        d = shift_mix(a + (len >= 8 ? fetch64(s) : c));
    } else {
        c = hash_len_16(fetch64(s + len - 8) + kK1, a);
        d = hash_len_16(b + len, c + fetch64(s + len - 16));
        a += d;
        for (size_t left = len; left > 16; left -= 16, s += 16) {
            a ^= shift_mix(fetch64(s) * kK1) * kK1;
            a *= kK1;
            b ^= a;
            c ^= shift_mix(fetch64(s + 8) * kK1) * kK1;
            c *= kK1;
            d ^= c;
        }
    }
    a = hash_len_16(a, c);
    b = hash_len_16(d, b);
    return {a ^ b, hash_len_16(b, a)};
}

// The 56 bytes of state of the long form.
struct State {
    uint64_t x, y, z;
    Pair v, w;

    void mix(const char* s) {
        x = rotate(x + y + v.first + fetch64(s + 16), 37) * kK1;
        y = rotate(y + v.second + fetch64(s + 48), 42) * kK1;
        x ^= w.second;
        y ^= v.first;
        z = rotate(z ^ w.first, 33);
        v = weak_hash_32(s, v.second * kK1, x + w.first);
        w = weak_hash_32(s + 32, z + w.second, y);
        std::swap(z, x);
    }
};

Hash128 hash_with_seed(const char* s, size_t len, uint64_t seed_low, uint64_t seed_high) {
    if (len < 128) return city_murmur(s, len, seed_low, seed_high);
    State st;
    st.x = seed_low;
    st.y = seed_high;
    st.z = len * kK1;
    st.v.first = rotate(st.y ^ kK1, 49) * kK1 + fetch64(s);
    st.v.second = rotate(st.v.first, 42) * kK1 + fetch64(s + 8);
    st.w.first = rotate(st.y + st.z, 35) * kK1 + st.x;
    st.w.second = rotate(st.x + fetch64(s + 88), 53) * kK1;
    for (; len >= 128; len -= 128, s += 128) {
        st.mix(s);
        st.mix(s + 64);
    }
    st.y += rotate(st.w.first, 37) * kK0 + st.z;
    st.x += rotate(st.v.first + st.z, 49) * kK0;
    for (size_t done = 0; done < len;) {
        done += 32;
        st.y = rotate(st.y - st.x, 42) * kK0 + st.v.second;
        st.w.first += fetch64(s + len - done + 16);
        st.x = rotate(st.x, 49) * kK0 + st.w.first;
        st.w.first += st.v.first;
        st.v = weak_hash_32(s + len - done, st.v.first, st.v.second);
    }
    st.x = hash_len_16(st.x, st.v.first);
    st.y = hash_len_16(st.y, st.w.first);
    return {hash_len_16(st.x + st.v.second, st.w.second) + st.y,
            hash_len_16(st.x + st.w.second, st.y + st.v.second)};
}

}  // namespace

Hash128 cityhash128(const char* s, size_t len) {
    if (len >= 16) return hash_with_seed(s + 16, len - 16, fetch64(s) ^ kK3, fetch64(s + 8));
    if (len >= 8)
        return hash_with_seed(nullptr, 0, fetch64(s) ^ (len * kK0), fetch64(s + len - 8) ^ kK1);
    return hash_with_seed(s, len, kK0, kK1);
}

}  // namespace tandem::clickhouse
