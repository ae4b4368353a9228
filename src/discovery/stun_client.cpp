#include "discovery/stun_client.h"

#include <algorithm>
#include <utility>

#include "base/earliest.h"

namespace meshnode::discovery {
namespace {

// Pauses behind the first questions, then kRetry.
constexpr Duration kPauses[] = {milliseconds(100), milliseconds(200), milliseconds(400),
                                milliseconds(800), milliseconds(1600)};
// Questions in a row without an answer after which a server counts as silent.
constexpr unsigned kSilent = 6;

}  // namespace

StunClient::StunClient(Random& random) : random_(random) {}

void StunClient::add_server(TimePoint now, const Endpoint& server, Rank rank) {
  if (!server.ip || server.port == 0) return;
  const auto found = servers_.find(server);
  if (found != servers_.end()) {
    if (rank == Rank::substitute) return;
    found->second.primary = {};
    found->second.rank = Rank::named;
    return;
  }
  if (servers_of(rank) >= (rank == Rank::named ? kMaxServers : kMaxSubstitutes)) return;
  Server& added = servers_[server];
  added.added = added.next = now;
  added.rank = rank;
}

std::size_t StunClient::servers_of(Rank rank) const {
  return static_cast<std::size_t>(
      std::count_if(servers_.begin(), servers_.end(),
                    [&](const auto& each) { return each.second.rank == rank; }));
}

void StunClient::remove_server(const Endpoint& server) {
  std::erase_if(servers_, [&](const auto& each) {
    return each.first == server || each.second.primary == server;
  });
}

void StunClient::ask_again(TimePoint now) {
  for (auto& [endpoint, server] : servers_) {
    server.next = now;
    server.tries = 0;
  }
}

void StunClient::send(TimePoint now, const Endpoint& to, Server& server) {
  const auto transaction = random_.block<12>();
  server.asked[server.next_slot] = {transaction, now};
  server.next_slot = (server.next_slot + 1) % server.asked.size();
  transmits_.push_back({to, wire::stun_request(transaction)});
  server.next = now + (server.tries < std::size(kPauses) ? kPauses[server.tries] : kRetry);
  ++server.tries;
}

bool StunClient::handle_datagram(TimePoint now, const Endpoint& from, ByteView datagram,
                                 DropCounters& drops) {
  if (wire::parse_stun_request(datagram)) return false;
  const auto found = servers_.find(from);
  if (found == servers_.end()) {
    drops.count(Drop::unsolicited);
    return true;
  }
  for (Asked& asked : found->second.asked) {
    if (asked.sent == TimePoint{}) continue;
    const auto response = wire::parse_stun_response(datagram, asked.transaction);
    if (!response) continue;
    const Duration rtt = now - asked.sent;
    asked = {};
    note_answer(now, from, found->second, *response, rtt);
    return true;
  }
  drops.count(Drop::unsolicited);
  return true;
}

void StunClient::note_answer(TimePoint now, const Endpoint& from, Server& server,
                             const wire::StunResponse& response, Duration rtt) {
  if (server.start_id && response.start_id && *server.start_id != *response.start_id)
    restarted_ = true;
  if (response.start_id) server.start_id = response.start_id;
  const bool changed = server.answered && server.mapped != response.mapped;
  const bool first = !server.answered;
  server.mapped = response.mapped;
  server.time = response.time;
  server.answered = now;
  server.rtt = rtt;
  server.tries = 0;
  const auto spread = static_cast<std::uint64_t>((kRefresh * 2 / 5).count());
  server.next =
      now + kRefresh * 4 / 5 + Duration(static_cast<Duration::rep>(random_.below(spread)));
  if (server.primary.ip) server.next = TimePoint::max();
  if (changed && !server.primary.ip) look_again(now, server);
  const bool own = std::find(own_.begin(), own_.end(), response.mapped) != own_.end();
  if (first && !server.primary.ip && !own && server.rank == Rank::named)
    ask_other_port(now, from, response.other);
}

// What one server sees anew, the others should look at, too. A second port's word is worth nothing
// any more.
void StunClient::look_again(TimePoint now, const Server& but) {
  if (now < next_look_)
    return;  // two that contradict each other for ever do not make us ask faster
  next_look_ = now + kRetry;
  for (auto& [endpoint, server] : servers_) {
    if (&server == &but || server.answered == now) continue;
    server.next = now;
    server.tries = 0;
    if (server.primary.ip) server.answered.reset();
  }
}

// Of the other address only the port counts: behind a 1:1 NAT the address is private.
void StunClient::ask_other_port(TimePoint now, const Endpoint& from, const Endpoint& other) {
  if (other.port == 0 || other.port == from.port) return;
  const Endpoint second{from.ip, other.port};
  if (servers_of(Rank::named) >= kMaxServers || servers_.contains(second)) return;
  Server& added = servers_[second];
  added.added = added.next = now;
  added.primary = from;
}

void StunClient::handle_timeout(TimePoint now) {
  const bool substitutes = !speaks(now, Rank::named);
  for (auto& [endpoint, server] : servers_) {
    if (now < server.next) continue;
    if (server.rank == Rank::named || substitutes)
      send(now, endpoint, server);
    else
      server.next = now + kRetry;
  }
}

std::optional<StunClient::Transmit> StunClient::poll() {
  if (transmits_.empty()) return std::nullopt;
  Transmit out = std::move(transmits_.front());
  transmits_.erase(transmits_.begin());
  return out;
}

std::optional<TimePoint> StunClient::next_deadline() const {
  std::optional<TimePoint> out;
  for (const auto& [endpoint, server] : servers_)
    out = earliest({out, due_if(server.next != TimePoint::max(), server.next)});
  return out;
}

bool StunClient::alive(TimePoint now, const Server& server) const {
  if (!server.answered) return false;
  if (!server.primary.ip) return now - *server.answered < kLife;
  const auto primary = servers_.find(server.primary);
  return primary != servers_.end() && alive(now, primary->second);
}

bool StunClient::speaks(TimePoint now, Rank rank) const {
  return std::any_of(servers_.begin(), servers_.end(), [&](const auto& each) {
    const Server& server = each.second;
    return server.rank == rank && !server.primary.ip && alive(now, server) &&
           server.tries < kSilent;
  });
}

StunClient::Rank StunClient::believed(TimePoint now) const {
  return !speaks(now, Rank::named) && speaks(now, Rank::substitute) ? Rank::substitute
                                                                    : Rank::named;
}

std::vector<Endpoint> StunClient::reflexive(TimePoint now) const {
  std::map<Endpoint, unsigned> votes;
  const Rank rank = believed(now);
  for (const auto& [endpoint, server] : servers_)
    if (server.rank == rank && alive(now, server))
      votes[server.mapped] += server.primary.ip ? 1U : 2U;
  std::vector<Endpoint> out;
  for (const auto& [endpoint, count] : votes) out.push_back(endpoint);
  std::stable_sort(out.begin(), out.end(),
                   [&](const Endpoint& a, const Endpoint& b) { return votes[a] > votes[b]; });
  return out;
}

wire::NatMapping StunClient::mapping(TimePoint now, const std::vector<Endpoint>& own) const {
  using wire::NatMapping;
  const Rank rank = believed(now);
  bool alone = true;  // no IPv4 that anybody has seen: without it our own IPv6 is no sign
  for (const Family family : {Family::v4, Family::v6}) {
    unsigned witnesses = 0;
    std::vector<Endpoint> seen;
    for (const auto& [endpoint, server] : servers_) {
      if (server.rank != rank || !alive(now, server) || server.mapped.ip.family() != family)
        continue;
      ++witnesses;
      if (std::find(seen.begin(), seen.end(), server.mapped) == seen.end())
        seen.push_back(server.mapped);
    }
    if (witnesses == 0) continue;
    const bool all_own = std::all_of(seen.begin(), seen.end(), [&](const Endpoint& each) {
      return std::find(own.begin(), own.end(), each) != own.end();
    });
    if (all_own && alone) return NatMapping::none;
    if (seen.size() > 1) return NatMapping::dependent;
    if (witnesses > 1) return NatMapping::endpoint_independent;
    alone = false;
  }
  return NatMapping::unknown;
}

std::optional<Duration> StunClient::rtt(TimePoint now, const Endpoint& server) const {
  const auto found = servers_.find(server);
  if (found == servers_.end() || !alive(now, found->second)) return std::nullopt;
  return found->second.rtt;
}

std::vector<StunClient::Time> StunClient::times(TimePoint now) const {
  // Further than that from 1970 no clock is, and the sum below stays a number.
  constexpr std::int64_t kFar = std::int64_t{1} << 60;
  std::vector<Time> out;
  for (const auto& [endpoint, server] : servers_) {
    if (!alive(now, server) || !server.time || server.primary.ip || server.rank != Rank::named)
      continue;
    if (server.time->ms < 0 || server.time->ms > kFar) continue;
    const auto passed = std::chrono::duration_cast<milliseconds>(now - *server.answered);
    out.push_back({endpoint, {server.time->ms + passed.count()}});
  }
  return out;
}

bool StunClient::take_restarted() {
  return std::exchange(restarted_, false);
}

bool StunClient::settled(TimePoint now, Duration patience) const {
  return std::all_of(servers_.begin(), servers_.end(), [&](const auto& each) {
    const Server& server = each.second;
    return server.answered || server.primary.ip || server.rank == Rank::substitute ||
           now - server.added >= patience;
  });
}

}  // namespace meshnode::discovery
