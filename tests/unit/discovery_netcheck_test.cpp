// Netcheck against modelled NATs of every kind, in virtual time, with real STUN services behind.
#include <functional>
#include <map>
#include <queue>
#include <set>

#include <gtest/gtest.h>

#include "discovery/netcheck.h"
#include "discovery/stun_service.h"
#include "support/seeded_random.h"

namespace meshnode::discovery {
namespace {

using Kind = Dependence;
constexpr Kind EI = Kind::endpoint_independent;
constexpr Kind AD = Kind::address_dependent;
constexpr Kind APD = Kind::address_and_port_dependent;

const IpAddress kInside = *IpAddress::parse("192.168.1.2");
const IpAddress kOutside = *IpAddress::parse("203.0.113.9");

Endpoint at(const std::string& text) {
  return *Endpoint::parse(text);
}

struct Nat {
  bool translates = true;
  Kind mapping = EI;
  Kind filtering = APD;
  bool keeps_port = true;
  bool hairpin = false;
  Duration lifetime = hours(10);  // of a mapping that nothing goes through

  // What a remote endpoint is to a NAT of that kind.
  static Endpoint seen_as(Kind kind, const Endpoint& remote) {
    if (kind == EI) return {};
    return {remote.ip, kind == AD ? std::uint16_t{0} : remote.port};
  }
  struct Mapping {
    std::size_t socket = 0;
    Endpoint outside;
    std::set<Endpoint> let_in;
    TimePoint used;
  };

  Mapping& out(TimePoint now, std::size_t socket, std::uint16_t port, const Endpoint& to) {
    const Endpoint key = translates ? seen_as(mapping, to) : Endpoint{};
    Mapping& found = mappings[{socket, key}];
    if (!found.outside.ip || now - found.used > lifetime) {
      found = {socket, {kInside, port}, {}, now};
      if (translates)
        found.outside = {kOutside, keeps_port && key == Endpoint{} ? port : next_port++};
    }
    found.used = now;
    found.let_in.insert(seen_as(filtering, to));
    return found;
  }
  // The socket that gets it.
  std::optional<std::size_t> in(TimePoint now, const Endpoint& from, const Endpoint& to) {
    for (auto& [key, each] : mappings) {
      if (each.outside != to || now - each.used > lifetime) continue;
      if (!each.let_in.contains(seen_as(filtering, from))) continue;
      each.used = now;
      return each.socket;
    }
    return std::nullopt;
  }

  std::map<std::pair<std::size_t, Endpoint>, Mapping> mappings{};
  std::uint16_t next_port = 20000;
};

// Servers, the NAT, and the client behind it.
struct World {
  static constexpr Duration kOneWay = milliseconds(10);

  struct Hub {
    std::vector<IpAddress> addresses;
    bool obeys = true;
    IpAddress known_as{};  // none: as it is; else the private address that it is forwarded to
  };

  explicit World(Nat behaviour) : nat(std::move(behaviour)) {}

  void later(Duration after, std::function<void()> what) {
    events.push({now + after, count++, std::move(what)});
  }

  void at_hub(const Endpoint& from, const Endpoint& to, Bytes datagram) {
    for (Hub& hub : hubs)
      for (const IpAddress& ip : hub.addresses) {
        if (ip != to.ip || (to.port != 3731 && to.port != 3733)) continue;
        IpAddress other_ip = ip;
        for (const IpAddress& each : hub.addresses)
          if (each != ip) other_ip = each;
        Endpoint origin = to;
        Endpoint other{other_ip, to.port == 3731 ? std::uint16_t{3733} : std::uint16_t{3731}};
        if (hub.known_as) origin.ip = other.ip = hub.known_as;
        const auto request = wire::parse_stun_request(datagram);
        const bool detour =
            request && (request->change_ip || request->change_port || request->response_port != 0);
        if (detour && !hub.obeys) return;
        auto out = service.answer(now, from, origin, other, datagram);
        if (out.datagram.empty()) return;
        if (hub.known_as) out.from.ip = ip;
        later(kOneWay, [this, out] { to_client(out.from, out.to, out.datagram); });
        return;
      }
  }

