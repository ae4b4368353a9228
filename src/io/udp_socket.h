// One UDP socket of one family, in batches. It turns sockaddr and control messages into Path and
// back, and swallows what a UDP socket throws at a program that talks to many strangers.
//
// Invariants
//  1. Nothing about one datagram is fatal: a failed one is counted and the next one is tried.
//  2. No allocation after open(): headers, addresses and control messages are preallocated.
//  3. Don't-fragment is set, but in send_in_fragments(), and the kernel's path-MTU cache is ignored
//     (PMTUDISC_PROBE): path MTU is found by our own authenticated probes, never by spoofable ICMP.
//     A datagram larger than the outgoing interface's MTU fails with too_big.
//  4. IPv6 is V6ONLY: a v4-mapped address never gets in or out.
//  5. What is sent is the same datagrams on every rung of the ladder, in the same order.
//
// The ladder: a run goes to the kernel as one message, which cuts it (UDP_SEGMENT, per message: the
// socket is shared); many messages in one call (sendmmsg). Where the kernel refuses a run but takes
// its first datagram alone, runs are cut here from then on. Received runs come whole (UDP_GRO).
//
// Not thread-safe but for send_now(); a second thread that sends gets a twin(). Buffers stay the
// host's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/endpoint.h"
#include "base/result.h"
#include "base/rung.h"
#include "base/runs.h"
#include "io/unique_fd.h"

namespace meshnode::io {

struct UdpOptions {
  std::uint16_t port = 0;  // 0: the kernel chooses
  // SO_MARK, so that policy routing can keep the underlay out of the mesh; 0: none. Needs
  // CAP_NET_ADMIN; without it the socket works unmarked, see marked().
  std::uint32_t mark = 0;
  // Wanted bytes of each of the two kernel buffers; the kernel may grant less without
  // CAP_NET_ADMIN.
  std::size_t buffer_bytes = std::size_t{4} << 20;
  bool gso = true;  // let the kernel cut runs into datagrams
  bool gro = true;  // take runs of datagrams: wants slots of kLargestRun bytes
};

// What the kernel does for this socket.
struct UdpOffloads {
  Rung gso;
  Rung gro;
  Rung batches;  // sendmmsg and recvmmsg
};

// Why open() failed, for what the host does about it; the sentence for the person is the Error.
enum class UdpOpenError : std::uint8_t {
  none,
  port_busy,  // another program has the port: try another, or tell the person
  forbidden,  // port below 1024 without the right
  no_family,  // this machine has no IPv6 (or no IPv4)
  other,
};

// A buffer for one receive, and what arrived in it.
struct RecvSlot {
  MutableBytes buffer;  // in: lent by the host. May have changed place with another slot's
  DatagramRun run;      // out: a view into `buffer`
};

enum class SendProblem : std::uint8_t {
  would_block,  // the socket's buffer is full; this and all later ones of the batch were dropped
  unreachable,  // no route, no neighbour, network down, or refused by the other side
  // path.local is not (any longer) an address of this machine, or its interface went. Newer kernels
  // answer `unreachable` for a lost IPv4 address; only the list of interfaces tells the two apart.
  address_gone,
  forbidden,  // firewall, or a broadcast address
  too_big,    // larger than the interface's MTU
  other,      // anything else, a path of the wrong family included
};

struct SendFailure {
  std::size_t run = 0;  // index into the batch
  SendProblem problem = SendProblem::other;
  int error = 0;  // errno, for the log; 0 when the system was not asked
};

struct SendReport {
  std::size_t sent = 0;     // datagrams that the kernel took
  std::size_t dropped = 0;  // datagrams that it did not take
  // The first failure of each failing run, at most UdpSocket::kMaxFailures of them; valid until the
  // next send_batch().
  std::span<const SendFailure> failures;
};

class UdpSocket {
 public:
  static constexpr std::size_t kBatch = 64;  // messages per system call
  static constexpr std::size_t kMaxFailures = 64;
  // What UDP_GRO gives at most.
  static constexpr std::size_t kLargestRun = 65536;

  // Bound to the wildcard address of the family, without SO_REUSEADDR: a busy port is seen. `why`,
  // when given, is set in every case.
  static Result<UdpSocket> open(Family family, const UdpOptions& options,
                                UdpOpenError* why = nullptr);

  // A socket that an earlier process of ours opened, on the port that it has: options.port is not
  // looked at.
  static UdpSocket adopt(Family family, UniqueFd fd, const UdpOptions& options);

  // Another object over the same socket, with message arrays and a ladder of its own: for sending
  // in another thread. Only one of the two receives. Each finds out for itself what the kernel
  // refuses to send; nothing is lost by that.
  Result<UdpSocket> twin() const;

  UdpSocket(UdpSocket&&) noexcept;
  UdpSocket& operator=(UdpSocket&&) noexcept;
  ~UdpSocket();

  // Fills the first n slots and returns n ≤ min(slots, kBatch); 0 when nothing waits. Call again
  // while all slots were filled, or leave the rest to the level-triggered loop.
  //
  // run.path.local is the address that the datagram came to (what an answer must come from), none
  // if that was multicast; run.path.scope is the interface where the sender is link-local.
  // With gro a run holds several datagrams of one sender, with one TOS.
  // A message larger than its slot's buffer is dropped and counted, never delivered in part. To
  // keep filled slots together, slots may exchange their `buffer` views; a run always lies in its
  // own slot's buffer.
  std::size_t recv_batch(std::span<RecvSlot> slots);

  // Sends every segment of every run in order (an empty run sends nothing), from path.local if set,
  // through interface path.scope if set, with the run's TOS. When the socket's buffer is full the
  // rest is dropped and counted: waiting would delay what comes after.
  SendReport send_batch(std::span<const DatagramRun> runs);

  // One datagram, from any thread, beside the batches: straight to the kernel. 0 or an errno.
  int send_now(const Path& path, ByteView datagram) const;
  // One datagram that may be cut into fragments, for what must not depend on the path MTU and
  // cannot search it. 0 or an errno. Not beside other calls of this thread's batches: what another
  // thread sends meanwhile may lack don't-fragment, too.
  int send_in_fragments(const Path& path, ByteView datagram) const;
  // As send_now(), over IPv4 only; see send_datagram.h.
  int send_short_lived(const Path& path, ByteView datagram, int time_to_live) const;

  const UdpOffloads& offloads() const;  // changes at run time, one way only
  int fd() const;
  Family family() const;
  std::uint16_t port() const;            // the bound one, host order
  bool marked() const;                   // the wanted SO_MARK is set
  std::uint64_t truncated() const;       // messages dropped by recv_batch as larger than their slot
  std::uint64_t receive_errors() const;  // errors that the kernel reported instead of a datagram

 private:
  struct Impl;
  explicit UdpSocket(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace meshnode::io
