// What a member that turned hostile would try with the keys that it rightly
// has.
#include "discovery/probe_keys.h"
#include "support/pair.h"

namespace meshnode::test {
namespace {

// beta is the hostile one: it wants alpha to send data to the victim, whose
// address it can forge but not read.
struct HostileMember : PairTest {
  HostileMember() : PairTest(31) {}
  const Endpoint victim{IpAddress::v4({10, 0, 0, 99}), 9999};
  const overlay::Identity alpha_identity = identity(1);
  const overlay::Identity beta_identity = identity(2);
  const discovery::ProbeKeys keys = *discovery::ProbeKeys::derive(
      crypto::real_suite(), beta_identity.static_secret, beta_identity.static_key,
      alpha_identity.static_key, network().psk);
  BootId beta_boot{};

  static overlay::Identity identity(std::uint8_t number) {
    Block<32> seed;
    seed.fill(number);
    return overlay::Identity::from_seed(crypto::Ed25519Seed(seed), crypto::real_suite());
  }
  static overlay::NetworkKeys network() { return overlay::NetworkKeys::derive(default_network()); }

  void connect() {
    PairTest::connect();
    ASSERT_EQ(alpha.id(), alpha_identity.id);
    ASSERT_EQ(beta.id(), beta_identity.id);
    lan.run_for(seconds(2));
    for (const Datagram& d : lan.history)
      if (const auto probe = wire::parse_probe(d.bytes); probe && d.from == beta.endpoint())
        beta_boot = probe->boot;
    lan.history.clear();
  }
  // As if from the victim.
  void forge(wire::Probe probe) {
    probe.boot = beta_boot;
    lan.inject({victim, alpha.endpoint(), keys.seal(probe, discovery::tag_epoch(lan.unix))});
  }
  void ask_as_victim() {
    wire::Probe request;
    request.number = beta.numbers.next();
    forge(request);
  }
  void answer_as_victim(std::uint64_t number, const wire::ProbeNonce& nonce) {
    wire::Probe answer;
    answer.kind = wire::Probe::Kind::answer;
    answer.number = number;
    answer.nonce = nonce;
    answer.observed = alpha.endpoint();
    forge(answer);
  }
  std::vector<wire::Probe> asked_victim() const {
    std::vector<wire::Probe> out;
    for (const Datagram& d : lan.history)
      if (const auto probe = wire::parse_probe(d.bytes);
          d.to == victim && probe && probe->kind == wire::Probe::Kind::request)
        out.push_back(*probe);
    return out;
  }
  bool data_to_victim() const {
    return std::any_of(lan.history.begin(), lan.history.end(),
                       [&](const Datagram& d) { return d.to == victim && d.bytes[0] == 0x44; });
  }
  // The true way between the two is dead from now on; alpha has packets for
  // beta.
  void only_the_victim_is_left() {
    lan.filter = [this](const Datagram& d) {
      return d.from != beta.endpoint() && d.to != beta.endpoint();
    };
  }
};

TEST_F(HostileMember, CannotAnswerForAVictimThatAlphaAsked) {
  connect();
  only_the_victim_is_left();
  const auto guess_from = alpha.numbers.last;
  const auto before = alpha.core().drops()[Drop::bad_mac];
  ask_as_victim();
  for (int i = 0; i < 500; ++i) {
    alpha.ping(beta);
    lan.run_for(milliseconds(20));
    // Each number that alpha can have used since.
    for (auto number = guess_from; number <= alpha.numbers.last; ++number)
      answer_as_victim(number, {});
  }
  ASSERT_GE(asked_victim().size(), 3U) << "alpha did ask there";
  EXPECT_GT(alpha.core().drops()[Drop::bad_mac], before + 500);
  EXPECT_FALSE(data_to_victim());
  EXPECT_FALSE(alpha.peer(beta)->path && alpha.peer(beta)->path->remote == victim);
  EXPECT_LE(asked_victim().size(), 20U + 10) << "nothing cleared the budget";
}

// What the test above forges lacks the nonce and nothing else.
TEST_F(HostileMember, WhoReceivedTheRequestCanAnswerIt) {
  connect();
  only_the_victim_is_left();
  ask_as_victim();
  ASSERT_TRUE(lan.run_until([&] { return !asked_victim().empty(); }, seconds(1)));
  lan.filter = [&](const Datagram& d) {
    const auto probe = wire::parse_probe(d.bytes);
    if (d.to == victim && probe) answer_as_victim(probe->number, probe->nonce);
    return d.from != beta.endpoint() && d.to != beta.endpoint();
  };
  for (int i = 0; i < 500 && !data_to_victim(); ++i) {
    alpha.ping(beta);
    lan.run_for(milliseconds(20));
  }
  EXPECT_TRUE(data_to_victim());
}

// Of a handshake, only what we sent proves where it was received.
TEST_F(HostileMember, CannotMoveThePathByHandshakeFramesThatSeemToComeFromElsewhere) {
  for (VirtualNode* hostile : {&alpha, &beta}) {  // the one asks, the other answers
    VirtualNode& honest = hostile == &alpha ? beta : alpha;
    lan.route = [&](Datagram& d) {
      if (d.from == hostile->endpoint() && (d.bytes[0] == 0x41 || d.bytes[0] == 0x44))
        d.from = victim;
      return true;
    };
    alpha.start();
    beta.start();
    for (int i = 0; i < 100; ++i) {
      honest.ping(*hostile);
      lan.run_for(milliseconds(20));
    }
    EXPECT_TRUE(honest.peer(*hostile)->path) << "a session came to be";
    EXPECT_FALSE(data_to_victim());
    alpha.kill();
    beta.kill();
  }
}

}  // namespace
}  // namespace meshnode::test
