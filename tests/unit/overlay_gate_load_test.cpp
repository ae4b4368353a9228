// The gate under load: cookies, budgets, bounds.
#include <gtest/gtest.h>

#include "crypto/hash.h"
#include "overlay/gate.h"
#include "tests/support/seeded_random.h"

namespace meshnode::overlay {
namespace {

constexpr TimePoint kStart{hours(1)};
constexpr int kBeforeLoad = 100;  // handshakes a second from where on cookies are asked

Secret32 gate_secret() {
  return Secret32(Block<32>{1});
}

IpAddress source(std::uint32_t n) {
  Block<4> raw;
  store_be(raw.data(), 0x0a000000U + n);
  return IpAddress::v4(raw);
}

struct GateLoad : ::testing::Test {
  test::SeededRandom random{1};
  Gate gate{gate_secret(), random};
  TimePoint now = kStart;
  std::uint32_t next_message = 0;

  // Each one new; with mac2 if there is a cookie.
  Bytes message(const std::optional<Block<16>>& cookie = std::nullopt) {
    Bytes out = wire::init_header(++next_message);
    Writer writer(out);
    writer.zeros(96);
    writer.bytes(gate_mac(gate_secret(), out));
    if (!cookie) {
      writer.zeros(wire::kMacSize);
    } else {
      const auto mac2 = crypto::hmac_sha256(*cookie, {out});
      writer.bytes(ByteView(mac2).first(wire::kMacSize));
    }
    return out;
  }
  Gate::Verdict admit(const Bytes& bytes, const IpAddress& from, std::uint16_t port = 3731) {
    return gate.admit(now, {{from, port}, {}, 0}, *wire::parse_init(bytes));
  }
  Gate::Verdict admit(const IpAddress& from) { return admit(message(), from); }
  static bool proceeds(const Gate::Verdict& v) { return std::holds_alternative<Gate::Proceed>(v); }
  static bool limited(const Gate::Verdict& v) {
    return std::holds_alternative<Drop>(v) && std::get<Drop>(v) == Drop::rate_limited;
  }
  static std::optional<Block<16>> cookie_in(const Gate::Verdict& v) {
    const auto* ask = std::get_if<Gate::SendCookie>(&v);
    return ask == nullptr ? std::nullopt : std::optional(ask->cookie);
  }
  void load() {
    for (std::uint32_t n = 0; n < kBeforeLoad; ++n)
      ASSERT_TRUE(proceeds(admit(source(0x10000 + n)))) << n;
  }
};

TEST_F(GateLoad, CookiesAreAskedFromTheHundredAndFirstOn) {
  load();
  EXPECT_TRUE(cookie_in(admit(source(1))));
  now += seconds(1);
  EXPECT_TRUE(proceeds(admit(source(1)))) << "the load is over";
}

TEST_F(GateLoad, ACookieLetsItsOwnerIn) {
  load();
  const auto cookie = cookie_in(admit(source(1)));
  ASSERT_TRUE(cookie);
  EXPECT_TRUE(proceeds(admit(message(cookie), source(1))));
  EXPECT_TRUE(proceeds(admit(message(cookie), source(1)))) << "and the next message, too";
}

TEST_F(GateLoad, ACookieBindsTheAddressOnly) {
  load();
  const auto cookie = cookie_in(admit(source(1)));
  EXPECT_TRUE(proceeds(admit(message(cookie), source(1), 4000))) << "NATs change ports";
  EXPECT_TRUE(cookie_in(admit(message(cookie), source(2))));
  EXPECT_NE(cookie_in(admit(source(2))), cookie);
}

TEST_F(GateLoad, EveryWrongMac2IsAskedAgain) {
  load();
  const auto cookie = cookie_in(admit(source(1)));
  const Bytes genuine = message(cookie);
  for (std::size_t at = genuine.size() - wire::kMacSize; at < genuine.size(); ++at) {
    Bytes changed = genuine;
    changed[at] ^= 1;
    EXPECT_EQ(cookie_in(admit(changed, source(1))), cookie) << at;
  }
  EXPECT_TRUE(proceeds(admit(genuine, source(1))));
}

TEST_F(GateLoad, AnOldCookieIsGoodForTwoMinutesAtLeast) {
  load();
  const auto cookie = cookie_in(admit(source(1)));
  now += seconds(119);
  load();
  EXPECT_TRUE(proceeds(admit(message(cookie), source(1))));
}

TEST_F(GateLoad, CookiesRotateAndExpire) {
  load();
  const auto cookie = cookie_in(admit(source(1)));
  now += minutes(2);
  load();
  const auto fresh = cookie_in(admit(source(1)));
  ASSERT_TRUE(fresh);
  EXPECT_NE(fresh, cookie);
  EXPECT_TRUE(proceeds(admit(message(cookie), source(1)))) << "the one before still counts";
  now += minutes(2);
  load();
  EXPECT_TRUE(cookie_in(admit(message(cookie), source(1))));
  EXPECT_TRUE(proceeds(admit(message(fresh), source(1))));
}

TEST_F(GateLoad, ACookieExpiresEvenIfNobodyAskedInBetween) {
  load();
  const auto cookie = cookie_in(admit(source(1)));
  now += hours(1);
  load();
  EXPECT_TRUE(cookie_in(admit(message(cookie), source(1))));
}

TEST_F(GateLoad, NoSourceGetsMoreThanItsShare) {
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(proceeds(admit(source(1)))) << i;
  EXPECT_TRUE(limited(admit(source(1))));
  EXPECT_TRUE(proceeds(admit(source(2)))) << "others are not touched";
  now += milliseconds(101);
  EXPECT_TRUE(proceeds(admit(source(1)))) << "ten a second";
  EXPECT_TRUE(limited(admit(source(1))));
}

TEST_F(GateLoad, OneHouseholdOneBudget) {
  const auto v6 = [](const char* text) { return *IpAddress::parse(text); };
  for (int i = 0; i < 20; ++i)
    EXPECT_TRUE(proceeds(admit(v6(i % 2 == 0 ? "2001:db8:0:1::1" : "2001:db8:0:1:ffff::2"))));
  EXPECT_TRUE(limited(admit(v6("2001:db8:0:1::3"))));
  EXPECT_TRUE(proceeds(admit(v6("2001:db8:0:2::1")))) << "the neighbour's /64";
}

TEST_F(GateLoad, NoMoreThanThreeHundredASecondInAll) {
  load();
  int computed = kBeforeLoad;
  for (std::uint32_t n = 0; n < 500; ++n) {
    const auto cookie = cookie_in(admit(source(n)));
    ASSERT_TRUE(cookie);
    const auto verdict = admit(message(cookie), source(n));
    ASSERT_TRUE(proceeds(verdict) || limited(verdict));
    computed += proceeds(verdict) ? 1 : 0;
  }
  EXPECT_EQ(computed, 300);
}

TEST_F(GateLoad, OneSourceCannotStarveTheOthers) {
  // It has no cookie, or one and no budget of its own: the total is not touched.
  for (int i = 0; i < 2000; ++i) admit(source(1));
  const auto cookie = cookie_in(admit(source(1)));
  ASSERT_TRUE(cookie);
  for (int i = 0; i < 2000; ++i) admit(message(cookie), source(1));
  const auto other = cookie_in(admit(source(2)));
  ASSERT_TRUE(other);
  EXPECT_TRUE(proceeds(admit(message(other), source(2))));
}

TEST_F(GateLoad, SourcesAreBoundedAndNobodyIsShutOut) {
  for (std::uint32_t n = 0; n < 3 * Gate::kMaxSources; ++n) {
    now += milliseconds(20);
    EXPECT_TRUE(proceeds(admit(source(n)))) << n;
  }
}

}  // namespace
}  // namespace meshnode::overlay
