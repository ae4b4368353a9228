// Engine: what a person asks of a member through the edge — pings, and what the other side
// believes.
#include <algorithm>

#include "overlay/engine.h"
#include "wire/control.h"
#include "wire/edges.h"
#include "wire/trace.h"

namespace meshnode::overlay {
namespace {

constexpr std::size_t kPingSize = 48;

std::uint32_t clamped(std::int64_t value) {
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(value, 0, 0xffffffffLL));
}
std::uint32_t in_us(Duration duration) {
  return clamped(std::chrono::duration_cast<std::chrono::microseconds>(duration).count());
}
std::uint32_t in_s(Duration duration) {
  return clamped(std::chrono::duration_cast<seconds>(duration).count());
}

wire::Trace::CandidateState state_of(discovery::CandidateState state) {
  switch (state) {
    case discovery::CandidateState::carries:
      return wire::Trace::CandidateState::carries;
    case discovery::CandidateState::spare:
      return wire::Trace::CandidateState::spare;
    case discovery::CandidateState::sought:
      break;
  }
  return wire::Trace::CandidateState::sought;
}

void add_figures(const discovery::PathFigures& figures, wire::Trace& to) {
  to.rtt_us = in_us(figures.rtt_average);
  to.jitter_us = in_us(figures.rtt_jitter);
  to.probes_asked = static_cast<std::uint8_t>(figures.asked);
  to.probes_lost = static_cast<std::uint8_t>(figures.lost);
  to.keep_alive_s = in_s(figures.keep_alive);
}

wire::Trace trace_of(const Peer& peer, TimePoint now, discovery::PathKind kind,
                     std::uint16_t port) {
  wire::Trace out;
  if (const auto& path = peer.paths.best()) {
    out.kind = kind == discovery::PathKind::lan ? wire::Trace::PathKind::lan
                                                : wire::Trace::PathKind::direct;
    out.remote = path->remote;
    if (path->local) out.local = {path->local, port};
  }
  if (const auto* mtu = peer.mtu.current()) {
    out.datagram = static_cast<std::uint16_t>(std::min<std::size_t>(mtu->limit(), 0xffff));
    out.mtu_settled = mtu->settled();
  }
  if (peer.has_session()) out.cipher = static_cast<std::uint16_t>(peer.current().cipher);
  if (const auto figures = peer.paths.best_figures(now)) add_figures(*figures, out);
  if (const auto* history = peer.paths.history()) {
    out.path_changes = clamped(static_cast<std::int64_t>(history->changes));
    for (const auto& change : history->last)
      out.changes.push_back({.age_s = in_s(now - change.when),
                             .cause = static_cast<std::uint8_t>(change.cause),
                             .to = change.to ? change.to->remote : Endpoint{}});
  }
  for (const auto& candidate : peer.paths.candidates())
    out.candidates.push_back({.endpoint = candidate.path.remote,
                              .state = state_of(candidate.state),
                              .probes = candidate.probes,
                              .answers = candidate.answers,
                              .rtt_us = in_us(candidate.rtt.value_or(Duration{}))});
  return out;
}

}  // namespace

std::vector<KnownMember> Engine::members() const {
  std::vector<KnownMember> out;
  const auto add = [&](const NodeId& id, const std::string& name,
                       const std::vector<IpAddress>& claims, bool gone) {
    KnownMember member{.id = id,
                       .name = name,
                       .addresses = {overlay_address(config_.keys.id, id)},
                       .gone = gone || book_.gone(id)};
    member.addresses.insert(member.addresses.end(), claims.begin(), claims.end());
    out.push_back(std::move(member));
  };
  for (const auto& [number, peer] : roster_.all()) {
    const auto record = peer.name.empty() ? book_.find(peer.id) : nullptr;
    add(peer.id, record ? record->record.name : peer.name, peer.granted, peer.said_goodbye);
  }
  const std::size_t peers = out.size();
  std::vector<NodeId> met;
  for (const KnownMember& peer : out) met.push_back(peer.id);
  std::sort(met.begin(), met.end());
  book_.each(false, [&](const discovery::RecordPtr& record) {
    if (record->id == self_.identity.id || std::binary_search(met.begin(), met.end(), record->id))
      return;
    const auto before = roster_.retired().find(record->id);
    add(record->id, record->record.name,
        before == roster_.retired().end() ? std::vector<IpAddress>{} : before->second.granted,
        false);
  });
  std::sort(out.begin() + static_cast<std::ptrdiff_t>(peers), out.end(),
            [](const auto& a, const auto& b) { return a.id < b.id; });
  return out;
}

// A peer, or one that the book makes: as for a packet to it.
Peer* Engine::peer_of(Now now, const NodeId& member) {
  PeerNumber number = kNoPeer;
  for (const auto& [n, peer] : std::as_const(roster_).all())
    if (peer.id == member && (number == kNoPeer || peer.proven)) number = n;
  if (number != kNoPeer) return roster_.by_number(number);
  const auto record = book_.find(member);
  if (!record || record->id == self_.identity.id) return nullptr;
  make_room(now.mono);
  return apply_record(now, record);
}

