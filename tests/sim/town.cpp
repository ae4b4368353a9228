#include "sim/town.h"

#include <algorithm>

namespace meshnode::sim {
namespace {

constexpr unsigned kHomesPerCarrier = 40;
const LineRules kLan{.latency = milliseconds(1)};

IpAddress private_address(unsigned n) {
  return IpAddress::v4({192, 168, 1, static_cast<std::uint8_t>(n)});
}

IpAddress carrier_address(unsigned n) {
  return IpAddress::v4({100, 64, static_cast<std::uint8_t>(n / 256), static_cast<std::uint8_t>(n)});
}

// A place, as far as it matters for meeting: the NATs above, and what they do together.
struct Place {
  SegmentId segment = kInternet;
  std::vector<NatId> way;
  Depends mapping = Depends::nothing;
  Depends filtering = Depends::nothing;
};

Place place_of(const World& world, const Address& address) {
  auto& network = const_cast<World&>(world).network;
  Place out;
  out.segment = address.segment;
  out.way = network.way_out(address.segment);
  for (const NatId id : out.way) {
    out.mapping = std::max(out.mapping, network.nat(id).rules().mapping);
    out.filtering = std::max(out.filtering, network.nat(id).rules().filtering);
  }
  return out;
}

bool punch_works(const Place& a, const Place& b) {
  const bool a_depends = a.mapping != Depends::nothing;
  const bool b_depends = b.mapping != Depends::nothing;
  if (!a_depends && !b_depends) return true;
  // The other one shows itself at an endpoint that nobody knew before.
  if (a_depends != b_depends) return (a_depends ? b : a).filtering != Depends::address_and_port;
  const auto open_to = [](const Place& open, const Place& other) {
    return open.filtering == Depends::nothing && other.filtering != Depends::address_and_port;
  };
  return open_to(a, b) || open_to(b, a);
}

bool can_meet(const World& world, const Place& a, const Place& b) {
  if (a.segment == b.segment) return true;
  if (a.way.empty() || b.way.empty()) return true;
  if (a.way.back() != b.way.back()) return punch_works(a, b);
  // Behind one NAT. Who is right inside it can be reached at its own address by the others there.
  if (a.way.size() == 1 || b.way.size() == 1) return true;
  auto& network = const_cast<World&>(world).network;
  return network.nat(a.way.back()).rules().hairpin && punch_works(a, b);
}

}  // namespace

Town::Town(World& world, const TownRules& rules) : world_(world), rules_(rules) {}

LineRules Town::draw_line() {
  return {.latency = milliseconds(4 + world_.random.below(40)),
          .jitter = milliseconds(world_.random.below(4))};
}

NatRules Town::draw_router() {
  NatRules out;
  if (!rules_.vary_routers) return out;
  if (chance(rules_.dependent))
    out.mapping = chance(30) ? Depends::address : Depends::address_and_port;
  out.filtering = chance(rules_.restricted) ? Depends::address_and_port
                  : chance(50)              ? Depends::address
                                            : Depends::nothing;
  // Who has a port for each far end has none that is open to all.
  if (out.mapping != Depends::nothing) out.filtering = std::max(out.filtering, Depends::address);
  out.ports = chance(60) ? Ports::preserved : chance(50) ? Ports::sequential : Ports::random;
  out.hairpin = chance(rules_.hairpin);
  out.timeout = rules_.least_timeout + seconds(world_.random.below(180));
  return out;
}

SegmentId Town::carrier() {
  if (carriers_.empty() || carrier_used_.back() >= kHomesPerCarrier) {
    carriers_.push_back(world_.network.add_segment(*Cidr::parse("100.64.0.0/10")));
    carrier_used_.push_back(1);
    NatRules rules = draw_router();
    if (rules_.vary_routers) rules.ports = chance(50) ? Ports::sequential : Ports::random;
    world_.network.add_nat(rules, carriers_.back(), kInternet, world_.fresh_public_address(),
                           {.latency = milliseconds(10)}, world_.random.u64());
  }
  ++carrier_used_.back();
  return carriers_.back();
}

std::size_t Town::build_home(bool at_carrier) {
  Home home;
  home.segment = world_.network.add_segment(*Cidr::parse("192.168.1.0/24"));
  const SegmentId outside = at_carrier ? carrier() : kInternet;
  const IpAddress address =
      at_carrier ? carrier_address(carrier_used_.back()) : world_.fresh_public_address();
  home.router = world_.network.add_nat(draw_router(), home.segment, outside, address, draw_line(),
                                       world_.random.u64());
  homes_.push_back(home);
  return homes_.size() - 1;
}

void Town::maybe_dual_stack(Card& card) {
  if (!chance(rules_.dual_stack)) return;
  Block<16> bytes{0x2a, 0x01, 0x04, 0xf8};
  store_be(bytes.data() + 4, ++ipv6_);
  bytes[15] = 1;
  card.addresses.push_back({kInternet, Cidr{IpAddress::v6(bytes), 64}});
}

std::vector<Card> Town::open_place() {
  Card card;
  card.broadcast = false;
  card.addresses = {{kInternet, Cidr{world_.fresh_public_address(), 32}}};
  maybe_dual_stack(card);
  return {card};
}

std::vector<Card> Town::telephone() {
  const SegmentId segment = carrier();
  Card card;
  card.broadcast = false;
  card.addresses = {{segment, Cidr{carrier_address(carrier_used_.back()), 32}}};
  maybe_dual_stack(card);
  return {card};
}

std::vector<Card> Town::in_home(std::size_t index) {
  Home& home = homes_[index];
  ++home.people;
  home.next_address = home.next_address >= 250 ? 2 : home.next_address + 1;
  Card card;
  card.addresses = {{home.segment, Cidr{private_address(home.next_address), 24}}};
  maybe_dual_stack(card);
  return {card};
}

std::vector<Card> Town::anywhere() {
  if (chance(rules_.open)) return open_place();
  if (chance(rules_.telephones)) return telephone();
  const bool moves_in = !homes_.empty() && world_.random.below(rules_.per_home) != 0;
  if (moves_in) return in_home(static_cast<std::size_t>(world_.random.below(homes_.size())));
  return in_home(build_home(chance(rules_.carrier_homes)));
}

Host& Town::settle() {
  return settle(anywhere());
}

Host& Town::settle(std::vector<Card> cards) {
  HostOptions options;
  options.identity = world_.size();
  options.network = world_.default_network();
  options.port = static_cast<std::uint16_t>(30'000 + world_.random.below(20'000));
  const bool open = cards.front().addresses.front().segment == kInternet;
  options.serves = open;
  options.line = open ? draw_line() : kLan;
  Host& host = world_.add_host(options);
  for (Card& card : cards) host.add_card(std::move(card));
  return host;
}

