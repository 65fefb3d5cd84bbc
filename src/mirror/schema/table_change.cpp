// A Relation message says how rows arrive, not what happened to the table: that is worked out from
// the message, the table as it was known and the catalog as it is now, which may be ahead of the
// stream. What cannot be told apart (dropped and added under one name, say) ends in a new load.
#include "mirror/schema/table_change.h"

#include <algorithm>

#include "mirror/schema/source_types.h"

namespace tandem::mirror {
namespace {

using postgres::ColumnInfo;
using postgres::Relation;
using postgres::RelationColumn;
using postgres::TableInfo;

Error changed(const Table& table, const std::string& what) {
    return Error(ErrorCode::kSchemaChanged, table.label() + ": " + what);
}

bool in_relation(const Relation& relation, std::string_view name) {
    return std::any_of(relation.columns.begin(), relation.columns.end(),
                       [&](const RelationColumn& column) { return column.name == name; });
}

// varchar and text hold the same bytes; every other change of type may change values.
bool same_values(Oid a, Oid b) {
    auto is_text = [](Oid oid) { return oid.value == 25 || oid.value == 1043; };
    return a == b || (is_text(a) && is_text(b));
}

class Resolver {
  public:
    Resolver(const TablePtr& table, const Relation& relation, const TableInfo& info,
             const postgres::TypeMap& types, CatalogIs catalog)
        : before_(*table), relation_(relation), info_(info), types_(types), catalog_(catalog) {
        result_.change.before = table;
    }

    Result<Resolution> run() {
        after_ = std::make_shared<Table>(before_);
        after_->schema = info_.schema;
        after_->name = info_.name;
        after_->columns.clear();
        for (const TableColumn& column : before_.columns) TRY(keep_or_drop(column));
        for (const RelationColumn& column : relation_.columns) TRY(add_if_new(column));
        std::sort(after_->columns.begin(), after_->columns.end(),
                  [](const TableColumn& a, const TableColumn& b) { return a.attnum < b.attnum; });
        for (size_t i = 0; i < after_->columns.size(); ++i)
            if (int position = after_->columns[i].key_position; position > 0)
                after_->key[static_cast<size_t>(position - 1)] = i;
        result_.change.after = after_;
        TRY(make_layout());
        TRY(check_order());
        TRY(check_names());
        if (before_.keyless()) TRY(check_same_values());
        return std::move(result_);
    }

  private:
    Status keep_or_drop(const TableColumn& known) {
        const ColumnInfo* now = info_.column(known.attnum);
        if (now == nullptr) {
            if (info_.column(std::string_view(known.name)) != nullptr)
                return changed(before_, "column " + known.name + " was dropped and added again");
            if (in_relation(relation_, known.name)) {  // dropped later than this message
                after_->columns.push_back(known);
                return {};
            }
            if (known.is_key())
                return changed(before_, "key column " + known.name + " was dropped");
            result_.change.dropped.push_back(known);
            std::erase_if(after_->json_keys,
                          [&](const JsonKey& key) { return key.attnum == known.attnum; });
            return {};
        }
        TableColumn kept = known;
        if (now->name != known.name && in_relation(relation_, now->name)) {
            // Names that are handed on cannot be followed one by one: half of it done, a column
            // would pass for another.
            if (before_.column(now->name))
                return changed(before_, "column " + known.name + " took the name of another");
            result_.change.renamed.push_back({known, now->name});
            kept.name = kept.target_name = now->name;
        } else if (now->name != known.name && !in_relation(relation_, known.name)) {
            return changed(before_, "column " + known.name + " was renamed more than once");
        }
        TRY(check_type(kept, *now));
        after_->columns.push_back(std::move(kept));
        return {};
    }

    // The message decides about the type; the catalog may be ahead.
    Status check_type(TableColumn& kept, const ColumnInfo& now) {
        for (const RelationColumn& column : relation_.columns) {
            if (column.name != kept.name) continue;
            if (!same_values(column.type, kept.type))
                return changed(before_, "type of column " + kept.name + " changed");
        }
        if (!same_values(now.type, kept.type)) return {};  // a later message will tell
        TableColumn mapped = TRY(map_column(types_, now, kept.key_position));
        if (mapped.mapping.type->name == kept.mapping.type->name) {
            kept.type = now.type;
            kept.typmod = now.typmod;
            return {};
        }
        if (mapped.mapping.type->name == "Nullable(" + kept.mapping.type->name + ")") {
            kept.mapping = mapped.mapping;
            kept.source_type = mapped.source_type;
            result_.change.retyped.push_back(kept);
            return {};
        }
        if (kept.mapping.nullable && !mapped.mapping.nullable) return {};  // SET NOT NULL
        return changed(before_, "column " + kept.name + " would become " +
                                    mapped.mapping.type->name + ", was " + kept.mapping.type->name);
    }

    Status add_if_new(const RelationColumn& column) {
        std::string name(column.name);
        if (after_->column(name)) return {};
        const ColumnInfo* now = info_.column(std::string_view(name));
        if (now == nullptr) {
            if (catalog_ == CatalogIs::behind)
                return changed(before_, "column " + name + " is not in the catalog yet");
            // Dropped later, unless the catalog has a column that this one may have become.
            for (const ColumnInfo& other : info_.columns)
                if (!in_relation(relation_, other.name) && !known(other.attnum))
                    return changed(before_, "column " + name + " was added and then renamed");
            return {};
        }
        if (now->generated != 0) return {};
        if (now->type != column.type || now->typmod != column.typmod)
            return changed(before_, "column " + name + " was added and then changed its type");
        if (now->attnum <= before_.natts)
            return changed(before_, "column " + name + " was there before and not mirrored");
        TRY(check_older_ones(*now));
        if (now->has_default && !now->missing_value)
            return changed(before_, "column " + name +
                                        " was added with a default that differs from row to row");
        AddedColumn added;
        added.column = TRY(map_column(types_, *now, 0));
        added.old_value = now->missing_value;
        after_->natts = std::max(after_->natts, static_cast<int>(now->attnum));
        after_->columns.push_back(added.column);
        result_.change.added.push_back(std::move(added));
        return {};
    }

