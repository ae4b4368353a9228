// Events of the TX pump on their way to another thread: copies, and bounded. Nobody is held up by a
// receiver that is slow; packets that could not be sent anyway are lost instead, and counted.
//
// Invariants
//  1. At most kMaxPackets packets with kMaxBytes, and kMaxRefused refusals. What tells of a peer
//     is never lost: it is merged, at most one entry per peer and per session.
//  2. Views in it are valid until clear(), also after a swap.
//  3. No allocation but where more peers are told of than ever before.
#pragma once

#include <cstdint>
#include <vector>

#include "base/drop.h"
#include "dataplane/events.h"

namespace meshnode::dataplane {

class EventBatch {
 public:
  static constexpr std::size_t kMaxPackets = 64;
  static constexpr std::size_t kMaxBytes = 256 * 1024;
  static constexpr std::size_t kMaxRefused = 16;

  // A packet that was not sent: no_route, no_session or too_big.
  struct Unsent {
    PumpEvent event;
    std::uint64_t changes = 0;  // so many had been applied when it failed
  };
  // A datagram larger than the interface of its path takes.
  struct Refused {
    Path path;
    std::size_t size = 0;
  };

  // `sent` or `key_worn`; size: the largest that was said.
  struct Note {
    PumpEvent::Kind kind = PumpEvent::Kind::sent;
    PeerNumber peer = kNoPeer;
    SessionIndex session = 0;
    std::size_t size = 0;
    PumpEvent event() const {
      return {.kind = kind, .peer = peer, .session = session, .size = size};
    }
  };

  EventBatch();
  EventBatch(const EventBatch&) = delete;  // views would point into the other's memory
  EventBatch& operator=(const EventBatch&) = delete;

  // A TX pump's event. `changes`: how many have been applied.
  void add(const PumpEvent& event, std::uint64_t changes);
  void add_refused(const Path& path, std::size_t size);
  void append(const EventBatch& later);
  // All but what was lost.
  void swap(EventBatch& other) noexcept;
  void clear();

  bool empty() const { return unsent_.empty() && refused_.empty() && notes_.empty(); }
  const std::vector<Unsent>& unsent() const { return unsent_; }
  const std::vector<Refused>& refused() const { return refused_; }
  const std::vector<Note>& notes() const { return notes_; }
  // Packets for which there was no room, by what they would have counted as: since ever.
  const DropCounters& lost() const { return lost_; }

 private:
  void add_packet(const PumpEvent& event, std::uint64_t changes);
  void add_note(const Note& note);

  std::vector<Unsent> unsent_;
  Bytes bytes_;  // never grows past what was reserved: views point into it
  std::vector<Refused> refused_;
  std::vector<Note> notes_;
  DropCounters lost_;
};

}  // namespace meshnode::dataplane
