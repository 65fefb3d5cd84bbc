// Two passes over tokens: casts are shortened, then clauses are told apart by the words that begin
// them. A word counts only where the innermost open parenthesis is that of a query, so an argument
// or an alias is never taken for a clause; names and strings are single tokens.
#include "route/sql/lay_out.h"

#include <algorithm>
#include <array>
#include <vector>

namespace tandem::route::sql {
namespace {

constexpr size_t kStep = 2;          // per query in a query
constexpr size_t kContinuation = 4;  // lines that a clause goes on in

bool is_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

size_t end_of_quoted(std::string_view sql, size_t at) {
    char quote = sql[at];
    for (++at; at < sql.size(); ++at) {
        if (sql[at] == '\\')
            ++at;
        else if (sql[at] == quote)
            return at + 1;
    }
    return sql.size();
}

size_t end_of_token(std::string_view sql, size_t at) {
    if (sql[at] == '\'' || sql[at] == '`') return end_of_quoted(sql, at);
    if (sql[at] == '{')
        return std::min(sql.size(), sql.find('}', at)) + (sql.find('}', at) != sql.npos);
    if (!is_word(sql[at])) return at + 1;
    while (at < sql.size() && is_word(sql[at])) ++at;
    return at;
}

std::vector<std::string> tokens_of(std::string_view sql) {
    std::vector<std::string> tokens;
    for (size_t at = 0; at < sql.size();) {
        size_t end = end_of_token(sql, at);
        tokens.emplace_back(sql.substr(at, end - at));
        at = end;
    }
    return tokens;
}

using Tokens = std::vector<std::string>;

// The token that closes the parenthesis at `open`, or the end.
size_t closing(const Tokens& tokens, size_t open) {
    int depth = 0;
    for (size_t at = open; at < tokens.size(); ++at) {
        if (tokens[at] == "(") ++depth;
        if (tokens[at] == ")" && --depth == 0) return at;
    }
    return tokens.size();
}

std::string unquoted(std::string_view literal) {
    std::string text;
    for (size_t at = 1; at + 1 < literal.size(); ++at) {
        if (literal[at] == '\\') ++at;
        text += literal[at];
    }
    return text;
}

// A name, a call, a parameter, or something in parentheses: what `::` may follow.
bool is_primary(const Tokens& tokens, size_t begin, size_t end) {
    size_t at = begin;
    if (tokens[at] == "(") return closing(tokens, at) + 1 == end;
    if (tokens[at][0] == '{') return at + 1 == end;
    if (tokens[at][0] != '`' && !is_word(tokens[at][0])) return false;
    while (at + 2 < end && tokens[at + 1] == ".") at += 2;
    ++at;
    return at == end || (tokens[at] == "(" && closing(tokens, at) + 1 == end);
}

// CAST(x, 'T') as x::T.
class Shortener {
  public:
    explicit Shortener(const Tokens& tokens) : in_(tokens) {}

    Tokens run() {
        copy(0, in_.size());
        return std::move(out_);
    }

  private:
    void copy(size_t begin, size_t end) {
        for (size_t at = begin; at < end;) {
            size_t close = in_[at] == "CAST" && at + 1 < end && in_[at + 1] == "("
                               ? closing(in_, at + 1)
                               : end;
            bool is_cast = close < end && close >= at + 6 && in_[close - 1][0] == '\'' &&
                           in_[close - 2] == " " && in_[close - 3] == ",";
            if (!is_cast) {
                out_.push_back(in_[at++]);
                continue;
            }
            cast(at + 2, close - 3, unquoted(in_[close - 1]));
            at = close + 1;
        }
    }

    void cast(size_t begin, size_t end, std::string type) {
        bool primary = is_primary(in_, begin, end);
        if (!primary) out_.emplace_back("(");
        copy(begin, end);
        if (!primary) out_.emplace_back(")");
        out_.push_back("::" + std::move(type));
    }

    const Tokens& in_;
    Tokens out_;
};

class Writer {
  public:
    Writer(const Tokens& tokens, const LayOut& how) : tokens_(tokens), how_(how) {}

    std::string run();

