#include "extension/shell/pg.h"

extern "C" {
#include "access/htup_details.h"
#include "catalog/pg_enum.h"
#include "catalog/pg_type.h"
#include "utils/catcache.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
}

#include "extension/shell/memory.h"
#include "extension/tree/enum_labels.h"

namespace tandem::shell {

namespace {

HeapTuple member(const CatCList* list, int index) {
    return &list->members[index]->tuple;
}

float4 order_of(const CatCList* list, int index) {
    return reinterpret_cast<Form_pg_enum>(GETSTRUCT(member(list, index)))->enumsortorder;
}

}  // namespace

bool is_stable_enum(::Oid type) {
    if (get_typtype(type) != TYPTYPE_ENUM) return false;
    CatCList* list = SearchSysCacheList1(ENUMTYPOIDNAME, ObjectIdGetDatum(type));
    bool stable = list->n_members > 0;
    for (int i = 0; i < list->n_members; ++i)
        if (member(list, i)->t_data->t_infomask & HEAP_UPDATED) stable = false;
    ReleaseSysCacheList(list);
    return stable;
}

route::EnumType enum_labels(::Oid type) {
    route::EnumType result;
    result.type = type;
    result.array_type = get_array_type(type);
    CatCList* list = SearchSysCacheList1(ENUMTYPOIDNAME, ObjectIdGetDatum(type));
    Text* labels = make_array<Text>(static_cast<size_t>(list->n_members));
    for (int i = 0; i < list->n_members; ++i) {
        int place = 0;
        for (int k = 0; k < list->n_members; ++k)
            if (order_of(list, k) < order_of(list, i)) ++place;
        Form_pg_enum form = reinterpret_cast<Form_pg_enum>(GETSTRUCT(member(list, i)));
        labels[place] = text_of(pstrdup(NameStr(form->enumlabel)));
    }
    result.labels = {labels, static_cast<uint32_t>(list->n_members)};
    ReleaseSysCacheList(list);
    return result;
}

}  // namespace tandem::shell
