// control/why: each cause by the evidence that proves it, alone and where several things are wrong.
#include <functional>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "control/reports_json.h"
#include "control/why.h"
#include "ctl/render_why.h"

namespace meshnode::control {
namespace {

// A node that has been well for an hour, and a peer that it has no edge with for a minute.
HereEvidence well() {
  HereEvidence here;
  here.up_s = 3600;
  here.bootstraps = 2;
  here.bootstraps_up = 2;
  here.heard_from_afar = true;
  here.nat = NatKind::endpoint_independent;
  here.known_members = 3;
  here.fingerprint = "7f3a-91c2";
  return here;
}
PeerEvidence apart() {
  PeerEvidence peer;
  peer.who = "beta";
  peer.heard_s = 30;
  peer.trying_s = 60;
  peer.nat = NatKind::endpoint_independent;
  peer.candidates = {{*Endpoint::parse("198.51.100.7:4711"), 12, 0},
                     {*Endpoint::parse("192.168.1.3:4711"), 8, 0}};
  return peer;
}

struct Case {
  Cause cause;
  std::function<void(HereEvidence&, PeerEvidence&)> fault;
};
using H = HereEvidence;
using P = PeerEvidence;

void silence(H& h) {
  h.bootstraps_up = 0;
  h.heard_from_afar = false;
}

std::vector<Case> cases() {
  return {
      {Cause::none, [](H&, P& p) { p.connected = true; }},
      {Cause::identity_in_use_twice, [](H& h, P&) { h.twin = true; }},
      {Cause::no_network_here, [](H& h, P&) { h.has_address = false; }},
      {Cause::port_filtered_by_local_firewall,
       [](H& h, P&) {
         silence(h);
         h.sends_forbidden = 40;
       }},
      {Cause::udp_blocked_here, [](H& h, P&) { silence(h); }},
      {Cause::no_bootstrap_reachable,
       [](H& h, P&) {
         h.bootstraps_up = 0;
         h.known_members = 0;
       }},
      {Cause::alone_in_network, [](H& h, P&) { h.known_members = 0; }},
      {Cause::clock_skew, [](H& h, P&) { h.server_clocks_s = {7200}; }},
      {Cause::version_mismatch, [](H&, P& p) { p.lowest_version = p.highest_version = 2; }},
      {Cause::peer_offline, [](H&, P& p) { p.said_goodbye = true; }},
      {Cause::address_conflict, [](H&, P& p) { p.claims_our_address = "10.77.0.1"; }},
      {Cause::handshake_refused,
       [](H&, P& p) {
         p.candidates[0].answered = 3;
         p.handshakes_refused = 5;
       }},
      {Cause::underlay_loop, [](H&, P& p) { p.candidates_are_in_mesh = true; }},
      {Cause::both_nats_address_and_port_dependent,
       [](H& h, P& p) { h.nat = p.nat = NatKind::dependent; }},
      {Cause::nat_needs_forwarded_port_here, [](H& h, P&) { h.nat = NatKind::dependent; }},
      {Cause::nat_needs_forwarded_port_there, [](H&, P& p) { p.nat = NatKind::dependent; }},
      {Cause::filtered_on_the_way, [](H&, P&) {}},
      {Cause::mtu_blackhole,
       [](H&, P& p) {
         p.connected = true;
         p.carries_only = 496;
       }},
      {Cause::still_trying, [](H&, P& p) { p.trying_s = 3; }},
  };
}

Verdict judge(const Case& one) {
  HereEvidence here = well();
  PeerEvidence peer = apart();
  one.fault(here, peer);
  return why(here, peer);
}

TEST(Why, EachFaultIsNamed) {
  std::set<Cause> named;
  for (const Case& one : cases()) {
    EXPECT_EQ(name(judge(one).cause), name(one.cause));
    named.insert(one.cause);
  }
  EXPECT_EQ(named.size(), static_cast<std::size_t>(Cause::count_)) << "the table has all causes";
}

TEST(Why, EachVerdictIsOfUse) {
  for (const Case& one : cases()) {
    const Verdict verdict = judge(one);
    if (verdict.cause == Cause::none) {
      EXPECT_TRUE(verdict.sentence.empty() && verdict.action.empty());
      continue;
    }
    EXPECT_FALSE(verdict.sentence.empty()) << name(one.cause);
    EXPECT_FALSE(verdict.evidence.empty()) << name(one.cause);
    EXPECT_FALSE(verdict.action.empty()) << name(one.cause);
  }
}

TEST(Why, NamesAreStableAndDifferent) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < static_cast<std::size_t>(Cause::count_); ++i)
    names.insert(name(static_cast<Cause>(i)));
  EXPECT_EQ(names.size(), static_cast<std::size_t>(Cause::count_));
  EXPECT_EQ(name(Cause::udp_blocked_here), "udp-blocked-here");
  EXPECT_EQ(place_of(Cause::none), Place::done);
  EXPECT_EQ(place_of(Cause::udp_blocked_here), Place::here);
  EXPECT_EQ(place_of(Cause::peer_offline), Place::there);
  EXPECT_EQ(place_of(Cause::still_trying), Place::nowhere);
}

