// Which peer has something to do next, so that nobody has to ask all of them.
#pragma once

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"

namespace meshnode::overlay {

// A binary heap that knows where everybody is: nearly all changes move one entry a few places.
class Agenda {
 public:
  // Takes the place of what was noted for this peer; nothing: it waits for no time.
  void set(PeerNumber peer, std::optional<TimePoint> when) {
    const auto noted = place_.find(peer);
    if (noted == place_.end()) {
      if (!when) return;
      place_.emplace(peer, heap_.size());
      heap_.push_back({*when, peer});
      return rise(heap_.size() - 1);
    }
    const std::size_t at = noted->second;
    if (when == heap_[at].when) return;
    if (when) {
      heap_[at].when = *when;
      return settle(at);
    }
    place_.erase(noted);
    const Noted last = heap_.back();
    heap_.pop_back();
    if (at == heap_.size()) return;
    put(at, last);
    settle(at);
  }

  std::optional<TimePoint> first() const {
    if (heap_.empty()) return std::nullopt;
    return heap_.front().when;
  }

  // Those whose time has come, the first one first; they stay noted until the next set().
  std::vector<PeerNumber> due(TimePoint now) const {
    std::vector<Noted> found;
    collect_due(now, 0, found);
    std::sort(found.begin(), found.end());
    std::vector<PeerNumber> out;
    out.reserve(found.size());
    for (const Noted& noted : found) out.push_back(noted.peer);
    return out;
  }

 private:
  struct Noted {
    TimePoint when{};
    PeerNumber peer = kNoPeer;
    auto operator<=>(const Noted&) const = default;
  };

  void put(std::size_t at, const Noted& noted) {
    heap_[at] = noted;
    place_[noted.peer] = at;
  }
  void settle(std::size_t at) {
    if (at > 0 && heap_[at] < heap_[(at - 1) / 2])
      rise(at);
    else
      sink(at);
  }
  void rise(std::size_t at) {
    const Noted noted = heap_[at];
    const std::size_t began = at;
    for (; at > 0 && noted < heap_[(at - 1) / 2]; at = (at - 1) / 2) put(at, heap_[(at - 1) / 2]);
    if (at != began) put(at, noted);
  }
  void sink(std::size_t at) {
    const Noted noted = heap_[at];
    const std::size_t began = at;
    for (std::size_t child = 2 * at + 1; child < heap_.size(); child = 2 * at + 1) {
      if (child + 1 < heap_.size() && heap_[child + 1] < heap_[child]) ++child;
      if (!(heap_[child] < noted)) break;
      put(at, heap_[child]);
      at = child;
    }
    if (at != began) put(at, noted);
  }
  void collect_due(TimePoint now, std::size_t at, std::vector<Noted>& found) const {
    if (at >= heap_.size() || now < heap_[at].when) return;
    found.push_back(heap_[at]);
    collect_due(now, 2 * at + 1, found);
    collect_due(now, 2 * at + 2, found);
  }

  std::vector<Noted> heap_;
  std::unordered_map<PeerNumber, std::size_t> place_;
};

}  // namespace meshnode::overlay
