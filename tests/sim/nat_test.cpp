#include "sim/nat.h"

#include <gtest/gtest.h>

namespace meshnode::sim {
namespace {

const Endpoint kInside = *Endpoint::parse("192.168.1.2:40000");
const Endpoint kOther = *Endpoint::parse("192.168.1.3:40000");
const Endpoint kA = *Endpoint::parse("198.51.100.1:1000");
const Endpoint kA2 = *Endpoint::parse("198.51.100.1:2000");
const Endpoint kB = *Endpoint::parse("198.51.100.2:1000");
const IpAddress kOutside = *IpAddress::parse("203.0.113.9");
constexpr TimePoint kNow{seconds(1000)};

Nat make(NatRules rules) {
  return Nat(rules, kOutside, 7);
}

TEST(SimNat, MappingDependsOnWhatItSays) {
  for (const auto& [depends, for_a2, for_b] :
       {std::tuple(Depends::nothing, true, true), std::tuple(Depends::address, true, false),
        std::tuple(Depends::address_and_port, false, false)}) {
    Nat nat = make({.mapping = depends, .ports = Ports::sequential});
    const Endpoint first = nat.out(kNow, kInside, kA);
    EXPECT_EQ(nat.out(kNow, kInside, kA), first);
    EXPECT_EQ(nat.out(kNow, kInside, kA2) == first, for_a2);
    EXPECT_EQ(nat.out(kNow, kInside, kB) == first, for_b);
    EXPECT_NE(nat.out(kNow, kOther, kA), first);
  }
}

TEST(SimNat, FilteringDependsOnWhatItSays) {
  for (const auto& [depends, from_a2, from_b] :
       {std::tuple(Depends::nothing, true, true), std::tuple(Depends::address, true, false),
        std::tuple(Depends::address_and_port, false, false)}) {
    Nat nat = make({.filtering = depends});
    const std::uint16_t port = nat.out(kNow, kInside, kA).port;
    EXPECT_EQ(nat.in(kNow, kA, port), kInside);
    EXPECT_EQ(nat.in(kNow, kA2, port).has_value(), from_a2);
    EXPECT_EQ(nat.in(kNow, kB, port).has_value(), from_b);
    EXPECT_FALSE(nat.in(kNow, kA, static_cast<std::uint16_t>(port + 1)));
  }
}

TEST(SimNat, PortsArePreservedUnlessTaken) {
  Nat nat = make({.ports = Ports::preserved});
  EXPECT_EQ(nat.out(kNow, kInside, kA).port, kInside.port);
  EXPECT_NE(nat.out(kNow, kOther, kA).port, kInside.port);
}

TEST(SimNat, OnlyWhatLeavesKeepsAMappingAlive) {
  Nat nat = make({.timeout = seconds(30)});
  const std::uint16_t port = nat.out(kNow, kInside, kA).port;
  EXPECT_TRUE(nat.in(kNow + seconds(29), kA, port));
  EXPECT_FALSE(nat.in(kNow + seconds(31), kA, port));
  nat.out(kNow + seconds(29), kInside, kA);
  EXPECT_TRUE(nat.in(kNow + seconds(50), kA, port));
}

TEST(SimNat, HairpinOnlyWhereItIs) {
  for (const bool hairpin : {false, true}) {
    Nat nat = make({.filtering = Depends::nothing, .hairpin = hairpin});
    const Endpoint one = nat.out(kNow, kInside, kA);
    const Endpoint other = nat.out(kNow, kOther, one);
    EXPECT_EQ(nat.in(kNow, other, one.port).has_value(), hairpin);
  }
}

TEST(SimNat, ForgetsAndGivesOtherPorts) {
  Nat nat = make({.ports = Ports::preserved});
  const Endpoint before = nat.out(kNow, kInside, kA);
  nat.forget(kNow);
  EXPECT_FALSE(nat.in(kNow, kA, before.port));
  EXPECT_NE(nat.out(kNow, kInside, kA), before);
}

}  // namespace
}  // namespace meshnode::sim
