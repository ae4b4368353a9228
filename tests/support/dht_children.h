// A real OpenDHT for a dht::Port: on a thread of the test, or as the program in its sandbox.
#pragma once

#include <array>
#include <optional>
#include <thread>

#include <sys/socket.h>

#include "base/result.h"
#include "crypto/random.h"
#include "dht_child/serve.h"
#include "discovery/dht/port.h"
#include "io/child_program.h"
#include "io/clock.h"
#include "io/event_loop.h"
#include "io/packet_link.h"

namespace meshnode::dht {

enum class Where { thread, process };

// Between a Port and its child; `deadline` belongs into the host's.
class DhtChildren {
 public:
  DhtChildren(io::EventLoop& loop, Where where)
      : where_(where),
        link_({[&loop](int fd, std::function<void()> f) { loop.watch_readable(fd, std::move(f)); },
               [&loop](int fd) { loop.unwatch(fd); },
               [this](ByteView packet) { port_->from_child(io::read_clocks().mono, packet); },
               [this] {
                 port_->detached();
                 want();
               }}),
        program_(
            MESHNODE_DHT_PROGRAM, "the test's DHT",
            {[&loop](int fd, std::function<void()> f) { loop.watch_readable(fd, std::move(f)); },
             [&loop](int fd) { loop.unwatch(fd); },
             [this](io::UniqueFd fd) { attach(std::move(fd)); }}) {}
  ~DhtChildren() {
    link_.close();
    if (thread_.joinable()) thread_.join();
  }

  bool tell(ByteView packet) { return link_.send(packet); }
  void begin(Port& port) {
    port_ = &port;
    want();
  }
  pid_t pid() const { return program_.pid(); }
  void timeout(TimePoint now) { program_.timeout(now); }

 private:
  void want() {
    if (where_ == Where::process) return program_.want(io::read_clocks().mono);
    if (thread_.joinable()) thread_.join();
    std::array<int, 2> ends{};
    MESH_ASSERT(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) == 0);
    thread_ = std::thread([fd = ends[1]] {
      const io::UniqueFd its(fd);
      dht_child::serve(its.get());
    });
    attach(io::UniqueFd(ends[0]));
  }
  void attach(io::UniqueFd fd) {
    link_.attach(std::move(fd));
    port_->attached(random_.block<20>());
  }

  crypto::SystemRandom random_;
  const Where where_;
  Port* port_ = nullptr;
  io::PacketLink link_;
  io::ChildProgram program_;
  std::thread thread_;
};

}  // namespace meshnode::dht
