// From runs to the socket of their family. Who sends in a thread has one of his own.
#pragma once

#include <span>
#include <vector>

#include "base/drop.h"
#include "io/udp_socket.h"
#include "node/sockets.h"

namespace meshnode::node {

class UnderlaySender {
 public:
  // Larger than the interface takes.
  struct TooBig {
    Path path;
    std::size_t size = 0;
  };
  // Refused datagrams that are remembered at once; what is more waits for the next time.
  static constexpr std::size_t kMostTooBig = 16;

  // `sockets` outlives the sender; no family is there twice.
  explicit UnderlaySender(PortSockets& sockets) : sockets_(sockets) {
    too_big_.reserve(kMostTooBig);
  }

  void send(std::span<const DatagramRun> runs);
  // To be emptied by the owner.
  std::vector<TooBig>& too_big() { return too_big_; }
  const DropCounters& drops() const { return drops_; }
  // Sends that this machine's packet filter refused.
  std::uint64_t forbidden() const { return forbidden_; }

 private:
  void note(std::span<const DatagramRun> runs, const io::SendReport& report);

  PortSockets& sockets_;
  DropCounters drops_;
  std::uint64_t forbidden_ = 0;
  std::vector<TooBig> too_big_;
};

}  // namespace meshnode::node
