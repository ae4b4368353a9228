// Roaming (roaming_fixture.h) where both are behind NATs that let in only whom they have spoken to.
#include "roaming_fixture.h"

namespace meshnode::test {
namespace {

// alpha's NAT lets in only what alpha has spoken to: beta's new endpoint it does not know. A third
// member with a public address sees where beta is, and passes its record on.
struct TwoNats : Roaming {
  static constexpr std::uint8_t kAlpha = 40;
  VirtualNode& gamma = lan.add(options("gamma", 3));
  std::unique_ptr<VirtualNat> at_alpha;
  std::unique_ptr<VirtualNat> at_beta;

  TwoNats() {
    alpha.address_ = IpAddress::v4({10, 0, 1, 1});
    gamma.address_ = IpAddress::v4({198, 51, 100, 1});
    helper = gamma.endpoint();
    at_alpha = std::make_unique<VirtualNat>(alpha, Rebinding::outside(kAlpha));
    at_beta = std::make_unique<VirtualNat>(beta, Rebinding::outside(7));
    lan.route = [this](Datagram& d) {
      if (!d.to.ip) return false;
      const bool from_alpha = d.from == alpha.endpoint();
      VirtualNat& first = from_alpha ? *at_alpha : *at_beta;
      VirtualNat& second = from_alpha ? *at_beta : *at_alpha;
      return first.pass(d) && second.pass(d);
    };
  }
  // Nobody but gamma is left to ask.
  void meet() {
    gamma.start();
    connect();
    lan.dht.up = false;
  }
  std::uint8_t host = 7;
  Duration worst() {
    Duration out{};
    for (const Flow flow : kFlows) {
      out = std::max(out, blackout(flow, [&] { at_beta->rebind(Rebinding::outside(++host)); }));
      lan.run_for(minutes(1));  // a record may change once in 10 s
    }
    return out;
  }
};

TEST_F(TwoNats, RebindingIsToldByAThirdMember) {
  round_trip(milliseconds(40));
  meet();
  EXPECT_LE(worst(), milliseconds(600));
}

TEST_F(TwoNats, RebindingIsToldByAThirdMemberOverALongWay) {
  round_trip(milliseconds(100));
  meet();
  EXPECT_LE(worst(), milliseconds(1500));
}

// The second time while we must not ask yet.
TEST_F(TwoNats, RebindingTwiceInARowIsFollowed) {
  round_trip(milliseconds(40));
  meet();
  longest_gap(Flow::there, seconds(12));
  at_beta->rebind(Rebinding::outside(++host));
  longest_gap(Flow::there, seconds(1));
  at_beta->rebind(Rebinding::outside(++host));
  EXPECT_LE(longest_gap(Flow::there, seconds(10)), milliseconds(3000));
}

// Nobody has said anything to it for so long that the keys are gone.
TEST_F(TwoNats, TheThirdMemberMayBeAsleep) {
  round_trip(milliseconds(40));
  meet();
  for (const Flow flow : kFlows) {
    const auto asleep = [&] {
      return gamma.state_of(alpha) == PeerState::idle && gamma.state_of(beta) == PeerState::idle;
    };
    ASSERT_TRUE(lan.run_until(asleep, hours(1)));
    longest_gap(flow, seconds(12));
    at_beta->rebind(Rebinding::outside(++host));
    const Duration gap = longest_gap(flow, seconds(8));
    std::printf("  flow %-5s asleep: %lld ms\n", name_of(flow),
                static_cast<long long>(gap / milliseconds(1)));
    EXPECT_LE(gap, milliseconds(800));
  }
}

}  // namespace
}  // namespace meshnode::test
