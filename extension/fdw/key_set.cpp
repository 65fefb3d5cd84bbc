#include "extension/shell/pg.h"

extern "C" {
#include "utils/array.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
}

#include "extension/fdw/key_set.h"
#include "extension/shell/memory.h"

namespace tandem::shell {

namespace {

constexpr int kFirstSlots = 256;

void make_slots(KeySet* set, int count) {
    set->slots = make_array<int>(static_cast<size_t>(count));
    for (int i = 0; i < count; ++i) set->slots[i] = -1;
    set->slot_count = count;
}

}  // namespace

void prepare_keys(KeySet* set, Oid type) {
    set->type = type;
    get_typlenbyvalalign(type, &set->length, &set->by_value, &set->alignment);
}

void start_keys(KeySet* set) {
    set->count = 0;
    make_slots(set, kFirstSlots);
    set->values = make_array<Datum>(kFirstSlots / 2);
}

namespace {

// The place of the value, or the free one where it belongs.
int* slot_of(const KeySet* set, uint32 hash, Datum value) {
    uint32 mask = static_cast<uint32>(set->slot_count) - 1;
    for (uint32 at = hash & mask;; at = (at + 1) & mask) {
        int* slot = &set->slots[at];
        if (*slot < 0) return slot;
        if (datum_image_eq(set->values[*slot], value, set->by_value, set->length)) return slot;
    }
}

// Their hashes are not kept: the values' bytes say where they are put when there are more slots.
uint32 image_hash(const KeySet* set, Datum value) {
    return datum_image_hash(value, set->by_value, set->length);
}

void grow(KeySet* set) {
    int* old = set->slots;
    make_slots(set, set->slot_count * 2);
    pfree(old);
    set->values = static_cast<Datum*>(
        repalloc(set->values, sizeof(Datum) * static_cast<Size>(set->slot_count / 2)));
    for (int i = 0; i < set->count; ++i)
        *slot_of(set, image_hash(set, set->values[i]), set->values[i]) = i;
}

}  // namespace

void add_value(KeySet* set, Datum value) {
    int* slot = slot_of(set, image_hash(set, value), value);
    if (*slot >= 0) return;
    if (set->count == set->slot_count / 2) {
        grow(set);
        slot = slot_of(set, image_hash(set, value), value);
    }
    *slot = set->count;
    set->values[set->count++] = datumCopy(value, set->by_value, set->length);
}

Datum array_of_keys(const KeySet& set) {
    return PointerGetDatum(
        construct_array(set.values, set.count, set.type, set.length, set.by_value, set.alignment));
}

}  // namespace tandem::shell