  void to_client(const Endpoint& from, const Endpoint& to, const Bytes& datagram) {
    if (lose && lose()) return;
    if (const auto socket = nat.in(now, from, to))
      check->handle_datagram(now, *socket, from, datagram);
  }

  void flush() {
    while (auto out = check->poll()) {
      ++sent;
      const Endpoint from =
          nat.out(now, out->socket, static_cast<std::uint16_t>(40000 + out->socket), out->to)
              .outside;
      if (blocked || (lose && lose())) continue;
      const bool inward = out->to.ip == kOutside;
      if (inward && !nat.hairpin) continue;
      later(kOneWay, [this, from, to = out->to, inward, datagram = out->datagram] {
        if (inward) return to_client(from, to, datagram);
        at_hub(from, to, datagram);
      });
    }
  }

  Netcheck::Report run(std::vector<Endpoint> servers, Duration lifetime = {}) {
    check.emplace(Netcheck::Options{std::move(servers), {kInside}, lifetime}, random);
    std::vector<std::uint16_t> ports;
    for (std::size_t i = 0; i < check->sockets(); ++i)
      ports.push_back(static_cast<std::uint16_t>(40000 + i));
    begin = now;
    check->start(now, ports);
    flush();
    while (!check->done()) {
      const auto due = check->next_deadline();
      if (!events.empty() && (!due || events.top().when <= *due)) {
        now = events.top().when;
        auto what = events.top().what;
        events.pop();
        what();
      } else {
        EXPECT_TRUE(due.has_value());
        if (!due) break;
        now = std::max(now, *due);
        check->handle_timeout(now);
      }
      flush();
    }
    return check->report();
  }

  struct Event {
    TimePoint when;
    std::uint64_t order;
    std::function<void()> what;
    bool operator<(const Event& b) const {
      return std::pair(b.when, b.order) < std::pair(when, order);
    }
  };

