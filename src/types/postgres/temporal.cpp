// Dates and times. Postgres counts from 2000-01-01, ClickHouse from 1970-01-01; both count days in
// 32 and microseconds in 64 bits.
#include <charconv>
#include <limits>

#include "base/bytes.h"
#include "types/postgres/plan.h"

namespace tandem::types {
namespace {

constexpr int64_t kEpochDays = 10957;  // from 1970-01-01 to 2000-01-01
constexpr int64_t kMicrosPerSecond = 1'000'000;
constexpr int64_t kMicrosPerDay = 86'400 * kMicrosPerSecond;
// What Date32 and DateTime64 hold: 1900-01-01 to 2299-12-31, in days from 1970.
constexpr int64_t kFirstDay = -25567;
constexpr int64_t kLastDay = 120529;

struct Civil {
    int64_t year;
    unsigned month;
    unsigned day;
};

// Days from 1970-01-01 in the proleptic Gregorian calendar and back, by the usual shift of the
// year to March.
Civil civil_from_days(int64_t days) {
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    auto day_of_era = static_cast<unsigned>(days - era * 146097);
    unsigned year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    unsigned shifted = (5 * day_of_year + 2) / 153;
    unsigned month = shifted < 10 ? shifted + 3 : shifted - 9;
    return {static_cast<int64_t>(year_of_era) + era * 400 + (month <= 2 ? 1 : 0), month,
            day_of_year - (153 * shifted + 2) / 5 + 1};
}

int64_t days_from_civil(Civil civil) {
    int64_t year = civil.year - (civil.month <= 2 ? 1 : 0);
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    auto year_of_era = static_cast<unsigned>(year - era * 400);
    unsigned shifted = civil.month > 2 ? civil.month - 3 : civil.month + 9;
    unsigned day_of_year = (153 * shifted + 2) / 5 + civil.day - 1;
    unsigned day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + static_cast<int64_t>(day_of_era) - 719468;
}

// Reads digits and marks of a text from the left.
class Reader {
  public:
    explicit Reader(std::string_view text) : text_(text) {}
    bool number(int64_t& value) {
        auto parsed = std::from_chars(text_.data(), text_.data() + text_.size(), value);
        if (parsed.ec != std::errc() || text_.starts_with('-')) return false;
        text_.remove_prefix(static_cast<size_t>(parsed.ptr - text_.data()));
        return true;
    }
    bool mark(std::string_view mark) {
        if (!text_.starts_with(mark)) return false;
        text_.remove_prefix(mark.size());
        return true;
    }
    // Up to six digits behind a point, as microseconds.
    bool fraction(int64_t& micros) {
        micros = 0;
        if (!mark(".")) return true;
        int digits = 0;
        for (; digits < 6 && !text_.empty() && text_[0] >= '0' && text_[0] <= '9'; ++digits) {
            micros = micros * 10 + (text_[0] - '0');
            text_.remove_prefix(1);
        }
        for (int i = digits; i < 6; ++i) micros *= 10;
        return digits > 0;
    }
    bool empty() const { return text_.empty(); }

