// One end of a SOCK_SEQPACKET socket to a process of ours, on the event loop. Never blocks.
#pragma once

#include <functional>

#include "base/bytes.h"
#include "io/unique_fd.h"

namespace meshnode::io {

class PacketLink {
 public:
  // A longer packet is cut off there, and so is none that its reader knows.
  static constexpr std::size_t kMaxPacket = 4096;
  // Packets per turn of the loop: nobody starves the others.
  static constexpr int kTurn = 64;

  struct Doors {
    std::function<void(int fd, std::function<void()> readable)> watch;
    std::function<void(int fd)> unwatch;
    std::function<void(ByteView packet)> packet;
    std::function<void()> closed;  // by the other side; the link is closed already
  };

  explicit PacketLink(Doors doors) : doors_(std::move(doors)) {}
  ~PacketLink() { close(); }
  PacketLink(const PacketLink&) = delete;
  PacketLink& operator=(const PacketLink&) = delete;

  // Instead of the one before, if there is one. Non-blocking from now on.
  void attach(UniqueFd fd);
  void close();  // without the door
  explicit operator bool() const { return static_cast<bool>(fd_); }

  // False if there is no room at the moment, or nobody to hear it.
  bool send(ByteView packet) const;

 private:
  void read();
  const Doors doors_;
  UniqueFd fd_;
};

}  // namespace meshnode::io
