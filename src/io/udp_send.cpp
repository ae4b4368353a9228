// Sending: 1 messages from the runs, each as much of a run as the kernel takes → 2 sendmmsg → 3 on
// an error cut that run here, or count it, and go on behind it → back to 1 until the runs are done
// or the socket is full
#include <algorithm>
#include <cerrno>

#include "io/send_datagram.h"
#include "io/socket_options.h"
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

// May its datagrams pass singly, though the run does not? EIO: an old kernel whose outgoing device
// makes no checksums, or IPsec on the way. EMSGSIZE: the last, shorter one may.
bool worth_cutting(int error) {
  return error == EIO || error == EINVAL || error == EMSGSIZE;
}

std::size_t segment_size(const DatagramRun& run) {
  return run.segment_size == 0 ? run.data.size() : run.segment_size;
}

std::size_t segments_in(const DatagramRun& run, std::size_t bytes) {
  return bytes == 0 ? 0 : (bytes + segment_size(run) - 1) / segment_size(run);
}

std::size_t segments_left(const DatagramRun& run, std::size_t offset) {
  return segments_in(run, run.data.size() - offset);
}

}  // namespace

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

// Takes messages from the cursor until the batch is full or the runs are done.
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
      const Part part = next_part(cursor);
      put(messages++, run, part);
      cursor.offset += part.size;
    }
  }
  return messages;
}

// A run that is longer than the kernel takes becomes several messages.
UdpSocket::Impl::Part UdpSocket::Impl::next_part(const Cursor& cursor) const {
  const DatagramRun& run = cursor.runs[cursor.run];
  const std::size_t segment = segment_size(run);
  const std::size_t left = run.data.size() - cursor.offset;
  std::size_t segments = 1;
  if (offloads.gso.active)
    segments = std::max<std::size_t>(1, std::min(kMaxRunSegments, kMaxRunBytes / segment));
  const std::size_t size = std::min(left, segments * segment);
  return {cursor.run, cursor.offset, size, segments_in(run, size)};
}

void UdpSocket::Impl::put(std::size_t message, const DatagramRun& from, const Part& part) {
  out.pieces[message] = {from.data.data() + part.offset, part.size};
  parts[message] = part;
  msghdr& header = out.headers[message].msg_hdr;
  const Part* before = message > 0 ? &parts[message - 1] : nullptr;
  if (before != nullptr && before->run == part.run && before->segments == 1 && part.segments == 1) {
    header = out.headers[message - 1].msg_hdr;  // share address and control messages
  } else {
    ControlBuffer& control = out.controls[message];
    header = {};
    header.msg_namelen =
        to_socket_address(from.path.remote, from.path.scope, out.addresses[message]);
    header.msg_name = &out.addresses[message];
    write_packet_info(header, control, family, from.path.local, from.path.scope);
    if (from.tos != 0) append_tos(header, control, family, from.tos);
    if (part.segments > 1) append_segment_size(header, control, segment_size(from));
  }
  header.msg_iov = &out.pieces[message];
  header.msg_iovlen = 1;
}

// False when the socket is full: then everything up to the end of the runs was dropped.
bool UdpSocket::Impl::flush(std::size_t messages, const Cursor& cursor, SendReport& report) {
  for (std::size_t at = 0; at < messages;) {
    const int sent = transmit(at, messages);
    for (int i = 0; i < sent; ++i) report.sent += parts[at++].segments;
    if (sent > 0) continue;
    int error = errno;
    const Part& part = parts[at++];
    const DatagramRun& run = cursor.runs[part.run];
    if (part.segments > 1 && worth_cutting(error)) {
      error = send_cut(run, part, error, report);
    } else {
      fail(part.run, classify(error, run.path), error);
      report.dropped += part.segments;
    }
    if (error != EAGAIN) continue;
    for (; at < messages; ++at) report.dropped += parts[at].segments;
    for (std::size_t i = cursor.run; i < cursor.runs.size(); ++i)
      report.dropped += segments_left(cursor.runs[i], i == cursor.run ? cursor.offset : 0);
    return false;
  }
  return true;
}

// How many messages from `at` on the kernel took; else errno says why the first one was refused.
int UdpSocket::Impl::transmit(std::size_t at, std::size_t messages) {
  constexpr int kFlags = MSG_DONTWAIT | MSG_NOSIGNAL;
  if (offloads.batches.active) {
    const int sent =
        sendmmsg(fd.get(), &out.headers[at], static_cast<unsigned>(messages - at), kFlags);
    if (sent > 0 || (sent < 0 && errno != ENOSYS)) return sent;
    offloads.batches = Rung::off("the kernel refuses sendmmsg");
  }
  return sendmsg(fd.get(), &out.headers[at].msg_hdr, kFlags) < 0 ? -1 : 1;
}

// The datagrams of a message that was refused with `error`, one by one, until the first that fails;
// after one that is too big, a shorter last one is tried. Where the first passes, the fault was
// UDP_SEGMENT's, which is not used again. Returns the errno of a failure, or 0.
int UdpSocket::Impl::send_cut(const DatagramRun& run, const Part& part, int error,
                              SendReport& report) {
  const std::size_t segment = segment_size(run);
  const std::size_t end = part.offset + part.size;
  const std::size_t last = end - 1 - (part.size - 1) % segment;
  for (std::size_t at = part.offset; at < end;) {
    const MutableBytes datagram = run.data.subspan(at, std::min(segment, end - at));
    const int failed = send_datagram(fd.get(), run.path, datagram, run.tos);
    if (failed == 0) {
      if (at == part.offset && error != EMSGSIZE)
        offloads.gso = Rung::off("the kernel refused a run: " + system_text(error));
      ++report.sent;
      at += datagram.size();
      continue;
    }
    fail(part.run, classify(failed, run.path), failed);
    const bool shorter = failed == EMSGSIZE && at < last && end - last < segment;
    const std::size_t next = shorter ? last : end;
    report.dropped += segments_in(run, next - at);
    at = next;
    if (!shorter) return failed;
  }
  return 0;
}

int UdpSocket::send_now(const Path& path, ByteView datagram) const {
  if (path.remote.ip.family() != impl_->family) return EAFNOSUPPORT;
  return send_datagram(impl_->fd.get(), path, datagram);
}

int UdpSocket::send_in_fragments(const Path& path, ByteView datagram) const {
  set_fragments(impl_->fd.get(), impl_->family, Fragments::allowed);
  const int error = send_now(path, datagram);
  set_fragments(impl_->fd.get(), impl_->family, Fragments::forbidden);
  return error;
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
