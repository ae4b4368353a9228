// Receiving: one message in each slot; a message is a datagram, or with UDP_GRO a run of them.
#include <algorithm>
#include <cerrno>
#include <utility>

#include "io/udp_impl.h"

namespace meshnode::io {

std::size_t UdpSocket::recv_batch(std::span<RecvSlot> slots) {
  slots = slots.first(std::min(slots.size(), kBatch));
  if (slots.empty()) return 0;
  const int received = impl_->receive(slots);
  std::size_t kept = 0;
  for (int message = 0; message < received; ++message)
    if (impl_->accept(static_cast<std::size_t>(message), slots, kept)) ++kept;
  return kept;
}

// The number of messages, or -1 when nothing waits. An error that waits in front of the datagrams
// (a late ICMP answer to something sent) is taken off and counted.
int UdpSocket::Impl::receive(std::span<RecvSlot> slots) {
  for (std::size_t i = 0; i < slots.size(); ++i) {
    in.pieces[i] = {slots[i].buffer.data(), slots[i].buffer.size()};
    msghdr& header = in.headers[i].msg_hdr;
    header = {};
    header.msg_name = &in.addresses[i];
    header.msg_namelen = sizeof in.addresses[i];
    header.msg_iov = &in.pieces[i];
    header.msg_iovlen = 1;
    header.msg_control = in.controls[i].bytes.data();
    header.msg_controllen = in.controls[i].bytes.size();
  }
  const auto count = static_cast<unsigned>(slots.size());
  for (std::size_t attempt = 0; attempt < kBatch; ++attempt) {
    const int received = receive_batch(count);
    if (received >= 0 || errno == EAGAIN) return received;
    ++receive_errors;
  }
  return -1;
}

int UdpSocket::Impl::receive_batch(unsigned count) {
  if (!offloads.batches.active) return receive_singly(count);
  const int received = recvmmsg(fd.get(), in.headers.data(), count, MSG_DONTWAIT, nullptr);
  if (received >= 0 || errno != ENOSYS) return received;
  offloads.batches = Rung::off("the kernel refuses recvmmsg");
  return receive_singly(count);
}

int UdpSocket::Impl::receive_singly(unsigned count) {
  unsigned received = 0;
  for (; received < count; ++received) {
    mmsghdr& message = in.headers[received];
    const ssize_t size = recvmsg(fd.get(), &message.msg_hdr, MSG_DONTWAIT);
    if (size < 0) break;
    message.msg_len = static_cast<unsigned>(size);
  }
  return received > 0 ? static_cast<int>(received) : -1;
}

// Describes a received message in slots[to], to ≤ message; false if it was dropped.
bool UdpSocket::Impl::accept(std::size_t message, std::span<RecvSlot> slots, std::size_t to) {
  const msghdr& header = in.headers[message].msg_hdr;
  if ((header.msg_flags & MSG_TRUNC) != 0) {
    ++truncated;
    return false;
  }
  RecvSlot& slot = slots[to];
  std::swap(slot.buffer, slots[message].buffer);
  const std::size_t size = in.headers[message].msg_len;
  const PacketInfo info = read_packet_info(header);
  slot.run.path.remote = from_socket_address(in.addresses[message]);
  slot.run.path.local = info.local;
  slot.run.path.scope = slot.run.path.remote.ip.is_link_local() ? info.ifindex : 0;
  slot.run.data = slot.buffer.first(size);
  slot.run.segment_size = info.segment_size == 0 ? size : std::min(info.segment_size, size);
  slot.run.tos = info.tos;
  return true;
}

}  // namespace meshnode::io
