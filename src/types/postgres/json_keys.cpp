// One pass over the text, which stops when every key was met. What is nested is skipped by counting
// brackets outside of strings.
#include "types/postgres/json_keys.h"

#include <cstring>

namespace tandem::types {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";

// The place behind the string that begins with the quote at `at`; npos when it does not end.
size_t end_of_string(std::string_view text, size_t at) {
    for (++at; at < text.size(); ++at) {
        const void* found = std::memchr(text.data() + at, '"', text.size() - at);
        if (found == nullptr) return std::string_view::npos;
        size_t quote = static_cast<size_t>(static_cast<const char*>(found) - text.data());
        size_t escapes = 0;
        while (quote - escapes > at && text[quote - escapes - 1] == '\\') ++escapes;
        at = quote;
        if (escapes % 2 == 0) return quote + 1;
    }
    return std::string_view::npos;
}

size_t end_of_nested(std::string_view text, size_t at) {
    size_t depth = 0;
    while (at < text.size()) {
        char c = text[at];
        if (c == '"') {
            at = end_of_string(text, at);
            if (at == std::string_view::npos) return at;
            continue;
        }
        ++at;
        if (c == '{' || c == '[') ++depth;
        if ((c == '}' || c == ']') && --depth == 0) return at;
    }
    return std::string_view::npos;
}

struct Token {
    JsonKind kind = JsonKind::kAbsent;
    std::string_view text;
    size_t end = std::string_view::npos;
};

// The value that begins at `at`.
Token token_at(std::string_view text, size_t at) {
    if (at >= text.size()) return {};
    switch (text[at]) {
        case '"': {
            size_t end = end_of_string(text, at);
            if (end == std::string_view::npos) return {};
            return {JsonKind::kString, text.substr(at + 1, end - at - 2), end};
        }
        case '{':
        case '[': {
            size_t end = end_of_nested(text, at);
            if (end == std::string_view::npos) return {};
            JsonKind kind = text[at] == '{' ? JsonKind::kObject : JsonKind::kArray;
            return {kind, text.substr(at, end - at), end};
        }
        default: {
            size_t end = std::min(text.find_first_of(",]}", at), text.size());
            std::string_view word = text.substr(at, end - at);
            if (word == "null") return {JsonKind::kNull, word, end};
            if (word == "true" || word == "false") return {JsonKind::kBoolean, word, end};
            if (word.empty() || word.find_first_not_of("-+.0123456789eE") != word.npos) return {};
            return {JsonKind::kNumber, word, end};
        }
    }
}

// Behind a value: the next one, or the end of what it is in.
bool step(std::string_view text, size_t& at, char close) {
    if (at < text.size() && text[at] == close) {
        at = std::string_view::npos;
        return true;
    }
    if (text.substr(at, 2) != ", ") return false;
    at += 2;
    return true;
}

int hex_digit(char c) {
    if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
    size_t digit = kHex.find(c);
    return digit == std::string_view::npos ? -1 : static_cast<int>(digit);
}

// The code unit of the four digits at `at`, or -1.
int code_unit(std::string_view text, size_t at) {
    if (at + 4 > text.size()) return -1;
    int unit = 0;
    for (size_t i = at; i < at + 4; ++i) {
        int digit = hex_digit(text[i]);
        if (digit < 0) return -1;
        unit = unit * 16 + digit;
    }
    return unit;
}

// In jsonb only control characters are written as \u, which are one byte.
bool unescape(std::string_view text, std::string& out) {
    constexpr std::string_view kLetters = "\"\\/bfnrt";
    constexpr std::string_view kBytes = "\"\\/\b\f\n\r\t";
    out.clear();
    for (size_t at = 0; at < text.size(); ++at) {
        if (text[at] != '\\') {
            out.push_back(text[at]);
            continue;
        }
        if (++at == text.size()) return false;
        if (text[at] == 'u') {
            int unit = code_unit(text, at + 1);
            if (unit <= 0 || unit > 0x7f) return false;
            out.push_back(static_cast<char>(unit));
            at += 4;
            continue;
        }
        size_t letter = kLetters.find(text[at]);
        if (letter == std::string_view::npos) return false;
        out.push_back(kBytes[letter]);
    }
    return true;
}

}  // namespace

