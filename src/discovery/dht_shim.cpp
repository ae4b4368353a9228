#include "discovery/dht_shim.h"

#include <algorithm>
#include <optional>

#include "base/result.h"
#include "discovery/candidates.h"

namespace meshnode::discovery {
namespace {

using wire::ByteRange;
using wire::DhtMessage;

// Bytes a second and saved up. A set of 64 records of 550 bytes leaves in one burst.
constexpr double kOutRate = 32.0 * 1024;
constexpr double kOutBurst = 64.0 * 1024;
constexpr double kTotalOutRate = 512.0 * 1024;
constexpr double kTotalOutBurst = 1024.0 * 1024;
// Datagrams a second; OpenDHT limits requests only.
constexpr double kInRate = 200;
constexpr double kInBurst = 400;
constexpr double kTotalRequestRate = 2000;
constexpr double kTotalRequestBurst = 4000;

constexpr Duration kWindow = minutes(1);
// OpenDHT asks three times, a second and more apart.
constexpr Duration kAnswerLife = seconds(30);
// A storing node forgets a listen after ten minutes.
constexpr Duration kListenLife = minutes(11);
constexpr Duration kValueLife = minutes(10);
constexpr Duration kSplitLife = seconds(10);
constexpr std::size_t kMaxSplits = 4;
constexpr std::size_t kMaxAsked = 128;
constexpr std::size_t kMaxListening = 256;

// Of a node entry: id, address, port.
Endpoint endpoint_of(ByteView node) {
  const ByteView address = node.subspan(wire::kDhtIdSize, node.size() - wire::kDhtIdSize - 2);
  return {IpAddress::from_bytes(address), load_be<std::uint16_t>(node.data() + node.size() - 2)};
}

template <typename Keep>
Bytes kept_nodes(ByteView nodes, std::size_t node_size, Keep keep) {
  Bytes out;
  for (; nodes.size() >= node_size; nodes = nodes.subspan(node_size)) {
    const ByteView node = nodes.first(node_size);
    if (keep(endpoint_of(node))) Writer(out).bytes(node);
  }
  return out;
}

// The datagram with those nodes only whose endpoint `keep` likes.
template <typename Keep>
Bytes filtered(ByteView datagram, const DhtMessage& message, Keep keep) {
  const Bytes nodes4 = kept_nodes(message.nodes4.in(datagram), wire::kDhtNode4Size, keep);
  const Bytes nodes6 = kept_nodes(message.nodes6.in(datagram), wire::kDhtNode6Size, keep);
  if (nodes4.size() == message.nodes4.size && nodes6.size() == message.nodes6.size)
    return to_bytes(datagram);
  return wire::with_nodes(datagram, message, nodes4, nodes6);
}

bool is_token(const ByteRange& token) {
  return token.size == 32;
}

template <typename Splits>
void announce(Splits& splits, TimePoint now, const DhtMessage& message) {
  std::erase_if(splits, [&](const auto& split) {
    return split.until <= now || split.transaction == message.transaction;
  });
  if (splits.size() >= kMaxSplits) splits.erase(splits.begin());
  auto& split = splits.emplace_back();
  split.transaction = message.transaction;
  split.until = now + kSplitLife;
  split.sizes.assign(message.values, 1);
}

// The part of an announced set, each once.
template <typename Splits>
bool take_part(Splits& splits, TimePoint now, const DhtMessage& message) {
  for (auto& split : splits) {
    if (split.transaction != message.transaction || split.until <= now) continue;
    if (message.part_index >= split.sizes.size() || split.sizes[message.part_index] == 0)
      return false;
    split.sizes[message.part_index] = 0;
    return true;
  }
  return false;
}

}  // namespace

bool DhtShim::Bucket::take(TimePoint now, double amount, double rate, double burst) {
  if (last == TimePoint{}) {
    bytes = burst;
    last = now;
  }
  const double passed = std::chrono::duration<double>(now - last).count();
  if (passed > 0) {
    bytes = std::min(burst, bytes + passed * rate);
    last = now;
  }
  if (bytes < amount) return false;
  bytes -= amount;
  return true;
}

DhtShim::DhtShim(const Config& config) : config_(config) {}

bool DhtShim::add_bootstrap(const Endpoint& bootstrap) {
  if (!is_bootstrap(bootstrap) && bootstraps_.size() >= kMaxBootstraps) return false;
  bootstraps_.insert(bootstrap);
  return true;
}

void DhtShim::remove_bootstrap(const Endpoint& bootstrap) {
  bootstraps_.erase(bootstrap);
}

void DhtShim::never_name(const std::vector<Endpoint>& members) {
  members_.clear();
  member_ips_.clear();
  for (const Endpoint& member : members) {
    members_.insert(member);
    member_ips_.insert(member.ip);
  }
}

bool DhtShim::proven(TimePoint now, const Endpoint& endpoint) const {
  const auto found = addresses_.find(endpoint);
  return found != addresses_.end() && found->second.proven_until > now;
}

void DhtShim::set_reachable(TimePoint now, const Endpoint& node) {
  Address& address = touch(now, node);
  address.reachable_until = now + kReachableLife;
  if (is_member()) address.answered = true;
}

std::vector<Endpoint> DhtShim::take_unchecked() {
  const std::set<Endpoint> taken = std::exchange(unchecked_, {});
  return {taken.begin(), taken.end()};
}

bool DhtShim::may_name(TimePoint now, const Endpoint& endpoint) const {
  if (members_.count(endpoint) != 0) return false;
  if (is_bootstrap(endpoint)) return true;
  if (is_member() || member_ips_.count(endpoint.ip) != 0) return false;
  const auto found = addresses_.find(endpoint);
  return found != addresses_.end() && found->second.reachable_until > now && !found->second.client;
}

bool DhtShim::may_learn(const Endpoint& endpoint) const {
  if (!is_member() || is_bootstrap(endpoint)) return true;
  const auto found = addresses_.find(endpoint);
  return found != addresses_.end() && found->second.answered;
}

void DhtShim::make_room(std::list<Endpoint>& list, std::size_t most) {
  // Bootstraps stay; there are fewer of them than room.
  while (list.size() >= most) {
    if (is_bootstrap(list.front())) {
      list.splice(list.end(), list, list.begin());
      continue;
    }
    addresses_.erase(list.front());
    list.pop_front();
  }
}

DhtShim::Address& DhtShim::touch(TimePoint now, const Endpoint& endpoint) {
  auto found = addresses_.find(endpoint);
  if (found == addresses_.end()) {
    make_room(unproven_, kMaxUnproven);
    found = addresses_.try_emplace(endpoint).first;
    found->second.place = unproven_.insert(unproven_.end(), endpoint);
    found->second.window = now;
  } else {
    auto& list = found->second.in_proven ? proven_ : unproven_;
    list.splice(list.end(), list, found->second.place);
  }
  Address& address = found->second;
  if (now - address.window >= kWindow) {
    address.window = now;
    address.received = 0;
    address.sent = 0;
  }
  return address;
}

void DhtShim::prove(TimePoint now, const Endpoint& endpoint, Address& address) {
  address.proven_until = now + kProofLife;
  if (address.in_proven) return;
  make_room(proven_, most_proven());
  unproven_.erase(address.place);
  address.place = proven_.insert(proven_.end(), endpoint);
  address.in_proven = true;
}

std::variant<Bytes, Drop> DhtShim::inbound(TimePoint now, const Endpoint& from, ByteView datagram) {
  const auto dropped = [&](Drop why) {
    drops_.count(why);
    return why;
  };
  const auto message = wire::inspect_dht(datagram);
  if (!message || !from.ip || from.port == 0) return dropped(Drop::malformed);
  if (message->network != config_.network) return dropped(Drop::unsupported);
  // A client has nothing to do with strangers and remembers nothing of them.
  if (config_.role == Role::client && !is_bootstrap(from) && addresses_.count(from) == 0)
    return dropped(Drop::unsolicited);
  Address& address = touch(now, from);
  if (!address.in.take(now, 1, kInRate, kInBurst)) return dropped(Drop::rate_limited);
  address.received += datagram.size();
  const auto refusal = admit(now, from, address, *message, datagram);
  address.heard = true;
  if (message->kind != DhtMessage::Kind::value_part) address.client = message->client;
  if (refusal) return dropped(*refusal);
  return without_strangers(now, from, address, filtered(datagram, *message, [&](Endpoint named) {
                             // OpenDHT reads a loopback address as the sender's own.
                             if (named.ip.is_loopback()) named.ip = from.ip;
                             if (may_learn(named)) return true;
                             note_named(from, named);
                             return false;
                           }));
}

// A node that we were told of: to be asked before OpenDHT hears of it. What a hub on the Internet
// says about private networks is not followed into ours.
void DhtShim::note_named(const Endpoint& from, const Endpoint& named) {
  if (unchecked_.size() >= kMaxUnchecked || members_.count(named) != 0) return;
  if (is_public(named.ip) || !is_public(from.ip)) unchecked_.insert(named);
}

// Invariant 3. Who says itself that it is a client needs nothing of this. OpenDHT takes a node that
// it has met as a client for one as long as it stores anything for it; so at a member a stranger
// gets another id there than the one that it has once it is a bootstrap.
Bytes DhtShim::without_strangers(TimePoint now, const Endpoint& from, Address& address,
                                 Bytes datagram) {
  const auto message = wire::inspect_dht(datagram);
  MESH_ASSERT(message.has_value());
  if (is_bootstrap(from) || message->client || message->kind == DhtMessage::Kind::value_part)
    return datagram;
  if (config_.role == Role::hub && unchecked_.size() < kMaxUnchecked) unchecked_.insert(from);
  if (address.reachable_until > now || (is_member() && address.answered)) return datagram;
  Bytes out = wire::as_client(datagram, *message);
  if (is_member() && message->id) out[message->id.offset + message->id.size - 1] ^= 0xff;
  return out;
}

std::optional<Drop> DhtShim::admit(TimePoint now, const Endpoint& from, Address& address,
                                   const DhtMessage& message, ByteView datagram) {
  switch (message.kind) {
    case DhtMessage::Kind::request:
      return admit_request(now, from, address, message, datagram);
    case DhtMessage::Kind::value_part:
      if (!message.part_whole || !message.plain || message.part.size > kMaxValue)
        return Drop::too_big;
      if (!take_part(address.splits_in, now, message)) return Drop::unsolicited;
      return std::nullopt;
    default:
      return admit_answer(now, from, address, message);
  }
}

std::optional<Drop> DhtShim::admit_request(TimePoint now, const Endpoint& from, Address& address,
                                           const DhtMessage& message, ByteView datagram) {
  if (message.query == DhtMessage::Query::update) {
    const bool ours = std::any_of(
        address.listening.begin(), address.listening.end(), [&](const Listening& listening) {
          return listening.until > now && listening.socket == message.socket;
        });
    if (!ours) return Drop::unsolicited;
    return admit_values(now, address, message);
  }
  if (config_.role == Role::client && !is_bootstrap(from)) return Drop::unsolicited;
  if (!total_requests_.take(now, 1, kTotalRequestRate, kTotalRequestBurst))
    return Drop::rate_limited;
  if (is_token(message.token)) {
    const ByteView token = message.token.in(datagram);
    for (const Token& known : address.tokens)
      if (!all_zero(known) && equal_constant_time(known, token)) prove(now, from, address);
  }
  if (message.query != DhtMessage::Query::put) return std::nullopt;
  if (message.split) return Drop::too_big;
  if (!message.plain) return Drop::unsupported;
  // Without a token of ours OpenDHT stores nothing.
  if (address.proven_until > now && !room_under_key(now, message, datagram))
    return Drop::table_full;
  return std::nullopt;
}

std::optional<Drop> DhtShim::admit_answer(TimePoint now, const Endpoint& from, Address& address,
                                          const DhtMessage& message) {
  const auto asked =
      std::find_if(address.asked.begin(), address.asked.end(), [&](const Asked& candidate) {
        return candidate.transaction == message.transaction && now - candidate.first < kAnswerLife;
      });
  if (asked == address.asked.end()) {
    // Older nodes answer a listen on its socket, as often as there is news.
    const bool listening = std::any_of(
        address.listening.begin(), address.listening.end(), [&](const Listening& candidate) {
          return candidate.until > now && candidate.socket == message.transaction;
        });
    if (!listening) return Drop::unsolicited;
  } else {
    if (!asked->update) address.answered = true;
    address.asked.erase(asked);
    prove(now, from, address);
  }
  return admit_values(now, address, message);
}

std::optional<Drop> DhtShim::admit_values(TimePoint now, Address& address,
                                          const DhtMessage& message) {
  if (message.values > kMaxValuesPerKey || message.largest_value > kMaxValue) return Drop::too_big;
  if (!message.plain) return Drop::unsupported;
  if (message.split) {
    if (address.proven_until <= now) return Drop::unsolicited;
    announce(address.splits_in, now, message);
  }
  return std::nullopt;
}

bool DhtShim::room_under_key(TimePoint now, const DhtMessage& message, ByteView datagram) {
  Block<20> name{};
  const ByteView raw = message.key.in(datagram);
  std::copy(raw.begin(), raw.end(), name.begin());
  auto found = keys_.find(name);
  if (found == keys_.end()) {
    if (keys_.size() >= kMaxKeys)
      keys_.erase(std::min_element(keys_.begin(), keys_.end(), [](const auto& a, const auto& b) {
        return a.second.last < b.second.last;
      }));
    found = keys_.try_emplace(name).first;
  }
  Key& key = found->second;
  key.last = now;
  std::erase_if(key.values, [&](const auto& value) { return now - value.second >= kValueLife; });
  for (auto& value : key.values) {
    if (value.first != message.value_id) continue;
    value.second = now;
    return true;
  }
  if (key.values.size() >= kMaxValuesPerKey) return false;
  key.values.emplace_back(message.value_id, now);
  return true;
}

std::variant<Bytes, DhtShim::Refusal> DhtShim::outbound(TimePoint now, const Endpoint& to,
                                                        ByteView datagram) {
  const auto message = wire::inspect_dht(datagram);
  if (!message || !to.ip || to.port == 0) return refused(Refusal::unreachable, Drop::malformed);
  const bool asking =
      message->kind == DhtMessage::Kind::request && message->query != DhtMessage::Query::update;
  // Members ask bootstraps and who has answered them as one; strangers cost no search any time.
  if (asking && is_member() && !may_learn(to))
    return refused(Refusal::unreachable, Drop::unsolicited);
  Bytes out =
      filtered(datagram, *message, [&](const Endpoint& named) { return may_name(now, named); });
  if (config_.role == Role::client) {
    const auto again = wire::inspect_dht(out);
    MESH_ASSERT(again.has_value());
    out = wire::as_client(out, *again);
  }
  Address& address = touch(now, to);
  if (const auto refusal = refuse(now, to, address, *message, out.size())) return *refusal;
  note_sent(now, address, *message, datagram, out.size());
  return out;
}

std::optional<DhtShim::Refusal> DhtShim::refuse(TimePoint now, const Endpoint& to, Address& address,
                                                const DhtMessage& message, std::size_t size) {
  const bool is_proven = address.proven_until > now;
  if (message.values > kMaxValuesPerKey || message.largest_value > kMaxValue || !message.plain)
    return refused(Refusal::unreachable, Drop::too_big);
  if (message.split && (!is_proven || message.query == DhtMessage::Query::put))
    return refused(Refusal::unreachable, Drop::too_big);
  if (message.kind == DhtMessage::Kind::value_part &&
      (!is_proven || !message.part_whole || !take_part(address.splits_out, now, message)))
    return refused(Refusal::unreachable, Drop::too_big);
  const bool free = is_proven || is_bootstrap(to);
  if (!free) {
    const bool may_begin = !address.heard || address.in_proven;
    const std::size_t first_words =
        may_begin && message.kind == DhtMessage::Kind::request ? kFirstWords : 0;
    if (address.sent + size > kAmplification * address.received + first_words)
      return refused(Refusal::unreachable, Drop::rate_limited);
  }
  const auto bytes = static_cast<double>(size);
  if (!address.out.take(now, bytes, kOutRate, kOutBurst) ||
      !total_out_.take(now, bytes, kTotalOutRate, kTotalOutBurst))
    return refused(Refusal::again, Drop::rate_limited);
  return std::nullopt;
}

void DhtShim::note_sent(TimePoint now, Address& address, const DhtMessage& message,
                        ByteView datagram, std::size_t size) {
  address.sent += size;
  if (message.split) announce(address.splits_out, now, message);
  if (message.kind == DhtMessage::Kind::reply && is_token(message.token)) {
    const ByteView token = message.token.in(datagram);
    const auto same = [&](const Token& known) { return equal_constant_time(known, token); };
    if (std::none_of(address.tokens.begin(), address.tokens.end(), same)) {
      std::copy(token.begin(), token.end(), address.tokens[address.next_token].begin());
      address.next_token = (address.next_token + 1) % address.tokens.size();
    }
  }
  if (message.kind != DhtMessage::Kind::request) return;
  if (message.query == DhtMessage::Query::listen) {
    std::erase_if(address.listening, [&](const Listening& listening) {
      return listening.until <= now || listening.socket == message.socket;
    });
    if (address.listening.size() >= kMaxListening)
      address.listening.erase(address.listening.begin());
    address.listening.push_back({message.socket, now + kListenLife});
  }
  std::erase_if(address.asked,
                [&](const Asked& asked) { return now - asked.first >= kAnswerLife; });
  const bool repeated =
      std::any_of(address.asked.begin(), address.asked.end(),
                  [&](const Asked& asked) { return asked.transaction == message.transaction; });
  if (repeated) return;
  if (address.asked.size() >= kMaxAsked) address.asked.erase(address.asked.begin());
  address.asked.push_back({message.transaction, now, message.query == DhtMessage::Query::update});
}

}  // namespace meshnode::discovery
