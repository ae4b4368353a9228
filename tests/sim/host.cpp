#include "sim/host.h"

#include "discovery/candidates.h"
#include "sim/world.h"

namespace meshnode::sim {
namespace {

constexpr Duration kRememberEvery = seconds(10);
// More outputs than that from one input, and somebody could fill queues.
constexpr std::uint64_t kMostOutputs = 20'000;
// A timer that is due again and again at one moment would keep a processor busy.
constexpr unsigned kMostTimersAtOnce = 1000;
constexpr std::size_t kSmallPacket = 96;
constexpr std::uint8_t kOpener[] = {0x43};
constexpr unsigned kOpenerHops = 2;

}  // namespace

overlay::Identity identity_of(std::uint64_t number, const crypto::Suite& suite) {
  Block<32> seed{};
  store_le(seed.data(), number + 1);
  seed[31] = 0x5a;
  return overlay::Identity::from_seed(crypto::Ed25519Seed(seed), suite);
}

// Around each input: who is being run, how much came of it, and when it wants to be asked next.
class Host::Acting {
 public:
  explicit Acting(Host& host) : host_(host) {
    host.world_.watch.acting = host.index_;
    host.outputs_ = 0;
  }
  Acting(const Acting&) = delete;
  Acting& operator=(const Acting&) = delete;
  ~Acting() {
    if (host_.outputs_ > kMostOutputs)
      host_.world_.complain("one input made n" + std::to_string(host_.index_) + " emit " +
                                std::to_string(host_.outputs_) + " outputs",
                            {host_owner(host_.index_)});
    host_.rearm();
  }

