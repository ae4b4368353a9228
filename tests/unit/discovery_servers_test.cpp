// Members that serve: who says so, where, and whom of them we ask.
#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "discovery/servers.h"

namespace meshnode::discovery {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using wire::Candidate;
using wire::CandidateKind;
using wire::kServes;

constexpr std::uint16_t kPort = 40000;

Endpoint at(std::string_view text) {
  return Endpoint::parse(text).value();
}
IpAddress ip(std::string_view text) {
  return IpAddress::parse(text).value();
}

Interfaces on(std::initializer_list<const char*> addresses) {
  Interface out;
  out.index = 2;
  out.up = out.broadcast = true;
  for (const char* address : addresses) out.addresses.push_back(*Cidr::parse(address));
  return {out};
}

OwnView view_of(const Interfaces& interfaces, std::vector<Endpoint> reflexive = {}) {
  return {.interfaces = interfaces,
          .port = kPort,
          .reflexive = std::move(reflexive),
          .observed = {},
          .echoed = {},
          .nat = wire::NatMapping::unknown,
          .overlay = {}};
}

// Where we say that we serve.
std::vector<std::string> flagged(const OwnView& view) {
  std::vector<std::string> out;
  for (const Candidate& candidate : gather(view))
    if ((candidate.flags & kServes) != 0) out.push_back(candidate.endpoint.to_string());
  return out;
}

TEST(GatherServing, WhoDoesNotServeDoesNotSaySo) {
  const Interfaces interfaces = on({"203.0.113.5/24", "2001:db8:1::5/64"});
  EXPECT_THAT(flagged(view_of(interfaces)), IsEmpty());
}

TEST(GatherServing, OnlyWhereStrangersReachedUs) {
  const Interfaces interfaces = on({"203.0.113.5/24", "2001:db8:1::5/64", "192.168.1.5/24"});
  OwnView view = view_of(interfaces);
  view.serving.at = {ip("203.0.113.5"), ip("192.168.1.5"), ip("198.51.100.1")};
  EXPECT_THAT(flagged(view), ElementsAre("203.0.113.5:40000"))
      << "a private address means nothing elsewhere, and the third is not ours";
}

TEST(GatherServing, WhatAServerSawIsNoPlaceWhereStrangersReachedUs) {
  const Interfaces interfaces = on({"192.168.1.5/24"});
  OwnView view = view_of(interfaces, {at("203.0.113.5:1111")});
  view.serving.at = {ip("203.0.113.5"), ip("192.168.1.5")};
  EXPECT_THAT(flagged(view), IsEmpty());
}

TEST(GatherServing, TheUsersWordCountsWhereverTheWorldSeesUs) {
  const Interfaces interfaces = on({"192.168.1.5/24", "2001:db8:1::5/64"});
  OwnView view = view_of(interfaces, {at("203.0.113.5:40000")});
  view.serving.everywhere = true;
  EXPECT_THAT(flagged(view), ElementsAre("[2001:db8:1::5]:40000", "203.0.113.5:40000"));
}

TEST(GatherServing, BehindADependentMappingOnlyTheForwardedPortIsReached) {
  const Interfaces interfaces = on({"192.168.1.5/24"});
  OwnView view = view_of(interfaces, {at("203.0.113.5:1111")});
  view.nat = wire::NatMapping::dependent;
  view.serving.everywhere = true;
  EXPECT_THAT(flagged(view), ElementsAre("203.0.113.5:40000"));
}

TEST(GatherServing, WhatPeersSawOrTheDhtEchoedIsNoPromise) {
  const Interfaces interfaces = on({"192.168.1.5/24"});
  OwnView view = view_of(interfaces);
  view.observed = {at("203.0.113.5:1111")};
  view.serving.everywhere = true;
  EXPECT_THAT(flagged(view), IsEmpty());
  view.observed.clear();
  view.echoed = {ip("203.0.113.5")};
  EXPECT_THAT(flagged(view), IsEmpty());
}

// ---- where others do ----

std::vector<std::string> served(const std::vector<Candidate>& candidates, const Interfaces& ours) {
  std::vector<std::string> out;
  for (const Endpoint& endpoint : serves_at(candidates, view_of(ours)))
    out.push_back(endpoint.to_string());
  return out;
}

TEST(ServesAt, TheBestOfEachFamilyThatWeSpeak) {
  const std::vector<Candidate> candidates{
      {CandidateKind::host, 250, kServes, at("[2001:db8:7::7]:5")},
      {CandidateKind::host, 240, kServes | 0x80, at("198.51.100.7:5")},
      {CandidateKind::reflexive, 220, kServes, at("198.51.100.8:5")},
      {CandidateKind::reflexive, 255, 0x80, at("198.51.100.9:5")}};
  EXPECT_THAT(served(candidates, on({"203.0.113.5/24", "2001:db8:1::5/64"})),
              ElementsAre("[2001:db8:7::7]:5", "198.51.100.7:5"));
  EXPECT_THAT(served(candidates, on({"192.168.1.5/24"})), ElementsAre("198.51.100.7:5"));
  EXPECT_THAT(served(candidates, on({"2001:db8:1::5/64"})), ElementsAre("[2001:db8:7::7]:5"));
}

TEST(ServesAt, NoPrivateAddressAndNotOurOwn) {
  EXPECT_THAT(served({{CandidateKind::host, 250, kServes, at("192.168.1.7:5")},
                      {CandidateKind::host, 250, kServes, at("203.0.113.5:40000")},
                      {CandidateKind::host, 250, kServes, at("[fd00::7]:5")}},
                     on({"192.168.1.5/24", "203.0.113.5/24", "fd00::5/64"})),
              IsEmpty());
}

// ---- whom to ask ----

NodeId id(std::uint8_t first) {
  NodeId out;
  out.bytes[0] = first;
  return out;
}
Endpoint home(std::uint8_t of) {
  return {IpAddress::v4({198, 51, 100, of}), 3731};
}
ServingMember member(std::uint8_t number, bool alive = true, Duration silent = {}) {
  return {id(number), alive, silent, {home(number)}};
}
std::vector<int> chosen(std::vector<ServingMember> members, std::uint8_t own) {
  std::vector<int> out;
  for (const ServerOffer& offer : choose_servers(std::move(members), id(own)))
    out.push_back(offer.endpoint.ip.bytes()[3]);
  return out;
}

TEST(ChooseServers, TheLowestAndTheNearestInTurn) {
  std::vector<ServingMember> members;
  for (const std::uint8_t number : std::vector<std::uint8_t>{0x90, 0x20, 0x81, 0x10, 0x30, 0x84})
    members.push_back(member(number));
  EXPECT_THAT(chosen(members, 0x80), ElementsAre(0x10, 0x81, 0x20, 0x84, 0x30, 0x90));
  EXPECT_THAT(chosen(members, 0x31), ElementsAre(0x10, 0x30, 0x20, 0x90, 0x81, 0x84));
}

TEST(ChooseServers, TheOrderInWhichTheyAreKnownDoesNotMatter) {
  std::vector<ServingMember> members;
  for (int number = 1; number < 60; ++number)
    members.push_back(member(static_cast<std::uint8_t>(number * 4), number % 3 == 0));
  const auto first = chosen(members, 0x77);
  std::reverse(members.begin(), members.end());
  EXPECT_EQ(chosen(members, 0x77), first);
  EXPECT_EQ(first.size(), kMaxServerOffers);
}

TEST(ChooseServers, TwoMembersShareSomeAndNotAll) {
  std::vector<ServingMember> members;
  for (int number = 0; number < 256; ++number)
    members.push_back(member(static_cast<std::uint8_t>(number)));
  const auto a = chosen(members, 0x5a);
  const auto b = chosen(members, 0xc3);
  const auto shared = std::count_if(
      a.begin(), a.end(), [&](int each) { return std::find(b.begin(), b.end(), each) != b.end(); });
  EXPECT_GE(shared, 8);
  EXPECT_LT(shared, 16);
}

TEST(ChooseServers, TheLivingBeforeThoseOfTodayBeforeTheRest) {
  EXPECT_THAT(chosen({member(1, false, hours(25)), member(2, false, hours(23)), member(3)}, 0),
              ElementsAre(3, 2, 1));
}

TEST(ChooseServers, OneEndpointAtEachAddress) {
  ServingMember first = member(1);
  ServingMember liar = member(2);
  liar.at = {Endpoint{home(1).ip, 53}, Endpoint{home(1).ip, 54}};
  EXPECT_EQ(choose_servers({first, liar}, id(9)), (std::vector<ServerOffer>{{home(1), true}}));
}

}  // namespace
}  // namespace meshnode::discovery
