// The slow path of a node: who is there, on which path, with which keys. A pure machine: time,
// datagrams and pump events go in; messages, slot changes, events and the next deadline come out.
// Data never passes through it (docs/architecture.md).
//
// Thread safety: none; one thread owns it.
//
// Invariants
//  1. Nothing but drop counters and rate limits changes before a message is authenticated.
//  2. A responder changes no roster, route, path or session before the initiator's first valid data
//     frame; no first message ever removes a live session.
//  3. A peer's datagrams from a new endpoint move its path only after an answered probe.
//  4. Every table and queue is bounded; strangers can fill none.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "base/clock.h"
#include "base/drop.h"
#include "base/interfaces.h"
#include "base/random.h"
#include "crypto/aead.h"
#include "dataplane/events.h"
#include "discovery/candidates.h"
#include "discovery/directory.h"
#include "discovery/gossip.h"
#include "discovery/introductions.h"
#include "discovery/lan_beacon.h"
#include "discovery/own_record.h"
#include "discovery/probe_budget.h"
#include "discovery/record_book.h"
#include "discovery/servers.h"
#include "discovery/stun_client.h"
#include "overlay/agenda.h"
#include "overlay/edge_choice.h"
#include "overlay/gate.h"
#include "overlay/handshake.h"
#include "overlay/icmp.h"
#include "overlay/memory.h"
#include "overlay/numbers.h"
#include "overlay/outputs.h"
#include "overlay/questions.h"
#include "overlay/roster.h"
#include "overlay/snapshot.h"

namespace meshnode::overlay {

struct EngineConfig {
  Identity identity;
  NetworkKeys keys;
  BootId boot{};
  std::uint16_t port = 0;  // our own, told in beacons
  std::size_t mtu = 1420;  // of the tunnel
  std::string name;
  std::vector<IpAddress> claims;  // our IPv4 addresses in the overlay
  bool directory = false;         // there is a DHT behind DhtRequest
  bool reflectors = false;        // STUN servers will be named: our first record waits for them
  // Up to that many members, an edge with each; above, with those that choose_edges() chooses, and
  // with others when they are needed.
  std::size_t eager_members = 64;
  bool full_mesh = false;  // an edge with each, however many
  bool share_map = true;   // members that ask are told with whom we have edges
  std::vector<crypto::Cipher> ciphers{crypto::Cipher::aes_256_gcm,
                                      crypto::Cipher::chacha20_poly1305};
  crypto::MakeFrameCipher make_cipher = crypto::make_gnutls_cipher;
  std::shared_ptr<discovery::RecordPool> records;  // shared with other engines of this process
};

class Engine {
 public:
  // `suite`, `random` and `numbers` outlive the engine.
  Engine(EngineConfig config, const crypto::Suite& suite, Random& random, NumberSource& numbers);
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // Inputs. After each: poll() until it is empty, then next_deadline().
  void start(Now now);
  void handle_interfaces(Now now, const Interfaces& interfaces);
  void handle_beacon(Now now, const discovery::LanDatagram& datagram);
  void handle_message(Now now, const Path& path, ByteView datagram);
  void handle_pump_event(Now now, const dataplane::PumpEvent& event);
  // The machine refused to send a datagram of that size on that path.
  void handle_too_big(Now now, const Path& path, std::size_t size);
  // False if it is no answer to a question of ours.
  bool handle_stun(Now now, const Path& path, ByteView datagram);
  void handle_directory(Now now, const discovery::DhtKey& key, ByteView value);
  // Whoever stored our records may have lost them.
  void handle_store_lost(Now now);
  // STUN servers to ask.
  void add_reflector(Now now, const Endpoint& server,
                     discovery::StunClient::Rank rank = discovery::StunClient::Rank::named);
  void remove_reflector(Now now, const Endpoint& server);
  // Addresses of ours as the DHT echoed them, without ports: hints.
  void handle_echo(Now now, std::vector<IpAddress> addresses);
  // Whether we answer DHT and STUN requests of anybody, and where: our record says so.
  void set_serving(Now now, bool serves, discovery::Serving serving);
  // What an earlier start knew; after the first handle_interfaces().
  void recall(Now now, const std::vector<RememberedMember>& memory);
  // Whether somebody wants to hear PathChanged, MemberHeard and MemberLeft.
  void set_watched(bool watched) { watched_ = watched; }
  // A person asks a member; an Answered ends it, within Questions::kLongest.
  void ask(Now now, Question::Kind kind, const NodeId& member, std::uint64_t asker);
  void handle_timeout(Now now);
  // Says goodbye to everybody. The engine is of no use afterwards.
  void shutdown(Now now);

