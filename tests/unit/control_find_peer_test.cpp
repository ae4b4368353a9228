// control/find_peer: whom a person means.
#include <gtest/gtest.h>

#include "control/find_peer.h"

namespace meshnode::control {
namespace {

NodeId id(std::uint8_t first, std::uint8_t rest = 7) {
  NodeId out;
  out.bytes.fill(rest);
  out.bytes[0] = first;
  return out;
}

struct FindPeer : ::testing::Test {
  std::vector<NamedPeer> peers{
      {id(1), "beta", {*IpAddress::parse("fd00::1"), *IpAddress::parse("10.0.0.1")}},
      {id(2), "gamma", {*IpAddress::parse("fd00::2")}},
      {id(2, 9), "", {*IpAddress::parse("fd00::3")}},
      {id(3), "aedqobyh", {*IpAddress::parse("fd00::4")}},
  };
  std::string wrong(std::string_view text) const {
    const auto found = find_peer(text, peers);
    EXPECT_FALSE(found) << text;
    if (found) return "";
    EXPECT_EQ(found.error().exit_code(), 2);
    return found.error().message;
  }
};

TEST_F(FindPeer, ByNameAddressOrBeginningOfItsId) {
  EXPECT_EQ(*find_peer("beta", peers), 0U);
  EXPECT_EQ(*find_peer("fd00:0::2", peers), 1U);
  EXPECT_EQ(*find_peer("10.0.0.1", peers), 0U);
  EXPECT_EQ(*find_peer(id(1).to_string(), peers), 0U);
  EXPECT_EQ(*find_peer(id(3).to_string().substr(0, 3), peers), 3U);
  EXPECT_EQ(*find_peer("AQDQ", {{id(4), "", {}}}), 0U) << "capitals, too";
}

TEST_F(FindPeer, AWholeNameGoesBeforeAnId) {
  ASSERT_EQ(id(1).to_string().substr(0, 8), "aedqobyh");
  EXPECT_EQ(*find_peer("aedqobyh", peers), 3U);
  EXPECT_EQ(*find_peer("aedqobyha", peers), 0U);
}

TEST_F(FindPeer, SeveralAreListed) {
  EXPECT_EQ(wrong("ai"),
            "\"ai\" may be any of these: gamma (aidqobyh), aieqscij"
            ": give more of the id")
      << "never the first one";
  peers[1].name = "beta";
  EXPECT_EQ(wrong("beta"),
            "\"beta\" may be any of these: beta (aedqobyh), beta (aidqobyh): give more of the id");
}

TEST_F(FindPeer, WhoIsNotThereIsSaidWithThoseWhoAre) {
  EXPECT_EQ(wrong("delta"),
            "no member \"delta\" is known; known are beta (aedqobyh), gamma "
            "(aidqobyh), aieqscij, aedqobyh (amdqobyh)");
  EXPECT_EQ(wrong("10.0.0.9").substr(0, 29), "no member \"10.0.0.9\" is known");
  EXPECT_EQ(wrong("").substr(0, 14), "say which peer");
  for (std::uint8_t i = 0; i < 20; ++i) peers.push_back({id(99, i), "", {}});
  EXPECT_NE(wrong("delta").find(" and 16 more"), std::string::npos);
  peers.clear();
  EXPECT_EQ(wrong("beta"), "no member \"beta\" is known, nor any other");
}

TEST_F(FindPeer, WhatIsTypedOrCalledOddlyIsPrintable) {
  peers[0].name = "x\033[2J";
  EXPECT_EQ(*find_peer("x?[2J", peers), 0U) << "as it is shown";
  EXPECT_EQ(wrong("\033").find('\033'), std::string::npos);
}

}  // namespace
}  // namespace meshnode::control
