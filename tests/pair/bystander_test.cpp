// Somebody at a public address who is no member, and whom a member's records name.
#include <deque>

#include "directory_fixture.h"

namespace meshnode::test {
namespace {

// Each member that mallory makes up says that it is at the bystander's, at ports of its own.
struct Bystander : DirectoryTest {
  Bystander() : DirectoryTest(44) {
    alpha.address_ = IpAddress::v4({198, 51, 100, 1});
    beta.address_ = IpAddress::v4({198, 51, 100, 2});
    lan.filter = [this](const Datagram& d) {
      if (d.to.ip == bystander) sent.push_back({lan.time, d.bytes.size() + 28});
      return !is_beacon(d);
    };
  }
  const IpAddress bystander = IpAddress::v4({203, 0, 113, 66});
  VirtualNode& alpha = add("alpha");
  VirtualNode& beta = add("beta");
  struct Sent {
    TimePoint at{};
    std::size_t bytes = 0;  // with IPv4 and UDP headers
  };
  std::deque<Sent> sent;

  discovery::RecordPtr made_up(std::uint16_t member, std::uint64_t version) {
    Block<32> bytes{0x66};
    bytes[1] = static_cast<std::uint8_t>(member);
    bytes[2] = static_cast<std::uint8_t>(member >> 8);
    const crypto::Ed25519Seed seed(bytes);
    wire::Record record;
    record.signing_key = crypto::real_suite().ed25519_public(seed);
    record.static_key = crypto::real_suite().x25519_public(crypto::X25519Secret(bytes));
    record.sequence = static_cast<std::uint64_t>(lan.unix.ms) + version;
    record.boot = {static_cast<std::uint8_t>(version)};
    record.name = "made up";
    for (std::uint16_t i = 0; i < wire::kMaxCandidates; ++i) {
      const auto port = static_cast<std::uint16_t>(1024 + (member * 31 + version) * 8 % 60000 + i);
      record.candidates.push_back(
          {wire::CandidateKind::reflexive, 220, 0, Endpoint{bystander, port}});
    }
    const auto id = to_bytes(network().id());
    return discovery::sign_record(record, seed, id, crypto::real_suite());
  }
  void feed(const discovery::RecordPtr& record) {
    alpha.core().from_directory(alpha.now(), door(),
                                discovery::seal_record(keys(), door(), record->bytes, lan.random));
  }
  std::size_t most_in(Duration span) const {
    std::size_t most = 0;
    std::size_t sum = 0;
    for (std::size_t first = 0, last = 0; last < sent.size(); ++last) {
      sum += sent[last].bytes;
      while (sent[last].at - sent[first].at > span) sum -= sent[first++].bytes;
      most = std::max(most, sum);
    }
    return most;
  }
};

TEST_F(Bystander, GetsAtMostTenKilobytesAMinuteFromAMemberWhateverRecordsSay) {
  // The dearest case: alone, a member also sends first messages to whom it does not reach.
  alpha.start();
  for (std::uint64_t second = 0; second < 600; ++second) {
    // Each some hundred times, with new endpoints and as if started anew.
    for (std::uint16_t i = 0; i < 4; ++i)
      feed(made_up(static_cast<std::uint16_t>(second * 4 % 300 + i), second));
    alpha.ping(beta);
    lan.run_for(seconds(1));
  }
  ASSERT_GT(sent.size(), 50U) << "the records are followed, within bounds";
  std::printf("  most in a minute: %zu bytes, in all of 10 minutes: %zu\n", most_in(minutes(1)),
              most_in(hours(1)));
  EXPECT_LE(most_in(minutes(1)), 10'000U);
}

}  // namespace
}  // namespace meshnode::test
