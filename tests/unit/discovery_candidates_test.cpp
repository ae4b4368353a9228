// Where we say that we are, and where we look for others: tables.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "discovery/candidates.h"

namespace meshnode::discovery {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using wire::Candidate;
using wire::CandidateKind;

constexpr std::uint16_t kPort = 40000;

Endpoint at(std::string_view text) {
  return Endpoint::parse(text).value();
}
IpAddress ip(std::string_view text) {
  return IpAddress::parse(text).value();
}

Interface lan(std::initializer_list<const char*> addresses) {
  Interface out;
  out.index = 2;
  out.name = "eth0";
  out.up = out.broadcast = true;
  for (const char* address : addresses) out.addresses.push_back(*Cidr::parse(address));
  return out;
}

// What an OwnView looks at.
struct Machine {
  Interfaces interfaces;
  std::vector<Endpoint> reflexive{};
  std::vector<Endpoint> observed{};
  std::vector<IpAddress> echoed{};
  wire::NatMapping nat = wire::NatMapping::unknown;

  OwnView view() const {
    return {.interfaces = interfaces,
            .port = kPort,
            .reflexive = reflexive,
            .observed = observed,
            .echoed = echoed,
            .nat = nat,
            .overlay = *Cidr::parse("fd12:3456:789a::/48")};
  }
};

const char* word(CandidateKind kind) {
  switch (kind) {
    case CandidateKind::host:
      return "host";
    case CandidateKind::reflexive:
      return "reflexive";
    case CandidateKind::peer_reflexive:
      return "peer-reflexive";
    case CandidateKind::guessed:
      return "guessed";
  }
  return "?";
}

std::vector<std::string> gathered(const Machine& machine) {
  std::vector<std::string> out;
  for (const Candidate& candidate : gather(machine.view()))
    out.push_back(std::string(word(candidate.kind)) + " " + candidate.endpoint.to_string());
  return out;
}

// ---- ours ----

TEST(Gather, NothingFromNothing) {
  EXPECT_THAT(gathered({}), IsEmpty());
}

TEST(Gather, BestFirst) {
  const Machine machine{
      .interfaces = {lan({"192.168.1.5/24", "203.0.113.5/24", "fd00::5/64", "2001:db8:1::5/64"})},
      .reflexive = {at("198.51.100.9:1111"), at("[2001:db8:9::9]:2222")}};
  EXPECT_THAT(gathered(machine),
              ElementsAre("host [2001:db8:1::5]:40000", "host 203.0.113.5:40000",
                          "reflexive [2001:db8:9::9]:2222", "reflexive 198.51.100.9:1111",
                          "host 192.168.1.5:40000", "host [fd00::5]:40000"));
}

TEST(Gather, PrioritiesFallInTheSameOrder) {
  const Machine machine{.interfaces = {lan({"10.0.0.5/24", "2001:db8:1::5/64", "fd00::5/64"})},
                        .observed = {at("198.51.100.9:1111")}};
  const auto candidates = gather(machine.view());
  ASSERT_EQ(candidates.size(), 4U);
  for (std::size_t i = 1; i < candidates.size(); ++i)
    EXPECT_LT(candidates[i].priority, candidates[i - 1].priority) << i;
}

TEST(Gather, OfTheWordsOfOthersOnlyTheBestThatThereIs) {
  const Interfaces interfaces{lan({"192.168.1.5/24"})};
  const std::vector stun{at("198.51.100.9:1111")};
  const std::vector peers{at("198.51.100.9:2222")};
  const std::vector dht{ip("198.51.100.9")};
  EXPECT_THAT(gathered({interfaces, stun, peers, dht}),
              ElementsAre("reflexive 198.51.100.9:1111", "host 192.168.1.5:40000"));
  EXPECT_THAT(gathered({interfaces, {}, peers, dht}),
              ElementsAre("host 192.168.1.5:40000", "peer-reflexive 198.51.100.9:2222"));
  EXPECT_THAT(gathered({interfaces, {}, {}, dht}),
              ElementsAre("host 192.168.1.5:40000", "guessed 198.51.100.9:40000"));
}

TEST(Gather, EachFamilyForItself) {
  const Machine machine{.interfaces = {lan({"192.168.1.5/24", "2001:db8:1::5/64"})},
                        .reflexive = {at("[2001:db8:9::9]:2222")},
                        .echoed = {ip("198.51.100.9")}};
  EXPECT_THAT(gathered(machine),
              ElementsAre("host [2001:db8:1::5]:40000", "reflexive [2001:db8:9::9]:2222",
                          "host 192.168.1.5:40000", "guessed 198.51.100.9:40000"));
}

TEST(Gather, WhoHasAPublicAddressNeedsNoGuess) {
  const Machine machine{.interfaces = {lan({"203.0.113.5/24"})},
                        .observed = {at("198.51.100.9:2222")},
                        .echoed = {ip("198.51.100.9")}};
  EXPECT_THAT(gathered(machine), ElementsAre("host 203.0.113.5:40000"));
}

TEST(Gather, AnEchoOfOurOwnAddressIsNoNews) {
  const Machine machine{.interfaces = {lan({"192.168.1.5/24"})}, .echoed = {ip("192.168.1.5")}};
  EXPECT_THAT(gathered(machine), ElementsAre("host 192.168.1.5:40000"));
}

TEST(Gather, AHostSeenByAStunServerIsListedOnceAsHost) {
  const Machine machine{.interfaces = {lan({"203.0.113.5/24"})},
                        .reflexive = {at("203.0.113.5:40000")}};
  EXPECT_THAT(gathered(machine), ElementsAre("host 203.0.113.5:40000"));
  const Machine other_port{.interfaces = {lan({"203.0.113.5/24"})},
                           .reflexive = {at("203.0.113.5:5")}};
  EXPECT_THAT(gathered(other_port),
              ElementsAre("host 203.0.113.5:40000", "reflexive 203.0.113.5:5"));
}

TEST(Gather, BehindADependentNatSomebodyMayHaveForwardedOurPort) {
  const Interfaces interfaces{lan({"192.168.1.5/24"})};
  Machine machine{.interfaces = interfaces, .reflexive = {at("198.51.100.9:1111")}};
  for (const auto nat : {wire::NatMapping::unknown, wire::NatMapping::none,
                         wire::NatMapping::endpoint_independent}) {
    machine.nat = nat;
    EXPECT_EQ(gathered(machine).size(), 2U);
  }
  machine.nat = wire::NatMapping::dependent;
  EXPECT_THAT(gathered(machine),
              ElementsAre("reflexive 198.51.100.9:1111", "host 192.168.1.5:40000",
                          "guessed 198.51.100.9:40000"));
  machine.reflexive = {at("198.51.100.9:40000"), at("198.51.100.9:1111")};
  EXPECT_THAT(gathered(machine),
              ElementsAre("reflexive 198.51.100.9:40000", "reflexive 198.51.100.9:1111",
                          "host 192.168.1.5:40000"))
      << "listed once";
  machine.reflexive = {at("[2001:db8:9::9]:1111")};
  EXPECT_THAT(gathered(machine),
              ElementsAre("reflexive [2001:db8:9::9]:1111", "host 192.168.1.5:40000"))
      << "IPv6 is not forwarded";
}

TEST(Gather, AtMostThreeHostsAndTwoReflexiveOfEachFamily) {
  const Machine machine{
      .interfaces = {lan(
          {"10.0.0.1/24", "10.0.1.1/24", "10.0.2.1/24", "10.0.3.1/24", "203.0.113.5/24"})},
      .reflexive = {at("198.51.100.9:1"), at("198.51.100.9:2"), at("198.51.100.9:3")}};
  EXPECT_THAT(gathered(machine),
              ElementsAre("host 203.0.113.5:40000", "reflexive 198.51.100.9:1",
                          "reflexive 198.51.100.9:2", "host 10.0.0.1:40000", "host 10.0.1.1:40000"))
      << "public ones are no victims of private ones";
}

TEST(Gather, AtMostEight) {
  const Machine machine{
      .interfaces = {lan({"10.0.0.1/24", "10.0.1.1/24", "10.0.2.1/24", "2001:db8:1::1/64",
                          "2001:db8:1::2/64", "2001:db8:1::3/64"})},
      .reflexive = {at("198.51.100.9:1"), at("198.51.100.9:2"), at("[2001:db8:9::9]:1"),
                    at("[2001:db8:9::9]:2")}};
  const auto candidates = gather(machine.view());
  EXPECT_EQ(candidates.size(), wire::kMaxCandidates);
  EXPECT_EQ(candidates.back().endpoint, at("10.0.0.1:40000"));
}

// Two untrue IPv6 endpoints from one hostile server must not push out the only public IPv4 one.
TEST(Gather, NoKindIsCrowdedOut) {
  const Machine machine{
      .interfaces = {lan({"10.0.0.1/24", "10.0.1.1/24", "10.0.2.1/24", "2001:db8:1::1/64",
                          "2001:db8:1::2/64", "2001:db8:1::3/64"})},
      .reflexive = {at("[2001:db8:9::9]:1"), at("[2001:db8:9::9]:2")},
      .observed = {at("198.51.100.9:2222")}};
  EXPECT_THAT(gathered(machine), ::testing::Contains("peer-reflexive 198.51.100.9:2222"));
}

TEST(Gather, WhatMeansNothingElsewhereIsNoCandidate) {
  Interface loopback = lan({"127.0.0.1/8", "::1/128", "10.9.9.9/32"});
  loopback.loopback = true;
  Interface down = lan({"192.168.7.7/24"});
  down.up = false;
  Interface mesh = lan({"10.77.0.1/24", "fd99::1/48"});
  mesh.overlay = true;
  const Machine machine{
      .interfaces = {loopback, down, mesh, lan({"fe80::1/64", "169.254.1.1/16", "10.0.0.1/24"})},
      .reflexive = {at("0.0.0.0:1"),
                    at("127.0.0.1:1"),
                    at("224.0.0.1:1"),
                    at("255.255.255.255:1"),
                    at("240.0.0.1:1"),
                    at("0.1.2.3:1"),
                    at("169.254.3.3:1"),
                    at("[fe80::3]:1"),
                    at("[ff02::1]:1"),
                    at("[::1]:1"),
                    at("[::]:1"),
                    {ip("198.51.100.9"), 0},
                    at("10.77.0.9:1"),
                    at("[fd99::9]:1"),
                    at("[fd12:3456:789a::9]:1"),
                    at("10.0.0.255:1")}};
  EXPECT_THAT(gathered(machine), ElementsAre("host 10.0.0.1:40000"));
}

TEST(Gather, TheSameViewGivesTheSame) {
  Machine machine{.interfaces = {lan({"10.0.0.1/24", "2001:db8:1::1/64"})},
                  .reflexive = {at("198.51.100.9:1")}};
  EXPECT_EQ(gather(machine.view()), gather(machine.view()));
}

TEST(IsPublic, Table) {
  for (const char* text : {"203.0.113.5", "8.8.8.8", "100.63.255.255", "100.128.0.0", "172.15.0.1",
                           "172.32.0.1", "192.167.0.1", "2001:db8::1", "2a00::1"})
    EXPECT_TRUE(is_public(ip(text))) << text;
  for (const char* text :
       {"10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.0.1", "100.64.0.1", "100.127.255.255",
        "127.0.0.1", "169.254.1.1", "0.0.0.0", "0.1.1.1", "240.0.0.1", "255.255.255.255",
        "224.0.0.1", "fc00::1", "fdff::1", "fe80::1", "ff02::1", "::", "::1"})
    EXPECT_FALSE(is_public(ip(text))) << text;
  EXPECT_FALSE(is_public({}));
}

// ---- theirs ----

Candidate theirs(const char* endpoint, CandidateKind kind = CandidateKind::host,
                 std::uint8_t priority = 100) {
  return {kind, priority, 0, at(endpoint)};
}

std::vector<std::string> probed(const std::vector<Candidate>& candidates, const Machine& machine) {
  std::vector<std::string> out;
  for (const Target& target : worth_probing(candidates, machine.view())) {
    EXPECT_FALSE(target.path.local) << "the kernel chooses";
    EXPECT_EQ(target.path.scope, 0U);
    out.push_back((target.kind == PathKind::lan ? "lan " : "direct ") +
                  target.path.remote.to_string());
  }
  return out;
}

Interface with_route(Interface interface, const char* route) {
  interface.routes.push_back(*Cidr::parse(route));
  return interface;
}

TEST(WorthProbing, PrivateAddressesOnlyWhereTheyCanMeanTheSame) {
  Interface down = with_route(lan({"10.5.0.1/24"}), "10.6.0.0/24");
  down.up = false;
  Interface mesh = with_route(lan({"10.77.0.1/24"}), "10.6.0.0/24");
  mesh.overlay = true;
  const Interface home = lan({"192.168.1.5/24"});
  const auto seen = at("198.51.100.9:1");
  const struct {
    const char* title;
    Machine machine;
    std::vector<Candidate> candidates;
    std::vector<std::string> expected;
  } table[] = {
      {"on-link", {{home}}, {theirs("192.168.1.7:5")}, {"lan 192.168.1.7:5"}},
      {"another subnet", {{home}}, {theirs("192.168.2.7:5")}, {}},
      {"a carrier's", {{home}}, {theirs("100.64.1.1:5")}, {}},
      {"IPv6, on-link", {{lan({"fd00::5/64"})}}, {theirs("[fd00::7]:5")}, {"lan [fd00::7]:5"}},
      {"IPv6, another site", {{lan({"fd00::5/64"})}}, {theirs("[fd00:1::7]:5")}, {}},
      {"routed",
       {{with_route(home, "10.6.0.0/16")}},
       {theirs("10.6.1.7:5")},
       {"direct 10.6.1.7:5"}},
      {"beside the route", {{with_route(home, "10.6.0.0/16")}}, {theirs("10.7.1.7:5")}, {}},
      {"routed through what is down", {{home, down}}, {theirs("10.6.0.7:5")}, {}},
      {"on a link that is down", {{home, down}}, {theirs("10.5.0.7:5")}, {}},
      {"routed through a mesh", {{home, mesh}}, {theirs("10.6.0.7:5")}, {}},
      {"behind one NAT, by STUN",
       {{home}, {seen}},
       {theirs("192.168.2.7:5"), theirs("198.51.100.9:77", CandidateKind::reflexive)},
       {"direct 192.168.2.7:5", "direct 198.51.100.9:77"}},
      {"behind one NAT, by a peer's word on both sides",
       {{home}, {}, {seen}},
       {theirs("192.168.2.7:5"), theirs("198.51.100.9:77", CandidateKind::peer_reflexive)},
       {"direct 192.168.2.7:5", "direct 198.51.100.9:77"}},
      {"behind one NAT, by the DHT's word",
       {{home}, {}, {}, {seen.ip}},
       {theirs("192.168.2.7:5"), theirs("198.51.100.9:77", CandidateKind::guessed)},
       {"direct 192.168.2.7:5", "direct 198.51.100.9:77"}},
      {"another NAT, by the DHT's word",
       {{home}, {}, {}, {seen.ip}},
       {theirs("192.168.2.7:5"), theirs("198.51.100.8:77", CandidateKind::guessed)},
       {"direct 198.51.100.8:77"}},
      {"another NAT",
       {{home}, {seen}},
       {theirs("192.168.2.7:5"), theirs("198.51.100.8:77", CandidateKind::reflexive)},
       {"direct 198.51.100.8:77"}},
      {"a host there is no NAT",
       {{home}, {seen}},
       {theirs("192.168.2.7:5"), theirs("198.51.100.9:77", CandidateKind::host)},
       {"direct 198.51.100.9:77"}},
      {"public", {{home}}, {theirs("203.0.113.7:5")}, {"direct 203.0.113.7:5"}},
  };
  for (const auto& row : table)
    EXPECT_EQ(probed(row.candidates, row.machine), row.expected) << row.title;
}

TEST(WorthProbing, NeverWhatMeansNothingHere) {
  Interface mesh = lan({"10.77.0.1/24", "fd99::1/48"});
  mesh.overlay = true;
  const Machine machine{.interfaces = {mesh, lan({"0.0.0.9/8", "127.0.0.5/8", "169.254.1.1/16",
                                                  "10.0.0.1/24", "fe80::1/64", "2001:db8::1/64"})}};
  for (const char* text :
       {"0.0.0.0:5", "0.1.2.3:5", "127.0.0.1:5", "224.0.0.1:5", "240.0.0.1:5", "255.255.255.255:5",
        "169.254.1.7:5", "[::]:5", "[::1]:5", "[fe80::7]:5", "[ff02::1]:5", "10.77.0.7:5",
        "[fd99::7]:5", "[fd12:3456:789a::7]:5", "10.0.0.255:5"})
    EXPECT_THAT(probed({theirs(text)}, machine), IsEmpty()) << text;
  const Candidate no_port{CandidateKind::host, 100, 0, {ip("10.0.0.7"), 0}};
  EXPECT_THAT(probed({no_port}, machine), IsEmpty());
  EXPECT_THAT(probed({theirs("10.0.0.7:5")}, machine), ElementsAre("lan 10.0.0.7:5"));
}

TEST(WorthProbing, NotOurselvesButAnotherNodeOfThisHost) {
  const Machine machine{.interfaces = {lan({"10.0.0.1/24"})},
                        .reflexive = {at("198.51.100.9:1111")}};
  EXPECT_THAT(probed({theirs("10.0.0.1:40000")}, machine), IsEmpty());
  EXPECT_THAT(probed({theirs("10.0.0.1:40001")}, machine), ElementsAre("lan 10.0.0.1:40001"));
}

TEST(WorthProbing, NotOurOwnReflexiveEndpoint) {
  const Machine machine{.interfaces = {lan({"10.0.0.1/24"})},
                        .reflexive = {at("198.51.100.9:1111")}};
  EXPECT_THAT(probed({theirs("198.51.100.9:1111", CandidateKind::reflexive)}, machine), IsEmpty());
}

TEST(WorthProbing, OnlyFamiliesThatWeSpeak) {
  const std::vector both{theirs("203.0.113.7:5"), theirs("[2001:db8:7::7]:5")};
  Interface loopback = lan({"127.0.0.1/8", "::1/128"});
  loopback.loopback = true;
  Interface mesh = lan({"10.77.0.1/24", "fd99::1/48"});
  mesh.overlay = true;
  EXPECT_THAT(probed(both, {{loopback, mesh}}), IsEmpty());
  EXPECT_THAT(probed(both, {{mesh, lan({"10.0.0.1/24", "fe80::1/64"})}}),
              ElementsAre("direct 203.0.113.7:5"));
  EXPECT_THAT(probed(both, {{mesh, lan({"2001:db8:1::1/64"})}}),
              ElementsAre("direct [2001:db8:7::7]:5"));
  Interface down = lan({"10.0.0.1/24"});
  down.up = false;
  EXPECT_THAT(probed(both, {{down}}), IsEmpty());
}

TEST(WorthProbing, TheWayIsOpenedFirstOnlyBehindANatAndToPublicIpv4) {
  const auto opens = [](const Machine& machine, const char* endpoint) {
    const std::vector<Candidate> candidates{theirs(endpoint)};
    const auto targets = worth_probing(candidates, machine.view());
    EXPECT_EQ(targets.size(), 1U) << endpoint;
    return !targets.empty() && targets[0].open_first;
  };
  const Machine behind{.interfaces = {lan({"192.168.1.5/24", "2001:db8:1::5/64"})}};
  EXPECT_TRUE(opens(behind, "203.0.113.7:5"));
  EXPECT_FALSE(opens(behind, "192.168.1.7:5")) << "there is no NAT in between";
  EXPECT_FALSE(opens(behind, "[2001:db8:7::7]:5")) << "nor for IPv6";
  const Machine in_public{.interfaces = {lan({"203.0.113.5/24", "192.168.1.5/24"})}};
  EXPECT_FALSE(opens(in_public, "198.51.100.7:5"));
  Interface mesh = lan({"203.0.113.5/24"});
  mesh.overlay = true;
  const Machine public_mesh{.interfaces = {mesh, lan({"192.168.1.5/24"})}};
  EXPECT_TRUE(opens(public_mesh, "198.51.100.7:5")) << "a mesh address is no address outside";
}

TEST(WorthProbing, LanFirstThenAsTheyRankThemselves) {
  const Machine we{.interfaces = {lan({"192.168.1.5/24", "2001:db8:1::5/64"})},
                   .reflexive = {at("198.51.100.9:1")}};
  const Machine they{.interfaces = {lan({"192.168.1.7/24", "10.9.0.7/24", "2001:db8:7::7/64"})},
                     .reflexive = {at("198.51.100.9:77")}};
  EXPECT_THAT(probed(gather(they.view()), we),
              ElementsAre("lan 192.168.1.7:40000", "direct [2001:db8:7::7]:40000",
                          "direct 198.51.100.9:77", "direct 10.9.0.7:40000"));
}

TEST(WorthProbing, NoRankThatTheyGiveThemselvesComesBeforeTheLan) {
  const Machine we{.interfaces = {lan({"192.168.1.5/24"})}};
  EXPECT_THAT(probed({theirs("203.0.113.7:5", CandidateKind::host, 255),
                      theirs("192.168.1.7:5", CandidateKind::guessed, 0)},
                     we),
              ElementsAre("lan 192.168.1.7:5", "direct 203.0.113.7:5"));
}

TEST(WorthProbing, EachEndpointOnce) {
  const Machine we{.interfaces = {lan({"192.168.1.5/24"})}};
  EXPECT_THAT(probed({theirs("203.0.113.7:5", CandidateKind::host, 9),
                      theirs("203.0.113.7:5", CandidateKind::reflexive, 200),
                      theirs("203.0.113.7:6", CandidateKind::reflexive, 100)},
                     we),
              ElementsAre("direct 203.0.113.7:5", "direct 203.0.113.7:6"));
}

}  // namespace
}  // namespace meshnode::discovery
