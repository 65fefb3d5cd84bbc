#include "route/translate/pattern.h"

#include <bitset>
#include <vector>

namespace tandem::route {
namespace {

// Characters: those of ASCII by their number, all others together as the last one.
using Characters = std::bitset<129>;

// One character that may be repeated.
struct Item {
    Characters characters;
    int least = 1;
    int most = 1;  // -1: any number
};

// What a pattern is a row of, for ordered().
struct Piece {
    enum class Kind { kItem, kOptional, kBorder } kind = Kind::kItem;
    Item item = {};         // of kItem
    bool optional = false;  // in a group that may be left out
};

constexpr std::string_view kPlain = " _-@:/,;#%&=~<>!'\"`\n\t";
constexpr std::string_view kEscapable = ".$^*+?()|[]{}\\-/@:,;#%&=~<>!'\" ";
constexpr int kRepeatMax = 255;

bool is_letter_or_digit(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

class Parser {
  public:
    Parser(std::string_view text, bool ignore_case) : text_(text), ignore_case_(ignore_case) {}

    std::optional<Pattern> run();

  private:
    bool branches(int depth);
    bool branch(int depth);
    bool group(int depth);
    bool character(Characters& set);
    bool escape(Characters& set, bool in_class);
    bool bracket(Characters& set);
    bool bracket_member(Characters& set);
    bool named_class(Characters& set);
    bool repeat(Item* item, bool of_group);
    bool number(int& value);
    bool same_extent() const;
    bool ordered() const;
    void close_group(size_t start, bool captures, int depth, const Item& times);
    bool leave_out(size_t start, bool captures);
    void add(Characters& set, char c) const;

    bool at_end() const { return at_ == text_.size(); }
    char peek() const { return at_end() ? '\0' : text_[at_]; }

    std::string_view text_;
    bool ignore_case_;
    size_t at_ = 0;
    Pattern pattern_;
    std::vector<Item> items_;
    std::vector<Piece> pieces_;
    bool simple_ = true;   // neither alternatives nor repeated groups
    bool ordered_ = true;  // nothing that pieces_ cannot say
    bool closed_ = false;
};

void Parser::add(Characters& set, char c) const {
    set.set(static_cast<unsigned char>(c));
    if (!ignore_case_) return;
    if (c >= 'a' && c <= 'z') set.set(static_cast<unsigned char>(c - 'a' + 'A'));
    if (c >= 'A' && c <= 'Z') set.set(static_cast<unsigned char>(c - 'A' + 'a'));
}

bool Parser::named_class(Characters& set) {
    struct Named {
        std::string_view name;
        std::string_view members;
    };
    constexpr Named kNamed[] = {
        {"[:digit:]", "0123456789"},
        {"[:space:]", " \t\n\v\f\r"},
        {"[:alpha:]", "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"},
        {"[:alnum:]", "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"},
        {"[:upper:]", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"},
        {"[:lower:]", "abcdefghijklmnopqrstuvwxyz"},
    };
    for (const Named& one : kNamed) {
        if (!text_.substr(at_).starts_with(one.name)) continue;
        at_ += one.name.size();
        pattern_.re2 += one.name;
        pattern_.classes = true;
        pattern_.letters = pattern_.letters || one.members.size() > 10;
        for (char c : one.members) add(set, c);
        return true;
    }
    return false;
}

// Behind a backslash.
bool Parser::escape(Characters& set, bool in_class) {
    if (at_end()) return false;
    char c = text_[at_++];
    if (kEscapable.find(c) != std::string_view::npos) {
        add(set, c);
        pattern_.re2 += c == ' ' ? std::string(" ") : std::string("\\") + c;
        return true;
    }
    if (c == 'n' || c == 't' || c == 'r') {
        set.set(c == 'n' ? '\n' : c == 't' ? '\t' : '\r');
        pattern_.re2 += std::string("\\") + c;
        return true;
    }
    constexpr std::string_view kClasses = "dswDSW";
    if (kClasses.find(c) == std::string_view::npos) return false;
    bool opposite = c >= 'A' && c <= 'Z';
    if (in_class && opposite) return false;
    Characters members;
    if (c == 's' || c == 'S') {
        for (char space : std::string_view(" \t\n\v\f\r")) members.set(static_cast<size_t>(space));
        pattern_.re2 += c == 's' ? "[:space:]" : "[^[:space:]]";
        if (c == 's' && !in_class) pattern_.re2.replace(pattern_.re2.size() - 9, 9, "[[:space:]]");
    } else {
        for (int i = 0; i < 128; ++i) {
            char one = static_cast<char>(i);
            bool digit = one >= '0' && one <= '9';
            bool word = is_letter_or_digit(one) || one == '_';
            if (c == 'd' || c == 'D' ? digit : word) members.set(static_cast<size_t>(i));
        }
        pattern_.re2 += std::string("\\") + c;
    }
    pattern_.classes = true;
    pattern_.letters = pattern_.letters || c == 'w' || c == 'W';
    set |= opposite ? ~members : members;
    return true;
}

bool Parser::bracket_member(Characters& set) {
    char c = text_[at_];
    if (c == '[') return named_class(set);
    if (c == '\\') {
        ++at_;
        return escape(set, true);
    }
    if (static_cast<unsigned char>(c) >= 128) return false;
    ++at_;
    bool range = peek() == '-' && at_ + 1 < text_.size() && text_[at_ + 1] != ']';
    if (!range) {
        if (!is_letter_or_digit(c) && std::string_view("^&~|-").find(c) != std::string_view::npos)
            pattern_.re2 += '\\';
        pattern_.re2 += c;
        add(set, c);
        return true;
    }
    // Of letters and of digits only: the order of anything else is the locale's.
    char last = text_[at_ + 1];
    bool alike = is_letter_or_digit(c) && is_letter_or_digit(last) && (c <= '9') == (last <= '9') &&
                 (c <= 'Z') == (last <= 'Z') && c <= last;
    if (!alike) return false;
    at_ += 2;
    pattern_.re2 += std::string(1, c) + "-" + last;
    for (char one = c; one <= last; ++one) add(set, one);
    return true;
}

bool Parser::bracket(Characters& set) {
    ++at_;
    bool opposite = peek() == '^';
    pattern_.re2 += opposite ? "[^" : "[";
    if (opposite) ++at_;
    if (peek() == ']') return false;
    while (!at_end() && peek() != ']')
        if (!bracket_member(set)) return false;
    if (at_end()) return false;
    ++at_;
    pattern_.re2 += ']';
    if (opposite) set = ~set;
    return true;
}

bool Parser::character(Characters& set) {
    char c = text_[at_];
    if (c == '[') return bracket(set);
    if (c == '\\') {
        ++at_;
        return escape(set, false);
    }
    if (c == '.') {
        ++at_;
        set.set();
        pattern_.re2 += '.';
        return true;
    }
    if (!is_letter_or_digit(c) && kPlain.find(c) == std::string_view::npos) return false;
    ++at_;
    add(set, c);
    pattern_.re2 += c;
    return true;
}

bool Parser::number(int& value) {
    size_t start = at_;
    value = 0;
    while (!at_end() && peek() >= '0' && peek() <= '9' && value <= kRepeatMax)
        value = value * 10 + (text_[at_++] - '0');
    return at_ > start && value <= kRepeatMax;
}

// What may follow a character or a group: *, +, ?, {m}, {m,}, {m,n}, and none of them twice.
bool Parser::repeat(Item* item, bool of_group) {
    char c = peek();
    int least = 1;
    int most = 1;
    size_t start = at_;
    if (c == '*' || c == '+' || c == '?') {
        ++at_;
        least = c == '+' ? 1 : 0;
        most = c == '?' ? 1 : -1;
    } else if (c == '{') {
        ++at_;
        if (!number(least)) return false;
        most = least;
        if (peek() == ',') {
            ++at_;
            most = -1;
            if (peek() != '}' && !number(most)) return false;
        }
        if (peek() != '}' || (most >= 0 && most < least)) return false;
        ++at_;
    } else {
        return true;
    }
    pattern_.re2 += text_.substr(start, at_ - start);
    if (of_group) simple_ = false;
    if (item != nullptr) {
        item->least = least;
        item->most = most;
    }
    return std::string_view("*+?{").find(peek()) == std::string_view::npos || at_end();
}

bool Parser::group(int depth) {
    ++at_;
    bool captures = true;
    pattern_.re2 += '(';
    if (peek() == '?') {
        if (!text_.substr(at_).starts_with("?:")) return false;
        at_ += 2;
        pattern_.re2 += "?:";
        captures = false;
    }
    if (captures) ++pattern_.groups;
    size_t start = pieces_.size();
    if (peek() == ')' || !branches(depth + 1) || peek() != ')') return false;
    ++at_;
    pattern_.re2 += ')';
    Item times;
    if (!repeat(&times, true)) return false;
    close_group(start, captures, depth, times);
    return true;
}

// The pieces since `start` are there or not: longer first on both sides, as only the last of them
// has an open length, and never empty, so that what is not there is not taken for it.
bool Parser::leave_out(size_t start, bool captures) {
    bool something = false;
    for (size_t i = start; i < pieces_.size(); ++i) {
        Piece& piece = pieces_[i];
        if (piece.kind != Piece::Kind::kItem) return false;
        if (piece.item.least != piece.item.most && i + 1 < pieces_.size()) return false;
        something = something || piece.item.least > 0;
        piece.optional = true;
    }
    constexpr int kGroupsMax = 64;
    if (captures && pattern_.groups < kGroupsMax)
        pattern_.optional_groups |= uint64_t{1} << pattern_.groups;
    return something && pattern_.groups < kGroupsMax;
}

// The pieces since `start` are a group.
void Parser::close_group(size_t start, bool captures, int depth, const Item& times) {
    bool once = times.least == 1 && times.most == 1;
    bool maybe = times.least == 0 && times.most == 1;
    if (captures) {
        ordered_ = ordered_ && (once || (maybe && leave_out(start, true))) && depth == 0;
        pieces_.insert(pieces_.begin() + static_cast<std::ptrdiff_t>(start),
                       Piece{.kind = Piece::Kind::kBorder});
        pieces_.push_back({.kind = Piece::Kind::kBorder});
        return;
    }
    if (once) return;
    ordered_ = ordered_ && maybe && leave_out(start, false);
    pieces_.resize(start);
    pieces_.push_back({.kind = Piece::Kind::kOptional});
}

bool Parser::branch(int depth) {
    size_t start = at_;
    while (!at_end() && peek() != '|' && peek() != ')') {
        char c = peek();
        if (c == '^' || c == '$') {
            // Anchors at the ends of the whole.
            bool at_border = depth == 0 && (c == '^' ? at_ == 0 : at_ + 1 == text_.size());
            if (!at_border) return false;
            if (c == '$') closed_ = true;
            ++at_;
            pattern_.re2 += c;
            continue;
        }
        if (c == '(') {
            if (!group(depth)) return false;
            continue;
        }
        Item item;
        if (!character(item.characters) || !repeat(&item, false)) return false;
        items_.push_back(item);
        pieces_.push_back({.item = item});
    }
    return at_ > start;
}

bool Parser::branches(int depth) {
    size_t start = at_;
    if (!branch(depth)) return false;
    while (peek() == '|' && !at_end()) {
        simple_ = false;
        ordered_ = false;
        // Where an anchor stands beside alternatives it belongs to one of them only.
        if (depth == 0 && (text_[start] == '^' || text_.back() == '$')) return false;
        ++at_;
        pattern_.re2 += '|';
        if (!branch(depth)) return false;
    }
    return true;
}

// Each repeated character ends where the next one, which is not optional, begins: there is one way
// to read a text only.
bool Parser::same_extent() const {
    if (!simple_) return false;
    for (size_t i = 0; i + 1 < items_.size(); ++i) {
        if (items_[i].least == items_[i].most) continue;
        const Item& next = items_[i + 1];
        if (next.least == 0 || (items_[i].characters & next.characters).any()) return false;
    }
    return true;
}

// A match that ends with the text has one length on both sides. How it is shared out: Postgres
// gives the groups that it remembers, and what is between them, as much as possible from left to
// right; RE2 does so with each piece. It comes to the same where of the pieces between two borders
// only the last one can have another length.
bool Parser::ordered() const {
    if (!ordered_ || !closed_) return false;
    for (size_t i = 0; i + 1 < pieces_.size(); ++i) {
        const Piece& piece = pieces_[i];
        const Piece& next = pieces_[i + 1];
        bool fixed = piece.kind == Piece::Kind::kItem && piece.item.least == piece.item.most;
        if (piece.kind == Piece::Kind::kBorder || next.kind == Piece::Kind::kBorder || fixed)
            continue;
        bool ends = piece.kind == Piece::Kind::kItem && next.kind == Piece::Kind::kItem &&
                    next.item.least > 0 && !(piece.item.characters & next.item.characters).any();
        if (!ends) return false;
    }
    return true;
}

std::optional<Pattern> Parser::run() {
    // A director in front changes the dialect.
    if (text_.empty() || text_.starts_with("***")) return std::nullopt;
    if (!branches(0) || !at_end()) return std::nullopt;
    pattern_.ignore_case = ignore_case_;
    bool in_order = ordered();
    pattern_.same_extent = same_extent() || in_order;
    for (const Piece& piece : pieces_)
        if (in_order && piece.kind == Piece::Kind::kItem && piece.item.least > 0 && !piece.optional)
            pattern_.may_be_empty = false;
    for (const Item& item : items_)
        if (item.least > 0 && simple_) pattern_.may_be_empty = false;
    pattern_.re2.insert(0, ignore_case_ ? "(?si)" : "(?s)");
    return pattern_;
}

}  // namespace

std::optional<Pattern> translate_pattern(std::string_view text, bool ignore_case) {
    return Parser(text, ignore_case).run();
}

std::optional<std::string> translate_replacement(std::string_view text, int groups) {
    std::string result;
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\\') {
            result += text[i];
            continue;
        }
        if (++i == text.size()) return std::nullopt;
        char c = text[i];
        if (c == '\\')
            result += "\\\\";
        else if (c == '&')
            result += "\\0";
        else if (c >= '1' && c <= '9' && c - '0' <= groups)
            result += std::string("\\") + c;
        else
            return std::nullopt;
    }
    return result;
}

}  // namespace tandem::route
