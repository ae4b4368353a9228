#include <gtest/gtest.h>

#include "discovery/stun_service.h"
#include "wire/stun.h"

namespace meshnode::discovery {
namespace {

const Endpoint kClient = *Endpoint::parse("203.0.113.9:4444");
const Endpoint kAsked = *Endpoint::parse("192.0.2.1:3731");
const Endpoint kOther = *Endpoint::parse("192.0.2.2:3733");
constexpr wire::StunTransaction kTransaction{1, 2, 3};

TEST(StunService, TellsTheMappedAndTheOtherAddress) {
  StunService stun(1, 99);
  const Bytes request = wire::stun_request(kTransaction);
  const auto [answer, from, to] =
      stun.answer(TimePoint(seconds(1)), kClient, kAsked, kOther, request);
  EXPECT_EQ(from, kAsked);
  EXPECT_EQ(to, kClient);
  EXPECT_LE(answer.size(), 2 * request.size());
  const auto response = wire::parse_stun_response(answer, kTransaction);
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->mapped, kClient);
  EXPECT_EQ(response->other, kOther);
  EXPECT_EQ(response->origin, kAsked);
  EXPECT_EQ(response->start_id, 99U);
}

TEST(StunService, LimitsOneSourceAndNotTheOthers) {
  StunService stun(1, 99);
  const Bytes request = wire::stun_request(kTransaction);
  int answers = 0;
  const auto ask = [&](TimePoint now, const Endpoint& from) {
    return !stun.answer(now, from, kAsked, kOther, request).datagram.empty();
  };
  Endpoint from = kClient;
  for (int i = 0; i < 1000; ++i) {
    ++from.port;  // a port is no new source
    if (ask(TimePoint(seconds(1)), from)) ++answers;
  }
  EXPECT_EQ(answers, StunService::kPerSourceBurst);
  EXPECT_EQ(stun.drops()[Drop::rate_limited], 800U);
  EXPECT_TRUE(ask(TimePoint(seconds(1)), *Endpoint::parse("203.0.113.10:1")));
  EXPECT_TRUE(ask(TimePoint(seconds(2)), kClient)) << "it recovers";
}

TEST(StunService, LimitsAllTogether) {
  StunService stun(1, 99);
  const Bytes request = wire::stun_request(kTransaction);
  int answers = 0;
  for (std::uint32_t i = 0; i < 20000; ++i) {
    const Endpoint from{
        IpAddress::v4({11, static_cast<std::uint8_t>(i >> 16), static_cast<std::uint8_t>(i >> 8),
                       static_cast<std::uint8_t>(i)}),
        1};
    if (!stun.answer(TimePoint(seconds(1)), from, kAsked, kOther, request).datagram.empty())
      ++answers;
  }
  EXPECT_EQ(answers, StunService::kTotalBurst);
}

TEST(StunService, IsSilentToEverythingElse) {
  StunService stun(1, 99);
  const Bytes request = wire::stun_request(kTransaction);
  const TimePoint now(seconds(1));
  for (std::size_t size = 0; size < request.size(); ++size)
    EXPECT_TRUE(
        stun.answer(now, kClient, kAsked, kOther, ByteView(request).first(size)).datagram.empty());
  const Bytes own = stun.answer(now, kClient, kAsked, kOther, request).datagram;
  EXPECT_TRUE(stun.answer(now, kClient, kAsked, kOther, own).datagram.empty())
      << "no answer to an answer";
}

Endpoint answered_from(StunService& stun, const wire::StunWishes& wishes, const Endpoint& other) {
  const Bytes request = wire::stun_request(kTransaction, wishes);
  const auto out = stun.answer(TimePoint(seconds(1)), kClient, kAsked, other, request);
  const auto response = wire::parse_stun_response(out.datagram, kTransaction);
  if (!response) return {};
  EXPECT_EQ(response->mapped, kClient);
  EXPECT_EQ(response->other, other) << "it depends on what was asked only";
  EXPECT_EQ(response->origin, out.from);
  EXPECT_EQ(out.to, kClient);
  EXPECT_LE(out.datagram.size(), 2 * request.size());
  return out.from;
}

TEST(StunService, AnswersFromElsewhereWhenAskedTo) {
  StunService stun(1, 99);
  EXPECT_EQ(answered_from(stun, {true, true}, kOther), kOther);
  EXPECT_EQ(answered_from(stun, {false, true}, kOther), (Endpoint{kAsked.ip, kOther.port}));
  EXPECT_EQ(answered_from(stun, {true, false}, kOther), (Endpoint{kOther.ip, kAsked.port}));
  EXPECT_EQ(stun.detours(), 3U);
  // With one address only.
  const Endpoint port_only{kAsked.ip, kOther.port};
  EXPECT_EQ(answered_from(stun, {false, true}, port_only), port_only);
  EXPECT_EQ(answered_from(stun, {true, true}, port_only), Endpoint{});
  EXPECT_EQ(stun.drops()[Drop::unsupported], 1U);
}

TEST(StunService, AnswersToAnotherPortOfWhoAskedButToNoPrivilegedOne) {
  StunService stun(1, 99);
  const auto to = [&](std::uint16_t port, const Endpoint& other) {
    return stun
        .answer(TimePoint(seconds(1)), kClient, kAsked, other,
                wire::stun_request(kTransaction, {.response_port = port}))
        .to;
  };
  EXPECT_EQ(to(40000, kOther), (Endpoint{kClient.ip, 40000}));
  EXPECT_EQ(to(1023, kOther), Endpoint{});
  EXPECT_EQ(to(40000, {}), Endpoint{}) << "who has no other endpoint gives no detours";
}

TEST(StunService, DetoursCostMore) {
  StunService stun(1, 99);
  const Bytes request = wire::stun_request(kTransaction, {.change_port = true});
  int answers = 0;
  for (int i = 0; i < 1000; ++i)
    if (!stun.answer(TimePoint(seconds(1)), kClient, kAsked, kOther, request).datagram.empty())
      ++answers;
  EXPECT_EQ(answers, StunService::kPerSourceBurst / StunService::kDetour);
}

}  // namespace
}  // namespace meshnode::discovery
