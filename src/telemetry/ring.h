// A ring of records in shared memory: one backend writes, the background worker reads, neither ever
// waits. Lock-free and free of false sharing: what the writer changes, what the reader changes and
// what others add lie in lines of their own; the writer looks at the reader's position only when
// its last look said that there is no room.
//
// `data` has `capacity` bytes, a multiple of 8. Positions count all bytes ever written. A record
// never wraps: what is left at the end is filled by a padding record. Shared memory that is all
// zero is an empty ring. Whoever reserves either commits or reserves again, which forgets what was
// reserved.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "telemetry/record.h"

namespace tandem::telemetry {

struct Ring {
    // Of the writer. captured == committed + dropped.
    alignas(64) std::atomic<uint64_t> tail;
    std::atomic<uint64_t> committed;  // statements
    std::atomic<uint64_t> dropped;    // statements there was no room for
    // Of the reader.
    alignas(64) std::atomic<uint64_t> head;
    // Of the parallel workers that work for this backend; the backend takes them away.
    alignas(64) std::atomic<uint64_t> workers_user_us;
    std::atomic<uint64_t> workers_system_us;
};
static_assert(std::atomic<uint64_t>::is_always_lock_free && sizeof(Ring) == 192);

// The writer's end; of one process.
struct RingWriter {
    Ring* ring;
    char* data;
    uint64_t capacity;
    uint64_t tail;       // where the next record begins
    uint64_t seen_head;  // no further than the reader really is
    uint64_t reserved;   // bytes of the padding and the record that are being written
};

inline RingWriter ring_writer(Ring* ring, char* data, uint64_t capacity) {
    return {ring,
            data,
            capacity,
            ring->tail.load(std::memory_order_relaxed),
            ring->head.load(std::memory_order_acquire),
            0};
}

// Room for a record of `size` bytes, a multiple of 8; nullptr when there is none.
inline char* ring_reserve(RingWriter* writer, uint32_t size) {
    uint64_t offset = writer->tail % writer->capacity;
    uint64_t padding = offset + size > writer->capacity ? writer->capacity - offset : 0;
    uint64_t needed = padding + size;
    if (writer->tail + needed - writer->seen_head > writer->capacity) {
        writer->seen_head = writer->ring->head.load(std::memory_order_acquire);
        if (writer->tail + needed - writer->seen_head > writer->capacity) return nullptr;
    }
    if (padding > 0) {
        RecordHead* head = reinterpret_cast<RecordHead*>(writer->data + offset);
        *head = {static_cast<uint32_t>(padding), RecordKind::kPadding, 0};
        offset = 0;
    }
    writer->reserved = needed;
    return writer->data + offset;
}

// Shows the reader what was reserved. True when the ring became more than half full by it.
inline bool ring_commit(RingWriter* writer) {
    uint64_t half = writer->capacity / 2;
    bool was_low = writer->tail - writer->seen_head <= half;
    writer->tail += writer->reserved;
    writer->reserved = 0;
    writer->ring->tail.store(writer->tail, std::memory_order_release);
    if (!was_low || writer->tail - writer->seen_head <= half) return false;
    writer->seen_head = writer->ring->head.load(std::memory_order_acquire);
    return writer->tail - writer->seen_head > half;
}

// The oldest record, or nullptr. Stays where it is until ring_pop.
inline const RecordHead* ring_front(const Ring& ring, const char* data, uint64_t capacity) {
    uint64_t head = ring.head.load(std::memory_order_relaxed);
    if (head == ring.tail.load(std::memory_order_acquire)) return nullptr;
    return reinterpret_cast<const RecordHead*>(data + head % capacity);
}

inline void ring_pop(Ring* ring, const RecordHead* record) {
    uint64_t head = ring->head.load(std::memory_order_relaxed);
    ring->head.store(head + record->size, std::memory_order_release);
}

}  // namespace tandem::telemetry
