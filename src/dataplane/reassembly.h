// Pieces become packets again (wire/piece.h). Each piece has authenticated by itself: what is held
// here, a member has sent, and no more than kHeld bytes for kLife.
#pragma once

#include <array>
#include <bitset>
#include <memory>
#include <optional>
#include <unordered_map>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/drop.h"
#include "base/ids.h"
#include "wire/piece.h"

namespace meshnode::dataplane {

// What one peer has begun. The memory is a ring: packets stand in the order in which their first
// piece came, and the oldest one makes room.
//
// Invariants
//  1. No allocation: all memory is in the object.
//  2. A byte is written once: what would write over bytes that have come is dropped.
//  3. Pieces of different sessions never become one packet.
//  4. At most kMaxPackets unfinished packets, none of them longer than kLife after its first piece,
//     as far as pieces come; nothing unfinished is ever given out.
class Reassembly {
 public:
  static constexpr std::size_t kHeld = 64 * 1024;
  static constexpr std::size_t kMaxPackets = 64;
  static constexpr Duration kLife = seconds(2);

  struct Whole {
    wire::FrameKind kind = wire::FrameKind::ip;
    MutableBytes bytes;      // valid until the next add()
    bool congested = false;  // a piece of it was (RFC 3168 §5.3)
  };

  // The plaintext of a piece that came under the session with this index of ours; `congested`: the
  // datagram around it was marked. Drops are bad_piece for what fits nothing, and unassembled for
  // each packet that is given up.
  std::optional<Whole> add(TimePoint now, SessionIndex session, ByteView text, DropCounters& drops,
                           bool congested = false);
  // Gives up all that is unfinished.
  void clear(DropCounters& drops);
  // Of unfinished packets, as if they were whole.
  std::size_t held() const;
  TimePoint last_used() const { return last_used_; }

 private:
  struct Packet {
    SessionIndex session = 0;
    std::uint32_t id = 0;
    std::uint16_t total = 0;
    wire::FrameKind kind = wire::FrameKind::ip;
    std::size_t place = 0;    // in units
    std::size_t missing = 0;  // units that have not come; 0: done
    TimePoint began{};
    bool congested = false;
    std::size_t units() const { return (total + wire::kPieceUnit - 1) / wire::kPieceUnit; }
  };
  static constexpr std::size_t kUnits = kHeld / wire::kPieceUnit;

  Packet& at(std::size_t i) { return packets_[(first_ + i) % kMaxPackets]; }
  const Packet& at(std::size_t i) const { return packets_[(first_ + i) % kMaxPackets]; }
  Packet* find(SessionIndex session, const wire::Piece& piece);
  Packet* begin(TimePoint now, SessionIndex session, const wire::Piece& piece, DropCounters& drops);
  std::size_t make_room(std::size_t units, DropCounters& drops);
  void expire(TimePoint now, DropCounters& drops);
  void give_up_oldest(DropCounters& drops);
  void trim();
  bool take(Packet& packet, const wire::Piece& piece);

  std::array<std::uint8_t, kHeld> memory_;
  std::bitset<kUnits> present_;  // of the packets in the ring; elsewhere meaningless
  std::array<Packet, kMaxPackets> packets_;
  std::size_t first_ = 0;
  std::size_t count_ = 0;
  TimePoint last_used_{};
};

// One for each peer that has sent pieces, made with its first one; at most kMaxPeers. Then the one
// that was quiet for longest goes to the newcomer.
class Reassemblies {
 public:
  static constexpr std::size_t kMaxPeers = 64;

  std::optional<Reassembly::Whole> add(TimePoint now, PeerNumber peer, SessionIndex session,
                                       ByteView text, DropCounters& drops, bool congested = false);
  void drop(PeerNumber peer) { peers_.erase(peer); }
  std::size_t size() const { return peers_.size(); }

 private:
  Reassembly& of(PeerNumber peer, DropCounters& drops);
  std::unordered_map<PeerNumber, std::unique_ptr<Reassembly>> peers_;
};

}  // namespace meshnode::dataplane
