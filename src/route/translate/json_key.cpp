// Keys of jsonb documents that the mirror keeps as columns: the text that ->> gives, as Postgres
// has it, and what it is of. Nothing is parsed and nothing fails the query.
//
// Where something else stands for the document than the column of a table as it is stored (a
// subquery's column, a grouping set that leaves it out), it is parsed as ever.
#include <algorithm>

#include "route/translate/translator.h"
#include "route/translate/walk.h"
#include "types/postgres/json_keys.h"

namespace tandem::route {
namespace {

// The numbers in the SQL below.
using types::JsonKind;
static_assert(static_cast<int>(JsonKind::kNull) == 1 && static_cast<int>(JsonKind::kString) == 2 &&
              static_cast<int>(JsonKind::kNumber) == 3 &&
              static_cast<int>(JsonKind::kBoolean) == 4 &&
              static_cast<int>(JsonKind::kObject) == 5 && static_cast<int>(JsonKind::kArray) == 6 &&
              static_cast<int>(JsonKind::kElement) == 7 &&
              static_cast<int>(JsonKind::kNoDocument) == 8);

}  // namespace

Translator::StoredKey Translator::stored_key(const Expr& document, std::string_view key) const {
    if (document.kind != ExprKind::kColumn || document.levels_up != levels_below_ ||
        scope_->over_cells || is_absent(document) || document.relation >= scope_->sources.size())
        return {};
    auto is_document = [&](const Expr* other) { return same_expr(*other, document); };
    bool stood_for = std::any_of(scope_->cells.begin(), scope_->cells.end(), is_document) ||
                     std::any_of(scope_->keys.begin(), scope_->keys.end(),
                                 [&](const auto& one) { return is_document(one.first); });
    const Source& source = scope_->sources[document.relation];
    if (stood_for || source.relation->kind != RelationKind::kTable) return {};
    bool trusted = std::any_of(source.relation->columns.begin(), source.relation->columns.end(),
                               [&](const MirroredColumn& column) {
                                   return column.attnum == document.attnum &&
                                          (column.exact || column.as_text) &&
                                          class_of(column.type) == Class::kJsonb;
                               });
    if (!trusted) return {};
    for (const JsonKeyColumns& columns : source.relation->json_keys)
        if (columns.attnum == document.attnum && columns.key == key) return {&source, &columns};
    return {};
}

// Of document ->> 'key', -> and #> of one key.
Translator::StoredKey Translator::stored_key(const Expr& part) {
    JsonPath path;
    if (!json_path(part, path) || path.steps.size() != 1 || !path.array_steps.empty()) return {};
    return stored_key(*path.document, path.last_key);
}

Result<Value> Translator::key_text(const StoredKey& key) {
    MirroredColumn column;
    column.name = key.columns->text;
    column.target_type = "Nullable(String)";
    column.type = oid::kText;
    column.exact = true;
    return table_column(*key.source, column);
}

const sql::Node* Translator::key_kind(const StoredKey& key) {
    note_column(*key.source, key.columns->kind);
    return through(*key.source, sql_.column(key.source->number, key.columns->kind));
}

// As json_scalar(): documents are not shown, and equal fractions may be written in different ways.
Result<Value> Translator::key_scalar(const StoredKey& key) {
    Value text = TRY(key_text(key));
    const Node* node = sql_.form(
        "multiIf($1 = 2, $3, $1 = 4, $2, $1 = 3 AND position($2, '.') = 0, $2, throwIf(ifNull($1 "
        "IN (3, 5, 6), 0)) = 0, if($1 = 1, 'null', NULL), NULL)",
        {key_kind(key), text.node, json_quoted(text.node)}, {}, {}, true);
    return Value{.node = node, .cls = Class::kJsonb};
}

Value Translator::key_typeof(const StoredKey& key) {
    const Node* name = sql_.form(
        "multiIf($1 = 1, 'null', $1 = 2, 'string', $1 = 3, 'number', $1 = 4, 'boolean', $1 = 5, "
        "'object', $1 = 6, 'array', NULL)",
        {key_kind(key)});
    return Value{.node = name, .cls = Class::kText};
}

Value Translator::key_null_test(const StoredKey& key, bool is_null) {
    const Node* test = sql_.form(is_null ? "CAST(ifNull($1 NOT BETWEEN 1 AND 6, 1), 'Bool')"
                                         : "CAST(ifNull($1 BETWEEN 1 AND 6, 0), 'Bool')",
                                 {key_kind(key)});
    return Value{.node = test, .cls = Class::kBool, .nullable = false};
}

// What is no number, or no boolean, is an error.
Result<Value> Translator::key_cast(const StoredKey& key, const Expr& expr) {
    Value text = TRY(key_text(key));
    bool boolean = expr.type == oid::kBool;
    const Node* wrong = sql_.form(boolean ? "ifNull($1 BETWEEN 1 AND 6 AND $1 != 4, 0)"
                                          : "ifNull($1 BETWEEN 1 AND 6 AND $1 != 3, 0)",
                                  {key_kind(key)});
    if (boolean)
        return Value{.node = sql_.guarded(
                         wrong, sql_.cast(sql_.form("$1 = 'true'", {text.node}), "Nullable(Bool)")),
                     .cls = Class::kBool};
    Value number = number_of_text({.node = sql_.guarded(wrong, text.node), .cls = Class::kText});
    if (expr.type == oid::kNumeric) return number;
    std::optional<Value> cast = TRY(numeric_cast(expr, expr.name, {&number, 1}));
    if (!cast) return refuse(Reason::kCast, "jsonb to this type");
    return *cast;
}

// document ?, ?| and ?& keys; nothing when one of them has no column.
std::optional<Value> Translator::keys_there(const Expr& document,
                                            const std::vector<std::string_view>& keys, bool all) {
    std::vector<StoredKey> stored;
    stored.reserve(keys.size());
    for (std::string_view key : keys) stored.push_back(stored_key(document, key));
    if (stored.empty() ||
        !std::all_of(stored.begin(), stored.end(), [](const StoredKey& one) { return bool(one); }))
        return std::nullopt;
    Nodes tests;
    for (const StoredKey& one : stored)
        tests.push_back(sql_.form("nullIf($1, 8) != 0", {key_kind(one)}));
    const Node* node = sql_.form(all ? "($&)" : "($|)", std::move(tests));
    return Value{.node = sql_.cast(node, "Nullable(Bool)"), .cls = Class::kBool};
}

}  // namespace tandem::route
