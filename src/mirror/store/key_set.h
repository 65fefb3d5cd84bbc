// KeySet: hashes of the keys that a delta holds, each with the newest generation it occurs in.
//
// 16 bytes a slot, open addressing. A hash that two keys share is harmless: the second key goes to
// the delta as well. One thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace tandem::mirror {

class KeySet {
  public:
    bool contains(uint64_t hash) const;
    void put(uint64_t hash, uint32_t generation);
    // Keys that occur in no generation after this one.
    void forget_up_to(uint32_t generation);
    void clear() { *this = KeySet(); }
    size_t size() const { return used_; }

  private:
    struct Slot {
        uint64_t hash = 0;  // 0: free
        uint32_t generation = 0;
    };
    static uint64_t stored(uint64_t hash) { return hash == 0 ? 1 : hash; }
    size_t locate(uint64_t hash) const;
    void rebuild(size_t capacity, uint32_t after);

    std::vector<Slot> slots_;
    size_t used_ = 0;
};

}  // namespace tandem::mirror
