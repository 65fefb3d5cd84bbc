#include "mirror/snapshot/chunk_queue.h"

namespace tandem::mirror {

void ChunkQueue::add(TablePtr table, std::vector<Chunk> chunks) {
    MutexLock lock(mutex_);
    Load& load = loads_[table->relid.value];
    load.table = std::move(table);
    load.waiting.assign(chunks.begin(), chunks.end());
    load.generation = ++generation_;
    load.stopping = false;
    changed_.notify_all();
}

void ChunkQueue::stop(Oid relid) {
    MutexLock lock(mutex_);
    auto found = loads_.find(relid.value);
    if (found == loads_.end()) return;
    const uint64_t generation = found->second.generation;
    found->second.stopping = true;
    found->second.waiting.clear();
    // Others may stop the table as well: while this one waits, they take it out, and add() may put
    // in its successor.
    while (found->second.running != 0) {
        changed_.wait(mutex_);
        found = loads_.find(relid.value);
        if (found == loads_.end() || found->second.generation != generation) return;
    }
    loads_.erase(found);
}

void ChunkQueue::replace_table(TablePtr table) {
    MutexLock lock(mutex_);
    auto found = loads_.find(table->relid.value);
    if (found != loads_.end()) found->second.table = std::move(table);
}

std::optional<Assignment> ChunkQueue::next() {
    MutexLock lock(mutex_);
    while (!closed_) {
        for (auto& [relid, load] : loads_) {
            if (load.waiting.empty() || load.stopping) continue;
            Assignment assignment{load.waiting.front(), load.table, load.generation};
            load.waiting.pop_front();
            ++load.running;
            return assignment;
        }
        changed_.wait(mutex_);
    }
    return std::nullopt;
}

bool ChunkQueue::still_wanted(const Assignment& assignment) const {
    MutexLock lock(mutex_);
    if (closed_) return false;
    auto found = loads_.find(assignment.chunk.relid.value);
    return found != loads_.end() && !found->second.stopping &&
           found->second.generation == assignment.generation;
}

ChunkQueue::Outcome ChunkQueue::finish(const Assignment& assignment) {
    MutexLock lock(mutex_);
    auto found = loads_.find(assignment.chunk.relid.value);
    if (found == loads_.end()) return Outcome::more;
    Load& load = found->second;
    --load.running;
    changed_.notify_all();
    bool last = load.running == 0 && load.waiting.empty() && !load.stopping;
    if (last) loads_.erase(found);
    return last ? Outcome::last : Outcome::more;
}

void ChunkQueue::retry(const Assignment& assignment) {
    MutexLock lock(mutex_);
    auto found = loads_.find(assignment.chunk.relid.value);
    if (found == loads_.end()) return;
    Load& load = found->second;
    --load.running;
    if (!load.stopping && load.generation == assignment.generation) {
        load.waiting.push_front(assignment.chunk);
        load.waiting.front().begun = true;
    }
    changed_.notify_all();
}

void ChunkQueue::close() {
    MutexLock lock(mutex_);
    closed_ = true;
    changed_.notify_all();
}

bool ChunkQueue::loading(Oid relid) const {
    MutexLock lock(mutex_);
    return loads_.contains(relid.value);
}

}  // namespace tandem::mirror