  // Outputs, in the order in which they must happen.
  std::optional<Output> poll();
  std::optional<TimePoint> next_deadline() const;
  Snapshot snapshot(TimePoint now) const;
  // Nothing for a member that is no peer.
  std::optional<PeerStory> story(TimePoint now, PeerNumber number) const;
  // Peers first.
  std::vector<KnownMember> members() const;
  // Grows whenever members() may come out otherwise.
  std::uint64_t members_version() const {
    return book_.version() + book_.members_version() + routes_version_;
  }
  // What the next start should know. memory_version() grows when that is worth storing anew.
  std::vector<RememberedMember> memory(Now now) const;
  std::uint64_t memory_version() const { return memory_version_; }
  const DropCounters& drops() const { return drops_; }

  std::optional<Duration> reflector_rtt(TimePoint now, const Endpoint& server) const {
    return stun_.rtt(now, server);
  }
  // What time servers say that it is.
  std::vector<discovery::StunClient::Time> server_times(TimePoint now) const {
    return stun_.times(now);
  }
  // The last one of which a beacon came.
  const std::optional<OtherVersion>& other_version() const { return other_version_; }
  const NodeId& id() const { return self_.identity.id; }
  IpAddress address() const { return own_address_; }

 private:
  // A handshake that we answered; it becomes a session with the first valid data frame.
  struct Pending {
    Established established;
    PeerNumber number = kNoPeer;
    Path path;
    TimePoint made{};
    wire::Mac mac1{};
    bool number_was_challenged = false;
  };
  static constexpr std::size_t kMaxPending = 128;
  static constexpr std::size_t kMaxPendingUnknown = 32;  // of these, from peers not in the roster
  static constexpr Duration kPendingLife = seconds(10);
  static constexpr std::size_t kMaxStagedBytes = 1024 * 1024;

  // engine.cpp: peers, packets, timers
  void note_time(Now now);
  // The end of each input: what the machines inside want to send, and when peers want to be asked.
  void finish(Now now);
  std::optional<TimePoint> deadline_of(const Peer& peer) const;
  void dispatch(Now now, const Path& path, ByteView datagram);
  void dispatch(Now now, const dataplane::PumpEvent& event);
  void emit(Output output) { outputs_.push_back(std::move(output)); }
  void touch() { deadline_known_ = false; }
  void count(Drop reason) { drops_.count(reason); }
  void publish_routes() {
    routes_changed_ = true;
    ++routes_version_;
  }
  void emit_routes();
  bool routes_lead_to(const Peer& peer) const;
  void publish_path(TimePoint now, Peer& peer);
  void announce(TimePoint now, Peer& peer);
  void tell_change(Peer& peer);
  void drop_key(SessionIndex index);
  void drop_attempt(Peer& peer);
  void forget(PeerNumber number);
  void housekeeping(Now now);
  void service(Now now, Peer& peer);
  void stage(Now now, Peer& peer, ByteView packet);
  void resend_staged(Peer& peer);
  void give_up_staged(TimePoint now, Peer& peer);
  void tell_unreachable(TimePoint now, ByteView packet, Unreachable why);
  std::size_t staged_bytes() const;

  // engine_control.cpp: what peers say inside sessions
  void handle_control(Now now, const dataplane::PumpEvent& event);
  void handle_control(Now now, Peer& peer, const wire::Control& control);
  void goodbye_from(TimePoint now, Peer& peer);

  // engine_questions.cpp: what a person asks of a member
  Peer* peer_of(Now now, const NodeId& member);
  static bool can_hear(const Peer& peer);
  void send_questions(TimePoint now, const Peer& peer);
  void handle_pong(TimePoint now, const Peer& peer, std::uint32_t number);
  void handle_trace_ask(TimePoint now, const Peer& peer, ByteView body);
  void handle_trace_answer(TimePoint now, const Peer& peer, ByteView body);
  void handle_edges_ask(TimePoint now, Peer& peer, ByteView body);
  void handle_edges_answer(TimePoint now, const Peer& peer, ByteView body);
  void expire_questions(TimePoint now);

