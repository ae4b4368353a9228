// UdpSocket's two hot functions.
//
//  receive  1 point the headers at the slots → 2 recvmmsg → 3 drop what did not fit, keep the rest
//           together → 4 address and packet info become a Path
//  send     1 cut runs into datagrams, up to a batch → 2 sendmmsg → 3 on an error count that one
//           datagram and go on behind it → back to 1 until the runs are done or the socket is full
#include "io/udp_socket.h"

#include <cerrno>
#include <utility>

#include "io/send_datagram.h"
#include "io/udp_impl.h"

namespace meshnode::io {
namespace {

SendProblem classify(int error, const Path& path) {
  switch (error) {
    case EAGAIN:
    case ENOBUFS:
    case ENOMEM:
      return SendProblem::would_block;
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENETDOWN:
    case EHOSTDOWN:
    case ECONNREFUSED:
      return SendProblem::unreachable;
    // Without a wanted source it means that no interface has one to offer.
    case EADDRNOTAVAIL:
      return path.local ? SendProblem::address_gone : SendProblem::unreachable;
    // How the kernel says that the source address of the packet info is not ours.
    case EINVAL:
      return path.local ? SendProblem::address_gone : SendProblem::other;
    case ENODEV:
    case ENXIO:
      return SendProblem::address_gone;
    case EPERM:
    case EACCES:
      return SendProblem::forbidden;
    case EMSGSIZE:
      return SendProblem::too_big;
    default:
      return SendProblem::other;
  }
}

std::size_t segment_size(const DatagramRun& run) {
  return run.segment_size == 0 ? run.data.size() : run.segment_size;
}

std::size_t segments_left(const DatagramRun& run, std::size_t offset) {
  const std::size_t left = run.data.size() - offset;
  return left == 0 ? 0 : (left + segment_size(run) - 1) / segment_size(run);
}

}  // namespace

// ---- receive ----

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
    const int received = recvmmsg(fd.get(), in.headers.data(), count, MSG_DONTWAIT, nullptr);
    if (received >= 0 || errno == EAGAIN) return received;
    ++receive_errors;
  }
  return -1;
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
  slot.run.segment_size = size;
  return true;
}

// ---- send ----

SendReport UdpSocket::send_batch(std::span<const DatagramRun> runs) {
  SendReport report;
  impl_->failure_count = 0;
  Impl::Cursor cursor{runs};
  for (;;) {
    const std::size_t messages = impl_->fill(cursor, report);
    if (messages == 0 || !impl_->flush(messages, cursor, report)) break;
  }
  report.failures = std::span(impl_->failures).first(impl_->failure_count);
  return report;
}

// Takes datagrams from the cursor until the batch is full or the runs are done. UDP_SEGMENT will
// change this function alone: one message for a run instead of one for each segment.
std::size_t UdpSocket::Impl::fill(Cursor& cursor, SendReport& report) {
  std::size_t messages = 0;
  for (; cursor.run < cursor.runs.size(); ++cursor.run, cursor.offset = 0) {
    const DatagramRun& run = cursor.runs[cursor.run];
    if (run.path.remote.ip.family() != family) {
      report.dropped += segments_left(run, 0);
      fail(cursor.run, SendProblem::other, 0);
      continue;
    }
    while (cursor.offset < run.data.size()) {
      if (messages == kBatch) return messages;
      put_segment(messages++, cursor.run, run, cursor.offset);
      cursor.offset += std::min(segment_size(run), run.data.size() - cursor.offset);
    }
  }
  return messages;
}

void UdpSocket::Impl::put_segment(std::size_t message, std::size_t run, const DatagramRun& from,
                                  std::size_t offset) {
  const std::size_t size = std::min(segment_size(from), from.data.size() - offset);
  out.pieces[message] = {from.data.data() + offset, size};
  out.runs[message] = run;
  msghdr& header = out.headers[message].msg_hdr;
  if (message > 0 && out.runs[message - 1] == run) {
    header = out.headers[message - 1].msg_hdr;  // same path: share address and control message
  } else {
    header = {};
    header.msg_namelen =
        to_socket_address(from.path.remote, from.path.scope, out.addresses[message]);
    header.msg_name = &out.addresses[message];
    write_packet_info(header, out.controls[message], family, from.path.local, from.path.scope);
  }
  header.msg_iov = &out.pieces[message];
  header.msg_iovlen = 1;
}

// False when the socket is full: then everything up to the end of the runs was dropped.
bool UdpSocket::Impl::flush(std::size_t messages, const Cursor& cursor, SendReport& report) {
  std::size_t at = 0;
  while (at < messages) {
    const int sent = sendmmsg(fd.get(), &out.headers[at], static_cast<unsigned>(messages - at),
                              MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent > 0) {
      at += static_cast<std::size_t>(sent);
      report.sent += static_cast<std::size_t>(sent);
      continue;
    }
    const int error = errno;
    fail(out.runs[at], classify(error, cursor.runs[out.runs[at]].path), error);
    if (error == EAGAIN) {
      report.dropped += messages - at;
      for (std::size_t run = cursor.run; run < cursor.runs.size(); ++run)
        report.dropped += segments_left(cursor.runs[run], run == cursor.run ? cursor.offset : 0);
      return false;
    }
    ++report.dropped;
    ++at;
  }
  return true;
}

int UdpSocket::send_now(const Path& path, ByteView datagram) const {
  if (path.remote.ip.family() != impl_->family) return EAFNOSUPPORT;
  return send_datagram(impl_->fd.get(), path, datagram);
}

int UdpSocket::send_short_lived(const Path& path, ByteView datagram, int time_to_live) const {
  return io::send_short_lived(impl_->fd.get(), path, datagram, time_to_live);
}

void UdpSocket::Impl::fail(std::size_t run, SendProblem problem, int error) {
  if (failure_count == failures.size()) return;
  if (failure_count > 0 && failures[failure_count - 1].run == run) return;
  failures[failure_count++] = {run, problem, error};
}

}  // namespace meshnode::io
