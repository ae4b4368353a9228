// What the monitor and its worker say to each other: one datagram per message on a SOCK_SEQPACKET
// socketpair, with at most one descriptor (SCM_RIGHTS).
//
//   byte 0  kVersion    another one: the two come from versions that do not know each other
//   byte 1  Kind
//   byte 2  Slot        of keep and kept, else 0
//   byte 3… text        at most kMaxText bytes, of the kinds that have one
//
// The monitor does not trust the worker: what it does not know, or what has no place at that
// moment, does nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "io/unique_fd.h"

namespace meshnode::monitor {

inline constexpr std::uint8_t kVersion = 1;
inline constexpr std::size_t kMaxText = 1024;
inline constexpr std::size_t kHeader = 3;
inline constexpr std::size_t kMaxMessage = kHeader + kMaxText;

enum class Kind : std::uint8_t {
  // Worker to monitor.
  prepared = 1,  // a worker that was started anew: it runs, has read its options, and waits for go
  ready = 2,     // it works; text for the service manager
  alive = 3,     // about once a second
  stopping = 4,
  keep = 5,            // a descriptor to hold for the next worker; replaces the one in this slot
  upgrade = 6,         // please replace me
  prepare_failed = 7,  // text: why a worker that was started anew cannot go on
  happened = 8,        // text: what hooks may be for (hooks.h)
  reloaded = 9,        // the configuration was read again, and is right
  want_dht = 10,       // a (new) process with OpenDHT, please: the one before is of no use
  names_at = 11,       // text: the port where DNS questions are answered; empty: nowhere
  hosts = 12,          // text: lines for /etc/hosts, more may follow (names.h)
  hosts_end = 13,      // these were all
  // Monitor to worker.
  kept = 64,     // a descriptor that an earlier worker gave
  go = 65,       // all of them were told: begin
  leave = 66,    // your successor stands ready: end, without a goodbye
  refused = 67,  // there is no successor; text: why
  dht = 68,      // a socket to a fresh process with OpenDHT
};

enum class Slot : std::uint8_t { none = 0, interface = 1, udp_v4 = 2, udp_v6 = 3, names = 4 };
inline constexpr std::size_t kSlots = 5;

struct Message {
  Kind kind{};
  Slot slot = Slot::none;
  std::string text{};
  io::UniqueFd fd{};
};

Bytes encode(const Message& message);  // all but the descriptor; a longer text is cut
// Nothing for what is no message. The descriptor is the caller's to add.
std::optional<Message> decode(ByteView bytes);

}  // namespace meshnode::monitor
