// A member that holds the network's secret and means ill: it floods its neighbours with members
// that do not exist, old records, oversized and garbled messages, and introductions to a stranger
// who is to be drowned.
#pragma once

#include <vector>

#include "discovery/introductions.h"
#include "sim/world.h"

namespace meshnode::sim {

class Liar {
 public:
  // `target`: an address of nobody.
  Liar(World& world, Host& host, const IpAddress& target);
  // Remembers what is said now, to say it again later.
  void listen();
  // One round of lies to everybody it has a session with.
  void speak(std::size_t lies);

 private:
  Bytes lie();
  Bytes phantom();
  Bytes old_record();
  Bytes false_introduction();
  Bytes noise();
  wire::Record about(const overlay::Identity& who, std::uint64_t sequence);

  World& world_;
  Host& host_;
  IpAddress target_;
  Bytes network_id_;
  std::vector<Bytes> heard_;
  std::uint64_t phantoms_ = 0;
  std::uint64_t number_ = 0;
};

}  // namespace meshnode::sim
