#include "discovery/dht/port_socket.h"

#include <cerrno>

namespace meshnode::dht {

::dht::SockAddr to_opendht(const Endpoint& endpoint) {
  ::dht::SockAddr out;
  if (endpoint.ip.is_v4()) {
    out.setFamily(AF_INET);
    std::memcpy(&out.getIPv4().sin_addr, endpoint.ip.bytes().data(), 4);
  } else if (endpoint.ip.is_v6()) {
    out.setFamily(AF_INET6);
    std::memcpy(&out.getIPv6().sin6_addr, endpoint.ip.bytes().data(), 16);
  }
  out.setPort(endpoint.port);
  return out;
}

Endpoint from_opendht(const ::dht::SockAddr& address) {
  Endpoint out;
  out.port = address.getPort();
  if (address.getFamily() == AF_INET) {
    Block<4> bytes;
    std::memcpy(bytes.data(), &address.getIPv4().sin_addr, bytes.size());
    out.ip = IpAddress::v4(bytes);
  } else if (address.getFamily() == AF_INET6) {
    Block<16> bytes;
    std::memcpy(bytes.data(), &address.getIPv6().sin6_addr, bytes.size());
    out.ip = IpAddress::v6(bytes);
  }
  return out;
}

// ---- Shared ----

std::optional<Bytes> Shared::inbound(TimePoint now, const Path& path, ByteView datagram) {
  const std::lock_guard lock(mutex_);
  auto verdict = shim_.inbound(now, path.remote, datagram);
  if (const Drop* reason = std::get_if<Drop>(&verdict)) {
    counters_.dropped.count(*reason);
    return std::nullopt;
  }
  ++counters_.in;
  paths_.heard(path);
  return std::get<Bytes>(std::move(verdict));
}

int Shared::outbound(const Endpoint& to, ByteView datagram) {
  const TimePoint now = doors_.now();
  Bytes bytes;
  Path path;
  bool repeat = false;
  {
    const std::lock_guard lock(mutex_);
    auto verdict = shim_.outbound(now, to, datagram);
    if (const auto* refusal = std::get_if<discovery::DhtShim::Refusal>(&verdict)) {
      ++counters_.refused;
      return *refusal == discovery::DhtShim::Refusal::again ? EAGAIN : EHOSTUNREACH;
    }
    bytes = std::get<Bytes>(std::move(verdict));
    path = paths_.to(to);
    ++counters_.out;
    if (!began_) began_ = now;
    repeat = wants_repeat(now, bytes);
    if (repeat) repeats_.push_back({now + kRepeatAfter, path, bytes});
  }
  if (repeat) result([] {}, false);  // the loop looks at its deadlines anew
  switch (doors_.send(path, bytes)) {
    case Sent::sent:
      return 0;
    case Sent::again:
      return EAGAIN;
    case Sent::unreachable:
      return EHOSTUNREACH;
    case Sent::no_family:
      return EAFNOSUPPORT;
  }
  return EHOSTUNREACH;
}

// Members only, whose requests go to bootstraps alone.
bool Shared::wants_repeat(TimePoint now, ByteView datagram) const {
  if (!member_ || repeats_.size() >= kMaxRepeats) return false;
  if (began_ && now - *began_ >= kStart) return false;
  const auto message = wire::inspect_dht(datagram);
  return message && message->kind == wire::DhtMessage::Kind::request;
}

std::optional<TimePoint> Shared::next_repeat() const {
  const std::lock_guard lock(mutex_);
  return repeats_.empty() ? std::nullopt : std::optional(repeats_.front().due);
}

void Shared::send_repeats(TimePoint now) {
  for (;;) {
    Repeat repeat;
    {
      const std::lock_guard lock(mutex_);
      if (repeats_.empty() || repeats_.front().due > now) return;
      repeat = std::move(repeats_.front());
      repeats_.pop_front();
    }
    doors_.send(repeat.path, repeat.bytes);
  }
}

void Shared::set_reachable(TimePoint now, const Endpoint& node) {
  const std::lock_guard lock(mutex_);
  shim_.set_reachable(now, node);
}

std::vector<Endpoint> Shared::take_unchecked() {
  const std::lock_guard lock(mutex_);
  return shim_.take_unchecked();
}

void Shared::set_role(discovery::DhtShim::Role role) {
  const std::lock_guard lock(mutex_);
  shim_.set_role(role);
}

void Shared::result(std::function<void()> deliver, bool vital) {
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    if (!vital && results_.size() >= kMaxResults) {
      ++counters_.results_lost;
      return;
    }
    results_.push_back(std::move(deliver));
    wake = !std::exchange(posted_, true);
  }
  if (wake) doors_.post([shared = shared_from_this()] { shared->deliver(); });
}

void Shared::deliver() {
  std::deque<std::function<void()>> batch;
  {
    const std::lock_guard lock(mutex_);
    batch.swap(results_);
    posted_ = false;
  }
  for (const auto& each : batch)
    if (open_) each();
}

bool Shared::add_bootstrap(const Endpoint& bootstrap) {
  const std::lock_guard lock(mutex_);
  return shim_.add_bootstrap(bootstrap);
}

void Shared::remove_bootstrap(const Endpoint& bootstrap) {
  const std::lock_guard lock(mutex_);
  shim_.remove_bootstrap(bootstrap);
}

Counters Shared::counters() const {
  const std::lock_guard lock(mutex_);
  return counters_;
}

// ---- PortSocket ----

PortSocket::PortSocket(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {
  bound4_.setFamily(AF_INET);
  bound6_.setFamily(AF_INET6);
}

void PortSocket::deliver(const Endpoint& from, ByteView datagram) {
  auto packets = getNewPacket();
  auto& packet = packets.front();
  packet.data.assign(datagram.begin(), datagram.end());
  packet.from = to_opendht(from);
  packet.received = ::dht::clock::now();
  onReceived(std::move(packets));
}

int PortSocket::sendTo(const ::dht::SockAddr& to, const std::uint8_t* data, std::size_t size,
                       bool /*replied*/) {
  return shared_->outbound(from_opendht(to), {data, size});
}

const ::dht::SockAddr& PortSocket::getBoundRef(sa_family_t family) const {
  return family == AF_INET6 ? bound6_ : bound4_;
}

}  // namespace meshnode::dht