// Several at once: what hides the other comes first.
TEST(Why, FaultsInCombination) {
  struct Pair {
    Cause first;
    Cause second;
  };
  const auto all = cases();
  const auto fault = [&](Cause cause) -> const Case& {
    return *std::find_if(all.begin(), all.end(),
                         [&](const Case& each) { return each.cause == cause; });
  };
  const Pair pairs[] = {
      {Cause::identity_in_use_twice, Cause::udp_blocked_here},
      {Cause::no_network_here, Cause::udp_blocked_here},
      {Cause::udp_blocked_here, Cause::peer_offline},
      {Cause::udp_blocked_here, Cause::both_nats_address_and_port_dependent},
      {Cause::alone_in_network, Cause::nat_needs_forwarded_port_here},
      {Cause::no_bootstrap_reachable, Cause::nat_needs_forwarded_port_here},
      {Cause::peer_offline, Cause::both_nats_address_and_port_dependent},
      {Cause::address_conflict, Cause::filtered_on_the_way},
      {Cause::peer_offline, Cause::clock_skew},
      {Cause::peer_offline, Cause::version_mismatch},
      {Cause::udp_blocked_here, Cause::version_mismatch},
      {Cause::version_mismatch, Cause::clock_skew},
      {Cause::version_mismatch, Cause::handshake_refused},
      {Cause::version_mismatch, Cause::both_nats_address_and_port_dependent},
      {Cause::both_nats_address_and_port_dependent, Cause::clock_skew},
      {Cause::nat_needs_forwarded_port_there, Cause::clock_skew},
      {Cause::clock_skew, Cause::filtered_on_the_way},
      {Cause::clock_skew, Cause::alone_in_network},
      {Cause::no_bootstrap_reachable, Cause::clock_skew},
      {Cause::underlay_loop, Cause::both_nats_address_and_port_dependent},
  };
  for (const Pair& pair : pairs) {
    for (const bool swapped : {false, true}) {
      HereEvidence here = well();
      PeerEvidence peer = apart();
      const Case& a = fault(swapped ? pair.second : pair.first);
      const Case& b = fault(swapped ? pair.first : pair.second);
      a.fault(here, peer);
      b.fault(here, peer);
      EXPECT_EQ(name(why(here, peer).cause), name(pair.first)) << "with " << name(pair.second);
    }
  }
}

TEST(Why, WhoseClockIsWrong) {
  const auto judge_clocks = [](std::vector<std::int64_t> servers, std::vector<std::int64_t> members,
                               std::optional<std::int64_t> peers) {
    HereEvidence here = well();
    PeerEvidence peer = apart();
    here.server_clocks_s = std::move(servers);
    here.member_clocks_s = std::move(members);
    peer.clock_after_ours_s = peers;
    const Verdict verdict = why(here, peer);
    return verdict.cause == Cause::clock_skew ? place_of(verdict) : Place::done;
  };
  EXPECT_EQ(judge_clocks({7200}, {}, {}), Place::here);
  EXPECT_EQ(judge_clocks({-7200}, {}, {}), Place::here) << "ahead is as bad as behind";
  EXPECT_EQ(judge_clocks({1799, -1799}, {}, {}), Place::done) << "half an hour is tolerated";
  EXPECT_EQ(judge_clocks({0, 7200, 1}, {}, {}), Place::done) << "one server that lies";
  EXPECT_EQ(judge_clocks({0}, {7200, 7200, 7200}, {}), Place::done) << "servers come first";
  EXPECT_EQ(judge_clocks({}, {7200, 7200}, {}), Place::here) << "two of three members";
  EXPECT_EQ(judge_clocks({}, {7200}, {}), Place::done) << "one of three";
  EXPECT_EQ(judge_clocks({}, {7200, 0, 0}, {}), Place::done);
  EXPECT_EQ(judge_clocks({2}, {}, 7200), Place::there);
  EXPECT_EQ(judge_clocks({2}, {}, -7200), Place::there);
  EXPECT_EQ(judge_clocks({}, {}, 7200), Place::here) << "nobody knows whose: begin here";
  EXPECT_EQ(judge_clocks({2}, {}, 60), Place::done);
  EXPECT_EQ(judge_clocks({7200}, {}, 7200), Place::here) << "it agrees with the server";
}

