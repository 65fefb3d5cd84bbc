// A generation is open while batches may still write into it, closed when it is full or old enough,
// and folded when every reader that could need it has had its grace; then it is kept for as long as
// history goes back. Keys of what is open or closed are remembered by hash, up to a bound; beyond
// it a table's delta is taken to hold anything.
#include "mirror/store/delta_book.h"

#include <algorithm>
#include <utility>

namespace tandem::mirror {

using std::chrono::milliseconds;

namespace {

// Between two that the stream writes into, one is left for what the fold of the second replaces.
constexpr uint32_t kStep = 2;

void longest_first(std::vector<FoldTask>& tasks) {
    std::stable_sort(tasks.begin(), tasks.end(),
                     [](const FoldTask& a, const FoldTask& b) { return a.since < b.since; });
}

}  // namespace

DeltaBook::Hold::Hold(DeltaBook& book, Oid relid, Held what)
    : book_(book), key_(relid.value, what) {
    MutexLock lock(book_.mutex_);
    while (!book_.held_.insert(key_).second) book_.released_.wait(book_.mutex_);
}

DeltaBook::Hold::~Hold() {
    MutexLock lock(book_.mutex_);
    book_.held_.erase(key_);
    book_.released_.notify_all();
}

void DeltaBook::start(const Start& start) {
    MutexLock lock(mutex_);
    auto found = tables_.find(start.table->relid.value);
    if (found != tables_.end()) tables_.erase(found);
    Entry& entry = tables_[start.table->relid.value];
    entry.table = start.table;
    entry.loading = start.loading;
    entry.empty = start.empty;
    entry.oldest = start.oldest;
    entry.open = start.open;
    entry.folding = start.folding;
    entry.everything = start.table->keyless();  // which keys there are is nobody's question
    for (const LeafCut& cut : start.cuts) entry.cuts.push_back({cut, {}});
    if (!start.empty) {
        // Folded also when nothing is there: then the catalog calls the delta empty again.
        entry.generations[start.oldest].closed = true;
        entry.open = std::max(entry.open, start.oldest + kStep);
    }
    if (start.history.empty()) return;
    entry.folded = start.history.back();
    entry.history.push_back({start.history, *entry.folded, start.position, start.now});
}

void DeltaBook::remember(Oid relid, uint64_t hash, uint32_t generation) {
    MutexLock lock(mutex_);
    Entry& entry = tables_.at(relid.value);
    // What an earlier session wrote and did not fold: before the position it ended at.
    Generation& one = entry.generations[generation];
    one.closed = true;
    ++one.rows;
    if (entry.everything) return;
    entry.keys.put(hash, generation);
    if (entry.keys.size() > limits_.keys_max) {
        entry.keys.clear();
        entry.everything = true;
    }
}

void DeltaBook::forget(Oid relid) {
    MutexLock lock(mutex_);
    tables_.erase(relid.value);
}

void DeltaBook::replace_table(const TablePtr& table) {
    MutexLock lock(mutex_);
    auto found = tables_.find(table->relid.value);
    if (found != tables_.end()) found->second.table = table;
}

void DeltaBook::set_live(Oid relid) {
    MutexLock lock(mutex_);
    auto found = tables_.find(relid.value);
    if (found != tables_.end()) found->second.loading = false;
}

bool DeltaBook::leaf_loads(const Entry& entry, Oid leaf) {
    return std::any_of(entry.cuts.begin(), entry.cuts.end(), [leaf](const Cut& one) {
        return one.cut.loads && (leaf.value == 0 || one.cut.leaf == leaf);
    });
}

bool DeltaBook::loading(Oid relid, Oid leaf) const {
    MutexLock lock(mutex_);
    auto found = tables_.find(relid.value);
    if (found == tables_.end()) return false;
    return found->second.loading || (leaf.value != 0 && leaf_loads(found->second, leaf));
}

void DeltaBook::cut(Oid relid, const LeafCut& cut) {
    MutexLock lock(mutex_);
    auto found = tables_.find(relid.value);
    if (found == tables_.end()) return;
    std::erase_if(found->second.cuts, [&](const Cut& one) {
        return one.cut.leaf == cut.leaf && (one.cut.loads || one.cut.cut == cut.cut);
    });
    found->second.cuts.push_back({cut, {}});
}

std::vector<LeafCut> DeltaBook::cuts(Oid relid) const {
    MutexLock lock(mutex_);
    std::vector<LeafCut> cuts;
    auto found = tables_.find(relid.value);
    if (found != tables_.end())
        for (const Cut& one : found->second.cuts) cuts.push_back(one.cut);
    return cuts;
}

void DeltaBook::set_leaf_live(Oid relid, Oid leaf) {
    MutexLock lock(mutex_);
    auto found = tables_.find(relid.value);
    if (found == tables_.end()) return;
    for (Cut& one : found->second.cuts)
        if (one.cut.leaf == leaf && one.cut.loads) {
            one.cut.loads = false;
            one.cut.loaded = true;
        }
}

DeltaKeys DeltaBook::keys(Oid relid) const {
    MutexLock lock(mutex_);
    const Entry& entry = tables_.at(relid.value);
    if (entry.loading || entry.everything || leaf_loads(entry, {})) return {};
    if (entry.keys.size() == 0) return {DeltaKeys::Holds::nothing, {}};
    auto contains = [this, relid](uint64_t hash) {
        MutexLock inner(mutex_);
        return tables_.at(relid.value).keys.contains(hash);
    };
    return {DeltaKeys::Holds::some, contains};
}

uint32_t DeltaBook::open_generation(Entry& entry, Moment now) {
    Generation& open = entry.generations[entry.open];
    if (open.rows == 0 && open.writing == 0) open.opened = now;
    ++open.writing;
    return entry.open;
}

void DeltaBook::end_rows(Oid relid, uint32_t generation, const std::vector<uint64_t>& hashes,
                         Lsn last) {
    MutexLock lock(mutex_);
    auto found = tables_.find(relid.value);
    if (found == tables_.end()) return;
    Entry& entry = found->second;
    auto at = entry.generations.find(generation);
    if (at == entry.generations.end()) return;  // of a copy that was left meanwhile
    --at->second.writing;
    at->second.rows += hashes.size();
    at->second.last = std::max(at->second.last, last);
    if (!entry.everything)
        for (uint64_t hash : hashes) entry.keys.put(hash, generation);
    bound_keys();
}

// The table with most keys gives up knowing them: a fold lets it begin again.
void DeltaBook::bound_keys() {
    size_t total = 0;
    Entry* largest = nullptr;
    for (auto& [relid, entry] : tables_) {
        total += entry.keys.size();
        if (largest == nullptr || entry.keys.size() > largest->keys.size()) largest = &entry;
    }
    if (total <= limits_.keys_max || largest == nullptr) return;
    largest->keys.clear();
    largest->everything = true;
}

bool DeltaBook::none_after(const Entry& entry, uint32_t generation) {
    return std::all_of(entry.generations.begin(), entry.generations.end(), [&](const auto& item) {
        return item.first <= generation || (item.second.rows == 0 && item.second.writing == 0);
    });
}

milliseconds DeltaBook::generation_age() const {
    auto changing = std::count_if(tables_.begin(), tables_.end(), [](const auto& item) {
        return !item.second.generations.empty();
    });
    return std::max(limits_.generation_age, changing * limits_.generation_age_per_table);
}

void DeltaBook::close_if_due(Entry& entry, milliseconds age, Moment now) const {
    auto open = entry.generations.find(entry.open);
    if (open == entry.generations.end()) return;
    Generation& generation = open->second;
    if (generation.rows == 0) return;
    if (now - generation.opened < age && generation.rows < limits_.generation_rows) return;
    generation.closed = true;
    entry.open += kStep;
}

// Of a table without a key nothing is. Nor where there is no place for it: generations of sessions
// before there was history are without gaps.
bool DeltaBook::keeps(const Entry& entry) const {
    return keeps_history() && !entry.table->keyless() &&
           (!entry.folded || *entry.folded + 1 < entry.oldest);
}

std::optional<FoldTask> DeltaBook::due_to_begin(const Entry& entry, Lsn published) const {
    FoldTask task{.table = entry.table, .oldest = entry.oldest, .again = entry.folding != 0};
    task.kept = keeps(entry);
    for (const auto& [number, generation] : entry.generations) {
        if (!generation.closed || generation.writing > 0) break;
        // Positions are exclusive: the last commit is seen at a position behind it.
        if (generation.last >= published && generation.last.valid()) break;
        if (task.newest == 0) task.since = generation.opened;
        task.newest = number;
        // Of an earlier session it is only known that its position is behind all of it.
        Lsn seen = generation.last.valid() ? Lsn{generation.last.value + 1} : published;
        task.folded_to = std::max(task.folded_to, seen);
    }
    if (task.newest == 0) return std::nullopt;
    // What was begun is ended as it was begun.
    if (task.again) task.newest = std::max(entry.folding, entry.oldest);
    return task;
}

std::vector<FoldTask> DeltaBook::due_to_begin(Lsn published, Moment now) {
    MutexLock lock(mutex_);
    std::vector<FoldTask> tasks;
    const milliseconds age = generation_age();
    for (auto& [relid, entry] : tables_) {
        if (entry.loading || !entry.cuts.empty() || entry.begun) continue;
        close_if_due(entry, age, now);
        if (auto task = due_to_begin(entry, published)) tasks.push_back(*task);
    }
    longest_first(tasks);
    return tasks;
}

std::vector<FoldTask> DeltaBook::due(Moment now) const {
    MutexLock lock(mutex_);
    std::vector<FoldTask> tasks;
    for (const auto& [relid, entry] : tables_) {
        if (entry.loading || !entry.cuts.empty() || !entry.begun) continue;
        if (now - entry.begun->at < limits_.grace || now < entry.not_before) continue;
        tasks.push_back(entry.begun->task);
        tasks.back().table = entry.table;  // its columns may have changed
        tasks.back().since = entry.begun->at;
    }
    longest_first(tasks);
    return tasks;
}

std::vector<DeltaBook::CutTask> DeltaBook::due_cuts(Lsn published, Moment now) {
    MutexLock lock(mutex_);
    std::vector<CutTask> tasks;
    for (auto& [relid, entry] : tables_)
        for (Cut& one : entry.cuts) {
            if (one.cut.loads || one.cut.cut >= published) continue;
            if (!one.settled) one.settled = now;
            if (now - *one.settled >= limits_.grace) tasks.push_back({entry.table, one.cut});
        }
    return tasks;
}

void DeltaBook::forget_cut(const CutTask& task) {
    MutexLock lock(mutex_);
    auto found = tables_.find(task.table->relid.value);
    if (found == tables_.end() || found->second.table->copy != task.table->copy) return;
    std::erase_if(found->second.cuts, [&](const Cut& one) {
        return one.cut.leaf == task.cut.leaf && one.cut.cut == task.cut.cut && !one.cut.loads;
    });
}

void DeltaBook::begin(const FoldTask& task, Moment now) {
    MutexLock lock(mutex_);
    auto found = tables_.find(task.table->relid.value);
    if (found == tables_.end() || found->second.table->copy != task.table->copy) return;
    found->second.begun = Begun{task, now};
}

void DeltaBook::note_try(const FoldTask& task) {
    MutexLock lock(mutex_);
    auto found = tables_.find(task.table->relid.value);
    if (found == tables_.end() || !found->second.begun) return;
    if (found->second.table->copy == task.table->copy) found->second.begun->task.again = true;
}

uint32_t DeltaBook::next_oldest(const Entry& entry, const FoldTask& task) {
    auto next = entry.generations.upper_bound(task.newest);
    uint32_t first = next == entry.generations.end() ? entry.open : next->first;
    return std::min(task.newest + kStep, first);
}

void DeltaBook::discard(const TablePtr& table, const std::vector<uint32_t>& generations,
                        Moment at) {
    for (uint32_t number : generations) garbage_.push_back({{table, number}, at});
}

void DeltaBook::folded(Entry& entry, const FoldTask& task, bool empty, Moment begun, Moment now) {
    std::vector<uint32_t> numbers;
    if (task.kept) numbers.push_back(task.replaced());
    auto end = entry.generations.upper_bound(task.newest);
    for (auto at = entry.generations.begin(); at != end; ++at) numbers.push_back(at->first);
    if (task.kept) {
        Moment since = entry.begun ? entry.begun->at : begun;
        entry.history.push_back({std::move(numbers), task.newest, task.folded_to, since});
    } else {
        for (const Kept& kept : entry.history)
            discard(entry.table, kept.generations, now + limits_.grace);
        entry.history.clear();
        discard(entry.table, numbers, now + limits_.grace);
    }
    entry.oldest = next_oldest(entry, task);
    entry.folded = task.newest;
    entry.generations.erase(entry.generations.begin(), end);
    entry.empty = empty;
    entry.folding = 0;
    entry.begun.reset();
    if (entry.everything && empty) entry.everything = entry.table->keyless();
    entry.keys.forget_up_to(task.newest);
    entry.not_before = now + (now - begun) * limits_.idle_factor;
}

// Seldom for each table, because the catalog is written for it.
const DeltaBook::Kept* DeltaBook::last_forgotten(const Entry& entry, Moment now) const {
    const Kept* last = nullptr;
    if (now - entry.forgot < limits_.history / 8) return nullptr;
    for (const Kept& kept : entry.history)
        if (now - kept.since >= limits_.history) last = &kept;
    return last;
}

std::vector<DeltaBook::Forgotten> DeltaBook::due_history(Moment now) const {
    MutexLock lock(mutex_);
    std::vector<Forgotten> due;
    for (const auto& [relid, entry] : tables_)
        if (const Kept* last = last_forgotten(entry, now))
            due.push_back({entry.table, last->newest + 1, last->folded_to});
    return due;
}

void DeltaBook::forget_history(const Forgotten& what, Moment now) {
    MutexLock lock(mutex_);
    auto found = tables_.find(what.table->relid.value);
    if (found == tables_.end() || found->second.table->copy != what.table->copy) return;
    Entry& entry = found->second;
    entry.forgot = now;
    for (const Kept& kept : entry.history)
        if (kept.newest < what.oldest_kept)
            discard(entry.table, kept.generations, now + limits_.grace);
    std::erase_if(entry.history, [&](const Kept& kept) { return kept.newest < what.oldest_kept; });
}

std::vector<DeltaBook::Garbage> DeltaBook::take_garbage(Moment now) {
    MutexLock lock(mutex_);
    std::vector<Garbage> due;
    std::erase_if(garbage_, [&](const Waiting& waiting) {
        if (waiting.at > now) return false;
        due.push_back(waiting.garbage);
        return true;
    });
    return due;
}

void DeltaBook::add_garbage(const TablePtr& table, uint32_t generation) {
    MutexLock lock(mutex_);
    garbage_.push_back({{table, generation}, std::chrono::steady_clock::now() + limits_.grace});
}

std::map<uint32_t, uint32_t> DeltaBook::oldest_generations() const {
    MutexLock lock(mutex_);
    std::map<uint32_t, uint32_t> oldest;
    for (const auto& [relid, entry] : tables_) oldest[relid] = entry.oldest;
    return oldest;
}

std::vector<TablePtr> DeltaBook::live_tables() const {
    MutexLock lock(mutex_);
    std::vector<TablePtr> tables;
    for (const auto& [relid, entry] : tables_)
        if (!entry.loading) tables.push_back(entry.table);
    return tables;
}

TablePtr DeltaBook::table(Oid relid) const {
    MutexLock lock(mutex_);
    auto found = tables_.find(relid.value);
    return found == tables_.end() ? nullptr : found->second.table;
}

size_t DeltaBook::key_count() const {
    MutexLock lock(mutex_);
    size_t total = 0;
    for (const auto& [relid, entry] : tables_) total += entry.keys.size();
    return total;
}

uint64_t DeltaBook::rows(Oid relid) const {
    MutexLock lock(mutex_);
    auto found = tables_.find(relid.value);
    uint64_t rows = 0;
    if (found != tables_.end())
        for (const auto& [number, generation] : found->second.generations) rows += generation.rows;
    return rows;
}

}  // namespace tandem::mirror
