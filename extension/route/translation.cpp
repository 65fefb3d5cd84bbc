#include "extension/shell/pg.h"

extern "C" {
#include "access/parallel.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "utils/memutils.h"
}

#include "extension/remote/zones.h"
#include "extension/route/decision.h"
#include "extension/route/narrow.h"
#include "extension/route/translation.h"
#include "extension/shell/memory.h"
#include "extension/shell/subtransaction.h"
#include "extension/tree/enum_labels.h"

namespace tandem::shell {

namespace {

struct Building {
    const TranslationWish* wish;
    QueryTree* tree;
};

void build(void* argument) {
    Building* building = static_cast<Building*>(argument);
    const TranslationWish& wish = *building->wish;
    building->tree = build_query_tree(wish.query, wish.parameters, wish.local);
}

// The planner folds constants as well, but knows more by then and skips some: an error here need
// not be one there. In parallel mode there is no way to drop an error; it is raised.
QueryTree* build_without_errors(const TranslationWish& wish, Failure* failure) {
    Building building = {&wish, nullptr};
    if (IsInParallelMode()) {
        build(&building);
        return building.tree;
    }
    ErrorData* error = run_in_subtransaction(build, &building);
    if (error == nullptr) return building.tree;
    set_failure(failure, "constant", psprintf("a constant cannot be computed: %s", error->message),
                "Postgres decides whether it is needed.");
    return nullptr;
}

tandem::List<route::EnumType> labels_of(PgList* enums) {
    route::EnumType* types = make_array<route::EnumType>(list_length(enums));
    uint32_t count = 0;
    ListCell* cell;
    foreach (cell, enums) types[count++] = enum_labels(lfirst_oid(cell));
    return {types, count};
}

bool too_narrow(const route::TranslationResult& result) {
    return result.narrow && is_too_narrow(result.sql.data(), result.sql.size());
}

void free_translation(void* translation) {
    route::translation_free(static_cast<route::Translation*>(translation));
}

route::TranslateOptions options_of(const TranslationWish& wish, const QueryTree* tree) {
    route::TranslateOptions options;
    if (!wish.any_session) {
        options.session_utc = session_is_utc();
        options.zone = text_of(usable_session_zone());
        options.iso_dates = DateStyle == USE_ISO_DATES;
    }
    options.enums = labels_of(tree->enums);
    options.float_any_order = wish.any_float_order;
    options.narrow_sums = true;
    return options;
}

// Freed with the current memory context.
const route::TranslationResult* translate(const QueryTree* tree, route::TranslateOptions options,
                                          Failure* failure) {
    MemoryContextCallback* callback =
        static_cast<MemoryContextCallback*>(palloc0(sizeof(MemoryContextCallback)));
    callback->func = free_translation;
    MemoryContextRegisterResetCallback(CurrentMemoryContext, callback);
    route::Translation* translation = route::translate(*tree->query, options, failure);
    callback->arg = translation;
    if (translation != nullptr && too_narrow(route::translation_result(*translation))) {
        options.narrow_sums = false;
        route::translation_free(translation);
        callback->arg = nullptr;
        translation = route::translate(*tree->query, options, failure);
        callback->arg = translation;
    }
    return translation == nullptr ? nullptr : &route::translation_result(*translation);
}

}  // namespace

bool translate_query(const TranslationWish& wish, Translated* translated, Failure* failure) {
    QueryTree* tree = build_without_errors(wish, failure);
    if (tree == nullptr) return false;
    if (tree->query == nullptr) {
        *failure = tree->failure;
        return false;
    }
    if (tree->tables == NIL) {
        set_failure(failure, "no_table", "the query reads no table", "");
        return false;
    }
    translated->tree = tree;
    translated->result = translate(tree, options_of(wish, tree), failure);
    return translated->result != nullptr;
}

}  // namespace tandem::shell
