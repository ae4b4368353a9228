// What has to be true once nothing happens any more: who can be connected is, packets get through,
// and nothing goes to and fro.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sim/world.h"

namespace meshnode::sim {

using HostPair = std::pair<HostIndex, HostIndex>;

class Calm {
 public:
  explicit Calm(World& world) : world_(world) {}

  // Pairs of running hosts that could have an edge and have none, at most `most`.
  std::vector<HostPair> missing_edges(std::size_t most) const;
  // What one says about its edge to the other.
  std::string why(HostIndex from, HostIndex to) const;
  // Everybody has the record of everybody who is there.
  std::size_t missing_records() const;

  // Sends a packet both ways between pairs drawn by lot, and complains of those that did not get
  // through, not even with the second and third try. `patience`: for each try.
  struct Exchange {
    std::size_t packets = 0;
    std::size_t first_try = 0;
    std::size_t failed = 0;
    Duration slowest{};  // of the first tries that came, to a quarter of a second
  };
  Exchange exchange(std::size_t pairs, Duration patience = seconds(5));

  // Looks at all paths for a while, and complains of those that change again and again.
  void watch_paths(Duration span);
  // Bounds that hold at any time.
  void check_bounds();

 private:
  std::optional<HostPair> draw_pair();
  World& world_;
};

}  // namespace meshnode::sim
