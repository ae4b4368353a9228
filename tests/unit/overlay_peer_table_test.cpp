#include <map>

#include <gtest/gtest.h>

#include "overlay/peer_table.h"
#include "support/seeded_random.h"

namespace meshnode::overlay {
namespace {

TEST(PeerTable, GivesTheSamePeerForTheSameNumber) {
  PeerTable table;
  Peer& peer = table.add(PeerNumber{7});
  EXPECT_EQ(peer.number, PeerNumber{7});
  EXPECT_EQ(&table.add(PeerNumber{7}), &peer);
  EXPECT_EQ(table.find(PeerNumber{7}), &peer);
  EXPECT_EQ(table.find(PeerNumber{6}), nullptr);
  EXPECT_EQ(table.find(PeerNumber{8}), nullptr);
  table.remove(PeerNumber{8});
  EXPECT_EQ(table.size(), 1U);
}

TEST(PeerTable, IsWhatAMapIsAndPeersNeverMove) {
  test::SeededRandom random(1);
  PeerTable table;
  std::map<PeerNumber, const Peer*> reference;
  for (int i = 0; i < 5000; ++i) {
    const auto number = static_cast<PeerNumber>(1 + random.below(200));
    if (random.below(2) == 0) {
      const Peer* peer = &table.add(number);
      const auto known = reference.try_emplace(number, peer).first;
      ASSERT_EQ(known->second, peer);
    } else {
      table.remove(number);
      reference.erase(number);
    }
    ASSERT_EQ(table.size(), reference.size());
    auto expected = reference.begin();
    for (const auto& [each, peer] : std::as_const(table).all()) {
      ASSERT_EQ(each, expected->first);
      ASSERT_EQ(&peer, expected->second);
      ++expected;
    }
  }
}

}  // namespace
}  // namespace meshnode::overlay