std::string json_escaped(std::string_view text) {
    constexpr std::string_view kBytes = "\"\\\b\f\n\r\t";
    constexpr std::string_view kLetters = "\"\\bfnrt";
    std::string result;
    for (char c : text) {
        if (size_t at = kBytes.find(c); at != std::string_view::npos) {
            result += '\\';
            result += kLetters[at];
        } else if (static_cast<unsigned char>(c) < 0x20) {
            result += "\\u00";
            result += kHex[static_cast<unsigned char>(c) >> 4];
            result += kHex[static_cast<unsigned char>(c) & 15];
        } else {
            result += c;
        }
    }
    return result;
}

JsonKeys::JsonKeys(std::span<const std::string> keys) : members_(std::min(keys.size(), kMax)) {
    first_.fill(kNone);
    next_.assign(members_.size(), kNone);
    for (size_t i = 0; i < members_.size(); ++i) {
        keys_.push_back(json_escaped(keys[i]));
        uint8_t& slot = first_[slot_of(keys_.back())];
        next_[i] = slot;
        slot = static_cast<uint8_t>(i);
    }
}

size_t JsonKeys::slot_of(std::string_view key) const {
    if (key.empty()) return 0;
    return (key.size() * 37 + static_cast<unsigned char>(key.front()) * 5 +
            static_cast<unsigned char>(key.back())) &
           255;
}

void JsonKeys::note(std::string_view key, JsonKind kind, std::string_view text) {
    for (uint8_t i = first_[slot_of(key)]; i != kNone; i = next_[i]) {
        if (keys_[i] != key) continue;
        if (members_[i].kind == JsonKind::kAbsent) ++found_;
        members_[i] = {kind, text};
    }
}

void JsonKeys::read_null() {
    for (Member& member : members_) member = {JsonKind::kNoDocument, {}};
}

bool JsonKeys::read(std::string_view document) {
    for (Member& member : members_) member = {};
    found_ = 0;
    if (document.empty()) return true;
    if (document[0] == '{') return read_object(document);
    if (document[0] == '[') return read_array(document);
    Token whole = token_at(document, 0);
    if (whole.end != document.size()) return false;
    if (whole.kind == JsonKind::kString) note(whole.text, JsonKind::kElement, {});
    return true;
}

bool JsonKeys::read_object(std::string_view document) {
    if (document == "{}") return true;
    for (size_t at = 1; at != std::string_view::npos && found_ < keys_.size();) {
        Token key = token_at(document, at);
        if (key.kind != JsonKind::kString || document.substr(key.end, 2) != ": ") return false;
        Token value = token_at(document, key.end + 2);
        if (value.kind == JsonKind::kAbsent) return false;
        note(key.text, value.kind, value.text);
        at = value.end;
        if (!step(document, at, '}')) return false;
    }
    return true;
}

bool JsonKeys::read_array(std::string_view document) {
    if (document == "[]") return true;
    for (size_t at = 1; at != std::string_view::npos && found_ < keys_.size();) {
        Token value = token_at(document, at);
        if (value.kind == JsonKind::kAbsent) return false;
        if (value.kind == JsonKind::kString) note(value.text, JsonKind::kElement, {});
        at = value.end;
        if (!step(document, at, ']')) return false;
    }
    return true;
}

bool append_member(const JsonKeys::Member& member, Column& texts, Column& kinds) {
    switch (member.kind) {
        case JsonKind::kString:
            if (member.text.find('\\') != std::string_view::npos) {
                std::string plain;
                if (!unescape(member.text, plain)) return false;
                texts.append_string(plain);
                break;
            }
            [[fallthrough]];
        case JsonKind::kNumber:
        case JsonKind::kBoolean:
        case JsonKind::kObject:
        case JsonKind::kArray:
            texts.append_string(member.text);
            break;
        default:
            texts.append_null();
    }
    kinds.append_fixed(static_cast<uint8_t>(member.kind));
    return true;
}

}  // namespace tandem::types