    // Columns come in the order of their numbers. One between what is known and the new one that is
    // gone by now, or that the message does not name, may be the one that the message means.
    Status check_older_ones(const ColumnInfo& added) const {
        if (catalog_ == CatalogIs::of_that_place) return {};
        for (int attnum = before_.natts + 1; attnum < added.attnum; ++attnum) {
            const ColumnInfo* other = info_.column(static_cast<int16_t>(attnum));
            if (other == nullptr || (other->generated == 0 && !in_relation(relation_, other->name)))
                return changed(before_,
                               "column " + added.name + " may be another one of that name");
        }
        return {};
    }

    // The message lists columns by their numbers; those of a partition are its own.
    Status check_order() const {
        if (relation_.oid != before_.relid) return {};
        int last = -1;
        for (int column : result_.layout.columns) {
            if (column < 0) continue;
            if (column < last)
                return changed(before_,
                               "columns " + after_->columns[static_cast<size_t>(last)].name +
                                   " and " + after_->columns[static_cast<size_t>(column)].name +
                                   " exchanged their names");
            last = column;
        }
        return {};
    }

    // A message that has a column nobody knows and lacks one that is known speaks of names that are
    // gone: which is which cannot be told.
    Status check_names() const {
        const RelationColumn* unknown = nullptr;
        for (size_t i = 0; i < relation_.columns.size(); ++i) {
            const RelationColumn& column = relation_.columns[i];
            const ColumnInfo* now = info_.column(std::string_view(column.name));
            if (result_.layout.columns[i] < 0 && (now == nullptr || now->generated == 0))
                unknown = &column;
        }
        if (unknown == nullptr) return {};
        for (const TableColumn& column : after_->columns)
            if (!in_relation(relation_, column.name))
                return changed(before_, "column " + std::string(unknown->name) +
                                            " of an older schema may be " + column.name + " now");
        return {};
    }

    // Rows without a key are found by all their values: those that are stored do not have a column
    // that is new, and have one that is gone.
    Status check_same_values() const {
        if (result_.change.added.empty() && result_.change.dropped.empty() &&
            result_.layout.columns.size() == after_->columns.size())
            return {};
        return changed(before_, "the table has no key and got other columns");
    }

    bool known(int16_t attnum) const {
        return std::any_of(before_.columns.begin(), before_.columns.end(),
                           [&](const TableColumn& column) { return column.attnum == attnum; });
    }

    Status make_layout() {
        result_.layout.table = after_;
        std::vector<bool> present(after_->columns.size(), false);
        result_.layout.columns.reserve(relation_.columns.size());
        for (const RelationColumn& column : relation_.columns) {
            auto at = after_->column(column.name);
            result_.layout.columns.push_back(at ? static_cast<int>(*at) : -1);
            if (at) present[*at] = true;
        }
        for (size_t key : after_->key)
            if (!present[key])
                return changed(before_,
                               "key column " + after_->columns[key].name + " is not published");
        return {};
    }

    const Table& before_;
    const Relation& relation_;
    const TableInfo& info_;
    const postgres::TypeMap& types_;
    const CatalogIs catalog_;
    std::shared_ptr<Table> after_;
    Resolution result_;
};

// Whether old rows, which come whole, are still told apart as they were: by the primary key, or by
// all their values. A table that has got a key meanwhile may go on without.
Status check_full(const Table& table, const TableInfo& info) {
    if (table.keyless() || info.replica_identity != postgres::ReplicaIdentity::full) return {};
    std::vector<int16_t> key;
    for (size_t column : table.key) key.push_back(table.columns[column].attnum);
    return key == info.primary_key && !info.primary_key_lazy
               ? Status()
               : changed(table, "the primary key changed");
}

// What tells rows apart must still be what it was when the table in ClickHouse was made.
Status check_key(const Table& table, const Relation& relation, const TableInfo& info) {
    if (relation.replica_identity == 'f') return check_full(table, info);
    if (table.keyless()) return changed(table, "REPLICA IDENTITY is FULL no more");
    if (relation.replica_identity == 'n') {
        // It has an identity again; what was published without one cannot be followed.
        if (info.replica_identity != postgres::ReplicaIdentity::nothing)
            return changed(table, "REPLICA IDENTITY was NOTHING meanwhile");
        return Error(ErrorCode::kNoReplicaIdentity,
                     table.label() + " has REPLICA IDENTITY NOTHING");
    }
    size_t keys = 0;
    for (const RelationColumn& column : relation.columns) {
        if (!column.key) continue;
        ++keys;
        auto at = table.column(column.name);
        if (!at || !table.columns[*at].is_key())
            return changed(table, "column " + std::string(column.name) + " joined the key");
    }
    if (keys == 0)
        return Error(ErrorCode::kNoReplicaIdentity, table.label() + " has no primary key any more");
    if (keys != table.key.size()) return changed(table, "the key lost a column");
    return {};
}

}  // namespace

Result<Resolution> resolve_relation(const TablePtr& table, const Relation& relation,
                                    const std::optional<TableInfo>& info,
                                    const postgres::TypeMap& types, CatalogIs catalog) {
    if (!info) return changed(*table, "the table was dropped");
    Resolution resolution = TRY(Resolver(table, relation, *info, types, catalog).run());
    TRY(check_key(*resolution.change.after, relation, *info));
    return resolution;
}

}  // namespace tandem::mirror
