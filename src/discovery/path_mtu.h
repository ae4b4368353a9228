// How large a datagram may be on one path, found without any help of routers: ICMP may be filtered
// or forged (RFC 8899, Datagram Packetization Layer Path MTU Discovery). Pure: it says which probes
// to send, the engine sends them inside the session and tells which were answered.
//
// All sizes are bytes of UDP payload, one of our frames whole.
#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "base/endpoint.h"

namespace meshnode::discovery {

// Life of a path:
//   start    nothing is assumed: the floor, which every link carries
//   search   begins with data that does not fit. Round by round some sizes are probed at once, the
//            usual ones first; the smallest unanswered one is repeated, and given up after kTries.
//            The range shrinks until it is narrower than kStep, or the ceiling has answered
//   settled  an unfitting packet can be told which size fits. Data that does not fit begins a new
//            search kRaiseEvery later: paths grow, too
// At all times, while data uses more than the floor, a probe of the present size is due each
// kConfirmEvery. Unanswered ones are repeated together with small ones; if only those are answered,
// kTries times, then large datagrams vanish (a black hole): the size falls to what was answered, at
// once, and a search begins. If nothing is answered the path itself is in doubt, and others
// (PathBook) deal with it.
//
// Invariants
//  1. limit() grows only by an authentic answer to a probe of that size.
//  2. Idle paths are not probed: each search and each confirmation needs data that asked for it.
//  3. Every size is a whole number of cipher blocks and the frame's overhead, or the ceiling: data
//     that fits still fits when it is padded.
class PathMtu {
 public:
  static constexpr std::size_t kFloorV4 = 496;   // links of 576, with the longest IPv4 header
  static constexpr std::size_t kFloorV6 = 1232;  // links of 1,280: IPv6 has no smaller ones
  static constexpr std::size_t kBase = 1200;     // fits nearly everywhere (RFC 9000 §14)
  static constexpr std::size_t kStep = 16;
  static constexpr std::size_t kRound = 8;  // sizes in a round, at most
  static constexpr unsigned kTries = 3;
  static constexpr unsigned kConfirmTries = 4;
  static constexpr Duration kConfirmEvery = milliseconds(500);
  static constexpr Duration kRaiseEvery = minutes(10);
  static constexpr Duration kDoubtPause = seconds(1);
  static constexpr Duration kTimeoutLeast = milliseconds(100);
  static constexpr Duration kTimeoutMost = seconds(1);

  struct Probe {
    std::uint32_t number = 0;
    std::size_t size = 0;
  };

  // `ceiling`: nothing larger is ever wanted; at least the floor counts.
  PathMtu(Family family, std::size_t ceiling);

  // Data went this way; its largest packet would have needed `wanted` in one datagram.
  void used(TimePoint now, std::size_t wanted);
  // What to send now; `number` is taken from and moved on. `rtt`: of the path, as others know it.
  std::vector<Probe> due(TimePoint now, Duration rtt, std::uint32_t& number);
  // True if the number is that of a probe of this path.
  bool answered(TimePoint now, std::uint32_t number);
  // Our own machine refused to send a datagram of this size.
  void refused(TimePoint now, std::size_t size);

  std::size_t limit() const { return low_; }
  // The same for our own messages: as long as nothing is known, the base is tried. They are few and
  // are repeated, and are not worth a search of their own.
  std::size_t message_limit() const { return searched_ ? low_ : std::max(low_, kBase); }
  // Whether what is larger than the limit does not fit, as far as we know.
  bool settled() const { return settled_; }
  std::optional<TimePoint> next_deadline() const;

 private:
  struct Try {
    std::size_t size = 0;
    unsigned sends = 0;
  };
  struct Sent {
    std::uint32_t number = 0;
    std::size_t size = 0;
    TimePoint when{};
  };
  struct Check {
    std::size_t size = 0;  // the limit that is in question
    unsigned sends = 0;
    std::size_t small_answered = 0;  // the largest of the small ones
    TimePoint next{};
  };

  Probe send(TimePoint now, std::size_t size, std::uint32_t& number);
  void begin_search(TimePoint now, bool raising);
  void begin_round(TimePoint now);
  void end_round(TimePoint now, std::size_t failed);
  void settle(TimePoint now);
  void drive_round(TimePoint now, std::uint32_t& number, std::vector<Probe>& out);
  void drive_check(TimePoint now, std::uint32_t& number, std::vector<Probe>& out);
  void fall(TimePoint now, std::size_t to, std::size_t failed);
  Duration timeout() const;

  std::size_t header_;  // of IP and UDP
  std::size_t floor_;
  std::size_t ceiling_;
  std::size_t low_;   // answered
  std::size_t high_;  // the smallest that is known to fail, or ceiling_ + 1
  bool settled_ = false;
  bool searched_ = false;       // once at least, to the end
  bool raising_ = false;        // the search looks whether the path has grown
  std::vector<Try> round_;      // ascending, all above low_; empty: no search
  TimePoint round_next_{};      // when its smallest size is overdue
  std::optional<Check> check_;  // a confirmation under way
  bool in_use_ = false;         // above the floor, since the last confirmation
  TimePoint confirmed_{};
  TimePoint next_raise_{};
  Duration rtt_{};
  std::array<Sent, 32> sent_{};
  std::size_t next_slot_ = 0;
};

}  // namespace meshnode::discovery
