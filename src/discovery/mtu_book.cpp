#include "discovery/mtu_book.h"

#include <algorithm>

namespace meshnode::discovery {

// A path's local address becomes known with the first answer: it is the same path then.
bool MtuBook::same(const Path& a, const Path& b) {
  return a.same_remote(b) && (!a.local || !b.local || a.local == b.local);
}

void MtuBook::path_is(const std::optional<Path>& path, std::size_t ceiling) {
  present_ = path.has_value();
  if (!path) return;
  const auto found = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const Entry& entry) { return same(entry.path, *path); });
  if (found != entries_.end()) {
    std::rotate(entries_.begin(), found, found + 1);
    entries_.front().path = *path;
    return;
  }
  if (entries_.size() == kMaxPaths) entries_.pop_back();
  entries_.insert(entries_.begin(), {*path, PathMtu(path->remote.ip.family(), ceiling)});
}

void MtuBook::refused(TimePoint now, const Path& path, std::size_t size) {
  for (Entry& entry : entries_)
    if (same(entry.path, path)) entry.mtu.refused(now, size);
}

}  // namespace meshnode::discovery