 private:
  Host& host_;
};

Host::Host(World& world, HostIndex index, HostOptions options)
    : world_(world),
      index_(index),
      options_(std::move(options)),
      identity_(identity_of(options_.identity, world.suite())),
      random_(world.random.u64()) {}

Now Host::now() const {
  return {world_.now(), UnixTime{world_.unix_time().ms + clock_offset_.count()}};
}

// ---- life ----

void Host::start(Memory memory) {
  if (core_) return;
  ++stats_.starts;
  world_.trace.note(world_.now(), host_owner(index_), "starts");
  overlay::EngineConfig config;
  config.identity = identity_;
  config.keys = overlay::NetworkKeys::derive(options_.network);
  config.boot = random_.block<8>();
  config.port = options_.port;
  config.name = "n" + std::to_string(index_);
  config.directory = options_.directory;
  config.eager_members = options_.eager_members;
  config.full_mesh = options_.full_mesh;
  config.reflectors = options_.directory;
  config.records = world_.pool(options_.network.id());
  config.make_cipher = world_.options.cheap ? FrameWatch::make_cheap : FrameWatch::make_real;
  numbers_.last = std::max(numbers_.last + 1, static_cast<std::uint64_t>(now().unix.ms));
  core_ =
      std::make_unique<overlay::Core>(std::move(config), world_.suite(), random_, numbers_, *this);
  begin(memory);
}

void Host::begin(Memory memory) {
  const Acting acting(*this);
  remembered_version_ = 0;
  next_memory_ = world_.now() + kRememberEvery;
  core_->start(now(), interfaces());
  if (memory == Memory::lost) memory_.clear();
  if (!memory_.empty()) core_->recall(now(), memory_);
  if (options_.directory)
    for (std::size_t hub = 0; hub < world_.directory.hubs(); ++hub)
      core_->add_reflector(now(), world_.hub_endpoint(hub));
  if (!options_.serves) return;
  stun_.emplace(random_.u64(), random_.u64());
  discovery::Serving serving;
  for (const Card& card : cards_)
    for (const Address& address : card.addresses)
      if (discovery::is_public(address.ip.ip)) serving.at.push_back(address.ip.ip);
  core_->set_serving(now(), !serving.at.empty(), serving);
}

void Host::stop() {
  if (!core_) return;
  remember();
  {
    const Acting acting(*this);
    core_->shutdown(now());
  }
  crash();
}

void Host::crash() {
  if (!core_) return;
  world_.trace.note(world_.now(), host_owner(index_), "is gone");
  core_.reset();
  stun_.reset();
  asleep_ = false;
  world_.directory.forget(index_);
}

void Host::remember() {
  if (!world_.options.remember || !core_) return;
  next_memory_ = world_.now() + kRememberEvery;
  const std::uint64_t version = core_->engine().memory_version();
  if (version == remembered_version_) return;
  remembered_version_ = version;
  memory_ = core_->engine().memory(now());
}

void Host::sleep() {
  world_.trace.note(world_.now(), host_owner(index_), "sleeps");
  asleep_ = true;
}

void Host::wake_up() {
  world_.trace.note(world_.now(), host_owner(index_), "wakes up");
  asleep_ = false;
  if (!core_) return;
  const Acting acting(*this);
  core_->timeout(now());
  // What the kernel told meanwhile was waiting.
  core_->interfaces_changed(now(), interfaces());
}

DropCounters Host::drops() const {
  return core_ ? core_->drops() : DropCounters{};
}

// ---- addresses ----

void Host::add_card(Card card) {
  cards_.push_back(std::move(card));
  attach_all();
}

void Host::attach_all() {
  for (const Card& card : cards_)
    for (const Address& address : card.addresses)
      if (card.up)
        world_.network.attach(host_owner(index_), address.segment, address.ip.ip, options_.line);
}

void Host::detach_all() {
  for (const Card& card : cards_)
    for (const Address& address : card.addresses)
      world_.network.detach(address.segment, address.ip.ip);
}

void Host::move(std::vector<Card> cards) {
  world_.trace.note(world_.now(), host_owner(index_), "moves");
  detach_all();
  cards_ = std::move(cards);
  attach_all();
  look_at_interfaces();
}

void Host::set_up(std::size_t card, bool up) {
  world_.trace.note(world_.now(), host_owner(index_), up ? "plugs a card in" : "unplugs a card");
  detach_all();
  cards_[card].up = up;
  attach_all();
  look_at_interfaces();
}

void Host::look_at_interfaces() {
  if (!awake()) return;
  const Acting acting(*this);
  core_->interfaces_changed(now(), interfaces());
}

Interfaces Host::interfaces() const {
  Interfaces out;
  for (const Card& card : cards_) {
    Interface one;
    one.index = static_cast<std::uint32_t>(out.size() + 1);
    one.name = card.name;
    one.up = card.up;
    one.broadcast = card.broadcast;
    for (const Address& address : card.addresses) one.addresses.push_back(address.ip);
    out.push_back(std::move(one));
  }
  return out;
}

const Address* Host::find(const IpAddress& ip) const {
  for (const Card& card : cards_)
    for (const Address& address : card.addresses)
      if (card.up && address.ip.ip == ip) return &address;
  return nullptr;
}

const Address* Host::on_segment(SegmentId segment) const {
  for (const Card& card : cards_)
    for (const Address& address : card.addresses)
      if (card.up && address.segment == segment) return &address;
  return nullptr;
}

std::uint32_t Host::card_number(SegmentId segment) const {
  for (std::size_t i = 0; i < cards_.size(); ++i)
    for (const Address& address : cards_[i].addresses)
      if (address.segment == segment) return static_cast<std::uint32_t>(i + 1);
  return 0;
}

// As a kernel chooses: the address that was asked for, else one on the same link, else the first.
const Address* Host::source_for(const Path& path) const {
  if (path.local)
    if (const Address* asked = find(path.local)) return asked;
  const Address* first = nullptr;
  for (const Card& card : cards_)
    for (const Address& address : card.addresses) {
      if (!card.up || address.ip.ip.family() != path.remote.ip.family()) continue;
      if (address.ip.contains(path.remote.ip)) return &address;
      if (first == nullptr) first = &address;
    }
  return first;
}

// ---- inputs ----

void Host::arrived(const Datagram& datagram) {
  if (!awake()) return;
  const Acting acting(*this);
  Bytes bytes = datagram.bytes;
  const DatagramRun run{{.remote = datagram.from, .local = datagram.to.ip}, bytes, bytes.size()};
  core_->from_underlay(now(), {&run, 1});
}

void Host::beacon(const Endpoint& from, SegmentId segment, ByteView bytes) {
  if (!awake()) return;
  const Acting acting(*this);
  core_->from_lan(now(), {from, card_number(segment), bytes});
}

void Host::directory_says(const discovery::DhtKey& key, ByteView value) {
  if (!awake()) return;
  const Acting acting(*this);
  core_->from_directory(now(), key, value);
}

void Host::hub_came_back(std::size_t hub) {
  if (!awake() || !options_.directory) return;
  world_.directory.relisten(index_, hub);
  const Acting acting(*this);
  core_->store_lost(now());
}

void Host::timer(TimePoint set_for) {
  if (set_for != wake_at_) return;  // another one has been set since
  wake_at_ = TimePoint::max();
  if (!awake()) return;
  timers_at_once_ = world_.now() == last_timer_ ? timers_at_once_ + 1 : 0;
  last_timer_ = world_.now();
  if (timers_at_once_ == kMostTimersAtOnce)
    world_.complain("n" + std::to_string(index_) + " wants to be woken at one moment for ever",
                    {host_owner(index_)});
  const Acting acting(*this);
  const auto due = core_->next_deadline();
  if (due && *due <= world_.now()) core_->timeout(now());
  if (world_.now() >= next_memory_) remember();
}

void Host::rearm() {
  if (!core_) return;
  const auto due = core_->next_deadline();
  if (!due) return;
  const TimePoint least =
      timers_at_once_ >= kMostTimersAtOnce ? world_.now() + milliseconds(1) : world_.now();
  const TimePoint when = std::max(*due, least);
  if (when >= wake_at_) return;
  wake_at_ = when;
  world_.wake(index_, when);
}

std::uint64_t Host::send_packet(const Host& to, std::size_t size) {
  Packets::Id id = 0;
  const IpAddress destination = overlay::overlay_address(to.options_.network.id(), to.id());
  const Bytes packet = world_.packets.make(id, index_, overlay_address(), to.index_, destination,
                                           std::max(size, kSmallPacket));
  if (!awake()) return id;
  Bytes buffer(kFrameHeadroom + packet.size() + kFrameTailroom);
  std::copy(packet.begin(), packet.end(), buffer.begin() + kFrameHeadroom);
  TunFrame frame;
  frame.packet = MutableBytes(buffer).subspan(kFrameHeadroom, packet.size());
  const Acting acting(*this);
  core_->from_tun(now(), {&frame, 1});
  return id;
}

overlay::Snapshot Host::snapshot() const {
  return core_ ? core_->engine().snapshot(world_.now()) : overlay::Snapshot{};
}

IpAddress Host::overlay_address() const {
  return overlay::overlay_address(options_.network.id(), identity_.id);
}

// ---- outputs ----

void Host::count(ByteView datagram) {
  ++outputs_;
  ++stats_.datagrams;
  stats_.bytes += datagram.size() + kHeaders;
  switch (datagram[0]) {
    case 0x40:
    case 0x41:
    case 0x42:
      ++stats_.inits;
      break;
    case 0x43:
      ++stats_.probes;
      break;
    case 0x44:
      ++stats_.data;
      break;
    default:
      ++stats_.other;
  }
}

void Host::become_liar() {
  lies_ = true;
  world_.watch.let_lie(index_);
}

void Host::say_to_all(ByteView control) {
  for (const SessionIndex receiver : world_.watch.mouths(index_)) {
    const auto way = ways_.find(receiver);
    const Bytes frame =
        way == ways_.end() ? Bytes{} : world_.watch.forge(index_, receiver, control);
    if (!frame.empty()) post(way->second, frame, Network::kFarEnough);
  }
}

void Host::post(const Path& path, ByteView bytes, unsigned hops) {
  count(bytes);
  if (lies_ && bytes.size() > 8 && bytes[0] == 0x44)
    ways_[load_le<SessionIndex>(bytes.data() + 4)] = path;
  const Address* source = source_for(path);
  if (source == nullptr) return;
  world_.post(host_owner(index_), source->segment,
              {.sender = host_owner(index_),
               .from = {source->ip.ip, options_.port},
               .to = path.remote,
               .bytes = to_bytes(bytes)},
              hops);
}

void Host::send(std::span<const DatagramRun> runs) {
  for (const DatagramRun& run : runs)
    for (std::size_t at = 0; at < run.data.size(); at += run.segment_size)
      post(run.path, run.data.subspan(at, std::min(run.segment_size, run.data.size() - at)),
           Network::kFarEnough);
}

void Host::open_way(const Path& path) {
  post(path, kOpener, kOpenerHops);
}

void Host::send_beacon(const discovery::BeaconTransmit& beacon) {
  ++outputs_;
  ++stats_.beacons;
  const Address* source = find(beacon.source);
  if (source == nullptr) return;
  world_.shout(index_, source->segment, {beacon.source, discovery::kLanPort}, beacon.datagram);
}

void Host::to_tun(std::span<const TunFrame> frames) {
  for (const TunFrame& frame : frames) {
    ++outputs_;
    if (const auto wrong = world_.packets.came_out(index_, frame.packet))
      world_.complain(*wrong, {host_owner(index_)});
  }
}

void Host::tell(const overlay::Event& event) {
  ++outputs_;
  if (const auto* peer = std::get_if<overlay::PeerConnected>(&event)) {
    ++stats_.connected;
    world_.trace.note(world_.now(), host_owner(index_), "connected to " + peer->name);
  } else if (const auto* lost = std::get_if<overlay::PeerLost>(&event)) {
    ++stats_.lost;
    world_.trace.note(world_.now(), host_owner(index_), "lost " + lost->name);
  } else if (std::holds_alternative<overlay::TwinIdentity>(event)) {
    ++stats_.twins;
  } else if (const auto* known = std::get_if<overlay::ServersKnown>(&event)) {
    // The core is busy with the present input.
    world_.at(world_.now(), [this, offers = known->offers] {
      if (!awake() || !options_.directory) return;
      const Acting acting(*this);
      for (const auto& offer : offers)
        core_->add_reflector(now(), offer.endpoint, discovery::StunClient::Rank::substitute);
    });
  }
}

void Host::ask_dht(const discovery::DhtRequest& request) {
  ++outputs_;
  world_.directory.ask(index_, request);
}

void Host::pass_on(wire::Protocol protocol, const Path& path, ByteView datagram) {
  if (protocol != wire::Protocol::stun || !stun_) return;
  const Bytes answer =
      stun_->answer(world_.now(), path.remote, {path.local, options_.port}, Endpoint{}, datagram)
          .datagram;
  if (!answer.empty()) post(path, answer, Network::kFarEnough);
}

}  // namespace meshnode::sim