TEST(Why, ClocksMatterToTheDirectoryOnly) {
  HereEvidence here = well();
  PeerEvidence peer = apart();
  here.server_clocks_s = {7200};
  peer.clock_after_ours_s = 7200;
  peer.connected = true;
  EXPECT_EQ(why(here, peer).cause, Cause::none);
  EXPECT_FALSE(why_here(here)) << "while somebody is known";
  peer.connected = false;
  here.lan_only = true;
  EXPECT_EQ(why(here, peer).cause, Cause::filtered_on_the_way);
  here.lan_only = false;
  here.known_members = 0;
  EXPECT_EQ(why_here(here)->cause, Cause::clock_skew);
}

TEST(Why, TheOlderVersionIsToBeMadeNewer) {
  HereEvidence here = well();
  PeerEvidence peer = apart();
  peer.lowest_version = 2;
  peer.highest_version = 3;
  EXPECT_EQ(place_of(why(here, peer)), Place::here);
  peer.lowest_version = peer.highest_version = 0;
  EXPECT_EQ(place_of(why(here, peer)), Place::there);
  peer.highest_version = 7;
  EXPECT_NE(why(here, peer).cause, Cause::version_mismatch) << "it speaks ours, too";
  // Of a stranger on the LAN only the beacon's version is known.
  here.known_members = 0;
  here.other_version = {2, "10.0.0.7"};
  ASSERT_TRUE(why_here(here));
  EXPECT_EQ(why_here(here)->cause, Cause::version_mismatch);
  EXPECT_EQ(place_of(*why_here(here)), Place::here);
  here.known_members = 1;
  EXPECT_FALSE(why_here(here)) << "others may be of ours";
}

TEST(Why, AnEdgeProvesTheRestRight) {
  for (const auto& fault : {+[](H& h) { silence(h); }, +[](H& h) { h.has_address = false; }}) {
    HereEvidence here = well();
    PeerEvidence peer = apart();
    fault(here);
    peer.connected = true;
    EXPECT_EQ(why(here, peer).cause, Cause::none);
  }
}

TEST(Why, SilenceIsNoSignInTheFirstSeconds) {
  HereEvidence here = well();
  silence(here);
  here.known_members = 0;
  here.up_s = 5;
  EXPECT_FALSE(why_here(here));
  here.up_s = 10;
  EXPECT_EQ(why_here(here)->cause, Cause::udp_blocked_here);
}

TEST(Why, ALanWithoutBootstrapsIsNoFault) {
  HereEvidence here = well();
  silence(here);
  here.bootstraps = 0;
  EXPECT_FALSE(why_here(here));
  here.lan_only = true;
  here.bootstraps = 2;
  EXPECT_FALSE(why_here(here));
}

TEST(Why, TheEvidenceShowsWhatWasTried) {
  const Verdict verdict = why(well(), apart());
  EXPECT_THAT(verdict.evidence,
              testing::ElementsAre("NAT here: endpoint-independent mapping",
                                   "NAT there: endpoint-independent mapping",
                                   "198.51.100.7:4711: 12 probes sent, 0 answered",
                                   "192.168.1.3:4711: 8 probes sent, 0 answered"));
  PeerEvidence many = apart();
  many.candidates.resize(12, many.candidates[0]);
  EXPECT_EQ(why(well(), many).evidence.back(), "and 6 more");
  many.candidates.clear();
  EXPECT_EQ(why(well(), many).evidence.back(), "no address of it is known");
}

TEST(Why, WhoStoppedAnsweringIsOffline) {
  PeerEvidence peer = apart();
  peer.was_connected = true;
  EXPECT_EQ(why(well(), peer).cause, Cause::peer_offline);
  peer.heard_s = 9;
  EXPECT_NE(why(well(), peer).cause, Cause::peer_offline) << "its path may come back";
}

