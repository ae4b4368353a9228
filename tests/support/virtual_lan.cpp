#include "support/virtual_lan.h"

#include <algorithm>
#include <cstdlib>

#include "dataplane/checksum.h"
#include "wire/ip.h"

namespace meshnode::test {
namespace {

constexpr std::uint32_t kInterface = 7;

// The echo reply to a request: addresses and type turned around. Checksums are not repaired; no
// test looks at those of replies.
Bytes echo_reply(Bytes request) {
  const auto header = *wire::parse_ip(request);
  const bool v6 = header.source.is_v6();
  const auto at = static_cast<std::ptrdiff_t>(v6 ? 8 : 12);
  const std::ptrdiff_t size = v6 ? 16 : 4;
  std::swap_ranges(request.begin() + at, request.begin() + at + size, request.begin() + at + size);
  request[header.header_size] = v6 ? 129 : 0;
  return request;
}

milliseconds late_sealing_of_environment() {
  const char* text = std::getenv("MESHNODE_LATE_SEALING");
  return milliseconds(text == nullptr ? 0 : std::atoi(text));
}

}  // namespace

Bytes echo_request(const IpAddress& from, const IpAddress& to, std::uint16_t sequence,
                   std::size_t payload) {
  const bool v6 = from.is_v6();
  Bytes body{static_cast<std::uint8_t>(v6 ? 128 : 8), 0, 0, 0, 0, 1, 0, 0};
  store_be(body.data() + 6, sequence);
  body.insert(body.end(), payload, 0x61);
  Bytes out;
  if (v6) {
    out.assign(40, 0);
    out[0] = 0x60;
    store_be(out.data() + 4, static_cast<std::uint16_t>(body.size()));
    out[6] = wire::icmpv6;
    out[7] = 64;
    std::copy_n(from.bytes().begin(), 16, out.begin() + 8);
    std::copy_n(to.bytes().begin(), 16, out.begin() + 24);
  } else {
    out.assign(20, 0);
    out[0] = 0x45;
    store_be(out.data() + 2, static_cast<std::uint16_t>(20 + body.size()));
    out[8] = 64;
    out[9] = wire::icmp;
    std::copy_n(from.bytes().begin(), 4, out.begin() + 12);
    std::copy_n(to.bytes().begin(), 4, out.begin() + 16);
    store_be(out.data() + 10, dataplane::complement(dataplane::sum_of(out)));
  }
  out.insert(out.end(), body.begin(), body.end());
  return out;
}

bool is_echo(ByteView packet, bool request) {
  const auto header = wire::parse_ip(packet);
  if (!header) return false;
  const std::uint8_t type = packet[header->header_size];
  if (header->protocol == wire::icmpv6) return type == (request ? 128 : 129);
  return header->protocol == wire::icmp && type == (request ? 8 : 0);
}

VirtualNode::VirtualNode(VirtualLan& lan, NodeOptions options, IpAddress address,
                         std::uint64_t seed)
    : address_(address),
      lan_(lan),
      options_(std::move(options)),
      identity_(overlay::Identity::from_seed(crypto::Ed25519Seed(options_.identity_seed),
                                             crypto::real_suite())),
      random_(seed) {}

Now VirtualNode::now() const {
  return {lan_.time, UnixTime{lan_.unix.ms + clock_offset.count()}};
}

Interfaces VirtualNode::interfaces() const {
  Interface lan;
  lan.index = kInterface;
  lan.name = "eth0";
  lan.up = lan.broadcast = true;
  lan.addresses = {Cidr{address_, 24}};
  for (const IpAddress& ip : more_addresses) lan.addresses.push_back(Cidr{ip, 24});
  return {lan};
}

bool VirtualNode::has(const Endpoint& endpoint) const {
  return endpoint.port == kPort &&
         (endpoint.ip == address_ || std::find(more_addresses.begin(), more_addresses.end(),
                                               endpoint.ip) != more_addresses.end());
}

Endpoint VirtualNode::source_for(const IpAddress& remote) const {
  if (Cidr{address_, 24}.contains(remote)) return endpoint();
  for (const IpAddress& own : more_addresses)
    if (Cidr{own, 24}.contains(remote)) return {own, kPort};
  return endpoint();
}

void VirtualNode::start() {
  overlay::EngineConfig config;
  config.identity = identity_;
  config.keys = overlay::NetworkKeys::derive(options_.network);
  config.boot = random_.block<8>();
  config.port = kPort;
  config.name = options_.name;
  config.claims = options_.claims;
  config.ciphers = options_.ciphers;
  config.directory = options_.directory;
  config.eager_members = options_.eager_members;
  config.full_mesh = options_.full_mesh;
  config.share_map = options_.share_map;
  config.mtu = options_.mtu;
  config.reflectors = options_.reflectors;
  numbers.last = std::max(numbers.last + 1, static_cast<std::uint64_t>(now().unix.ms));
  core_ = std::make_unique<overlay::Core>(std::move(config), suite, random_, numbers, *this);
  if (options_.late_sealing > Duration{}) make_sealer();
  core_->start(now(), interfaces());
}

void VirtualNode::make_sealer() {
  LateSealer::Doors doors;
  doors.later = [this](std::function<void()> work) {
    lan_.later_.emplace(lan_.time + *options_.late_sealing, std::move(work));
  };
  doors.send = [this](std::span<const DatagramRun> runs) { send(runs); };
  doors.hear = [this](const dataplane::EventBatch& batch) { core_->from_sealing(now(), batch); };
  doors.now = [this] { return lan_.time; };
  sealer_ = std::make_unique<LateSealer>(options_.mtu, std::move(doors));
  core_->seal_elsewhere(*sealer_);
}

void VirtualNode::stop_cleanly() {
  core_->shutdown(now());
  if (sealer_) sealer_->finish();
  kill();
}

void VirtualNode::kill() {
  for (auto& [key, listeners] : lan_.dht.listeners) listeners.erase(this);
  core_.reset();
  sealer_.reset();
}

void VirtualNode::send_inner(Bytes packet) {
  Bytes buffer(kFrameHeadroom + packet.size() + kFrameTailroom);
  std::copy(packet.begin(), packet.end(), buffer.begin() + kFrameHeadroom);
  TunFrame frame;
  frame.packet = MutableBytes(buffer).subspan(kFrameHeadroom, packet.size());
  if (sealer_) return sealer_->pump(frame);
  core_->from_tun(now(), {&frame, 1});
}

void VirtualNode::ping(const VirtualNode& other) {
  static std::uint16_t sequence = 0;
  send_inner(echo_request(overlay_address(),
                          overlay::overlay_address(options_.network.id(), other.id()), ++sequence));
}

std::optional<overlay::PeerSnapshot> VirtualNode::peer(const VirtualNode& other) const {
  if (!core_) return std::nullopt;
  for (auto& entry : core_->engine().snapshot(lan_.time).peers)
    if (entry.id == other.id()) return entry;
  return std::nullopt;
}

overlay::PeerState VirtualNode::state_of(const VirtualNode& other) const {
  const auto entry = peer(other);
  return entry ? entry->state : overlay::PeerState::unreachable;
}

void VirtualNode::send(std::span<const DatagramRun> runs) {
  for (const DatagramRun& run : runs)
    for (std::size_t at = 0; at < run.data.size(); at += run.segment_size) {
      const std::size_t size = std::min(run.segment_size, run.data.size() - at);
      // Asked on one of its addresses, it answers from there.
      const Endpoint asked{run.path.local, kPort};
      lan_.post({has(asked) ? asked : source_for(run.path.remote.ip), run.path.remote,
                 to_bytes(run.data.subspan(at, size))});
    }
}

void VirtualNode::ask_dht(const discovery::DhtRequest& request) {
  lan_.ask_dht(*this, request);
}

void VirtualLan::answer_from_dht(VirtualNode& who, const discovery::DhtKey& key,
                                 const Bytes& value) {
  later_.emplace(time + dht.latency, [&who, key, value] {
    if (who.running()) who.core().from_directory(who.now(), key, value);
  });
}

void VirtualLan::ask_dht(VirtualNode& who, const discovery::DhtRequest& request) {
  // Who listens keeps listening until the DHT is there again; all else is lost with it.
  if (const auto* listen = std::get_if<discovery::DhtListen>(&request))
    dht.listeners[listen->key].insert(&who);
  if (const auto* unlisten = std::get_if<discovery::DhtUnlisten>(&request))
    dht.listeners[unlisten->key].erase(&who);
  if (!dht.up) return;
  if (const auto* put = std::get_if<discovery::DhtPut>(&request)) {
    ++dht.puts;
    if (dht.refuses == &who) return;
    auto& values = dht.stored[put->key];
    const bool news = !values.contains(put->id);
    values[put->id] = {put->value, time + VirtualDht::kLife};
    if (!news) return;  // listeners never hear of a refresh
    for (VirtualNode* listener : dht.listeners[put->key])
      answer_from_dht(*listener, put->key, put->value);
    return;
  }
  const auto tell_all = [&](const discovery::DhtKey& key) {
    for (const auto& [id, stored] : dht.stored[key])
      if (stored.until > time) answer_from_dht(who, key, stored.value);
  };
  if (const auto* listen = std::get_if<discovery::DhtListen>(&request)) {
    tell_all(listen->key);
  } else if (const auto* get = std::get_if<discovery::DhtGet>(&request)) {
    ++dht.gets;
    tell_all(get->key);
  }  // what is taken back expires elsewhere
}

void VirtualNode::send_beacon(const discovery::BeaconTransmit& beacon) {
  lan_.post({{beacon.source, discovery::kLanPort}, {{}, discovery::kLanPort}, beacon.datagram});
}

void VirtualNode::to_tun(std::span<const TunFrame> frames) {
  for (const TunFrame& frame : frames) {
    delivered.push_back(to_bytes(frame.packet));
    if (is_echo(frame.packet, false)) ++answered_pings;
  }
}

VirtualNode& VirtualLan::add(NodeOptions options) {
  if (!options.late_sealing) options.late_sealing = late_sealing_of_environment();
  const auto host = static_cast<std::uint8_t>(nodes_.size() + 1);
  nodes_.push_back(std::make_unique<VirtualNode>(*this, std::move(options),
                                                 IpAddress::v4({10, 0, 0, host}), seed_ + host));
  return *nodes_.back();
}

VirtualNode& VirtualLan::add(const std::string& name) {
  return add(options_for(name));
}

NodeOptions VirtualLan::options_for(const std::string& name) const {
  NodeOptions options;
  options.name = name;
  options.identity_seed.fill(static_cast<std::uint8_t>(nodes_.size() + 1));
  options.network = default_network();
  return options;
}

void VirtualLan::post(Datagram datagram) {
  ++datagrams_sent;
  history.push_back(datagram);
  if (filter && !filter(datagram)) return;
  if (route && !route(datagram)) return;
  if (random.below(100) < loss_percent) return;
  const auto delay = [&] {
    const auto extra =
        jitter.count() > 0 ? random.below(static_cast<std::uint64_t>(jitter.count())) : 0;
    return latency + Duration(static_cast<std::int64_t>(extra));
  };
  if (random.below(100) < duplicate_percent) deliver_at(time + delay(), datagram);
  deliver_at(time + delay(), std::move(datagram));
}

void VirtualLan::deliver_at(TimePoint when, Datagram datagram) {
  in_flight_.emplace(when, std::move(datagram));
}

void VirtualLan::deliver(const Datagram& datagram) {
  const bool broadcast = !datagram.to.ip;
  for (auto& node : nodes_) {
    if (!node->running()) continue;
    if (broadcast) {
      if (node->address_ == datagram.from.ip) continue;
      node->core().from_lan(node->now(), {datagram.from, kInterface, datagram.bytes});
    } else if (node->has(datagram.to)) {
      Bytes copy = datagram.bytes;
      const DatagramRun run{{datagram.from, datagram.to.ip, 0}, copy, copy.size()};
      const std::size_t before = node->delivered.size();
      node->core().from_underlay(node->now(), {&run, 1});
      // The "kernel" behind the TUN answers pings.
      for (std::size_t i = before; i < node->delivered.size(); ++i)
        if (is_echo(node->delivered[i], true)) node->send_inner(echo_reply(node->delivered[i]));
    }
  }
}

std::optional<TimePoint> VirtualLan::next_moment() const {
  std::optional<TimePoint> next;
  if (!in_flight_.empty()) next = in_flight_.begin()->first;
  if (!later_.empty() && (!next || later_.begin()->first < *next)) next = later_.begin()->first;
  for (const auto& node : nodes_) {
    if (!node->running()) continue;
    const auto deadline = node->core().next_deadline();
    if (deadline && (!next || *deadline < *next)) next = deadline;
  }
  return next;
}

bool VirtualLan::run_until(const std::function<bool()>& condition, Duration limit) {
  const TimePoint end = time + limit;
  for (std::uint64_t step = 0; !condition(); ++step) {
    const auto next = next_moment();
    const TimePoint target = next ? std::min(*next, end) : end;
    // Wall clock and monotonic clock advance together; a deadline in the past costs no time.
    if (target > time) {
      unix.ms += std::chrono::duration_cast<milliseconds>(target - time).count();
      time = target;
    }
    if (time >= end) return condition();
    MESH_ASSERT(step < 10'000'000);  // a deadline that does not move is a bug
    while (!in_flight_.empty() && in_flight_.begin()->first <= time) {
      const Datagram datagram = std::move(in_flight_.begin()->second);
      in_flight_.erase(in_flight_.begin());
      deliver(datagram);
    }
    while (!later_.empty() && later_.begin()->first <= time) {
      const auto work = std::move(later_.begin()->second);
      later_.erase(later_.begin());
      work();
    }
    for (auto& node : nodes_) {
      if (!node->running()) continue;
      const auto deadline = node->core().next_deadline();
      if (deadline && *deadline <= time) node->core().timeout(node->now());
    }
  }
  return true;
}

}  // namespace meshnode::test