  Nat nat;
  std::vector<Hub> hubs;
  bool blocked = false;
  std::function<bool()> lose;
  TimePoint now{seconds(1000)};
  TimePoint begin{};
  std::uint64_t count = 0;
  std::size_t sent = 0;
  std::priority_queue<Event> events;
  StunService service{1, 2};
  test::SeededRandom random{5};
  std::optional<Netcheck> check;
};

const World::Hub kTwoAddresses{
    {*IpAddress::parse("198.51.100.1"), *IpAddress::parse("198.51.100.2")}};
const World::Hub kOneAddress{{*IpAddress::parse("198.51.100.1")}};
const World::Hub kAnother{{*IpAddress::parse("192.0.2.7")}};
const Endpoint kHub = at("198.51.100.1:3731");

TEST(Netcheck, NamesEveryKindOfNat) {
  for (const Kind mapping : {EI, AD, APD})
    for (const Kind filtering : {EI, AD, APD}) {
      World world({.mapping = mapping, .filtering = filtering});
      world.hubs = {kTwoAddresses};
      const auto report = world.run({kHub});
      EXPECT_EQ(report.translated, true);
      EXPECT_EQ(report.mapping, mapping);
      EXPECT_EQ(report.filtering, filtering) << static_cast<int>(mapping);
      EXPECT_EQ(report.port_kept, mapping == EI);
      EXPECT_EQ(report.hairpin, false);
      EXPECT_EQ(report.mapped.ip, kOutside);
      EXPECT_LT(world.now - world.begin, seconds(12));
    }
}

TEST(Netcheck, NamesEveryKindInSpiteOfLoss) {
  int wrong = 0;
  for (std::uint64_t seed = 0; seed < 20; ++seed)
    for (const Kind kind : {EI, AD, APD}) {
      World world({.mapping = kind, .filtering = kind});
      world.hubs = {kTwoAddresses};
      test::SeededRandom dice(seed);
      world.lose = [&] { return dice.below(100) < 5; };
      const auto report = world.run({kHub});
      if (report.mapping != kind || report.filtering != kind) ++wrong;
    }
  EXPECT_EQ(wrong, 0);
}

TEST(Netcheck, WithoutNatTellsTheFirewall) {
  for (const Kind filtering : {EI, AD, APD}) {
    World world({.translates = false, .filtering = filtering});
    world.hubs = {kTwoAddresses};
    const auto report = world.run({kHub});
    EXPECT_EQ(report.translated, false);
    EXPECT_EQ(report.mapping, EI);
    EXPECT_EQ(report.filtering, filtering);
    EXPECT_EQ(report.port_kept, std::nullopt);
    EXPECT_EQ(report.hairpin, std::nullopt);
    EXPECT_EQ(report.mapped, (Endpoint{kInside, 40001}));
  }
}

TEST(Netcheck, OneAddressTellsWhatItCan) {
  const auto run = [](Kind kind, std::vector<World::Hub> hubs, std::vector<Endpoint> servers) {
    World world({.mapping = kind, .filtering = kind});
    world.hubs = std::move(hubs);
    return world.run(std::move(servers));
  };
  auto report = run(AD, {kOneAddress}, {kHub});
  EXPECT_EQ(report.mapping, Dependence::not_port_dependent);
  EXPECT_EQ(report.filtering, Dependence::not_port_dependent);
  report = run(APD, {kOneAddress}, {kHub});
  EXPECT_EQ(report.mapping, APD);
  EXPECT_EQ(report.filtering, APD);
  // Two servers with an address each: the mapping is known.
  for (const Kind kind : {EI, AD, APD}) {
    report = run(kind, {kOneAddress, kAnother}, {kHub, at("192.0.2.7:3731")});
    EXPECT_EQ(report.mapping, kind);
    EXPECT_EQ(report.filtering, kind == APD ? APD : Dependence::not_port_dependent);
  }
}

TEST(Netcheck, AServerBehindForwardingKnowsNoOtherAddressOfItsOwn) {
  World world({.filtering = AD});
  world.hubs = {{{kHub.ip}, true, *IpAddress::parse("10.0.0.5")}};
  const auto report = world.run({kHub});
  EXPECT_EQ(report.mapping, Dependence::not_port_dependent);
  EXPECT_EQ(report.filtering, Dependence::not_port_dependent);
}

TEST(Netcheck, DoesNotTakeAServersRefusalForAFilter) {
  World world({.filtering = EI});
  world.hubs = {{kTwoAddresses.addresses, false, {}}};
  const auto report = world.run({kHub});
  EXPECT_EQ(report.mapping, EI);
  EXPECT_EQ(report.filtering, Dependence::unknown);
}

TEST(Netcheck, AServerOnOurSideIsNoEvidence) {
  World world({.mapping = EI});
  // The NAT does not stand between us and it: it says what it sees.
  const std::vector<Sighting> seen{{at("192.168.1.9:3731"), {kInside, 40000}},
                                   {kHub, {kOutside, 40000}},
                                   {at("192.0.2.7:3731"), {kOutside, 40000}}};
  EXPECT_EQ(is_translated(seen, {{kInside, 40000}}), true);
  EXPECT_EQ(mapping_of(seen, {{kInside, 40000}}), EI);
}

TEST(Netcheck, TellsThatNobodyAnswers) {
  World world({});
  world.hubs = {kTwoAddresses};
  world.blocked = true;
  const auto report = world.run({kHub, at("192.0.2.7:3731")}, seconds(100));
  ASSERT_EQ(report.servers.size(), 2U);
  EXPECT_FALSE(report.servers[0].rtt || report.servers[1].rtt);
  EXPECT_EQ(report.translated, std::nullopt);
  EXPECT_EQ(report.mapping, Dependence::unknown);
  EXPECT_EQ(report.filtering, Dependence::unknown);
  ASSERT_TRUE(report.lifetime.has_value());
  EXPECT_FALSE(report.lifetime->measured);
  EXPECT_EQ(world.now - world.begin, seconds(3)) << "one patience, then it is known";
}

TEST(Netcheck, TellsWhichServersAnswerAndHowFast) {
  World world({});
  world.hubs = {kOneAddress};
  const auto report = world.run({at("192.0.2.7:3731"), kHub});
  EXPECT_FALSE(report.servers[0].rtt.has_value());
  EXPECT_EQ(report.servers[1].rtt, 2 * World::kOneWay);
  EXPECT_EQ(report.servers[1].mapped, (Endpoint{kOutside, 40000}));
}

TEST(Netcheck, SeesAHairpin) {
  for (const Kind filtering : {EI, APD}) {
    World world({.filtering = filtering, .hairpin = true});
    world.hubs = {kTwoAddresses};
    EXPECT_EQ(world.run({kHub}).hairpin, true);
  }
}

TEST(Netcheck, SeesThatThePortChanges) {
  World world({.keeps_port = false});
  world.hubs = {kTwoAddresses};
  EXPECT_EQ(world.run({kHub}).port_kept, false);
}

TEST(Netcheck, MeasuresHowLongAMappingLasts) {
  for (const auto& [real, alive, gone] : {std::tuple(seconds(30), seconds(20), seconds(40)),
                                          std::tuple(seconds(120), seconds(80), seconds(160)),
                                          std::tuple(seconds(3), seconds(0), seconds(5))}) {
    World world({.lifetime = real});
    world.hubs = {kOneAddress};
    const auto report = world.run({kHub}, seconds(200));
    ASSERT_TRUE(report.lifetime && report.lifetime->measured);
    EXPECT_EQ(report.lifetime->alive, alive);
    EXPECT_EQ(report.lifetime->gone, gone);
    EXPECT_LT(world.now - world.begin, seconds(220));
  }
  World world({});
  world.hubs = {kOneAddress};
  const auto report = world.run({kHub}, seconds(200));
  EXPECT_EQ(report.lifetime->alive, seconds(200));
  EXPECT_EQ(report.lifetime->gone, std::nullopt);
  World deaf({});
  deaf.hubs = {{kOneAddress.addresses, false, {}}};
  EXPECT_FALSE(deaf.run({kHub}, seconds(20)).lifetime->measured) << "no answer is no lifetime";
}

TEST(Netcheck, AsksABoundedNumberOfQuestions) {
  World world({});
  world.hubs = {kTwoAddresses};
  std::vector<Endpoint> servers{kHub};
  for (std::uint16_t i = 0; i < 1000; ++i)
    servers.push_back({*IpAddress::parse("192.0.2.7"), static_cast<std::uint16_t>(4000 + i)});
  const auto report = world.run(servers);
  EXPECT_EQ(report.servers.size(), Netcheck::kMaxServers);
  EXPECT_LE(world.sent, 5 * (Netcheck::kMaxServers + 8));
}

TEST(Netcheck, StrangersAndRubbishChangeNothing) {
  World world({.filtering = APD});
  world.hubs = {kTwoAddresses};
  world.check.emplace(Netcheck::Options{{kHub}, {kInside}, {}}, world.random);
  world.check->start(world.now, {40000, 40001});
  const auto asked = world.check->poll();
  ASSERT_TRUE(asked.has_value());
  const auto request = wire::parse_stun_request(asked->datagram);
  const Bytes forged = wire::stun_response(*request, at("9.9.9.9:9"), 1, {}, {});
  world.check->handle_datagram(world.now, Netcheck::kMapper, at("192.0.2.66:3731"), forged);
  world.check->handle_datagram(world.now, Netcheck::kFilter, kHub, forged);
  world.check->handle_datagram(world.now, 99, kHub, forged);
  Bytes other = forged;
  other[10] ^= 1;
  world.check->handle_datagram(world.now, Netcheck::kMapper, kHub, other);
  for (std::size_t size = 0; size < forged.size(); ++size)
    world.check->handle_datagram(world.now, Netcheck::kMapper, kHub, ByteView(forged).first(size));
  EXPECT_FALSE(world.check->report().servers[0].rtt.has_value());
  world.check->handle_datagram(world.now, Netcheck::kMapper, kHub, forged);
  EXPECT_TRUE(world.check->report().servers[0].rtt.has_value()) << "the real one counts";
}

}  // namespace
}  // namespace meshnode::discovery
