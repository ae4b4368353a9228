// The path MTUs of one peer: of the path that carries data, and of those that did before, so that
// coming back to one costs no new search.
#pragma once

#include <optional>
#include <vector>

#include "base/endpoint.h"
#include "discovery/path_mtu.h"

namespace meshnode::discovery {

class MtuBook {
 public:
  static constexpr std::size_t kMaxPaths = 3;

  // The path that carries data from now on; nothing: none does. `ceiling`: see PathMtu.
  void path_is(const std::optional<Path>& path, std::size_t ceiling);

  // Of the path that carries data; null if none does.
  PathMtu* current() { return present_ ? &entries_.front().mtu : nullptr; }
  const PathMtu* current() const { return present_ ? &entries_.front().mtu : nullptr; }
  // Where the last probe's number was; PathMtu::due() moves it on. Numbers are never used twice.
  std::uint32_t& number() { return number_; }
  // Our own machine refused to send a datagram of this size on that path.
  void refused(TimePoint now, const Path& path, std::size_t size);

 private:
  struct Entry {
    Path path;
    PathMtu mtu;
  };
  static bool same(const Path& a, const Path& b);

  std::vector<Entry> entries_;  // newest first, at most kMaxPaths
  bool present_ = false;
  std::uint32_t number_ = 0;
};

}  // namespace meshnode::discovery
