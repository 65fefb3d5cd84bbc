// The different values of one key in a batch, in the order in which they came.
#pragma once

namespace tandem::shell {

struct KeySet {
    ::Oid type;
    int16 length;
    bool by_value;
    char alignment;
    Datum* values;
    int count;
    int* slots;  // index of a value, or -1; a power of two of them
    int slot_count;
};

void prepare_keys(KeySet* set, ::Oid type);
// In the current memory context, which they live in.
void start_keys(KeySet* set);
void add_value(KeySet* set, Datum value);
Datum array_of_keys(const KeySet& set);

}  // namespace tandem::shell
