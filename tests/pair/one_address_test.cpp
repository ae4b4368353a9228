// Many members behind one address, most of them out of reach: those who can be reached are.
#include "roaming_fixture.h"

namespace meshnode::test {
namespace {

// Behind the carrier's address are beta, which can be punched, and a crowd, which alpha never
// reaches, nor it alpha, and which never ceases to try. Gamma reaches everybody.
struct OneAddress : Roaming {
  static constexpr std::uint8_t kCrowd = 30;
  VirtualNode& gamma = lan.add(options("gamma", 3));
  std::vector<VirtualNode*> crowd;
  std::vector<VirtualNat> carrier;  // beta's way first, then the crowd's
  std::unique_ptr<VirtualNat> at_alpha;

  static Endpoint outside(std::size_t i) {
    return {IpAddress::v4({203, 0, 113, 7}), static_cast<std::uint16_t>(20000 + i)};
  }
  OneAddress() {
    gamma.address_ = IpAddress::v4({198, 51, 100, 1});
    alpha.address_ = IpAddress::v4({10, 0, 1, 1});
    at_alpha = std::make_unique<VirtualNat>(alpha, Endpoint{IpAddress::v4({203, 0, 113, 99}), 7});
    carrier.emplace_back(beta, outside(0));
    for (std::uint8_t i = 1; i <= kCrowd; ++i) {
      crowd.push_back(&lan.add(options("crowd" + std::to_string(i), 100 + i)));
      carrier.emplace_back(*crowd.back(), outside(i));
    }
    round_trip(milliseconds(20));
    lan.route = [this](Datagram& d) { return pass(d); };
  }
  bool pass(Datagram& d) {
    if (!d.to.ip) return false;
    const Datagram sent = d;
    if (sent.from == alpha.endpoint()) {
      if (!at_alpha->pass(d)) return false;
      if (in_crowd(d.to)) return false;
    }
    const bool from_crowd = std::any_of(crowd.begin(), crowd.end(), [&](const VirtualNode* each) {
      return each->endpoint() == sent.from;
    });
    for (VirtualNat& each : carrier)
      if (!each.pass(d)) return false;
    if (from_crowd && d.to.ip == IpAddress::v4({203, 0, 113, 99})) return false;
    return sent.from == alpha.endpoint() || at_alpha->pass(d);
  }
  static bool in_crowd(const Endpoint& to) { return to.ip == outside(0).ip && to != outside(0); }
  // Each member of the crowd has something to say to alpha, again and again.
  void run(Duration span) {
    for (const TimePoint end = lan.time + span; lan.time < end; lan.run_for(seconds(1)))
      for (VirtualNode* each : crowd) each->send_inner(plain_packet(*each, alpha));
  }
};

TEST_F(OneAddress, WhoIsNewFindsRoomAmongThoseWhoTryInVain) {
  gamma.start();
  alpha.start();
  for (VirtualNode* each : crowd) each->start();
  run(seconds(60));
  for (VirtualNode* each : crowd) ASSERT_NE(alpha.state_of(*each), PeerState::connected);
  beta.start();
  const TimePoint began = lan.time;
  while (!connected() && lan.time - began < seconds(30)) run(seconds(1));
  EXPECT_LE(lan.time - began, seconds(4));
}

}  // namespace
}  // namespace meshnode::test
