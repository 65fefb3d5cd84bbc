#include "route/facade.h"

#include <charconv>
#include <cstring>
#include <memory>

#include "base/barrier.h"
#include "route/sql/lay_out.h"
#include "route/sql/print.h"
#include "route/translate/translator.h"
#include "sqltext/quote.h"
#include "sqltext/stored_relation.h"

namespace tandem::route {

struct Translation {
    Output output;
    std::vector<std::vector<Text>> columns;
    std::vector<UsedRelation> relations;
    TranslationResult result;
};

namespace {

void publish(Translation& translation) {
    const Output& output = translation.output;
    translation.columns.reserve(output.relations.size());
    for (const RelationUse& use : output.relations) {
        const auto& columns =
            translation.columns.emplace_back(use.columns.begin(), use.columns.end());
        translation.relations.push_back(
            {use.table, {columns.data(), static_cast<uint32_t>(columns.size())}});
    }
    auto list = [](const auto& items) {
        return List<typename std::decay_t<decltype(items)>::value_type>{
            items.data(), static_cast<uint32_t>(items.size())};
    };
    translation.result = {.sql = output.sql,
                          .columns = list(output.columns),
                          .replacements = list(output.replacements),
                          .constants = list(output.constants),
                          .relations = list(translation.relations),
                          .sorted = output.sorted,
                          .limited = output.limited,
                          .any_order = output.any_order,
                          .narrow = output.narrow,
                          .raises = output.raises,
                          .needs_utc = output.needs_utc,
                          .zone = output.zone,
                          .needs_iso = output.needs_iso};
}

void fill_refusal(Failure* failure, const Error& error, Reason reason) {
    fill_failure(failure, error);
    if (error.code() != ErrorCode::kNotRoutable) return;
    copy_text(failure->code, sizeof failure->code, reason_info(reason).code);
    copy_text(failure->advice, sizeof failure->advice, reason_info(reason).advice);
}

}  // namespace

Translation* translate(const Query& query, const TranslateOptions& options,
                       Failure* failure) noexcept {
    return barrier(failure, static_cast<Translation*>(nullptr), [&]() -> Translation* {
        Translator translator(options);
        Status status = translator.translate(query);
        if (!status.ok()) {
            fill_refusal(failure, status.error(), translator.reason());
            return nullptr;
        }
        auto translation = std::make_unique<Translation>();
        translation->output = translator.take();
        if (translation->output.narrow && translation->output.united) {
            // A part that overflows could fail after another part's rows were sent.
            TranslateOptions wide = options;
            wide.narrow_sums = false;
            return translate(query, wide, failure);
        }
        publish(*translation);
        return translation.release();
    });
}

const TranslationResult& translation_result(const Translation& translation) noexcept {
    return translation.result;
}

void translation_free(Translation* translation) noexcept {
    delete translation;
}

namespace {

std::vector<std::string> names(const char* const* list, uint32_t count) {
    return {list, list + count};
}

std::string bound(const BoundRelation& relation) {
    if (relation.source != nullptr) return relation.source;
    if (relation.position == 0) return sqltext::ch_qualified(relation.database, relation.main);
    std::vector<std::string> keys = names(relation.keys, relation.key_count);
    std::vector<std::string> columns = names(relation.columns, relation.column_count);
    std::string position = std::to_string(relation.position);
    std::string oldest = std::to_string(relation.oldest);
    sqltext::StoredRelation stored;
    stored.database = relation.database;
    stored.main = relation.main;
    stored.delta = relation.delta;
    stored.keys = keys;
    stored.columns = columns;
    stored.position = position;
    stored.oldest = oldest;
    stored.delta_empty = relation.delta_empty;
    stored.folded_to = relation.folded_to;
    std::vector<sqltext::LeafSeen> leaves;
    for (uint32_t i = 0; i < relation.cut_count; ++i)
        leaves.push_back(
            {relation.cuts[i].leaf, relation.cuts[i].cut, false, relation.cuts[i].loaded});
    stored.leaves = leaves;
    return "(" + sqltext::stored_relation(stored) + ")";
}

int64_t hand_out(const std::string& text, char* out, size_t capacity) {
    if (text.size() < capacity) std::memcpy(out, text.c_str(), text.size() + 1);
    return static_cast<int64_t>(text.size());
}

}  // namespace

int64_t bind_relations(const char* sql, const BoundRelation* relations, uint32_t count, char* out,
                       size_t capacity) noexcept {
    Failure failure = {};
    return barrier(&failure, int64_t{-1}, [&]() -> int64_t {
        std::string text;
        std::string_view rest = sql;
        for (;;) {
            size_t place = rest.find(sql::kPlace);
            text += rest.substr(0, place);
            if (place == std::string_view::npos) break;
            rest.remove_prefix(place + 1);
            uint32_t number = 0;
            auto [end, error] = std::from_chars(rest.begin(), rest.end(), number);
            if (error != std::errc() || number >= count) return -1;
            text += bound(relations[number]);
            rest.remove_prefix(static_cast<size_t>(end - rest.begin()) + 1);
        }
        return hand_out(text, out, capacity);
    });
}

int64_t lay_out(const char* sql, uint32_t indent, bool settings, char* out,
                size_t capacity) noexcept {
    Failure failure = {};
    return barrier(&failure, int64_t{-1}, [&] {
        sql::LayOut how;
        how.indent = indent;
        how.settings = settings;
        return hand_out(sql::lay_out(sql, how), out, capacity);
    });
}

}  // namespace tandem::route