  private:
    // Of an open parenthesis: whether a query is inside, and where its clause was.
    struct Open {
        bool query;
        size_t indent;
    };
    struct Break {
        size_t at;
        size_t depth;
    };

    bool in_query() const { return open_.empty() || open_.back().query; }
    bool word_at(size_t at, std::string_view word) const {
        return at < tokens_.size() && tokens_[at] == word;
    }
    bool begins_clause(size_t at) const;
    void token(size_t at);
    void close();
    void may_break() { breaks_.push_back({line_.size(), open_.size()}); }
    void fit();
    // Ends the line; the next one begins at `indent`.
    void new_line(size_t indent);

    const Tokens& tokens_;
    LayOut how_;
    std::string out_;
    std::string line_;
    size_t line_indent_ = 0;
    size_t indent_ = 0;  // of the clause
    std::vector<Open> open_;
    std::vector<Break> breaks_;
};

bool Writer::begins_clause(size_t at) const {
    constexpr std::array kFirst = {"FROM",  "WHERE",  "GROUP",     "HAVING", "ORDER",   "LIMIT",
                                   "UNION", "EXCEPT", "INTERSECT", "OFFSET", "SETTINGS"};
    constexpr std::array kJoins = {"INNER", "LEFT", "FULL", "CROSS"};
    const std::string& word = tokens_[at];
    if (!in_query()) return false;
    if (std::find(kFirst.begin(), kFirst.end(), word) != kFirst.end()) return true;
    if (word == "SELECT") return at >= 2 && tokens_[at - 2] == "ALL";
    return std::find(kJoins.begin(), kJoins.end(), word) != kJoins.end() && word_at(at + 2, "JOIN");
}

void Writer::new_line(size_t indent) {
    while (!line_.empty() && line_.back() == ' ') line_.pop_back();
    if (!out_.empty()) out_ += "\n" + std::string(how_.indent + line_indent_, ' ');
    out_ += line_;
    line_.clear();
    breaks_.clear();
    line_indent_ = indent;
}

// Breaks a line that is too long where the fewest parentheses are open, as late as possible.
void Writer::fit() {
    size_t used = how_.indent + line_indent_;
    size_t room = how_.width > used + 20 ? how_.width - used : 20;
    if (line_.size() <= room) return;
    const Break* best = nullptr;
    for (const Break& place : breaks_)
        if (place.at <= room && (best == nullptr || place.depth <= best->depth)) best = &place;
    if (best == nullptr) return;
    size_t cut = best->at;
    std::vector<Break> left;
    for (const Break& place : breaks_)
        if (place.at > cut) left.push_back({place.at - cut, place.depth});
    std::string rest = line_.substr(cut);
    line_.resize(cut);
    new_line(indent_ + kContinuation);
    line_ = std::move(rest);
    breaks_ = std::move(left);
}

void Writer::close() {
    if (open_.empty()) {
        line_ += ')';
        return;
    }
    Open open = open_.back();
    open_.pop_back();
    if (open.query) {
        new_line(open.indent);
        indent_ = open.indent;
    }
    line_ += ')';
}

void Writer::token(size_t at) {
    const std::string& text = tokens_[at];
    if (text == "(") {
        bool query = word_at(at + 1, "SELECT");
        open_.push_back({query, indent_});
        line_ += text;
        if (!query) return;
        indent_ += kStep;
        return new_line(indent_);
    }
    if (text == ")") return close();
    if (text == " " && line_.empty()) return;
    if (begins_clause(at)) new_line(indent_);
    if (text == "AND" || text == "OR") may_break();
    line_ += text;
    if (text == " " && at > 0 && tokens_[at - 1] == ",") may_break();
}

std::string Writer::run() {
    for (size_t at = 0; at < tokens_.size(); ++at) {
        if (!how_.settings && open_.empty() && tokens_[at] == "SETTINGS") break;
        token(at);
        // A comma or parenthesis stays with what it follows.
        if (tokens_[at] == " ") fit();
    }
    fit();
    new_line(0);
    return std::move(out_);
}

}  // namespace

std::string lay_out(std::string_view sql, const LayOut& how) {
    Tokens tokens = Shortener(tokens_of(sql)).run();
    return Writer(tokens, how).run();
}

}  // namespace tandem::route::sql
