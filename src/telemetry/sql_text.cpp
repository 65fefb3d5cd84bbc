#include "telemetry/sql_text.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "telemetry/sql_lexer.h"

namespace tandem::telemetry {

namespace {

struct Writer {
    char* out;
    size_t room;
    size_t size = 0;
    bool cut = false;

    void put(Text text) {
        if (cut) return;
        cut = text.size() > room - size;
        if (cut) text = cut_utf8(text, room - size);
        std::memcpy(out + size, text.data(), text.size());
        size += text.size();
    }
    // One blank for what was taken out and the blanks around it, none at the ends.
    void put_behind_gap(Text text) {
        if (gap && is_space(text.front())) return;
        if (gap && size > 0 && !is_space(out[size - 1])) put(" ");
        gap = false;
        put(text);
    }
    bool gap = false;
};

// Which tokens are replaced: those at the places, else every literal.
struct Constants {
    const List<int32_t>* places;
    uint32_t next = 0;

    // Whether a constant begins in [from, to); what lies before is passed over.
    bool take(size_t from, size_t to, Token token) {
        if (places == nullptr) return token == Token::kLiteral;
        while (next < places->size && (*places)[next] < static_cast<int64_t>(from)) ++next;
        if (next == places->size || (*places)[next] >= static_cast<int64_t>(to)) return false;
        ++next;
        return true;
    }
};

void skip_signed_number(Lexer* lexer) {
    while (lexer->at < lexer->sql.size()) {
        size_t before = lexer->at;
        bool blank = is_space(lexer->sql[before]);
        Token token = lexer->next();
        if (token == Token::kLiteral) return;
        if (blank || token == Token::kComment) continue;
        lexer->at = before;
        return;
    }
}

// The highest n of a $n in the text.
int highest_in(Text sql) {
    Lexer lexer{sql};
    int highest = 0;
    while (lexer.at < sql.size()) {
        size_t from = lexer.at;
        Token token = lexer.next();
        if (token != Token::kOther || sql[from] != '$') continue;
        int number = 0;
        constexpr int kSensible = 100'000;
        for (size_t i = from + 1; i < lexer.at && number < kSensible; ++i)
            number = number * 10 + (sql[i] - '0');
        highest = std::max(highest, number);
    }
    return highest;
}

}  // namespace

Text cut_utf8(Text text, size_t size) noexcept {
    if (text.size() <= size) return text;
    while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80) --size;
    return text.substr(0, size);
}

Normalised normalise(Text sql, const List<int32_t>* constants, int highest_parameter, char* out,
                     size_t out_size) noexcept {
    Lexer lexer{sql};
    Writer writer{out, out_size};
    Constants wanted{constants};
    int parameter = std::max(highest_parameter, constants == nullptr ? highest_in(sql) : 0);
    while (lexer.at < sql.size() && !writer.cut) {
        size_t from = lexer.at;
        Token token = lexer.next();
        if (token == Token::kComment) {
            writer.gap = true;
        } else if (wanted.take(from, lexer.at, token) ||
                   (lexer.incomplete && token == Token::kLiteral)) {
            // A negative number is one constant that begins with its sign.
            if (sql[from] == '-') skip_signed_number(&lexer);
            char name[16];
            int size = std::snprintf(name, sizeof name, "$%d", ++parameter);
            writer.put_behind_gap({name, static_cast<size_t>(size)});
        } else if (!is_space(sql[from]) || writer.size > 0) {
            writer.put_behind_gap(sql.substr(from, lexer.at - from));
        }
    }
    while (writer.size > 0 && (is_space(out[writer.size - 1]) || out[writer.size - 1] == ';'))
        --writer.size;
    return {writer.size, writer.cut, lexer.incomplete};
}

int64_t fingerprint(Text text) noexcept {
    uint64_t hash = 0xcbf29ce484222325;
    for (char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    hash ^= hash >> 32;
    return hash == 0 ? 1 : static_cast<int64_t>(hash);
}

Text tags_comment(Text sql) noexcept {
    while (!sql.empty() && is_space(sql.front())) sql.remove_prefix(1);
    while (!sql.empty() && (is_space(sql.back()) || sql.back() == ';')) sql.remove_suffix(1);
    Text comment;
    if (sql.ends_with("*/")) {
        size_t begin = sql.rfind("/*");
        if (begin != Text::npos) comment = sql.substr(begin + 2, sql.size() - begin - 4);
    }
    if (comment.find("='") == Text::npos && sql.starts_with("/*")) {
        size_t end = sql.find("*/");
        if (end != Text::npos) comment = sql.substr(2, end - 2);
    }
    return comment.find("='") == Text::npos || comment.starts_with("+") ? Text() : comment;
}

bool next_tag(Text* comment, Text* key, Text* value) noexcept {
    while (!comment->empty() && (is_space(comment->front()) || comment->front() == ','))
        comment->remove_prefix(1);
    size_t equals = comment->find('=');
    if (equals == Text::npos || equals == 0) return false;
    *key = comment->substr(0, equals);
    while (!key->empty() && is_space(key->back())) key->remove_suffix(1);
    comment->remove_prefix(equals + 1);
    while (!comment->empty() && is_space(comment->front())) comment->remove_prefix(1);
    if (comment->empty() || comment->front() != '\'') return false;
    size_t end = 1;
    while (end < comment->size() && (*comment)[end] != '\'') end += (*comment)[end] == '\\' ? 2 : 1;
    if (end >= comment->size()) return false;
    *value = comment->substr(1, end - 1);
    comment->remove_prefix(end + 1);
    return true;
}

size_t decode_tag(Text text, char* out) noexcept {
    auto hex = [](char c) {
        if (is_digit(c)) return c - '0';
        char lower = static_cast<char>(c | 0x20);
        return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
    };
    size_t size = 0;
    for (size_t i = 0; i < text.size(); ++i) {
        char c = text[i];
        if (c == '\\' && i + 1 < text.size()) {
            c = text[++i];
        } else if (c == '%' && i + 2 < text.size() && hex(text[i + 1]) >= 0 &&
                   hex(text[i + 2]) >= 0) {
            c = static_cast<char>(hex(text[i + 1]) * 16 + hex(text[i + 2]));
            i += 2;
        }
        out[size++] = c;
    }
    return size;
}

}  // namespace tandem::telemetry