  // engine_probes.cpp: where peers are
  void handle_probe(Now now, const Path& path, ByteView datagram);
  discovery::TagEpoch send_epoch(const Peer& peer) const;
  void note_epoch(Peer& peer, discovery::TagEpoch epoch);
  void handle_probe_request(Now now, Peer& peer, const Path& path, const wire::Probe& probe);
  void handle_probe_goodbye(Now now, Peer& peer, const wire::Probe& probe);
  void send_goodbye_probe(Peer& peer);
  void handle_probe_answer(Now now, Peer& peer, const Path& path, const wire::Probe& probe);
  void handle_sighting(Now now, const discovery::Sighting& sighting);
  bool sighting_is_news(Now now, Peer& peer, const wire::Beacon& beacon);
  Peer* meet(Now now, const NodeId& claimed_id, const crypto::X25519Public& static_key);
  void try_anew(TimePoint now, Peer& peer);
  static bool is_urgent(TimePoint now, const Peer& peer);
  static discovery::ProbeBudget::Need need_of(TimePoint now, const Peer& peer);
  bool may_probe(TimePoint now, const Peer& peer, const Path& path);
  void send_probes(Now now, Peer& peer);
  void hear_of_path(Now now, Peer& peer, const Path& path);
  void look_at_paths(Now now);
  bool overslept(TimePoint now) const;
  void wake(Now now);
  bool is_twin(TimePoint now, const Peer& peer, const BootId& boot) const;
  void note_boot(Now now, Peer& peer, const BootId& boot);
  bool is_underlay(const IpAddress& ip) const;
  discovery::PathKind kind_of(const Path& path) const;

  // engine_mtu.cpp: how large datagrams may be
  void search_mtu(TimePoint now, Peer& peer);
  void publish_limit(Peer& peer);
  void handle_mtu_probe(const Peer& peer, ByteView body);
  void handle_mtu_answer(TimePoint now, Peer& peer, ByteView body);
  void tell_too_big(TimePoint now, Peer& peer, ByteView packet, std::size_t fits);

  // engine_records.cpp: what members tell about themselves
  discovery::OwnView own_view(TimePoint now) const;
  const std::vector<Endpoint>& observed() const;
  void doubt_reflexive(TimePoint now);
  std::vector<PeerNumber> witnesses(TimePoint now) const;
  void look_at_own_record_at(TimePoint when);
  void look_at_own_record(Now now);
  void publish_own_record(Now now);
  std::vector<Endpoint> own_endpoints() const;
  void tell_nat(TimePoint now);
  void take_record(Now now, ByteView bytes, PeerNumber from);
  void take_object(Now now, ByteView bytes, PeerNumber from);
  void spread_goodbye(Now now);
  void meet_ourselves(Now now, const discovery::SignedRecord& record);
  Peer* apply_record(Now now, const discovery::RecordPtr& record);
  bool wants_peer(const discovery::SignedRecord& record, PeerNumber from) const;
  void suggest_paths(TimePoint now, Peer& peer);
  void suggest_paths(TimePoint now, Peer& peer, const discovery::OwnView& view);
  void suggest_all_paths(TimePoint now);
  void apply_unmet_records(Now now);
  void look_up(Now now, Peer& peer);
  void note_proven(Peer& peer);
  void note_observed(TimePoint now, Peer& peer, const Path& path, const Endpoint& observed);
  void tell_surroundings(Now now);

  // engine_memory.cpp
  void recall(Now now, const RememberedMember& member, bool as_peer);

  // engine_servers.cpp: members that serve the DHT and STUN
  discovery::Serving serving() const;
  void recall_ourselves(ByteView record);
  std::optional<RememberedMember> memory_of_ourselves(Now now) const;
  void look_at_servers_at(TimePoint when);
  void tell_servers(TimePoint now);

  // engine_edges.cpp: with whom we keep an edge
  using EdgeStates = std::vector<std::pair<PeerNumber, Known::State>>;
  bool is_chosen(const NodeId& id) const;
  Known::State state_of_edge(const discovery::SignedRecord& record, TimePoint now) const;
  EdgeStates states_of_edges(TimePoint now) const;
  void choose_anew(TimePoint now);
  void look_at_choice(Now now);
  void choose(Now now);
  bool is_kept(const Peer& peer, TimePoint now) const;
  bool is_needed(const Peer& peer, TimePoint now) const;
  void make_room(TimePoint now);
  void retire_unneeded(TimePoint now);
  void demand(Now now, ByteView packet);
  discovery::RecordPtr record_for(const IpAddress& address) const;

  // engine_introductions.cpp
  void say(Now now, Peer& peer, wire::ControlType type, ByteView body);
  void seek_introduction(Now now, Peer& peer);
  std::vector<PeerNumber> introducers(const Peer& target) const;
  void handle_introduction(Now now, Peer& from, ByteView body);
  void introduced(Now now, const discovery::Introductions::ForUs& introduction, PeerNumber from);
  Peer* next_hop(const discovery::Introductions::PassOn& introduction, PeerNumber from);

