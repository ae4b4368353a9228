// What we know of one other member.
#pragma once

#include <algorithm>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/replay_window.h"
#include "base/token_bucket.h"
#include "dataplane/slots.h"
#include "discovery/mtu_book.h"
#include "discovery/path_book.h"
#include "discovery/probe_keys.h"
#include "discovery/signed_record.h"
#include "overlay/handshake.h"
#include "overlay/staging.h"
#include "overlay/unsaid.h"

namespace meshnode::overlay {

// `since` a default TimePoint: never.
inline bool within(TimePoint now, TimePoint since, Duration span) {
  return since != TimePoint{} && now - since < span;
}

// When a peer had itself introduced to us, or a person or a packet wanted it.
class Invitations {
 public:
  static constexpr Duration kInARow = minutes(2);  // with shorter pauses they are one row

  void add(TimePoint now) {
    if (!within(now, last_, kInARow)) first_ = now;
    last_ = now;
  }
  TimePoint last() const { return last_; }
  TimePoint first() const { return first_; }  // of the present row

 private:
  TimePoint last_{};
  TimePoint first_{};
};

// Timers of sessions (protocol.md "Sessions").
inline constexpr Duration kRekeyAfter = seconds(120);
inline constexpr Duration kKeyDeath = seconds(180);
// The responder takes over if the initiator does not rekey while there is traffic.
inline constexpr Duration kResponderRekeyAfter = seconds(165);
// Traffic within this time makes a session worth renewing.
inline constexpr Duration kInUse = seconds(30);

struct Session {
  SessionIndex local_index = 0;
  crypto::Cipher cipher = crypto::Cipher::aes_256_gcm;
  TimePoint created{};
  bool initiator = false;
  BootId boot{};  // of the peer; another one means that the peer has lost this session
  bool worn = false;
};

// A handshake of ours on its way.
struct Attempt {
  Initiator machine;
  TimePoint began{};
  TimePoint next_send{};
  Path path;
  unsigned sends = 0;
  bool knock = false;  // to somebody who may not know us, without a confirmed path
};

struct Peer {
  // Who.
  PeerNumber number = kNoPeer;
  NodeId id;  // until `proven` only what a beacon said
  crypto::X25519Public static_key{};
  bool proven = false;
  std::string name;
  std::vector<IpAddress> claims;   // as the peer said
  std::vector<IpAddress> granted;  // those that it got
  TimePoint first_heard{};
  TimePoint last_proven{};  // last time something authentic by its own key came

  // Where.
  discovery::ProbeKeys probe_keys;
  std::vector<wire::ProbeTag> tags;  // as registered in the roster
  // The peer's own epoch, by its last beacon or fresh probe: its clock may be far from ours.
  std::optional<discovery::TagEpoch> stated_epoch;
  std::optional<UnixTime> stated_clock;               // in its last beacon
  TimePoint clock_heard{};                            // then
  std::optional<discovery::TagEpoch> answered_epoch;  // ours, in which it last answered
  discovery::PathBook paths;
  discovery::MtuBook mtu;
  std::optional<dataplane::SetLimit> published_limit;  // of the published path
  discovery::RecordPtr record;                         // the newest that names this static key
  // Records of others that name the same static key: only the handshake tells whose it is.
  std::vector<discovery::RecordPtr> rivals;
  static constexpr std::size_t kMaxRivals = 3;
  std::vector<discovery::Target> suggested;
  Endpoint observed4, observed6;  // how the peer sees us
  std::optional<TimePoint> next_lookup;
  Duration lookup_pause{};
  // Introductions to it (engine_introductions.cpp).
  std::optional<TimePoint> next_introduction;
  Duration introduction_pause{};
  std::size_t introducers_asked = 0;
  std::optional<TimePoint> next_call;  // Directory::call()
  std::optional<TimePoint> next_knock;
  Duration knock_pause{};
  std::size_t knocks = 0;
  TimePoint next_anew{};  // when a packet may make us try everything anew
  Duration anew_pause{};
  Invitations invited;
  TimePoint asked_us{};  // its last probe
  std::optional<Path> published_path;
  std::optional<Path> last_path;  // the last one that was published, perhaps in an earlier start

  // Freshness. Probe and handshake numbers are proven by the peer's key; beacon numbers could be
  // any member's, so they have a window of their own.
  ReplayWindow<1024> numbers;
  ReplayWindow<1024> beacon_numbers;
  std::optional<BootId> boot;
  TimePoint boot_heard{};            // last time that something of this start came
  std::deque<BootId> earlier_boots;  // at most kEarlierBoots, newest last
  static constexpr std::size_t kEarlierBoots = 8;
  TimePoint next_stale_hint{};
  TimePoint next_challenge{};

  // Sessions, oldest first, at most kMaxSessions; the last is used for sending.
  static constexpr std::size_t kMaxSessions = 3;
  std::vector<Session> sessions;
  std::optional<Attempt> attempt;
  std::optional<Block<16>> cookie;
  bool wants_edge = true;  // never had one, or the peer restarted: make one without being asked
  unsigned failed_attempts = 0;
  std::uint32_t handshakes = 0;  // that made a session
  TimePoint next_attempt{};
  TimePoint attempt_began{};  // the last one's, for glare
  TimePoint path_since{};     // when the peer became reachable, for politeness
  TimePoint trying_since{};
  Staging staging;
  Unsaid unsaid;
  TimePoint last_inner{};  // inner data in either direction
  bool inner_seen = false;
  bool said_goodbye = false;
  bool ever_connected = false;
  std::uint64_t told_changes = 0;  // of the path
  bool announced = false;          // PeerConnected told, PeerLost not yet
  TokenBucket edges_asks{5, 40};   // pages of our edges that it may have
  bool touched = false;            // its deadline may have changed (Roster::take_touched)

  bool has_session() const { return !sessions.empty(); }
  const Session& current() const { return sessions.back(); }
  bool knows_boot(const BootId& candidate) const {
    return boot == candidate ||
           std::find(earlier_boots.begin(), earlier_boots.end(), candidate) != earlier_boots.end();
  }
};

}  // namespace meshnode::overlay
