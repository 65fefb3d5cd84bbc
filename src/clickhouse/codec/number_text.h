// Numbers, dates and addresses as ClickHouse writes them. Internal to value_text.
#pragma once

#include <cstdint>
#include <string>

namespace tandem::clickhouse {

// Little-endian integer of `width` bytes (a multiple of 8, at most 32), two's complement when
// `is_signed`, with the decimal point `scale` digits from the right. Zeros after the point and a
// point with nothing behind it are left out, as the server does.
std::string integer_text(const char* bytes, size_t width, bool is_signed, int scale);

std::string float_text(double value);
std::string float_text(float value);

std::string date_text(int64_t days);
// Ticks of 10^-scale seconds since the epoch, in UTC.
std::string instant_text(int64_t ticks, int scale);
std::string duration_text(int64_t ticks, int scale);
std::string uuid_text(const char* bytes);
std::string ipv4_text(uint32_t address);
std::string ipv6_text(const char* bytes);

}  // namespace tandem::clickhouse
