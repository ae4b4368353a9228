#include "sim/world.h"

#include "sim/cheap_suite.h"
#include "support/networks.h"

namespace meshnode::sim {
namespace {

constexpr std::uint16_t kHubPort = 3731;
constexpr std::uint16_t kHubOtherPort = 3733;
constexpr TimePoint kBegin{hours(100)};
constexpr std::int64_t kUnixAtBegin = 1'760'000'000'000;
constexpr std::size_t kMostViolations = 20;
constexpr std::size_t kDiagramLines = 60;
const LineRules kHubLine{.latency = milliseconds(8)};

}  // namespace

World::World(const WorldOptions& world_options)
    : random(world_options.seed),
      packets(world_options.seed),
      directory(world_options.hubs, directory_doors(), random),
      options(world_options),
      now_(kBegin) {
  watch.complain = [this](const std::string& what) { complain(what, {host_owner(watch.acting)}); };
  for (std::size_t i = 0; i < options.hubs; ++i) add_hub(random.u64());
}

// ---- what there is ----

Host& World::add_host(HostOptions host_options) {
  const auto index = static_cast<HostIndex>(hosts_.size());
  hosts_.push_back(std::make_unique<Host>(*this, index, std::move(host_options)));
  return *hosts_.back();
}

IpAddress World::fresh_public_address() {
  const std::uint64_t n = addresses_++;
  // 20.0.0.0/8 and on, far enough apart that no two are neighbours.
  return IpAddress::v4({static_cast<std::uint8_t>(20 + n / 65536 % 80),
                        static_cast<std::uint8_t>(n / 256), static_cast<std::uint8_t>(n), 7});
}

IpAddress World::add_bystander() {
  const IpAddress ip = fresh_public_address();
  const auto index = static_cast<std::uint32_t>(bystanders_.size());
  bystanders_.push_back({.ip = ip, .minute = {}, .bytes = {}});
  network.attach({Owner::Kind::bystander, index}, kInternet, ip, {});
  return ip;
}

overlay::NetworkSecret World::default_network() const {
  return test::network_of(0x5e, 0x7a);
}

const crypto::Suite& World::suite() const {
  return options.cheap ? cheap_suite() : crypto::real_suite();
}

std::shared_ptr<discovery::RecordPool> World::pool(const overlay::NetworkId& network_id) {
  auto& pool = pools_[network_id];
  if (!pool) pool = std::make_shared<discovery::RecordPool>(to_bytes(network_id), suite());
  return pool;
}

// ---- hubs ----

void World::add_hub(std::uint64_t start_id) {
  Hub hub;
  hub.endpoint = {fresh_public_address(), kHubPort};
  hub.stun = std::make_unique<discovery::StunService>(start_id, start_id);
  network.attach({Owner::Kind::hub, static_cast<std::uint32_t>(hubs_.size())}, kInternet,
                 hub.endpoint.ip, kHubLine);
  hubs_.push_back(std::move(hub));
}

void World::kill_hub(std::size_t hub) {
  trace.note(now_, {Owner::Kind::hub, static_cast<std::uint32_t>(hub)}, "is gone");
  hubs_[hub].up = false;
  directory.kill(hub);
}

void World::start_hub(std::size_t hub) {
  trace.note(now_, {Owner::Kind::hub, static_cast<std::uint32_t>(hub)}, "starts");
  hubs_[hub].up = true;
  const std::uint64_t start_id = random.u64();
  hubs_[hub].stun = std::make_unique<discovery::StunService>(start_id, start_id);
  directory.start(hub);
  // Bootstraps are asked on a timer even when others answer.
  for (const auto& each : hosts_) {
    Host* host = each.get();
    at(now_ + milliseconds(random.below(60'000)), [host, hub] { host->hub_came_back(hub); });
  }
}

void World::hub_got(std::uint32_t index, const Datagram& datagram) {
  Hub& hub = hubs_[index];
  if (!hub.up) return;
  const Endpoint other{hub.endpoint.ip, kHubOtherPort};
  if (datagram.to.port != kHubPort && datagram.to.port != kHubOtherPort) return;
  auto answer = hub.stun->answer(now_, datagram.from, datagram.to, other, datagram.bytes);
  if (answer.datagram.empty()) return;
  const Owner owner{Owner::Kind::hub, index};
  post(
      owner, kInternet,
      {.sender = owner, .from = answer.from, .to = answer.to, .bytes = std::move(answer.datagram)});
}

Directory::Doors World::directory_doors() {
  return {
      .now = [this] { return now_; },
      .later = [this](TimePoint when, std::function<void()> work) { at(when, std::move(work)); },
      .reaches =
          [this](HostIndex who, std::size_t hub) {
            return hosts_[who]->awake() &&
                   !apart(host_owner(who), {Owner::Kind::hub, static_cast<std::uint32_t>(hub)});
          },
      .answer =
          [this](HostIndex who, const discovery::DhtKey& key, const Bytes& value) {
            trace.woke(now_, host_owner(who));
            hosts_[who]->directory_says(key, value);
          }};
}

// ---- strangers ----

void World::bystander_got(std::uint32_t index, const Datagram& datagram) {
  if (datagram.sender.kind == Owner::Kind::bystander) return;
  Bystander& bystander = bystanders_[index];
  const Owner owner{Owner::Kind::bystander, index};
  if (!datagram.bytes.empty() && datagram.bytes[0] == 0x44)
    complain(datagram.sender.name() + " sends data to a stranger", {datagram.sender, owner});
  if (now_ - bystander.minute >= minutes(1)) {
    bystander.minute = now_;
    bystander.bytes.clear();
  }
  std::uint64_t& sum = bystander.bytes[datagram.sender];
  const std::uint64_t size = datagram.bytes.size() + kHeaders;
  const bool before = sum > kStrangerBytes;
  sum += size;
  most_to_stranger_ = std::max(most_to_stranger_, sum);
  if (!before && sum > kStrangerBytes)
    complain(datagram.sender.name() + " floods a stranger", {datagram.sender, owner});
}

// ---- partitions ----

bool World::apart(const Owner& a, const Owner& b) const {
  if (sides_.empty()) return false;
  const auto side = [&](const Owner& who) {
    const auto found = sides_.find(who);
    return found == sides_.end() ? 0U : found->second;
  };
  return side(a) != side(b);
}

// ---- time ----

UnixTime World::unix_time() const {
  return {kUnixAtBegin + std::chrono::duration_cast<milliseconds>(now_ - kBegin).count()};
}

bool World::run_until(const std::function<bool()>& condition, Duration limit, Duration step) {
  const TimePoint end = now_ + limit;
  while (!condition()) {
    if (now_ >= end) return false;
    const TimePoint next_look = std::min(end, now_ + step);
    while (!queue_.empty() && queue_.next() <= next_look) {
      now_ = std::max(now_, queue_.next());
      handle(queue_.pop());
    }
    now_ = next_look;
  }
  return true;
}

void World::at(TimePoint when, std::function<void()> work) {
  Event event;
  event.kind = Event::Kind::work;
  event.work = std::move(work);
  queue_.push(when, std::move(event));
}

void World::wake(HostIndex who, TimePoint when) {
  Event event;
  event.kind = Event::Kind::timer;
  event.host = who;
  queue_.push(when, std::move(event));
}

void World::handle(Event event) {
  switch (event.kind) {
    case Event::Kind::work:
      return event.work();
    case Event::Kind::timer:
      trace.woke(now_, host_owner(event.host));
      return hosts_[event.host]->timer(now_);
    case Event::Kind::arrival:
      return arrive(event);
    case Event::Kind::beacon:
      trace.datagram(now_, event.datagram.sender, host_owner(event.host), {}, event.datagram.bytes,
                     Fate::delivered);
      return hosts_[event.host]->beacon(event.datagram.from, event.segment, event.datagram.bytes);
  }
}

// ---- datagrams ----

void World::post(const Owner& sender, SegmentId segment, Datagram datagram, unsigned hops) {
  ++datagrams;
  bytes += datagram.bytes.size() + kHeaders;
  if (packets.shows(datagram.bytes))
    complain("a packet can be read on the line of " + sender.name(), {sender});
  const auto crossing = network.leave(now_, segment, datagram, hops, random);
  if (crossing.fate != Fate::delivered)
    return trace.datagram(now_, sender, {}, datagram.to, datagram.bytes, crossing.fate);
  if (tap) tap(crossing.segment, datagram);
  if (crossing.twice) inject(crossing.second_delay, crossing.segment, datagram);
  inject(crossing.delay, crossing.segment, std::move(datagram));
}

void World::inject(Duration delay, SegmentId segment, Datagram datagram) {
  Event event;
  event.kind = Event::Kind::arrival;
  event.segment = segment;
  event.datagram = std::move(datagram);
  queue_.push(now_ + delay, std::move(event));
}

void World::arrive(Event& event) {
  Datagram& datagram = event.datagram;
  const auto arrival = network.arrive(now_, event.segment, datagram);
  Fate fate = arrival.fate;
  if (fate == Fate::delivered && apart(datagram.sender, arrival.owner)) fate = Fate::cut;
  if (fate == Fate::delivered && arrival.owner.kind == Owner::Kind::host) {
    const Host& to = *hosts_[arrival.owner.index];
    if (!to.awake() || datagram.to.port != to.options().port) fate = Fate::down;
  }
  trace.datagram(now_, datagram.sender, arrival.owner, datagram.to, datagram.bytes, fate);
  if (fate != Fate::delivered) return;
  switch (arrival.owner.kind) {
    case Owner::Kind::host:
      return hosts_[arrival.owner.index]->arrived(datagram);
    case Owner::Kind::hub:
      return hub_got(arrival.owner.index, datagram);
    case Owner::Kind::bystander:
      return bystander_got(arrival.owner.index, datagram);
    case Owner::Kind::none:
    case Owner::Kind::nat:
      return;
  }
}

void World::shout(HostIndex sender, SegmentId segment, const Endpoint& from, Bytes beacon) {
  if (segment == kInternet) return;
  ++datagrams;
  bytes += beacon.size() + kHeaders;
  if (packets.shows(beacon))
    complain("a packet can be read in a beacon of n" + std::to_string(sender),
             {host_owner(sender)});
  for (const auto& [address, owner] : network.neighbours(segment)) {
    if (apart(host_owner(sender), owner)) continue;
    Line* line = network.line(segment, address);
    const auto passage = line->pass(now_, beacon.size(), random);
    if (passage.lost) continue;
    Event event;
    event.kind = Event::Kind::beacon;
    event.host = owner.index;
    event.segment = segment;
    event.datagram = {.sender = host_owner(sender), .from = from, .to = {}, .bytes = beacon};
    queue_.push(now_ + passage.delay, std::move(event));
  }
}

// ---- what is wrong ----

void World::complain(std::string what, const std::vector<Owner>& concerned) {
  if (violations_.size() >= kMostViolations) return;
  violations_.push_back(
      {now_, std::move(what), violations_.empty() ? trace.diagram(concerned, kDiagramLines) : ""});
}

}  // namespace meshnode::sim
