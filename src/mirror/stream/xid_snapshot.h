// XidSnapshot: which transactions a snapshot of the source sees: pg_current_snapshot(),
// "xmin:xmax:xip,...".
#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/lsn.h"

namespace tandem::mirror {

class XidSnapshot {
  public:
    // Nothing: not of that form.
    static std::optional<XidSnapshot> parse(std::string_view text) {
        XidSnapshot snapshot;
        if (!take(&text, &snapshot.xmin_) || !take(&text, &snapshot.xmax_)) return std::nullopt;
        uint32_t xid = 0;
        while (!text.empty()) {
            if (!take(&text, &xid)) return std::nullopt;
            snapshot.running_.push_back(xid);
        }
        return snapshot;
    }

    // The transaction, which has committed, had when the snapshot was taken. The stream knows 32
    // bits of an id: neither is more than 2^31 transactions away from the other.
    bool sees(Xid transaction) const {
        if (precedes(transaction.value, xmin_)) return true;
        if (!precedes(transaction.value, xmax_)) return false;
        return std::find(running_.begin(), running_.end(), transaction.value) == running_.end();
    }

  private:
    static bool precedes(uint32_t a, uint32_t b) { return static_cast<int32_t>(a - b) < 0; }
    // A number of 64 bits and what separates it from the next.
    static bool take(std::string_view* text, uint32_t* xid) {
        uint64_t full = 0;
        auto [end, error] = std::from_chars(text->begin(), text->end(), full);
        if (error != std::errc()) return false;
        *xid = static_cast<uint32_t>(full);
        text->remove_prefix(static_cast<size_t>(end - text->begin()));
        if (!text->empty() && (text->front() == ':' || text->front() == ','))
            text->remove_prefix(1);
        return true;
    }

    uint32_t xmin_ = 0;
    uint32_t xmax_ = 0;
    std::vector<uint32_t> running_;
};

}  // namespace tandem::mirror