TEST(Why, TimesAreForPeople) {
  PeerEvidence peer = apart();
  peer.said_goodbye = true;
  peer.heard_s.reset();
  EXPECT_EQ(why(well(), peer).sentence, "beta has been offline");
  for (const auto& [seconds, text] : {std::pair<std::uint64_t, const char*>{119, "119 s"},
                                      {120, "2 min"},
                                      {7200, "2 h"},
                                      {200'000, "2 days"}}) {
    peer.heard_s = seconds;
    EXPECT_EQ(why(well(), peer).sentence, std::string("beta has been offline for ") + text);
  }
}

// ---- what is shown ----

Explanation of_machine(Cause cause) {
  return {{}, "", {cause, "here", {"seen"}, "mend"}};
}
Explanation of_peer(std::uint8_t number, Cause cause) {
  NodeId id;
  id.bytes.fill(number);
  const std::string name = "p" + std::to_string(number);
  return {id, name, {cause, name + " is ill", {"fever"}, "rest"}};
}

TEST(Why, ExplanationsGoThroughJson) {
  const std::vector<Explanation> sent{of_machine(Cause::udp_blocked_here), of_peer(1, Cause::none),
                                      of_peer(2, Cause::peer_offline)};
  const auto got = explanations_from_json(to_json(sent));
  ASSERT_TRUE(got) << got.error().message;
  ASSERT_EQ(got->size(), sent.size());
  for (std::size_t i = 0; i < sent.size(); ++i) {
    EXPECT_EQ((*got)[i].id, sent[i].id);
    EXPECT_EQ((*got)[i].name, sent[i].name);
    EXPECT_EQ((*got)[i].verdict.cause, sent[i].verdict.cause);
    EXPECT_EQ((*got)[i].verdict.sentence, sent[i].verdict.sentence);
    EXPECT_EQ((*got)[i].verdict.evidence, sent[i].verdict.evidence);
    EXPECT_EQ((*got)[i].verdict.action, sent[i].verdict.action);
  }
  EXPECT_THAT(to_json(sent), testing::HasSubstr("\"fixable\":\"there\""));
  for (const char* wrong : {"", "7", "[7]", "[{\"id\":null,\"cause\":\"bad-luck\"}]"})
    EXPECT_FALSE(explanations_from_json(wrong)) << wrong;
}

TEST(Why, TheMachinesFaultIsShownOnce) {
  EXPECT_EQ(ctl::render_why({of_machine(Cause::udp_blocked_here), of_peer(1, Cause::none),
                             of_peer(2, Cause::udp_blocked_here), of_peer(3, Cause::peer_offline)},
                            false),
            "here (udp-blocked-here)\n  seen\n  to do: mend\n"
            "p3 is ill (peer-offline)\n  fever\n  to do: rest\n1 edge is well\n");
  EXPECT_EQ(ctl::render_why({of_peer(1, Cause::none)}, true),
            "the edge is there, and as good as it can be\n");
  EXPECT_EQ(ctl::render_why({of_peer(1, Cause::none), of_peer(2, Cause::none)}, false),
            "all 2 edges are there, and as good as they can be\n");
}

TEST(Why, ThePlaceOfAVerdictIsTold) {
  std::vector<Explanation> sent{of_peer(1, Cause::version_mismatch)};
  sent[0].verdict.elsewhere = Place::there;
  EXPECT_THAT(to_json(sent), testing::HasSubstr("\"fixable\":\"there\""));
  const auto got = explanations_from_json(to_json(sent));
  ASSERT_TRUE(got);
  EXPECT_EQ(place_of(got->at(0).verdict), Place::there);
  EXPECT_EQ(ctl::exit_code_of(*got), 4);
}

TEST(Why, TheExitCodeIsTheNearestPlace) {
  EXPECT_EQ(ctl::exit_code_of({of_peer(1, Cause::none)}), 0);
  EXPECT_EQ(ctl::exit_code_of({of_peer(1, Cause::still_trying)}), 5);
  EXPECT_EQ(ctl::exit_code_of({of_peer(1, Cause::still_trying), of_peer(2, Cause::peer_offline)}),
            4);
  EXPECT_EQ(ctl::exit_code_of({of_peer(2, Cause::peer_offline), of_peer(3, Cause::underlay_loop)}),
            3);
  EXPECT_EQ(ctl::exit_code_of({}), 5);
}

}  // namespace
}  // namespace meshnode::control
