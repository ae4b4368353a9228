// The inside of UdpSocket: what is preallocated. Inside io/ only.
#pragma once

#include <array>

#include "io/socket_address.h"
#include "io/udp_socket.h"
#include "io/unique_fd.h"

namespace meshnode::io {

// Everything that one recvmmsg or sendmmsg refers to.
struct MessageBatch {
  std::array<mmsghdr, UdpSocket::kBatch> headers{};
  std::array<iovec, UdpSocket::kBatch> pieces{};
  std::array<SocketAddress, UdpSocket::kBatch> addresses{};
  std::array<ControlBuffer, UdpSocket::kBatch> controls{};
  std::array<std::size_t, UdpSocket::kBatch> runs{};  // sending: which run a message belongs to
};

struct UdpSocket::Impl {
  UniqueFd fd;
  Family family = Family::none;
  std::uint16_t port = 0;
  bool marked = false;
  std::uint64_t truncated = 0;
  std::uint64_t receive_errors = 0;

  MessageBatch in;
  MessageBatch out;
  std::array<SendFailure, UdpSocket::kMaxFailures> failures{};
  std::size_t failure_count = 0;

  // Receiving: udp_socket.cpp.
  int receive(std::span<RecvSlot> slots);
  bool accept(std::size_t message, std::span<RecvSlot> slots, std::size_t to);

  // Sending: where in the batch of runs we are.
  struct Cursor {
    std::span<const DatagramRun> runs;
    std::size_t run = 0;
    std::size_t offset = 0;  // bytes of runs[run] already taken
  };
  std::size_t fill(Cursor& cursor, SendReport& report);
  void put_segment(std::size_t message, std::size_t run, const DatagramRun& from,
                   std::size_t offset);
  bool flush(std::size_t messages, const Cursor& cursor, SendReport& report);
  void fail(std::size_t run, SendProblem problem, int error);
};

}  // namespace meshnode::io
