#include "node/control_desk.h"

#include "control/reports_json.h"
#include "io/log.h"
#include "node/evidence.h"
#include "node/status.h"

namespace meshnode::node {
namespace {

using control::Event;
using control::Method;
using overlay::AskFailure;
using overlay::Question;

// The engine tells of a twin again as long as there is one.
constexpr Duration kTwinIsNews = minutes(15);

control::Failure failure_of(AskFailure failure, Question::Kind kind) {
  switch (failure) {
    case AskFailure::no_room:
      return {"busy", "too many questions are under way: try again in a moment"};
    case AskFailure::no_path:
      return {"no-path", "no way to it was found: nothing answers where it may be"};
    case AskFailure::no_keys:
      return {"no-keys", "it answers probes, but no handshake"};
    case AskFailure::no_answer:
      if (kind != Question::Kind::ping)
        return {"no-answer",
                "it did not answer: it runs a version that cannot, or the answer was lost"};
      return {"no-answer", "no answer came back through the tunnel"};
    case AskFailure::none:
      break;
  }
  return {};
}

Question::Kind kind_of(Method method) {
  return method == Method::ping    ? Question::Kind::ping
         : method == Method::trace ? Question::Kind::trace
                                   : Question::Kind::edges;
}

double in_ms(Duration duration) {
  return static_cast<double>(duration.count()) / 1e6;
}

Event about(const char* what, const NodeId& id, const std::string& name) {
  Event out{.event = what};
  out.id = id;
  out.name = name;
  return out;
}

const char* word(wire::NatMapping mapping) {
  switch (mapping) {
    case wire::NatMapping::unknown:
      return "unknown";
    case wire::NatMapping::none:
      return "none";
    case wire::NatMapping::endpoint_independent:
      return "endpoint-independent";
    case wire::NatMapping::dependent:
      return "dependent";
  }
  return "unknown";
}

Event event_of(const overlay::PathChanged& changed) {
  Event out = about(changed.change.to ? "path-changed" : "path-lost", changed.id, changed.name);
  if (changed.change.to) {
    out.remote = changed.change.to->remote;
    out.path_kind = to_control(changed.kind);
  }
  out.detail = node::word(changed.change.cause);
  return out;
}

Event event_of(const overlay::PeerConnected& peer) {
  Event out = about("peer-up", peer.id, peer.name);
  out.remote = peer.path.remote;
  out.rtt_ms = in_ms(peer.rtt);
  return out;
}

Event event_of(const overlay::PeerLost& peer) {
  Event out = about("peer-down", peer.id, peer.name);
  out.detail = peer.goodbye ? "goodbye" : "unanswered";
  return out;
}

Event event_of(const overlay::MemberHeard& member) {
  return about("member-heard", member.id, member.name);
}

Event event_of(const overlay::MemberLeft& member) {
  return about("member-left", member.id, member.name);
}

Event event_of(const overlay::AddressConflict& conflict) {
  Event out = about("address-conflict", conflict.id, conflict.name);
  out.detail = conflict.address.to_string();
  return out;
}

Event event_of(const overlay::NatKnown& nat) {
  Event out{.event = "nat"};
  if (!nat.reflexive.empty()) out.remote = nat.reflexive.front();
  out.detail = word(nat.mapping);
  return out;
}

// Not for those who watch.
std::optional<Event> event_of(const overlay::Answered&) {
  return std::nullopt;
}
std::optional<Event> event_of(const overlay::ServersKnown&) {
  return std::nullopt;
}

Event event_of(const overlay::TwinIdentity&) {
  return {.event = "twin-identity"};
}

}  // namespace

Result<std::unique_ptr<ControlDesk>> ControlDesk::open(const Config& config, std::uint16_t port,
                                                       overlay::Core& core, io::LoopDoor loop,
                                                       Facts facts) {
  std::unique_ptr<ControlDesk> desk(new ControlDesk(config.name, port, core, std::move(facts)));
  control::Answers answers;
  answers.status = desk->facts_.status;
  answers.id = [&core] { return core.engine().id(); };
  answers.join_line = desk->facts_.join_line;
  answers.other = [d = desk.get()](const control::Request& request, control::Ticket ticket) {
    return d->reply(request, ticket);
  };
  answers.watched = [&core] { core.set_watched(true); };
  auto server = control::Server::open(config.control, std::move(loop), std::move(answers));
  if (!server) return server.error();
  desk->server_ = std::move(server).value();
  return desk;
}

void ControlDesk::tick(TimePoint now) {
  server_->tick(now);
  core_.set_watched(server_->watchers() > 0);
}

control::Reply ControlDesk::reply(const control::Request& request, control::Ticket ticket) {
  switch (request.method) {
    case Method::peers:
      return control::to_json(make_peers(core_, port_, facts_.now().mono));
    case Method::log_level:
      return set_level(request.level);
    case Method::reload:
      return reload(request, ticket);
    case Method::why:
      return explain(request.peer);
    default:
      return reply_about(request, ticket);
  }
}

Result<control::NamedPeer> ControlDesk::find(const std::string& whom) const {
  std::vector<control::NamedPeer> known;
  for (auto& member : core_.engine().members())
    known.push_back({member.id, std::move(member.name), std::move(member.addresses)});
  const auto found = control::find_peer(whom, known);
  if (!found) return found.error();
  return known[*found];
}

// Of a member that is no peer there is nothing to explain: the first packet makes an edge.
control::Reply ControlDesk::explain(const std::string& whom) const {
  const Now now = facts_.now();
  control::HereEvidence here = facts_.here();
  here.twin = twin_ && now.mono - *twin_ < kTwinIsNews;
  std::optional<NodeId> only;
  if (!whom.empty()) {
    const auto found = find(whom);
    if (!found) return found.error();
    only = found->id;
  }
  return control::to_json(node::explain(core_, now, here, only));
}

control::Reply ControlDesk::reload(const control::Request& request, control::Ticket ticket) {
  if (!request.exec) {
    auto done = facts_.reload();
    if (!done) return done.error();
    return std::move(done).value();
  }
  upgrading_.push_back(ticket);
  if (upgrading_.size() == 1) facts_.upgrade();
  return control::Later{};
}

void ControlDesk::upgrade_refused(const std::string& why) {
  for (const control::Ticket ticket : std::exchange(upgrading_, {}))
    server_->answer(ticket, Error::world(why + "; the old worker works on"));
}

void ControlDesk::leave() {
  for (const control::Ticket ticket : std::exchange(upgrading_, {}))
    server_->answer(ticket, std::string(R"({"text":"a new worker takes over"})"));
  server_->drain();
}

control::Reply ControlDesk::set_level(const std::string& level) {
  if (!level.empty()) {
    const auto wanted = io::log_settings().levels.with(level);
    if (!wanted) return wanted.error();
    io::set_log_levels(*wanted);
  }
  return control::to_json_string(io::log_settings().levels.to_string());
}

control::Reply ControlDesk::reply_about(const control::Request& request, control::Ticket ticket) {
  const auto found = find(request.peer);
  if (!found) return found.error();
  const control::NamedPeer& peer = *found;
  if (request.method == Method::peer) return control::to_json(details(peer.id, peer.name));
  asked_[ticket] = {peer.id, peer.name};
  core_.ask(facts_.now(), kind_of(request.method), peer.id, ticket);
  return control::Later{};
}

// A member that is no peer is only known.
control::PeerDetails ControlDesk::details(const NodeId& id, const std::string& name) const {
  if (auto known = make_details(core_, port_, facts_.now().mono, id)) return *known;
  control::PeerDetails out;
  out.peer.id = id;
  if (!name.empty()) out.peer.name = name;
  out.peer.reason = "no-edge";
  out.peer.reason_text = "it is known, and the first packet to it makes an edge";
  for (const auto& member : core_.engine().members())
    if (member.id == id) out.peer.addresses = member.addresses;
  return out;
}

std::string ControlDesk::ping_report(const Asked& asked, const overlay::Answered& answer) const {
  control::PingReport out{asked.id, asked.name, std::nullopt, std::nullopt, std::nullopt};
  if (answer.failure != AskFailure::none) {
    out.failure = failure_of(answer.failure, Question::Kind::ping);
    return control::to_json(out);
  }
  out.rtt_ms = in_ms(answer.took);
  if (answer.path) {
    out.path = control::PathStatus{};
    out.path->kind = to_control(answer.path_kind);
    if (answer.path->local) out.path->local = Endpoint{answer.path->local, port_};
    out.path->remote = answer.path->remote;
  }
  return control::to_json(out);
}

std::string ControlDesk::trace_report(const Asked& asked, const overlay::Answered& answer) const {
  control::TraceReport out{details(asked.id, asked.name), std::nullopt, std::nullopt};
  if (answer.trace)
    out.there = view_of(*answer.trace);
  else
    out.failure = failure_of(answer.failure, Question::Kind::trace);
  return control::to_json(out);
}

std::string ControlDesk::edges_report(const Asked& asked, const overlay::Answered& answer) const {
  control::EdgesReport out{asked.id, asked.name, std::nullopt, answer.complete, {}, std::nullopt};
  if (answer.failure != AskFailure::none)
    out.failure = failure_of(answer.failure, Question::Kind::edges);
  else
    out.shares = !answer.refused;
  // Pages that came before one was lost are told, too.
  if (!answer.question.edges.empty()) out.shares = true;
  std::map<NodeId, std::string> names;
  for (auto& member : core_.engine().members()) names[member.id] = std::move(member.name);
  for (const wire::EdgeTo& each : answer.question.edges) {
    const auto known = names.find(each.id);
    control::EdgeOfMember edge{.id = each.id};
    if (known != names.end()) edge.name = known->second;
    if (each.id == core_.engine().id()) edge.name = own_name_;
    edge.kind = each.kind == wire::EdgeTo::PathKind::lan ? control::PathKind::lan
                                                         : control::PathKind::direct;
    if (each.rtt_us > 0) edge.rtt_ms = each.rtt_us / 1000.0;
    out.edges.push_back(std::move(edge));
  }
  return control::to_json(out);
}

void ControlDesk::answered(const overlay::Answered& answer) {
  const auto asked = asked_.find(answer.question.asker);
  if (asked == asked_.end()) return;
  const Asked about = asked->second;
  asked_.erase(asked);
  const auto report = [&] {
    switch (answer.question.kind) {
      case Question::Kind::ping:
        return ping_report(about, answer);
      case Question::Kind::trace:
        return trace_report(about, answer);
      case Question::Kind::edges:
        break;
    }
    return edges_report(about, answer);
  };
  server_->answer(answer.question.asker, report());
}

void ControlDesk::tell(const overlay::Event& event) {
  if (std::holds_alternative<overlay::TwinIdentity>(event)) twin_ = facts_.now().mono;
  if (const auto* answer = std::get_if<overlay::Answered>(&event)) return answered(*answer);
  if (server_->watchers() == 0) return;
  auto made = std::visit([](const auto& e) -> std::optional<Event> { return event_of(e); }, event);
  if (made) publish(std::move(*made));
}

void ControlDesk::bootstrap_changed(const std::string& name, bool up) {
  if (server_->watchers() == 0) return;
  Event event{.event = up ? "bootstrap-up" : "bootstrap-down"};
  event.detail = name;
  publish(std::move(event));
}

void ControlDesk::publish(Event event) {
  event.unix_ms = facts_.now().unix.ms;
  server_->publish(control::to_json(event));
}

}  // namespace meshnode::node
