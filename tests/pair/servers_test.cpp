// Members that serve the DHT and STUN to anybody: their record says so, the others hear of it, and
// remember it.
#include "directory_fixture.h"

namespace meshnode::test {
namespace {

using discovery::ServerOffer;

struct Servers : DirectoryTest {
  Servers() : DirectoryTest(47) { alpha.more_addresses = {outside.ip}; }

  void serve(bool serves = true) {
    alpha.core().set_serving(alpha.now(), serves, {.everywhere = false, .at = {outside.ip}});
  }
  // What this node was told last.
  static std::vector<ServerOffer> offers(const VirtualNode& node) {
    std::vector<ServerOffer> out;
    for (const auto& event : node.events)
      if (const auto* known = std::get_if<overlay::ServersKnown>(&event)) out = known->offers;
    return out;
  }
  static std::uint8_t flags(const discovery::RecordPtr& record, const Endpoint& endpoint) {
    for (const auto& candidate : record->record.candidates)
      if (candidate.endpoint == endpoint) return candidate.flags;
    return 0xff;
  }
  static void restart(VirtualNode& node, bool remembers = true) {
    const auto memory = node.core().engine().memory(node.now());
    node.kill();
    node.events.clear();
    node.start();
    if (remembers) node.core().recall(node.now(), memory);
  }

  const Endpoint outside{IpAddress::v4({203, 0, 113, 7}), VirtualNode::kPort};
  VirtualNode& alpha = add("alpha");
  VirtualNode& beta = add("beta");
};

TEST_F(Servers, TheRecordSaysWhereAndTheOthersHearOfIt) {
  connect_all();
  EXPECT_EQ(flags(published(alpha), outside), 0);
  EXPECT_TRUE(offers(beta).empty());
  serve();
  lan.run_for(seconds(1));
  EXPECT_EQ(flags(published(alpha), outside), wire::kServes);
  EXPECT_EQ(flags(published(alpha), alpha.endpoint()), 0) << "a private address";
  EXPECT_EQ(offers(beta), (std::vector<ServerOffer>{{outside, true}}));
  EXPECT_TRUE(offers(alpha).empty()) << "nobody asks himself";
}

TEST_F(Servers, WhoStopsServingIsNotOfferedAnyMore) {
  connect_all();
  serve();
  lan.run_for(seconds(15));
  ASSERT_EQ(offers(beta).size(), 1U);
  serve(false);
  lan.run_for(seconds(15));
  EXPECT_EQ(flags(published(alpha), outside), 0);
  EXPECT_TRUE(offers(beta).empty());
}

TEST_F(Servers, WhoIsLostIsOfferedAsSuch) {
  connect_all();
  serve();
  lan.run_for(seconds(1));
  alpha.kill();
  lan.run_for(minutes(5));
  EXPECT_EQ(offers(beta), (std::vector<ServerOffer>{{outside, false}}));
}

TEST_F(Servers, AreOfferedAtOnceAfterARestart) {
  connect_all();
  serve();
  lan.run_for(seconds(1));
  alpha.kill();
  lan.dht.up = false;
  restart(beta);
  lan.run_for(milliseconds(1));
  EXPECT_EQ(offers(beta), (std::vector<ServerOffer>{{outside, false}}));
}

TEST_F(Servers, WithoutMemoryThereIsNothingToOffer) {
  connect_all();
  serve();
  lan.run_for(seconds(1));
  alpha.kill();
  lan.dht.up = false;
  restart(beta, false);
  lan.run_for(minutes(1));
  EXPECT_TRUE(offers(beta).empty());
}

TEST_F(Servers, WhatStrangersHaveProvenHoldsOverARestart) {
  connect_all();
  serve();
  lan.run_for(seconds(1));
  beta.kill();
  restart(alpha);
  alpha.core().set_serving(alpha.now(), true, {});
  lan.run_for(seconds(1));
  EXPECT_EQ(flags(published(alpha), outside), wire::kServes);
}

TEST_F(Servers, ButNotAtAnotherAddressAndNotOnceItServesNoMore) {
  connect_all();
  serve();
  lan.run_for(seconds(1));
  alpha.more_addresses = {IpAddress::v4({203, 0, 113, 8})};
  restart(alpha);
  alpha.core().set_serving(alpha.now(), true, {});
  lan.run_for(seconds(1));
  EXPECT_EQ(flags(published(alpha), {IpAddress::v4({203, 0, 113, 8}), VirtualNode::kPort}), 0);

  alpha.more_addresses = {outside.ip};
  restart(alpha);
  alpha.core().set_serving(alpha.now(), false, {});
  lan.run_for(seconds(1));
  EXPECT_EQ(flags(published(alpha), outside), 0);
}

TEST_F(Servers, AMemoryOfOurselvesThatSomebodyElseSignedCountsForNothing) {
  connect_all();
  serve();
  lan.run_for(seconds(1));
  auto memory = alpha.core().engine().memory(alpha.now());
  for (auto& member : memory)
    if (member.id == alpha.id()) member.record.back() ^= 1;
  alpha.kill();
  alpha.start();
  alpha.core().recall(alpha.now(), memory);
  alpha.core().set_serving(alpha.now(), true, {});
  lan.run_for(seconds(1));
  EXPECT_EQ(flags(published(alpha), outside), 0);
}

TEST_F(Servers, WhoServesNobodyRemembersNothingOfItself) {
  connect_all();
  const auto memory = alpha.core().engine().memory(alpha.now());
  ASSERT_EQ(memory.size(), 1U);
  EXPECT_EQ(memory[0].id, beta.id());
}

TEST_F(Servers, OnlyProvenMembersAreOffered) {
  connect_all();
  wire::Record record;
  const crypto::Ed25519Seed seed(Block<32>{0x66});
  record.signing_key = crypto::real_suite().ed25519_public(seed);
  record.static_key = {9};
  record.sequence = 7;
  record.candidates = {{wire::CandidateKind::host, 200, wire::kServes, outside}};
  const auto id = to_bytes(network().id());
  const auto forged = discovery::sign_record(record, seed, id, crypto::real_suite());
  beta.core().from_directory(beta.now(), door(),
                             discovery::seal_record(keys(), door(), forged->bytes, lan.random));
  lan.run_for(minutes(1));
  EXPECT_TRUE(offers(beta).empty());
}

}  // namespace
}  // namespace meshnode::test
