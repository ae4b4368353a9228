// All members that we know.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "overlay/roster.h"

namespace meshnode::overlay {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr TimePoint kStart{hours(24 * 365)};
constexpr NetworkId kNetwork{1, 2, 3, 4, 5};

Secret32 filled(std::uint8_t value) {
  Block<32> bytes;
  bytes.fill(value);
  return Secret32(bytes);
}

discovery::ProbeKeys probe_keys(std::uint8_t peer) {
  const auto& suite = crypto::real_suite();
  const Secret32 own = filled(1);
  return *discovery::ProbeKeys::derive(suite, own, suite.x25519_public(own),
                                       suite.x25519_public(filled(peer)), filled(99));
}

NodeId id_of(std::uint32_t n) {
  NodeId out;
  store_be(out.bytes.data(), n);
  return out;
}

crypto::X25519Public key_of(std::uint32_t n) {
  crypto::X25519Public out{};
  store_be(out.data(), n);
  return out;
}

IpAddress v4(std::uint8_t host) {
  return IpAddress::v4({10, 77, 0, host});
}

struct RosterTest : ::testing::Test {
  Roster roster{kNetwork};
  discovery::ProbeKeys some_keys = probe_keys(2);

  Peer* add(std::uint32_t n) {
    return roster.add(roster.reserve_number(), id_of(n), key_of(n), some_keys, kStart);
  }
  Peer& proven(std::uint32_t n, TimePoint seen = kStart) {
    Peer* peer = add(n);
    roster.prove(*peer, peer->id);
    peer->last_proven = seen;
    return *peer;
  }
  std::vector<IpAddress> claim(Peer& peer, std::vector<IpAddress> claims, TimePoint now = kStart) {
    peer.claims = std::move(claims);
    return roster.settle_claims(peer, {v4(1)}, now).refused;
  }
};

TEST_F(RosterTest, NumbersAreNeverReused) {
  const PeerNumber first = roster.reserve_number();
  const PeerNumber second = roster.reserve_number();
  EXPECT_NE(first, second);
  Peer* peer = add(1);
  const PeerNumber number = peer->number;
  roster.remove(number);
  EXPECT_NE(add(1)->number, number);
}

TEST_F(RosterTest, FindsWhatWasAdded) {
  Peer* peer = add(1);
  ASSERT_NE(peer, nullptr);
  EXPECT_FALSE(peer->proven);
  EXPECT_EQ(peer->first_heard, kStart);
  EXPECT_EQ(roster.by_number(peer->number), peer);
  EXPECT_EQ(roster.by_static_key(key_of(1)), peer);
  EXPECT_EQ(roster.by_static_key(key_of(2)), nullptr);
  EXPECT_EQ(roster.by_number(kNoPeer), nullptr);
  EXPECT_EQ(roster.by_tag(0), nullptr);
}

TEST_F(RosterTest, RemovedPeersAreGoneFromEveryIndex) {
  Peer* peer = add(1);
  const PeerNumber number = peer->number;
  roster.refresh_tags(*peer, 10);
  const auto tag = some_keys.receive_tag(10);
  ASSERT_EQ(roster.by_tag(tag), peer);
  roster.remove(number);
  EXPECT_EQ(roster.by_number(number), nullptr);
  EXPECT_EQ(roster.by_static_key(key_of(1)), nullptr);
  EXPECT_EQ(roster.by_tag(tag), nullptr);
  roster.remove(number);
  EXPECT_THAT(roster.all(), IsEmpty());
}

TEST_F(RosterTest, TheUnprovenAreBounded) {
  for (std::uint32_t n = 0; n < Roster::kMaxUnproven; ++n) ASSERT_NE(add(n), nullptr);
  EXPECT_EQ(roster.unproven(), Roster::kMaxUnproven);
  EXPECT_EQ(add(9999), nullptr);
  Peer* peer = roster.by_static_key(key_of(5));
  roster.prove(*peer, peer->id);
  EXPECT_EQ(roster.unproven(), Roster::kMaxUnproven - 1);
  EXPECT_NE(add(9999), nullptr);
  EXPECT_EQ(add(10'000), nullptr);
}

// Who has shown its key is not kept out by those who only have been announced.
TEST_F(RosterTest, AProvenNewcomerFindsRoomAmongTheUnproven) {
  for (std::uint32_t n = 0; n < Roster::kMaxUnproven; ++n) ASSERT_NE(add(n), nullptr);
  EXPECT_NE(roster.add(roster.reserve_number(), id_of(9999), key_of(9999), some_keys, kStart,
                       Roster::Room::for_proven),
            nullptr);
}

// The pumps must hear of it, or the former holder could go on using the address.
TEST_F(RosterTest, WhoLosesAnExpiredClaimIsNamed) {
  Peer& holder = proven(1);
  claim(holder, {v4(7)});
  Peer& heir = proven(2, kStart + Roster::kPinned);
  heir.claims = {v4(7)};
  const auto settled = roster.settle_claims(heir, {}, kStart + Roster::kPinned);
  EXPECT_THAT(settled.expired, testing::ElementsAre(holder.number));
  EXPECT_THAT(settled.refused, IsEmpty());
}

TEST_F(RosterTest, TheProvenAreBounded) {
  for (std::uint32_t n = 0; n < Roster::kMaxMembers; ++n) {
    Peer* peer = add(n);
    ASSERT_NE(peer, nullptr);
    peer->proven = true;
  }
  EXPECT_EQ(add(9999), nullptr);
  EXPECT_EQ(roster.all().size(), Roster::kMaxMembers);
}

TEST_F(RosterTest, ProvingAnIdShowsImpostors) {
  Peer* real = add(1);
  Peer* liar = roster.add(roster.reserve_number(), id_of(1), key_of(2), some_keys, kStart);
  Peer* other = add(3);
  EXPECT_THAT(roster.prove(*real, id_of(1)), ElementsAre(liar->number));
  EXPECT_THAT(roster.prove(*other, id_of(3)), IsEmpty());
  EXPECT_TRUE(real->proven);
  EXPECT_FALSE(liar->proven);
}

TEST_F(RosterTest, ProofCorrectsWhatABeaconSaid) {
  Peer* peer = add(1);
  roster.prove(*peer, id_of(7));
  EXPECT_EQ(peer->id, id_of(7));
}

TEST_F(RosterTest, TheFirstHolderKeepsAClaim) {
  Peer& first = proven(1);
  Peer& second = proven(2);
  EXPECT_THAT(claim(first, {v4(5)}), IsEmpty());
  EXPECT_THAT(claim(second, {v4(5), v4(6)}), ElementsAre(v4(5)));
  EXPECT_THAT(first.granted, ElementsAre(v4(5)));
  EXPECT_THAT(second.granted, ElementsAre(v4(6)));
  EXPECT_THAT(claim(first, {v4(5)}), IsEmpty()) << "settling again changes nothing";
}

TEST_F(RosterTest, OurOwnAddressIsNobodyElses) {
  Peer& peer = proven(1);
  EXPECT_THAT(claim(peer, {v4(1), v4(2)}), ElementsAre(v4(1)));
  EXPECT_THAT(peer.granted, ElementsAre(v4(2)));
}

TEST_F(RosterTest, ClaimsArePinnedForThirtyDays) {
  Peer& first = proven(1, kStart);
  Peer& second = proven(2, kStart);
  claim(first, {v4(5)});
  const TimePoint last_day = kStart + hours(24 * 30);
  EXPECT_THAT(claim(second, {v4(5)}, last_day - seconds(1)), ElementsAre(v4(5)));
  EXPECT_THAT(claim(second, {v4(5)}, last_day), IsEmpty());
  EXPECT_THAT(first.granted, IsEmpty()) << "never to two";
  EXPECT_THAT(second.granted, ElementsAre(v4(5)));
}

TEST_F(RosterTest, AClaimGivenUpIsFree) {
  Peer& first = proven(1);
  Peer& second = proven(2);
  claim(first, {v4(5)});
  claim(first, {});
  EXPECT_THAT(claim(second, {v4(5)}), IsEmpty());
}

TEST_F(RosterTest, ClaimsOfTheForgottenAreFree) {
  Peer& first = proven(1);
  claim(first, {v4(5)});
  roster.remove(first.number);
  EXPECT_THAT(claim(proven(2), {v4(5)}), IsEmpty());
}

TEST_F(RosterTest, RoutesLeadToMembersAndGrantedClaims) {
  Peer& one = proven(1);
  Peer* two = add(2);
  claim(one, {v4(5), v4(1)});
  const auto routes = roster.routes();
  EXPECT_EQ(routes->size(), 3U);
  EXPECT_EQ(routes->at(overlay_address(kNetwork, id_of(1))), one.number);
  EXPECT_EQ(routes->at(overlay_address(kNetwork, id_of(2))), two->number);
  EXPECT_EQ(routes->at(v4(5)), one.number);
  EXPECT_FALSE(routes->contains(v4(1))) << "refused";
}

TEST_F(RosterTest, RoutesPreferTheProven) {
  // Ids that differ only beyond the 80 bits of the address; the liar came first.
  NodeId lie = id_of(1);
  lie.bytes[31] = 1;
  Peer* liar = roster.add(roster.reserve_number(), lie, key_of(2), some_keys, kStart);
  Peer& real = proven(1);
  const auto address = overlay_address(kNetwork, id_of(1));
  ASSERT_EQ(address, overlay_address(kNetwork, lie));
  EXPECT_EQ(roster.routes()->at(address), real.number);
  roster.remove(real.number);
  EXPECT_EQ(roster.routes()->at(address), liar->number);
}

TEST_F(RosterTest, SourcesAreTheOwnAddressAndWhatWasGranted) {
  Peer& peer = proven(1);
  claim(peer, {v4(5), v4(1)});
  EXPECT_THAT(*roster.sources(peer),
              ::testing::UnorderedElementsAre(overlay_address(kNetwork, id_of(1)), v4(5)));
}

TEST_F(RosterTest, TagsOfTheEpochAndItsNeighbours) {
  Peer* peer = add(1);
  roster.refresh_tags(*peer, 10);
  for (discovery::TagEpoch epoch = 5; epoch <= 15; ++epoch)
    EXPECT_EQ(roster.by_tag(some_keys.receive_tag(epoch)) == peer, epoch >= 9 && epoch <= 11)
        << epoch;
  EXPECT_EQ(roster.by_tag(some_keys.send_tag(10)), nullptr) << "our own direction";
}

TEST_F(RosterTest, TagsOfTheEpochThatThePeerStated) {
  Peer* peer = add(1);
  peer->stated_epoch = -300;
  roster.refresh_tags(*peer, 10);
  EXPECT_EQ(peer->tags.size(), 6U);
  for (const discovery::TagEpoch epoch : {-301, -300, -299, 9, 10, 11})
    EXPECT_EQ(roster.by_tag(some_keys.receive_tag(epoch)), peer) << epoch;
  peer->stated_epoch = 11;  // overlaps with ours
  roster.refresh_tags(*peer, 10);
  EXPECT_EQ(peer->tags.size(), 4U);
  EXPECT_EQ(roster.by_tag(some_keys.receive_tag(-300)), nullptr) << "old ones are forgotten";
  EXPECT_EQ(roster.by_tag(some_keys.receive_tag(12)), peer);
}

TEST_F(RosterTest, TagsOfSeveralPeers) {
  Peer* one = add(1);
  auto other_keys = probe_keys(3);
  Peer* two = roster.add(roster.reserve_number(), id_of(2), key_of(2), other_keys, kStart);
  roster.refresh_tags(*one, 10);
  roster.refresh_tags(*two, 10);
  EXPECT_EQ(roster.by_tag(some_keys.receive_tag(10)), one);
  EXPECT_EQ(roster.by_tag(other_keys.receive_tag(10)), two);
  roster.remove(one->number);
  EXPECT_EQ(roster.by_tag(other_keys.receive_tag(10)), two);
}

}  // namespace
}  // namespace meshnode::overlay
