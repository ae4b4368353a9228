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
};

struct UdpSocket::Impl {
  UniqueFd fd;
  Family family = Family::none;
  std::uint16_t port = 0;
  bool marked = false;
  UdpOffloads offloads;
  std::uint64_t truncated = 0;
  std::uint64_t receive_errors = 0;

  MessageBatch in;
  MessageBatch out;

  // Receiving: udp_receive.cpp.
  int receive(std::span<RecvSlot> slots);
  int receive_batch(unsigned count);
  int receive_singly(unsigned count);
  bool accept(std::size_t message, std::span<RecvSlot> slots, std::size_t to);

  // Sending: udp_send.cpp. What a message carries: bytes of runs[run] from `offset` on.
  struct Part {
    std::size_t run = 0;
    std::size_t offset = 0;
    std::size_t size = 0;
    std::size_t segments = 0;
  };
  std::array<Part, UdpSocket::kBatch> parts{};
  std::array<SendFailure, UdpSocket::kMaxFailures> failures{};
  std::size_t failure_count = 0;

  // Where in the batch of runs we are.
  struct Cursor {
    std::span<const DatagramRun> runs;
    std::size_t run = 0;
    std::size_t offset = 0;  // bytes of runs[run] already taken
  };
  std::size_t fill(Cursor& cursor, SendReport& report);
  Part next_part(const Cursor& cursor) const;
  void put(std::size_t message, const DatagramRun& from, const Part& part);
  bool flush(std::size_t messages, const Cursor& cursor, SendReport& report);
  int transmit(std::size_t at, std::size_t messages);
  int send_cut(const DatagramRun& run, const Part& part, int error, SendReport& report);
  void fail(std::size_t run, SendProblem problem, int error);
};

}  // namespace meshnode::io
