// A small lexer for Postgres' SQL: it knows where literals and comments begin and end, and nothing
// else. What it cannot tell apart it hides: an unfinished literal is a constant to the end.
#pragma once

#include <cstdint>
#include <cstring>

#include "base/boundary.h"

namespace tandem::telemetry {

inline bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

inline bool is_word(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           c == '$' || static_cast<unsigned char>(c) >= 0x80;
}

inline bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

enum class Token : uint8_t { kOther, kComment, kLiteral };

struct Lexer {
    Text sql;
    size_t at = 0;
    bool incomplete = false;

    char peek(size_t ahead = 0) const { return at + ahead < sql.size() ? sql[at + ahead] : '\0'; }

    // Behind the closing quote; doubled ones and, in E'', escaped ones do not close.
    void skip_quoted(char quote, bool escapes) {
        ++at;
        while (at < sql.size()) {
            if (escapes && sql[at] == '\\') {
                at += 2;
            } else if (sql[at] != quote) {
                ++at;
            } else if (peek(1) == quote) {
                at += 2;
            } else {
                ++at;
                return;
            }
        }
        at = sql.size();
        incomplete = true;
    }

    void skip_block_comment() {
        int depth = 0;
        while (at < sql.size()) {
            if (peek() == '/' && peek(1) == '*') {
                ++depth;
                at += 2;
            } else if (peek() == '*' && peek(1) == '/') {
                at += 2;
                if (--depth == 0) return;
            } else {
                ++at;
            }
        }
        incomplete = true;
    }

    // $tag$ ... $tag$; false when the dollar begins none.
    bool skip_dollar_quoted() {
        size_t end = at + 1;
        if (end < sql.size() && is_digit(sql[end])) return false;
        while (end < sql.size() && is_word(sql[end]) && sql[end] != '$') ++end;
        if (end >= sql.size() || sql[end] != '$') return false;
        Text mark = sql.substr(at, end + 1 - at);
        size_t close = sql.find(mark, end + 1);
        incomplete = incomplete || close == Text::npos;
        at = close == Text::npos ? sql.size() : close + mark.size();
        return true;
    }

    void skip_number() {
        bool based = peek() == '0' && is_word(peek(1)) && !is_digit(peek(1)) &&
                     (peek(1) | 0x20) != 'e';  // 0x1F and so on
        while (at < sql.size()) {
            char c = sql[at];
            bool sign = (c == '+' || c == '-') && at > 0 && (sql[at - 1] | 0x20) == 'e' && !based &&
                        is_digit(peek(1));
            bool range = c == '.' && peek(1) == '.';
            if (range || !(is_word(c) || c == '.' || sign)) return;
            ++at;
        }
    }

    // A word, or the literal that a word of one or two letters begins: E'', B'', X'', N'', U&''.
    Token skip_word() {
        char first = static_cast<char>(peek() | 0x20);
        if (std::strchr("ebxn", first) != nullptr && peek(1) == '\'') {
            ++at;
            skip_quoted('\'', first == 'e');
            return Token::kLiteral;
        }
        if (first == 'u' && peek(1) == '&' && (peek(2) == '\'' || peek(2) == '"')) {
            char quote = peek(2);
            at += 2;
            skip_quoted(quote, false);
            return quote == '\'' ? Token::kLiteral : Token::kOther;
        }
        while (at < sql.size() && is_word(sql[at])) ++at;
        return Token::kOther;
    }

    // Moves behind the token at `at`, which is not the end.
    Token next() {
        char c = peek();
        if (c == '-' && peek(1) == '-') {
            while (at < sql.size() && sql[at] != '\n') ++at;
            return Token::kComment;
        }
        if (c == '/' && peek(1) == '*') {
            bool hint = peek(2) == '+';
            skip_block_comment();
            return hint ? Token::kOther : Token::kComment;
        }
        if (c == '\'') return skip_quoted('\'', false), Token::kLiteral;
        if (c == '"') return skip_quoted('"', false), Token::kOther;
        if (c == '$' && skip_dollar_quoted()) return Token::kLiteral;
        if (c == '$' && is_digit(peek(1))) {
            ++at;
            while (is_digit(peek())) ++at;
            return Token::kOther;
        }
        if (is_digit(c) || (c == '.' && is_digit(peek(1)))) return skip_number(), Token::kLiteral;
        if (is_word(c)) return skip_word();
        ++at;
        return Token::kOther;
    }
};

}  // namespace tandem::telemetry
