#include "mirror/snapshot/chunk_queue.h"

namespace tandem::mirror {

void ChunkQueue::add(TablePtr table, std::vector<Chunk> chunks, Oid leaf) {
    MutexLock lock(mutex_);
    Load& load = loads_[{table->relid.value, leaf.value}];
    load.table = std::move(table);
    load.waiting.assign(chunks.begin(), chunks.end());
    load.generation = ++generation_;
    load.stopping = false;
    changed_.notify_all();
}

void ChunkQueue::stop(Key key) {
    auto found = loads_.find(key);
    if (found == loads_.end()) return;
    const uint64_t generation = found->second.generation;
    found->second.stopping = true;
    found->second.waiting.clear();
    // Others may stop the table as well: while this one waits, they take it out, and add() may put
    // in its successor.
    while (found->second.running != 0) {
        changed_.wait(mutex_);
        found = loads_.find(key);
        if (found == loads_.end() || found->second.generation != generation) return;
    }
    loads_.erase(found);
}

void ChunkQueue::stop(Oid relid) {
    MutexLock lock(mutex_);
    std::vector<Key> keys;
    for (const auto& [key, load] : loads_)
        if (key.first == relid.value) keys.push_back(key);
    for (const Key& key : keys) stop(key);
}

void ChunkQueue::stop(Oid relid, Oid leaf) {
    MutexLock lock(mutex_);
    stop(Key{relid.value, leaf.value});
}

void ChunkQueue::replace_table(const TablePtr& table) {
    MutexLock lock(mutex_);
    auto at = loads_.lower_bound({table->relid.value, 0});
    for (; at != loads_.end() && at->first.first == table->relid.value; ++at)
        at->second.table = table;
}

std::optional<Assignment> ChunkQueue::next() {
    MutexLock lock(mutex_);
    while (!closed_) {
        for (auto& [key, load] : loads_) {
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
    auto found = loads_.find(key_of(assignment));
    return found != loads_.end() && !found->second.stopping &&
           found->second.generation == assignment.generation;
}

ChunkQueue::Outcome ChunkQueue::finish(const Assignment& assignment) {
    MutexLock lock(mutex_);
    auto found = loads_.find(key_of(assignment));
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
    auto found = loads_.find(key_of(assignment));
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
    auto found = loads_.lower_bound({relid.value, 0});
    return found != loads_.end() && found->first.first == relid.value;
}

}  // namespace tandem::mirror
