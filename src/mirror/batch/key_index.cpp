#include "mirror/batch/key_index.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <utility>

namespace tandem::mirror {

uint64_t KeyIndex::hash_of(std::string_view key) {
    return XXH3_64bits(key.data(), key.size()) | 1;  // 0 marks a free slot
}

size_t KeyIndex::locate(uint64_t hash, std::string_view key) const {
    size_t mask = slots_.size() - 1;
    size_t at = (hash >> 1) & mask;
    while (slots_[at].used()) {
        const Slot& slot = slots_[at];
        if (slot.hash == hash && std::string_view(arena_.data() + slot.offset, slot.length) == key)
            return at;
        at = (at + 1) & mask;
    }
    return at;
}

std::optional<uint32_t> KeyIndex::find(std::string_view key) const {
    if (used_ == 0) return std::nullopt;
    const Slot& slot = slots_[locate(hash_of(key), key)];
    if (!slot.used()) return std::nullopt;
    return slot.value;
}

std::optional<uint32_t> KeyIndex::put(std::string_view key, uint32_t value) {
    if (used_ * 4 >= slots_.size() * 3) grow();
    uint64_t hash = hash_of(key);
    Slot& slot = slots_[locate(hash, key)];
    if (slot.used()) return std::exchange(slot.value, value);
    slot = {hash, arena_.size(), static_cast<uint32_t>(key.size()), value};
    arena_.append(key);
    ++used_;
    return std::nullopt;
}

void KeyIndex::grow() {
    std::vector<Slot> old(std::max<size_t>(64, slots_.size() * 2));
    old.swap(slots_);
    size_t mask = slots_.size() - 1;
    for (const Slot& slot : old) {
        if (!slot.used()) continue;
        size_t at = (slot.hash >> 1) & mask;
        while (slots_[at].used()) at = (at + 1) & mask;
        slots_[at] = slot;
    }
}

void KeyIndex::clear() {
    std::fill(slots_.begin(), slots_.end(), Slot());
    arena_.clear();
    used_ = 0;
}

}  // namespace tandem::mirror