  // engine_handshake.cpp: keys
  bool wants_handshake(const Peer& peer, TimePoint now) const;
  std::optional<TimePoint> rekey_time(const Peer& peer, TimePoint now) const;
  void begin_attempt(Now now, Peer& peer, std::optional<Block<16>> challenge_answer);
  void drive_attempt(Now now, Peer& peer);
  void knock(Now now, Peer& peer);
  void call(Now now, Peer& peer);
  bool is_out_of_reach(const Peer& peer) const;
  bool may_knock(const Peer& peer) const;
  void fail_attempt(Now now, Peer& peer);
  void handle_init(Now now, const Path& path, ByteView datagram);
  void answer_init(Now now, const Path& path, OpenedInit&& init);
  std::optional<Drop> refuse_init(Now now, Peer* peer, const OpenedInit& init, bool& challenged);
  void send_challenge(Now now, const Path& path, const OpenedInit& init);
  void handle_response(Now now, const Path& path, ByteView datagram);
  void handle_challenge(Now now, ByteView datagram);
  void drop_pending(SessionIndex index);
  bool pending_full(const Peer* peer) const;
  void replace_pending(const crypto::X25519Public& key);
  void confirm_pending(Now now, SessionIndex index, const Path& path);
  struct Adoption {
    bool initiator = false;
    bool surely_fresh = false;  // its number is new whatever our window says
  };
  void adopt(Now now, Peer& peer, const Established& established, const Path& path, Adoption how);
  void learn(Now now, Peer& peer, const ProvenPeer& proven, bool surely_fresh);
  void add_key(const Established& established, PeerNumber number, bool report_first_data);
  void drop_dead_keys(TimePoint now, Peer& peer);
  Peer* peer_of_attempt(SessionIndex index);
  SessionIndex fresh_index();

  HandshakeSelf self_;
  EngineConfig config_;
  Random& random_;
  NumberSource& numbers_;
  IpAddress own_address_;
  Gate gate_;
  Roster roster_;
  discovery::LanBeacon beacon_;
  discovery::ProbeBudget told_budget_{discovery::ProbeBudget::kTold};
  discovery::ProbeBudget seen_budget_{discovery::ProbeBudget::kSeen};
  discovery::ProbeNonces probe_nonces_;
  discovery::RecordBook book_;
  discovery::OwnRecord own_record_;
  discovery::Gossip gossip_;
  discovery::Introductions introductions_;
  discovery::StunClient stun_;
  std::optional<discovery::Directory> directory_;
  std::vector<IpAddress> echoed_;
  std::optional<OtherVersion> other_version_;
  std::shared_ptr<const dataplane::RouteTable> routes_;    // the last that was published
  mutable std::optional<std::vector<Endpoint>> observed_;  // until somebody says otherwise
  std::optional<TimePoint> record_due_;                    // when our own record is to be looked at
  std::optional<NatKnown> nat_told_;
  std::uint64_t routes_version_ = 0;
  bool routes_changed_ = false;
  bool surroundings_changed_ = false;
  std::optional<std::uint64_t> told_members_;  // the book's stands_version() then
  TimePoint next_members_{};
  std::optional<TimePoint> members_due_;
  std::size_t edges_ = 0;  // with a path, proven; as of the last tell_surroundings()
  bool serves_ = false;
  discovery::Serving serving_;
  std::vector<IpAddress> served_before_;  // in an earlier start
  std::optional<TimePoint> servers_due_;  // when to look whom to offer as a server
  std::vector<discovery::ServerOffer> servers_;
  std::uint64_t memory_version_ = 0;
  // The choice of edges, once there are too many members for all.
  bool crowded_ = false;
  std::set<NodeId> chosen_;
  std::optional<TimePoint> choice_due_;
  TimePoint next_choice_{};
  std::uint64_t chosen_version_ = 0;         // of the book
  std::vector<wire::ShortId> chosen_short_;  // ascending: asked of each peer again and again
  EdgeStates chosen_states_;                 // what else the choice was made of
  Interfaces interfaces_;
  std::map<SessionIndex, Pending> pending_;
  // Which of our indices are in use: sessions, pending ones and attempts.
  std::map<SessionIndex, PeerNumber> attempts_;
  std::map<SessionIndex, PeerNumber> session_peers_;
  std::deque<Output> outputs_;
  DropCounters drops_;
  TokenBucket icmp_bucket_{20, 40};
  TokenBucket too_big_bucket_{50, 100};
  TokenBucket new_peer_bucket_{64, 128};
  TokenBucket trace_bucket_{10, 20};
  TokenBucket edges_bucket_{100, 200};
  Questions questions_;
  bool watched_ = false;
  std::optional<discovery::TagEpoch> epoch_;
  TimePoint started_{};
  TimePoint last_input_{};
  TimePoint next_doubt_{};
  std::optional<TimePoint> doubt_due_;  // one that came too early
  TimePoint next_twin_told_{};
  TimePoint next_housekeeping_{};
  Agenda agenda_;
  mutable std::optional<TimePoint> deadline_;
  mutable bool deadline_known_ = false;
};

}  // namespace meshnode::overlay
