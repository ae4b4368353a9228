// The worker's end of names: the table of members, and a socket on which this machine asks about
// them.
//
// Invariants
//  1. Only this machine is answered: a question from any other address, through the tunnel or not,
//     is counted and nothing is said.
//  2. A conflict is told once, until it is over, and at most one line per update.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/drop.h"
#include "base/interfaces.h"
#include "base/result.h"
#include "io/unique_fd.h"
#include "names/table.h"

namespace meshnode::node {

class NameService {
 public:
  // The second one where we may not have the first, or somebody else has it.
  static constexpr std::uint16_t kPorts[] = {53, 3733};
  static constexpr std::size_t kMostPerTurn = 16;
  static constexpr std::size_t kMostHosts = 512;  // members in /etc/hosts, the first by id

  // `own`: our address in the mesh, whose addresses begin with `prefix`.
  NameService(const IpAddress& own, const Cidr& prefix) : own_(own), prefix_(prefix) {}

  // On one of the ports; goes on with the socket of an earlier worker if it is the right one.
  Status listen(io::UniqueFd kept);
  int fd() const { return socket_.get(); }  // -1: not listening
  std::uint16_t port() const { return port_; }

  // Questions that wait, some of them.
  void answer(const Interfaces& ours, DropCounters& drops);

  // Whether the members are worth another look: they may have changed, and the last look was not
  // just now.
  bool due(TimePoint now, std::uint64_t version) const;
  // True if something has changed.
  bool update(TimePoint now, std::uint64_t version, std::vector<names::Member> members);
  // What a person should know of new conflicts; empty: nothing.
  std::string take_news();

  const names::Table& table() const { return table_; }
  std::vector<std::string> hosts_lines() const;

 private:
  bool is_ours(const IpAddress& source, const Interfaces& ours) const;

  IpAddress own_;
  Cidr prefix_;
  io::UniqueFd socket_;
  std::uint16_t port_ = 0;
  names::Table table_;
  std::uint64_t version_ = ~std::uint64_t{0};
  TimePoint next_look_{};
  std::set<std::string> told_;  // labels in conflict
  std::string news_;
};

// "beta.mesh is nobody's: ck3vq7xa.id.mesh and … call themselves so"
std::string sentence(const names::Conflict& conflict);

}  // namespace meshnode::node
