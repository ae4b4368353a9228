// Why something was thrown away. Hostile or garbled input is dropped and counted: no exception, no
// log line, no answer.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace meshnode {

enum class Drop : std::uint8_t {
  // the outside: datagrams
  malformed,        // length, version or structure is not one of ours
  unknown_type,     // first byte belongs to no protocol that we speak
  unknown_tag,      // probe of no known peer
  unknown_session,  // data frame with a receiver index that we did not hand out
  bad_mac,          // probe or handshake mac does not fit
  auth_failed,      // AEAD tag or Noise message does not fit
  replayed,         // authentic, but seen before or too old
  stale_number,     // handshake or beacon number not above the last one
  glare,            // both began a handshake; ours wins
  rate_limited,     // above a budget
  unsolicited,      // DHT message that answers nothing of ours, or from whom we do not serve
  unsupported,      // authentic, but a kind, flag, cipher or version that was not negotiated
  bad_identity,     // signature or binding does not hold, or not the peer that it claims to be
  self,             // our own message came back
  not_on_link,      // beacon whose source is not its sender on this link
  foreign_beacon,   // beacon of another network, or noise
  table_full,       // a bounded table has no room for somebody unproven
  // the inside: packets
  bad_packet,           // not an IP packet that we carry
  spoofed_source,       // inner source address is not the sending peer's
  foreign_destination,  // inner destination is not ours: nobody forwards
  no_route,             // no member has this address
  no_session,           // peer known, no edge, and the queue for it is full or timed out
  too_big,              // larger than the tunnel's MTU
  multicast,            // not carried (yet)
  congested,            // the underlay marked congestion on a packet that cannot carry the mark
  key_worn_out,         // a session's counter reached its limit
  bad_piece,            // fits no packet: garbled, overlaps, or contradicts an earlier piece
  unassembled,          // a packet, since pieces of it did not come in time
  tun_failed,           // the interface did not take it
  // the underlay
  send_failed,    // the socket did not take it
  underlay_loop,  // a path that would run through a mesh
  foreign_query,  // a DNS question that is not from this machine
  count_,
};

std::string_view name(Drop reason);

class DropCounters {
 public:
  void count(Drop reason, std::uint64_t n = 1) { counts_[static_cast<std::size_t>(reason)] += n; }
  std::uint64_t operator[](Drop reason) const { return counts_[static_cast<std::size_t>(reason)]; }
  void add(const DropCounters& other) {
    for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
  }
  std::uint64_t total() const {
    std::uint64_t sum = 0;
    for (std::uint64_t n : counts_) sum += n;
    return sum;
  }

 private:
  std::array<std::uint64_t, static_cast<std::size_t>(Drop::count_)> counts_{};
};

}  // namespace meshnode