bool Town::can_meet(const World& world, const Host& a, const Host& b) {
  for (const Card& card_a : a.cards())
    for (const Card& card_b : b.cards())
      for (const Address& one : card_a.addresses)
        for (const Address& other : card_b.addresses)
          if (card_a.up && card_b.up && one.ip.ip.family() == other.ip.ip.family() &&
              sim::can_meet(world, place_of(world, one), place_of(world, other)))
            return true;
  return false;
}

std::string Town::describe(const World& world, const Host& host) {
  const char* const kDepends[] = {"nothing", "address", "address and port"};
  const char* const kPorts[] = {"kept", "in order", "by lot"};
  auto& network = const_cast<World&>(world).network;
  std::string out = "n" + std::to_string(host.index()) + " is at";
  for (const Card& card : host.cards())
    for (const Address& address : card.addresses) {
      out += " " + address.ip.ip.to_string();
      for (const NatId id : network.way_out(address.segment)) {
        const NatRules& rules = network.nat(id).rules();
        out += " < " + network.nat(id).outside().to_string() + " (mapping by " +
               kDepends[static_cast<std::size_t>(rules.mapping)] + ", filter by " +
               kDepends[static_cast<std::size_t>(rules.filtering)] + ", ports " +
               kPorts[static_cast<std::size_t>(rules.ports)] + ", " +
               std::to_string(rules.timeout / seconds(1)) + " s)";
      }
    }
  return out;
}

}  // namespace meshnode::sim