void Engine::ask(Now now, Question::Kind kind, const NodeId& member, std::uint64_t asker) {
  note_time(now);
  Question question{.kind = kind, .asker = asker, .member = member, .asked = now.mono};
  Peer* peer = peer_of(now, member);
  if (peer != nullptr) question.peer = peer->number;
  if (peer == nullptr || !questions_.add(question)) {
    emit(Answered{.question = question, .failure = AskFailure::no_room});
    return finish(now);
  }
  peer->invited.add(now.mono);
  if (!can_hear(*peer)) {
    peer->wants_edge = true;
    peer->next_attempt = std::min(peer->next_attempt, now.mono);
    if (!peer->paths.best()) try_anew(now.mono, *peer);
  }
  send_questions(now.mono, *peer);
  service(now, *peer);
  finish(now);
}

bool Engine::can_hear(const Peer& peer) {
  return peer.published_path && peer.has_session() && peer.current().boot == peer.boot;
}

// Those that wait for this edge.
void Engine::send_questions(TimePoint now, const Peer& peer) {
  if (!can_hear(peer)) return;
  for (const Question& question : questions_.to_send(now, peer.number)) {
    switch (question.kind) {
      case Question::Kind::ping:
        emit(SendControl{peer.number, wire::encode_mtu_probe(question.number, kPingSize), true});
        break;
      case Question::Kind::trace:
        emit(SendControl{peer.number, wire::encode_trace_ask(question.number)});
        break;
      case Question::Kind::edges:
        emit(SendControl{peer.number, wire::encode_edges_ask({question.number, {}})});
        break;
    }
  }
  touch();
}

void Engine::handle_pong(TimePoint now, const Peer& peer, std::uint32_t number) {
  const auto question = questions_.answered(peer.number, Question::Kind::ping, number);
  if (!question) return count(Drop::unsolicited);
  Answered answer{.question = *question, .took = now - *question->sent};
  if (const auto& path = peer.paths.best()) {
    answer.path = path;
    answer.path_kind = *peer.paths.best_kind();
  }
  emit(std::move(answer));
}

void Engine::handle_trace_ask(TimePoint now, const Peer& peer, ByteView body) {
  const auto number = wire::parse_trace_ask(body);
  if (!number) return count(Drop::malformed);
  if (!trace_bucket_.take(now)) return count(Drop::rate_limited);
  const auto kind = peer.paths.best_kind().value_or(discovery::PathKind::direct);
  wire::Trace trace = trace_of(peer, now, kind, config_.port);
  trace.number = *number;
  emit(SendControl{peer.number, wire::encode_trace_answer(trace)});
}

void Engine::handle_trace_answer(TimePoint now, const Peer& peer, ByteView body) {
  auto trace = wire::parse_trace_answer(body);
  if (!trace) return count(Drop::malformed);
  const auto question = questions_.answered(peer.number, Question::Kind::trace, trace->number);
  if (!question) return count(Drop::unsolicited);
  emit(Answered{.question = *question, .took = now - *question->sent, .trace = std::move(trace)});
}

// Of the members behind `after`, those with whom we have a path: more than one page of them, but
// for the last page.
void Engine::handle_edges_ask(TimePoint now, Peer& peer, ByteView body) {
  const auto ask = wire::parse_edges_ask(body);
  if (!ask) return count(Drop::malformed);
  if (!peer.edges_asks.take(now) || !edges_bucket_.take(now)) return count(Drop::rate_limited);
  wire::EdgePage page{.number = ask->number, .refused = !config_.share_map};
  for (const auto& [number, each] : std::as_const(roster_).all()) {
    if (page.refused || !each.proven || each.id <= ask->after || !each.paths.best()) continue;
    const bool lan = each.paths.best_kind() == discovery::PathKind::lan;
    page.edges.push_back({each.id,
                          lan ? wire::EdgeTo::PathKind::lan : wire::EdgeTo::PathKind::direct,
                          in_us(each.paths.best_rtt().value_or(Duration{}))});
  }
  std::sort(page.edges.begin(), page.edges.end(),
            [](const auto& a, const auto& b) { return a.id < b.id; });
  // Two peers of one id: another start, or somebody who claims it.
  page.edges.erase(std::unique(page.edges.begin(), page.edges.end(),
                               [](const auto& a, const auto& b) { return a.id == b.id; }),
                   page.edges.end());
  emit(SendControl{peer.number, wire::encode_edges_answer(page)});
}

// Each page has to begin behind the one before: so there is an end.
void Engine::handle_edges_answer(TimePoint now, const Peer& peer, ByteView body) {
  const auto page = wire::parse_edges_answer(body);
  if (!page) return count(Drop::malformed);
  auto question = questions_.answered(peer.number, Question::Kind::edges, page->number);
  if (!question) return count(Drop::unsolicited);
  const bool goes_on = page->edges.empty() || question->edges.empty() ||
                       question->edges.back().id < page->edges.front().id;
  if (goes_on)
    question->edges.insert(question->edges.end(), page->edges.begin(), page->edges.end());
  else
    count(Drop::malformed);
  if (goes_on && page->more) {
    if (const auto next = questions_.next_page(now, *question)) {
      emit(SendControl{peer.number, wire::encode_edges_ask({next->number, next->edges.back().id})});
      return touch();
    }
  }
  emit(Answered{.question = *question,
                .took = now - *question->sent,
                .refused = page->refused,
                .complete = goes_on && !page->more});
}

void Engine::expire_questions(TimePoint now) {
  while (const auto question = questions_.expired(now)) {
    const Peer* peer = std::as_const(roster_).by_number(question->peer);
    const bool path = peer != nullptr && peer->paths.best();
    emit(Answered{.question = *question,
                  .failure = question->sent ? AskFailure::no_answer
                             : path         ? AskFailure::no_keys
                                            : AskFailure::no_path});
  }
}

}  // namespace meshnode::overlay
