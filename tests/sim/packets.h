// Inner packets that can be told apart, and what became of each: none may be seen on a line, none
// may come twice or to somebody else.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/endpoint.h"
#include "sim/trace.h"

namespace meshnode::sim {

class Packets {
 public:
  using Id = std::uint64_t;
  static constexpr std::size_t kSmallest = 40 + 8 + 16;

  explicit Packets(std::uint64_t seed);

  // A UDP packet over IPv6; `size` at least kSmallest.
  Bytes make(Id& id, HostIndex from, const IpAddress& source, HostIndex to,
             const IpAddress& destination, std::size_t size);
  bool shows(ByteView datagram) const;
  // What is wrong with `packet` coming out at `at`, if anything is.
  std::optional<std::string> came_out(HostIndex at, ByteView packet);
  bool delivered(Id id) const { return sent_[id].delivered > 0; }
  std::uint64_t made() const { return sent_.size(); }
  std::uint64_t arrived() const { return arrived_; }

 private:
  struct Sent {
    HostIndex from = 0;
    HostIndex to = 0;
    unsigned delivered = 0;
  };
  Block<8> mark_{};
  std::vector<Sent> sent_;
  std::uint64_t arrived_ = 0;
};

}  // namespace meshnode::sim