  private:
    std::string_view text_;
};

bool read_date(Reader& reader, Civil& civil) {
    int64_t month = 0;
    int64_t day = 0;
    if (!reader.number(civil.year) || !reader.mark("-") || !reader.number(month) ||
        !reader.mark("-") || !reader.number(day))
        return false;
    civil.month = static_cast<unsigned>(month);
    civil.day = static_cast<unsigned>(day);
    return month >= 1 && month <= 12 && day >= 1 && day <= 31 && civil.year >= 1 &&
           civil.year < 10'000'000;
}

bool read_time(Reader& reader, int64_t& micros) {
    int64_t hour = 0;
    int64_t minute = 0;
    int64_t second = 0;
    int64_t fraction = 0;
    if (!reader.number(hour) || !reader.mark(":") || !reader.number(minute) || !reader.mark(":") ||
        !reader.number(second) || !reader.fraction(fraction))
        return false;
    if (hour > 24 || minute > 59 || second > 60) return false;
    micros = ((hour * 60 + minute) * 60 + second) * kMicrosPerSecond + fraction;
    return true;
}

// "+05:30", "-08", "+00": seconds east of Greenwich.
bool read_zone(Reader& reader, int64_t& seconds) {
    bool west = reader.mark("-");
    if (!west && !reader.mark("+")) return false;
    seconds = 0;
    for (int64_t unit : {3600, 60, 1}) {
        int64_t part = 0;
        if (unit != 3600 && !reader.mark(":")) break;
        if (!reader.number(part) || part > 59) return false;
        seconds += part * unit;
    }
    if (west) seconds = -seconds;
    return true;
}

uint8_t append_day(int64_t day, Column& column) {
    if (day < kFirstDay || day > kLastDay) return kOutOfRange;
    column.append_fixed(static_cast<int32_t>(day));
    return kOk;
}

uint8_t append_moment(int64_t micros, Column& column) {
    if (micros < kFirstDay * kMicrosPerDay || micros >= (kLastDay + 1) * kMicrosPerDay)
        return kOutOfRange;
    column.append_fixed(micros);
    return kOk;
}

void print_date(Bytes& out, Civil civil) {
    append_padded(out, static_cast<uint64_t>(civil.year > 0 ? civil.year : 1 - civil.year), 4);
    out.push_back('-');
    append_padded(out, civil.month, 2);
    out.push_back('-');
    append_padded(out, civil.day, 2);
}

void print_time(Bytes& out, uint64_t micros) {
    const uint64_t seconds = micros / kMicrosPerSecond;
    append_padded(out, seconds / 3600, 2);
    out.push_back(':');
    append_padded(out, seconds / 60 % 60, 2);
    out.push_back(':');
    append_padded(out, seconds % 60, 2);
    const uint64_t fraction = micros % kMicrosPerSecond;
    if (fraction == 0) return;
    out.push_back('.');
    append_padded(out, fraction, 6);
    while (out[out.size() - 1] == '0') out.truncate(out.size() - 1);
}

// Microseconds since `epoch`, a day counted from 1970. Postgres' own range does not fit 1970.
void print_moment(Bytes& out, int64_t micros, int64_t epoch, std::string_view zone) {
    int64_t day = micros / kMicrosPerDay;
    int64_t rest = micros % kMicrosPerDay;
    if (rest < 0) {  // times count up from midnight
        --day;
        rest += kMicrosPerDay;
    }
    Civil civil = civil_from_days(day + epoch);
    print_date(out, civil);
    out.push_back(' ');
    print_time(out, static_cast<uint64_t>(rest));
    append(out, zone);
    if (civil.year <= 0) append(out, " BC");
}

constexpr int64_t kLast = std::numeric_limits<int64_t>::max();
constexpr int64_t kFirst = std::numeric_limits<int64_t>::min();

uint8_t append_timestamp(std::string_view value, Column& column) {
    if (value.size() != 8) return kMalformed;
    auto micros = load_big<int64_t>(value.data());
    if (micros == kLast || micros == kFirst) return kInfinity;
    if (__builtin_add_overflow(micros, kEpochDays * kMicrosPerDay, &micros)) return kOutOfRange;
    return append_moment(micros, column);
}

uint8_t append_timestamp_text(std::string_view text, bool with_zone, Column& column) {
    if (text == "infinity" || text == "-infinity") return kInfinity;
    Reader reader(text);
    Civil civil = {};
    int64_t time = 0;
    int64_t zone = 0;
    if (!read_date(reader, civil) || !reader.mark(" ") || !read_time(reader, time))
        return kMalformed;
    if (with_zone && !read_zone(reader, zone)) return kMalformed;
    if (reader.mark(" BC")) civil.year = 1 - civil.year;
    if (!reader.empty()) return kMalformed;
    if (civil.year > 3000 || civil.year < 0) return kOutOfRange;
    return append_moment(days_from_civil(civil) * kMicrosPerDay + time - zone * kMicrosPerSecond,
                         column);
}

uint8_t print_timestamp(std::string_view value, std::string_view zone, Bytes& out) {
    if (value.size() != 8) return kMalformed;
    auto micros = load_big<int64_t>(value.data());
    if (micros == kLast) return append(out, "infinity"), kOk;
    if (micros == kFirst) return append(out, "-infinity"), kOk;
    print_moment(out, micros, kEpochDays, zone);
    return kOk;
}

// One of years, months and days of an interval: " -3 days".
void print_part(Bytes& out, int64_t value, std::string_view unit, bool& first, bool& negative) {
    if (value == 0) return;
    if (!first) out.push_back(' ');
    if (negative && value > 0) out.push_back('+');
    append_integer(out, value);
    out.push_back(' ');
    append(out, unit);
    if (value != 1) out.push_back('s');
    negative = value < 0;
    first = false;
}

}  // namespace

uint8_t date_append_binary(const TypePlan&, std::string_view value, Column& column) {
    if (value.size() != 4) return kMalformed;
    auto day = load_big<int32_t>(value.data());
    if (day == std::numeric_limits<int32_t>::max() || day == std::numeric_limits<int32_t>::min())
        return kInfinity;
    return append_day(day + kEpochDays, column);
}
uint8_t date_append_text(const TypePlan&, std::string_view text, Column& column) {
    if (text == "infinity" || text == "-infinity") return kInfinity;
    Reader reader(text);
    Civil civil = {};
    if (!read_date(reader, civil)) return kMalformed;
    if (reader.mark(" BC")) civil.year = 1 - civil.year;
    if (!reader.empty()) return kMalformed;
    return append_day(days_from_civil(civil), column);
}
uint8_t date_print(const TypePlan&, std::string_view value, Bytes& out) {
    if (value.size() != 4) return kMalformed;
    auto day = load_big<int32_t>(value.data());
    if (day == std::numeric_limits<int32_t>::max()) return append(out, "infinity"), kOk;
    if (day == std::numeric_limits<int32_t>::min()) return append(out, "-infinity"), kOk;
    Civil civil = civil_from_days(day + kEpochDays);
    print_date(out, civil);
    if (civil.year <= 0) append(out, " BC");
    return kOk;
}
void date_reverse(const TypePlan&, const Column& column, size_t row, Bytes& out) {
    print_date(out, civil_from_days(column.fixed<int32_t>(row)));
}

uint8_t time_append_binary(const TypePlan&, std::string_view value, Column& column) {
    if (value.size() != 8) return kMalformed;
    auto micros = load_big<int64_t>(value.data());
    if (micros < 0 || micros > kMicrosPerDay) return kMalformed;
    column.append_fixed(micros);
    return kOk;
}
uint8_t time_append_text(const TypePlan&, std::string_view text, Column& column) {
    Reader reader(text);
    int64_t micros = 0;
    if (!read_time(reader, micros) || !reader.empty() || micros > kMicrosPerDay) return kMalformed;
    column.append_fixed(micros);
    return kOk;
}
uint8_t time_print(const TypePlan&, std::string_view value, Bytes& out) {
    if (value.size() != 8) return kMalformed;
    auto micros = load_big<int64_t>(value.data());
    if (micros < 0 || micros > kMicrosPerDay) return kMalformed;
    print_time(out, static_cast<uint64_t>(micros));
    return kOk;
}
void time_reverse(const TypePlan&, const Column& column, size_t row, Bytes& out) {
    print_time(out, column.fixed<uint64_t>(row));
}

uint8_t timestamp_append_binary(const TypePlan&, std::string_view value, Column& column) {
    return append_timestamp(value, column);
}
uint8_t timestamp_append_text(const TypePlan&, std::string_view text, Column& column) {
    return append_timestamp_text(text, false, column);
}
uint8_t timestamp_print(const TypePlan&, std::string_view value, Bytes& out) {
    return print_timestamp(value, "", out);
}
void timestamp_reverse(const TypePlan&, const Column& column, size_t row, Bytes& out) {
    print_moment(out, column.fixed<int64_t>(row), 0, "");
}

uint8_t timestamptz_append_binary(const TypePlan&, std::string_view value, Column& column) {
    return append_timestamp(value, column);
}
uint8_t timestamptz_append_text(const TypePlan&, std::string_view text, Column& column) {
    return append_timestamp_text(text, true, column);
}
uint8_t timestamptz_print(const TypePlan&, std::string_view value, Bytes& out) {
    return print_timestamp(value, "+00", out);
}
void timestamptz_reverse(const TypePlan&, const Column& column, size_t row, Bytes& out) {
    print_moment(out, column.fixed<int64_t>(row), 0, "+00");
}

uint8_t timetz_print(const TypePlan&, std::string_view value, Bytes& out) {
    if (value.size() != 12) return kMalformed;
    auto micros = load_big<int64_t>(value.data());
    int64_t east = -static_cast<int64_t>(load_big<int32_t>(value.data() + 8));
    if (micros < 0 || micros > kMicrosPerDay) return kMalformed;
    print_time(out, static_cast<uint64_t>(micros));
    out.push_back(east < 0 ? '-' : '+');
    auto zone = static_cast<uint64_t>(east < 0 ? -east : east);
    append_padded(out, zone / 3600, 2);
    if (zone % 3600 == 0) return kOk;
    out.push_back(':');
    append_padded(out, zone / 60 % 60, 2);
    if (zone % 60 == 0) return kOk;
    out.push_back(':');
    append_padded(out, zone % 60, 2);
    return kOk;
}

uint8_t interval_print(const TypePlan&, std::string_view value, Bytes& out) {
    if (value.size() != 16) return kMalformed;
    auto micros = load_big<int64_t>(value.data());
    auto days = load_big<int32_t>(value.data() + 8);
    auto months = load_big<int32_t>(value.data() + 12);
    // COMPAT(pg17): infinite intervals.
    constexpr int32_t kMost = std::numeric_limits<int32_t>::max();
    constexpr int32_t kLeast = std::numeric_limits<int32_t>::min();
    if (micros == kLast && days == kMost && months == kMost) return append(out, "infinity"), kOk;
    if (micros == kFirst && days == kLeast && months == kLeast)
        return append(out, "-infinity"), kOk;
    bool first = true;
    bool negative = false;
    print_part(out, months / 12, "year", first, negative);
    print_part(out, months % 12, "mon", first, negative);
    print_part(out, days, "day", first, negative);
    if (micros == 0 && !first) return kOk;
    if (!first) out.push_back(' ');
    if (micros < 0)
        out.push_back('-');
    else if (negative)
        out.push_back('+');
    print_time(out, micros < 0 ? uint64_t{0} - static_cast<uint64_t>(micros)
                               : static_cast<uint64_t>(micros));
    return kOk;
}

}  // namespace tandem::types
