#include "discovery/dht/port.h"

#include <algorithm>

#include "base/earliest.h"
#include "base/result.h"
#include "wire/dht_message.h"

namespace meshnode::dht {

Port::Port(PortConfig config, Doors doors)
    : config_(config),
      doors_(std::move(doors)),
      shim_({config.role, config.network}),
      paths_(config.salt) {}

// ---- the child ----

void Port::attached(const NodeKey& node) {
  MESH_ASSERT(!attached_);
  attached_ = true;
  next_look_ = doors_.now() + kFirstLook;
  say(Open{kLinkVersion, config_.network, node, config_.store_bytes});
  std::set<Endpoint> nodes(reachable_.begin(), reachable_.end());
  nodes.insert(bootstraps_.begin(), bootstraps_.end());
  for (const auto& [ticket, request] : requests_) {
    if (request.failed) continue;
    say_bytes(request.message);
    if (request.pings) nodes.erase(*request.pings);
  }
  for (const Endpoint& each : nodes) ping(each, {});
}

void Port::detached() {
  attached_ = opened_ = given_up_ = looking_ = late_ = false;
  waiting_.clear();
  waiting_bytes_ = 0;
  picture_ = {};
  for (auto& [ticket, request] : requests_) {
    if (!request.get) continue;
    request.failed = true;
    request.deadline = TimePoint{};
  }
}

void Port::give_up(const std::string& why) {
  if (std::exchange(given_up_, true)) return;
  doors_.lost(why);
}

// Nothing overtakes what waits already.
bool Port::say_unless_full(ByteView message) {
  if (!attached_ || given_up_) return false;
  if (waiting_.empty()) {
    Bytes packet;
    append_to_packet(packet, message);
    if (doors_.tell(packet)) return true;
    next_flush_ = doors_.now() + kFlush;
  }
  if (waiting_bytes_ + message.size() > kMostWaiting) return false;
  say_bytes(message);
  return true;
}

void Port::say_bytes(ByteView message) {
  if (!attached_ || given_up_) return;
  if (waiting_.empty()) {
    Bytes packet;
    append_to_packet(packet, message);
    if (doors_.tell(packet)) return;
    next_flush_ = doors_.now() + kFlush;
  }
  if (waiting_bytes_ + message.size() > kMostWaitingAtAll) return give_up("does not read");
  constexpr std::size_t kLength = 2;
  if (waiting_.empty() || waiting_.back().size() + kLength + message.size() > kMaxPacket)
    waiting_.emplace_back();
  append_to_packet(waiting_.back(), message);
  waiting_bytes_ += kLength + message.size();
}

void Port::flush(TimePoint now) {
  if (waiting_.empty() || now < next_flush_) return;
  next_flush_ = now + kFlush;
  while (!waiting_.empty() && doors_.tell(waiting_.front())) {
    waiting_bytes_ -= waiting_.front().size();
    waiting_.pop_front();
  }
}

void Port::from_child(TimePoint now, ByteView packet) {
  if (!attached_ || given_up_) return;
  if (!budget_.take(now)) return give_up("floods its host");
  const auto message = parse_from_child(packet);
  if (!message) {
    ++counters_.nonsense;
    return;
  }
  if (const auto* opened = std::get_if<Opened>(&*message)) {
    opened_ = opened->version == kLinkVersion;
    if (!opened_)
      give_up("speaks version " + std::to_string(opened->version) + ", this program version " +
              std::to_string(kLinkVersion) + ": they are not of one installation");
    return;
  }
  if (opened_)
    take(now, *message);
  else
    ++counters_.nonsense;
}

void Port::take(TimePoint now, const FromChild& message) {
  if (const auto* datagram = std::get_if<Datagram>(&message)) {
    send_for_child(now, *datagram);
  } else if (const auto* done = std::get_if<Ended>(&message)) {
    finish(done->ticket, done->ok ? Outcome::ok : Outcome::failed);
  } else if (const auto* found = std::get_if<Found>(&message)) {
    hand_on(*found);
  } else if (const auto* changed = std::get_if<StateChanged>(&message)) {
    picture_.v4.state = changed->v4;
    picture_.v6.state = changed->v6;
  } else if (const auto* picture = std::get_if<Picture>(&message)) {
    if (!looking_) {
      ++counters_.nonsense;
      return;
    }
    picture_ = *picture;
    looking_ = late_ = false;
    next_look_ = now + kLook;
  }
}

// ---- datagrams ----

void Port::datagram_in(TimePoint now, const Path& path, ByteView datagram) {
  auto verdict = shim_.inbound(now, path.remote, datagram);
  if (const Drop* reason = std::get_if<Drop>(&verdict)) return counters_.dropped.count(*reason);
  ++counters_.in;
  paths_.heard(path);
  if (!say_unless_full(encode(ToChild{Datagram{path.remote, std::get<Bytes>(std::move(verdict))}})))
    ++counters_.lost_to_child;
}

void Port::send_for_child(TimePoint now, const Datagram& datagram) {
  auto verdict = shim_.outbound(now, datagram.remote, datagram.bytes);
  if (const auto* refusal = std::get_if<discovery::DhtShim::Refusal>(&verdict)) {
    ++counters_.refused;
    // Only what asks is about the node. What the shim does not understand is about OpenDHT: it
    // tells listeners of each repeated put in such an update, and they are no worse neighbours for
    // that.
    const auto message = wire::inspect_dht(datagram.bytes);
    const bool asks = message && message->kind == wire::DhtMessage::Kind::request;
    if (*refusal == discovery::DhtShim::Refusal::unreachable && asks)
      refuse(datagram.remote, Sent::unreachable);
    return;
  }
  const Bytes& bytes = std::get<Bytes>(verdict);
  const Path path = paths_.to(datagram.remote);
  ++counters_.out;
  if (!began_) began_ = now;
  if (wants_repeat(now, bytes)) repeats_.push_back({now + kRepeatAfter, path, bytes});
  const Sent sent = doors_.send(path, bytes);
  if (sent == Sent::unreachable || sent == Sent::no_family) refuse(datagram.remote, sent);
}

void Port::refuse(const Endpoint& node, Sent why) {
  // Lost, it costs OpenDHT another try.
  say_unless_full(encode(ToChild{Refused{node, why}}));
}

// Members only, whose requests go to bootstraps alone.
bool Port::wants_repeat(TimePoint now, ByteView datagram) const {
  if (config_.role == discovery::DhtShim::Role::hub || repeats_.size() >= kMaxRepeats) return false;
  if (now - *began_ >= kStart) return false;
  const auto message = wire::inspect_dht(datagram);
  return message && message->kind == wire::DhtMessage::Kind::request;
}

void Port::send_repeats(TimePoint now) {
  while (!repeats_.empty() && repeats_.front().due <= now) {
    const Repeat repeat = std::move(repeats_.front());
    repeats_.pop_front();
    doors_.send(repeat.path, repeat.bytes);
  }
}

// ---- requests ----

void Port::add(Ticket ticket, const ToChild& message, Request request) {
  request.message = encode(message);
  if (request.deadline == TimePoint{}) request.deadline = doors_.now() + kPatience;
  say_bytes(request.message);
  requests_.emplace(ticket, std::move(request));
}

void Port::finish(Ticket ticket, Outcome outcome) {
  const auto found = requests_.find(ticket);
  // A listen ends by cancel() only.
  if (found == requests_.end() || found->second.deadline == TimePoint::max()) {
    ++counters_.nonsense;
    return;
  }
  const OnDone done = std::move(found->second.done);
  requests_.erase(found);
  if (done) done(outcome);
}

void Port::hand_on(const Found& value) {
  const auto found = requests_.find(value.ticket);
  if (found == requests_.end() || !found->second.value || found->second.failed) {
    ++counters_.nonsense;
    return;
  }
  Request& request = found->second;
  const std::size_t hash = std::hash<std::string_view>{}(as_text(value.data));
  if (request.seen.size() >= kMaxSeen) request.seen.clear();
  if (!request.seen.emplace(value.id, hash).second) return;
  const OnValue to = request.value;  // a copy: the callback may cancel its own request
  to({value.id, value.data});
}

Ticket Port::put(const Key& key, ValueId id, ByteView data, OnDone done) {
  MESH_ASSERT(id != 0 && data.size() <= kMaxPut);
  const Ticket ticket = next_ticket();
  Request request;
  request.done = std::move(done);
  add(ticket, Put{ticket, key, id, to_bytes(data)}, std::move(request));
  return ticket;
}

void Port::cancel_put(const Key& key, ValueId id) {
  say(TakeBack{key, id});
}

Ticket Port::get(const Key& key, OnValue value, OnDone done) {
  const Ticket ticket = next_ticket();
  Request request;
  request.get = true;
  request.value = std::move(value);
  request.done = std::move(done);
  add(ticket, Get{ticket, key}, std::move(request));
  return ticket;
}

Ticket Port::listen(const Key& key, OnValue value) {
  const Ticket ticket = next_ticket();
  Request request;
  request.value = std::move(value);
  request.deadline = TimePoint::max();
  add(ticket, Listen{ticket, key}, std::move(request));
  return ticket;
}

void Port::cancel(Ticket ticket) {
  if (requests_.erase(ticket) > 0) say(Cancel{ticket});
}

Ticket Port::ping(const Endpoint& node, OnDone done) {
  const Ticket ticket = next_ticket();
  Request request;
  request.pings = node;
  request.done = std::move(done);
  add(ticket, Ping{ticket, node}, std::move(request));
  return ticket;
}

// ---- nodes ----

bool Port::add_bootstrap(const Endpoint& bootstrap) {
  if (!shim_.add_bootstrap(bootstrap)) return false;
  bootstraps_.insert(bootstrap);
  return true;
}

void Port::remove_bootstrap(const Endpoint& bootstrap) {
  shim_.remove_bootstrap(bootstrap);
  bootstraps_.erase(bootstrap);
}

void Port::set_reachable(TimePoint now, const Endpoint& node) {
  shim_.set_reachable(now, node);
  reachable_.remove(node);
  reachable_.push_back(node);
  if (reachable_.size() > kMaxReachable) reachable_.pop_front();
}

void Port::connectivity_changed() {
  say(ConnectivityChanged{});
}

// ---- time ----

std::optional<TimePoint> Port::next_deadline() const {
  auto out = earliest(
      {due_if(attached_ && !given_up_, next_look_), due_if(!waiting_.empty(), next_flush_)});
  if (!repeats_.empty()) out = earliest({out, repeats_.front().due});
  // Requests are few, and most wait for milliseconds.
  for (const auto& [ticket, request] : requests_)
    out = earliest({out, due_if(request.deadline != TimePoint::max(), request.deadline)});
  return out;
}

void Port::timeout(TimePoint now) {
  flush(now);
  send_repeats(now);
  look(now);
  std::vector<Ticket> due;
  for (const auto& [ticket, request] : requests_)
    if (request.deadline <= now) due.push_back(ticket);
  for (const Ticket ticket : due) {
    const auto found = requests_.find(ticket);
    if (found == requests_.end()) continue;  // an earlier one cancelled it
    finish(ticket, found->second.failed ? Outcome::failed : Outcome::timed_out);
  }
}

// Twice late, since all deadlines pass at once while the machine sleeps.
void Port::look(TimePoint now) {
  if (!attached_ || given_up_ || now < next_look_) return;
  next_look_ = now + kLookPatience;
  if (!std::exchange(looking_, true)) return say(Look{});
  if (std::exchange(late_, true)) give_up("does not answer");
}

}  // namespace meshnode::dht
