// The shim between the socket and OpenDHT, against what strangers would like it to do.
#include <gtest/gtest.h>

#include "discovery/dht_shim.h"
#include "tests/support/seeded_random.h"
#include "tests/unit/dht_captured.h"

namespace meshnode::discovery {
namespace {

using test::captured;
using wire::inspect_dht;
using Role = DhtShim::Role;
using Refusal = DhtShim::Refusal;

constexpr TimePoint kStart = TimePoint(hours(1));
const Endpoint kHub = *Endpoint::parse("192.0.2.1:3731");
const Endpoint kStranger = *Endpoint::parse("198.51.100.9:4000");

Endpoint address(std::uint32_t number) {
  Block<4> ip{10};
  store_be(ip.data(), 0x0a000000U | number);
  return {IpAddress::v4(ip), static_cast<std::uint16_t>(1024 + number % 60000)};
}

DhtShim shim(Role role) {
  return DhtShim({role, 3731});
}
bool passes(const std::variant<Bytes, Drop>& verdict) {
  return verdict.index() == 0;
}
bool passes(const std::variant<Bytes, Refusal>& verdict) {
  return verdict.index() == 0;
}
Drop why(const std::variant<Bytes, Drop>& verdict) {
  return std::get<Drop>(verdict);
}
Refusal why(const std::variant<Bytes, Refusal>& verdict) {
  return std::get<Refusal>(verdict);
}

// The sample with another transaction; all samples carry it as "t" in 32 bits, so small numbers
// are moved to where that is their shortest form.
Bytes with_transaction(Bytes raw, std::uint32_t transaction) {
  const std::size_t at = as_text(raw).rfind("\xa1t\xce");
  EXPECT_NE(at, std::string_view::npos);
  store_be(raw.data() + at + 3, transaction > 0xffff ? transaction : transaction | 0x80000000U);
  return raw;
}

// `raw` with its token replaced.
Bytes with_token(Bytes raw, std::uint8_t filler) {
  const auto message = inspect_dht(raw);
  EXPECT_TRUE(message && message->token.size == 32);
  for (std::size_t i = 0; i < 32; ++i) raw[message->token.offset + i] = filler;
  return raw;
}

Bytes nodes_naming(const std::vector<Endpoint>& endpoints, std::uint32_t transaction) {
  const Bytes raw = captured("nodes_both");
  Bytes n4;
  for (const Endpoint& endpoint : endpoints) {
    Writer(n4).zeros(20);
    Writer(n4).bytes(endpoint.ip.bytes());
    n4.push_back(static_cast<std::uint8_t>(endpoint.port >> 8));
    n4.push_back(static_cast<std::uint8_t>(endpoint.port));
  }
  return with_transaction(wire::with_nodes(raw, *inspect_dht(raw), n4, {}), transaction);
}

std::size_t named(const std::variant<Bytes, Drop>& verdict) {
  const Bytes& raw = std::get<Bytes>(verdict);
  return inspect_dht(raw)->nodes4.size / wire::kDhtNode4Size;
}
std::size_t named(const std::variant<Bytes, Refusal>& verdict) {
  const Bytes& raw = std::get<Bytes>(verdict);
  return inspect_dht(raw)->nodes4.size / wire::kDhtNode4Size;
}

// We ask, it answers.
void ask(DhtShim& shim, TimePoint now, const Endpoint& whom, std::uint32_t transaction) {
  ASSERT_TRUE(passes(shim.outbound(now, whom, with_transaction(captured("ping"), transaction))));
  ASSERT_TRUE(passes(shim.inbound(now, whom, with_transaction(captured("pong"), transaction))));
}

TEST(DhtShim, KillersAndForeignNetworksAreDropped) {
  auto hub = shim(Role::hub);
  EXPECT_EQ(why(hub.inbound(kStart, kStranger, *from_hex("84a16590a17401a179a165a16e00"))),
            Drop::malformed);
  DhtShim other({Role::hub, 1});
  EXPECT_EQ(why(other.inbound(kStart, kStranger, captured("ping"))), Drop::unsupported);
  EXPECT_EQ(hub.drops()[Drop::malformed], 1U);
}

TEST(DhtShim, ClientAnswersItsBootstrapsOnly) {
  auto client = shim(Role::client);
  ASSERT_TRUE(client.add_bootstrap(kHub));
  EXPECT_TRUE(passes(client.inbound(kStart, kHub, captured("ping"))));
  EXPECT_EQ(why(client.inbound(kStart, kStranger, captured("ping"))), Drop::unsolicited);
  EXPECT_EQ(client.addresses(), 1U);
  client.remove_bootstrap(kHub);
  EXPECT_EQ(why(client.inbound(kStart, kHub, captured("ping"))), Drop::unsolicited);
  auto serving = shim(Role::serving_member);
  EXPECT_TRUE(passes(serving.inbound(kStart, kStranger, captured("ping"))));
}

TEST(DhtShim, MembersAskBootstrapsOnlyAndClientsSayThatTheyAreOnes) {
  for (const Role role : {Role::client, Role::serving_member}) {
    auto member = shim(role);
    ASSERT_TRUE(member.add_bootstrap(kHub));
    EXPECT_EQ(why(member.outbound(kStart, kStranger, captured("find"))), Refusal::unreachable);
    const auto verdict = member.outbound(kStart, kHub, captured("find"));
    ASSERT_TRUE(passes(verdict));
    EXPECT_EQ(inspect_dht(std::get<Bytes>(verdict))->client, role == Role::client);
  }
}

TEST(DhtShim, OnlyAnswersToOurRequestsComeIn) {
  auto hub = shim(Role::hub);
  const Bytes pong = with_transaction(captured("pong"), 7);
  EXPECT_EQ(why(hub.inbound(kStart, kStranger, pong)), Drop::unsolicited);
  ASSERT_TRUE(passes(hub.outbound(kStart, address(1), with_transaction(captured("ping"), 7))));
  EXPECT_EQ(why(hub.inbound(kStart, kStranger, pong)), Drop::unsolicited);  // not whom we asked
  EXPECT_TRUE(passes(hub.inbound(kStart, address(1), pong)));
  EXPECT_TRUE(hub.proven(kStart, address(1)));
  EXPECT_EQ(why(hub.inbound(kStart, address(1), pong)), Drop::unsolicited);  // once
  EXPECT_FALSE(hub.proven(kStart + DhtShim::kProofLife, address(1)));
}

TEST(DhtShim, ReplayedGetDrawsAtMostThreeTimesItsBytes) {
  test::SeededRandom random(1);
  for (int round = 0; round < 200; ++round) {
    auto hub = shim(Role::hub);
    std::size_t in = 0;
    std::size_t out = 0;
    for (int step = 0; step < 100; ++step) {
      const auto& sample = test::kCapturedDht[random.below(test::kCapturedDht.size())];
      if (random.below(4) == 0) {
        const Bytes get = captured("get_one");
        in += get.size();
        ASSERT_TRUE(passes(hub.inbound(kStart, kStranger, get)));
      } else if (in > 0) {
        // Whatever OpenDHT has to say, requests of its own and values among it.
        const auto verdict = hub.outbound(kStart, kStranger, *from_hex(sample.hex));
        if (passes(verdict)) out += std::get<Bytes>(verdict).size();
      }
      ASSERT_LE(out, DhtShim::kAmplification * in);
    }
    EXPECT_GT(out, 0U);
  }
}

TEST(DhtShim, FirstWordsToTheUnknownAreFew) {
  auto hub = shim(Role::hub);
  std::size_t out = 0;
  for (std::uint32_t i = 0; i < 1000; ++i) {
    const auto verdict =
        hub.outbound(kStart, kStranger, with_transaction(captured("find"), 100 + i));
    if (passes(verdict)) out += std::get<Bytes>(verdict).size();
  }
  EXPECT_GT(out, 0U);
  EXPECT_LE(out, DhtShim::kFirstWords);
  EXPECT_EQ(why(hub.outbound(kStart, address(5), captured("nodes"))), Refusal::unreachable);
}

TEST(DhtShim, EvenTheProvenAreRateCapped) {
  auto hub = shim(Role::hub);
  ask(hub, kStart, kStranger, 1);
  std::size_t out = 0;
  for (int i = 0; i < 10000; ++i) {
    const auto verdict = hub.outbound(kStart, kStranger, captured("nodes"));
    if (!passes(verdict)) {
      EXPECT_EQ(why(verdict), Refusal::again);
      break;
    }
    out += std::get<Bytes>(verdict).size();
  }
  EXPECT_LE(out, 64U * 1024);
  EXPECT_GT(hub.refusals()[Drop::rate_limited], 0U);
  EXPECT_TRUE(passes(hub.outbound(kStart + seconds(1), kStranger, captured("nodes"))));
}

TEST(DhtShim, TokenThatCameBackIsProof) {
  auto hub = shim(Role::hub);
  const Bytes listen = with_token(captured("listen"), 0xaa);
  ASSERT_TRUE(passes(hub.inbound(kStart, kStranger, captured("find"))));
  ASSERT_TRUE(passes(hub.outbound(kStart, kStranger, with_token(nodes_naming({}, 3), 0xaa))));
  ASSERT_TRUE(passes(hub.inbound(kStart, address(1), listen)));  // somebody else's token
  EXPECT_FALSE(hub.proven(kStart, address(1)));
  ASSERT_TRUE(passes(hub.inbound(kStart, kStranger, with_token(listen, 0xab))));
  EXPECT_FALSE(hub.proven(kStart, kStranger));
  ASSERT_TRUE(passes(hub.inbound(kStart, kStranger, listen)));
  EXPECT_TRUE(hub.proven(kStart, kStranger));
}

TEST(DhtShim, NobodyNamesAMember) {
  const Endpoint member = address(77);
  Endpoint same_house = member;
  same_house.port ^= 1;
  for (const Role role : {Role::hub, Role::serving_member}) {
    auto node = shim(role);
    ASSERT_TRUE(node.add_bootstrap(kHub));
    ASSERT_TRUE(node.add_bootstrap(member));
    ask(node, kStart, member, 1);
    node.never_name({member});
    ASSERT_TRUE(passes(node.inbound(kStart, kStranger, captured("find"))));
    const auto verdict =
        node.outbound(kStart, kStranger, nodes_naming({member, kHub, same_house}, 9));
    ASSERT_TRUE(passes(verdict));
    EXPECT_EQ(named(verdict), 1U);  // the hub
  }
}

TEST(DhtShim, HubsNameOnlyWhatAnybodyCanReach) {
  auto hub = shim(Role::hub);
  TimePoint now = kStart;
  const Endpoint behind_nat = address(1);
  const Endpoint open = address(2);
  const Endpoint client = address(3);
  const auto tell = [&] {
    EXPECT_TRUE(passes(hub.inbound(now, kStranger, captured("find_both_families"))));
    return named(hub.outbound(now, kStranger, nodes_naming({behind_nat, open, client}, 9)));
  };
  ask(hub, now, behind_nat, 1);
  ask(hub, now, open, 2);
  Bytes pong = with_transaction(captured("pong"), 4);
  pong = wire::as_client(pong, *inspect_dht(pong));
  ASSERT_TRUE(passes(hub.outbound(now, client, with_transaction(captured("ping"), 4))));
  ASSERT_TRUE(passes(hub.inbound(now, client, pong)));
  EXPECT_EQ(tell(), 0U);
  hub.set_reachable(now, open);
  hub.set_reachable(now, client);
  EXPECT_EQ(tell(), 1U) << "a client never";
  now += DhtShim::kReachableLife;
  EXPECT_EQ(tell(), 0U) << "not for ever";
}

// OpenDHT refuses to store, without a word, when it knows enough nodes closer to a key.
TEST(DhtShim, StrangersAreClientsToOpenDht) {
  for (const Role role : {Role::hub, Role::serving_member}) {
    auto shim_ = shim(role);
    ASSERT_TRUE(shim_.add_bootstrap(kHub));
    const auto is_client = [&](const Endpoint& from, const char* what) {
      const auto verdict = shim_.inbound(kStart, from, captured(what));
      return passes(verdict) && inspect_dht(std::get<Bytes>(verdict))->client;
    };
    EXPECT_TRUE(is_client(kStranger, "ping"));
    EXPECT_TRUE(is_client(kStranger, "find"));
    EXPECT_FALSE(is_client(kHub, "ping"));
    shim_.set_reachable(kStart, kStranger);
    EXPECT_FALSE(is_client(kStranger, "ping"));
  }
}

// OpenDHT does not unlearn that a node is a client, so a stranger must not be known there by its
// id.
TEST(DhtShim, AStrangerThatBecomesABootstrapOfAMemberIsAnotherNode) {
  auto member = shim(Role::serving_member);
  const Bytes ping = captured("ping");
  const auto id_of = [](ByteView raw) { return to_bytes(inspect_dht(raw)->id.in(raw)); };
  const auto shown = [&](const Bytes& raw) {
    const auto verdict = member.inbound(kStart, kStranger, raw);
    EXPECT_TRUE(passes(verdict));
    return id_of(std::get<Bytes>(verdict));
  };
  EXPECT_NE(shown(ping), id_of(ping));
  EXPECT_EQ(shown(wire::as_client(ping, *inspect_dht(ping))), id_of(ping))
      << "a client remains one";
  ASSERT_TRUE(member.add_bootstrap(kStranger));
  EXPECT_EQ(shown(ping), id_of(ping));
}

TEST(DhtShim, HubsRememberWhomToCheck) {
  auto hub = shim(Role::hub);
  ASSERT_TRUE(hub.add_bootstrap(kHub));
  const Bytes ping = captured("ping");
  ASSERT_TRUE(passes(hub.inbound(kStart, kHub, ping)));
  ASSERT_TRUE(passes(hub.inbound(kStart, address(1), ping)));
  ASSERT_TRUE(passes(hub.inbound(kStart, address(1), ping)));
  ASSERT_TRUE(passes(hub.inbound(kStart, address(2), wire::as_client(ping, *inspect_dht(ping)))));
  EXPECT_EQ(hub.take_unchecked(), std::vector{address(1)});
  EXPECT_TRUE(hub.take_unchecked().empty());
  for (unsigned i = 0; i < 2 * DhtShim::kMaxUnchecked; ++i)
    (void)hub.inbound(kStart, {address(1).ip, static_cast<std::uint16_t>(1000 + i)}, ping);
  EXPECT_LE(hub.take_unchecked().size(), DhtShim::kMaxUnchecked);
}

TEST(DhtShim, MembersLearnBootstrapsOnly) {
  auto client = shim(Role::client);
  ASSERT_TRUE(client.add_bootstrap(kHub));
  ASSERT_TRUE(passes(client.outbound(kStart, kHub, with_transaction(captured("find"), 5))));
  const auto verdict = client.inbound(kStart, kHub, nodes_naming({address(1), kHub}, 5));
  ASSERT_TRUE(passes(verdict));
  EXPECT_EQ(named(verdict), 1U);
}

// Other hubs, above all: asked by us first, then OpenDHT may.
TEST(DhtShim, MembersCheckWhomABootstrapNames) {
  auto client = shim(Role::client);
  ASSERT_TRUE(client.add_bootstrap(kHub));
  const Endpoint other = *Endpoint::parse("198.51.100.20:4222");
  const Endpoint within = *Endpoint::parse("10.0.0.1:4222");
  const auto told = [&](std::uint32_t transaction) {
    EXPECT_TRUE(
        passes(client.outbound(kStart, kHub, with_transaction(captured("find"), transaction))));
    return named(client.inbound(kStart, kHub, nodes_naming({other, kHub, within}, transaction)));
  };
  EXPECT_EQ(told(5), 1U);
  EXPECT_EQ(client.take_unchecked(), std::vector{other})
      << "what a hub says about private networks is not followed into ours";
  EXPECT_EQ(why(client.outbound(kStart, other, captured("find"))), Refusal::unreachable);
  client.set_reachable(kStart, other);
  EXPECT_EQ(told(6), 2U);
  EXPECT_TRUE(passes(client.outbound(kStart, other, captured("find"))));
}

TEST(DhtShim, PartsOnlyOfAnAnnouncedSetAndOnlyOnce) {
  auto client = shim(Role::client);
  ASSERT_TRUE(client.add_bootstrap(kHub));
  EXPECT_EQ(why(client.inbound(kStart, kHub, captured("part"))), Drop::unsolicited);
  // A listen of ours, with the socket that the captured update answers.
  const auto update = inspect_dht(captured("update_split"));
  Bytes listen = captured("listen");
  const std::size_t at = as_text(listen).find("\xa3sid\xce");
  ASSERT_NE(at, std::string_view::npos);
  EXPECT_EQ(why(client.inbound(kStart, kHub, captured("update_split"))), Drop::unsolicited);
  store_be(listen.data() + at + 5, update->socket);
  ASSERT_TRUE(passes(client.outbound(kStart, kHub, listen)));
  // The hub has not yet answered anything of ours.
  EXPECT_EQ(why(client.inbound(kStart, kHub, captured("update_split"))), Drop::unsolicited);
  ask(client, kStart, kHub, 5);
  ASSERT_TRUE(passes(client.inbound(kStart, kHub, captured("update_split"))));
  const Bytes part = with_transaction(captured("part"), update->transaction);
  EXPECT_TRUE(passes(client.inbound(kStart, kHub, part)));
  EXPECT_EQ(why(client.inbound(kStart, kHub, part)), Drop::unsolicited);
  EXPECT_EQ(why(client.inbound(kStart, kHub, with_transaction(captured("part"), 1))),
            Drop::unsolicited);
}

TEST(DhtShim, StrangeValuesAreRefused) {
  auto client = shim(Role::client);
  ASSERT_TRUE(client.add_bootstrap(kHub));
  for (const char* name : {"signed_value", "sealed_value"}) {
    ASSERT_TRUE(
        passes(client.outbound(kStart, kHub, with_transaction(captured("find"), 0x11223344))));
    EXPECT_EQ(why(client.inbound(kStart, kHub, captured(name))), Drop::unsupported);
  }
}

TEST(DhtShim, SixtyFourValuesPerKey) {
  auto hub = shim(Role::hub);
  ask(hub, kStart, kStranger, 1);
  Bytes put = captured("put_now");
  const std::size_t at = as_text(put).find("\xa2id\xcf");
  ASSERT_NE(at, std::string_view::npos);
  const auto announce = [&](std::uint64_t id, TimePoint now) {
    store_be(put.data() + at + 4, id | std::uint64_t{1} << 63);
    return hub.inbound(now, kStranger, put);
  };
  TimePoint now = kStart;
  for (std::uint64_t id = 0; id < 64; ++id) EXPECT_TRUE(passes(announce(id, now)));
  EXPECT_EQ(why(announce(64, now)), Drop::table_full);
  EXPECT_TRUE(passes(announce(3, now)));  // known already
  now += minutes(10);
  ask(hub, now, kStranger, 2);
  EXPECT_TRUE(passes(announce(64, now)));
}

TEST(DhtShim, TablesStayBoundedAndKeepTheProven) {
  auto hub = shim(Role::hub);
  ask(hub, kStart, kStranger, 1);
  TimePoint now = kStart;
  for (std::uint32_t i = 0; i < 100000; ++i) {
    now += std::chrono::microseconds(1000);
    hub.inbound(now, address(i + 10), captured("ping"));
    hub.outbound(now, address(i + 200000), with_transaction(captured("find"), i));
    ASSERT_LE(hub.addresses(), DhtShim::kMaxUnproven + 1);
  }
  EXPECT_TRUE(hub.proven(now, kStranger));
  for (std::size_t i = 0; i < DhtShim::kMaxBootstraps; ++i)
    EXPECT_TRUE(hub.add_bootstrap(address(static_cast<std::uint32_t>(i))));
  EXPECT_FALSE(hub.add_bootstrap(kStranger));
}

TEST(DhtShim, HubKeepsTheProofsOfTenThousandMembersAndNoMoreThanItsRoom) {
  auto hub = shim(Role::hub);
  TimePoint now = kStart;
  const auto prove = [&](std::uint32_t from, std::uint32_t to) {
    for (std::uint32_t i = from; i < to; ++i) {
      now += milliseconds(10);
      ask(hub, now, address(i), i);
      ASSERT_TRUE(hub.proven(now, address(i)));
    }
  };
  prove(1, 10001);
  EXPECT_TRUE(hub.proven(now, address(1)));
  prove(10001, DhtShim::kMaxProvenAtHub + 10);
  EXPECT_FALSE(hub.proven(now, address(1)));
  EXPECT_LE(hub.addresses(), DhtShim::kMaxProvenAtHub + DhtShim::kMaxUnproven);
}

TEST(DhtShim, FloodFromOneAddressIsCapped) {
  auto hub = shim(Role::hub);
  int admitted = 0;
  for (int i = 0; i < 10000; ++i)
    admitted += passes(hub.inbound(kStart, kStranger, captured("ping"))) ? 1 : 0;
  EXPECT_LE(admitted, 400);
  EXPECT_GT(hub.drops()[Drop::rate_limited], 0U);
}

}  // namespace
}  // namespace meshnode::discovery
