// KeyIndex: finds the entry of a key given as bytes. Open addressing, keys copied into one arena.
//
// Grows only; clear() keeps the memory. Used once per change, so it does not allocate per key. Keys
// are compared byte by byte: equal bytes are the same key, nothing else is. One thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::mirror {

class KeyIndex {
  public:
    // Value stored under the key, or nothing.
    std::optional<uint32_t> find(std::string_view key) const;
    // Stores or replaces; returns the value that was there before.
    std::optional<uint32_t> put(std::string_view key, uint32_t value);
    size_t size() const { return used_; }
    size_t byte_size() const { return arena_.size() + slots_.size() * sizeof(Slot); }
    void clear();

  private:
    struct Slot {
        uint64_t hash = 0;
        uint64_t offset = 0;  // of the key in arena_
        uint32_t length = 0;
        uint32_t value = 0;
        bool used() const { return hash != 0; }
    };

    static uint64_t hash_of(std::string_view key);
    size_t locate(uint64_t hash, std::string_view key) const;  // its slot, or the free one for it
    void grow();

    std::vector<Slot> slots_;
    std::string arena_;
    size_t used_ = 0;
};

}  // namespace tandem::mirror
