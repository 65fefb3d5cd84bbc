#include "mirror/store/key_set.h"

#include <utility>

namespace tandem::mirror {

size_t KeySet::locate(uint64_t hash) const {
    size_t at = hash & (slots_.size() - 1);
    while (slots_[at].hash != 0 && slots_[at].hash != hash) at = (at + 1) & (slots_.size() - 1);
    return at;
}

bool KeySet::contains(uint64_t hash) const {
    return !slots_.empty() && slots_[locate(stored(hash))].hash != 0;
}

void KeySet::put(uint64_t hash, uint32_t generation) {
    if (used_ * 2 >= slots_.size()) rebuild(slots_.empty() ? 64 : slots_.size() * 2, 0);
    Slot& slot = slots_[locate(stored(hash))];
    if (slot.hash == 0) ++used_;
    slot = {stored(hash), generation};
}

void KeySet::forget_up_to(uint32_t generation) {
    size_t left = 0;
    for (const Slot& slot : slots_) left += slot.hash != 0 && slot.generation > generation ? 1 : 0;
    if (left == 0) return clear();
    size_t capacity = 64;
    while (capacity < left * 2 + 2) capacity *= 2;
    rebuild(capacity, generation);
}

void KeySet::rebuild(size_t capacity, uint32_t after) {
    std::vector<Slot> old = std::exchange(slots_, std::vector<Slot>(capacity));
    used_ = 0;
    for (const Slot& slot : old) {
        if (slot.hash == 0 || slot.generation <= after) continue;
        slots_[locate(slot.hash)] = slot;
        ++used_;
    }
}

}  // namespace tandem::mirror
