#include "discovery/netcheck.h"

#include <algorithm>
#include <utility>

#include "base/earliest.h"

namespace meshnode::discovery {
namespace {

// Behind each try; the sum is the patience.
constexpr Duration kPauses[] = {milliseconds(200), milliseconds(300), milliseconds(500),
                                milliseconds(700), milliseconds(1300)};
constexpr Duration kFirstPause = seconds(5);
constexpr unsigned kExchanges = 3;
constexpr Duration kBetweenExchanges = milliseconds(1250);

std::vector<Duration> pauses_up_to(Duration longest) {
  if (longest <= Duration{}) return {};
  std::vector<Duration> out{Duration{}};
  for (Duration pause = kFirstPause; pause < longest; pause *= 2) out.push_back(pause);
  out.push_back(longest);
  return out;
}

}  // namespace

Netcheck::Netcheck(Options options, Random& random)
    : options_(std::move(options)),
      random_(random),
      pauses_(pauses_up_to(std::min(options_.lifetime, kLongest))) {
  if (options_.servers.size() > kMaxServers) options_.servers.resize(kMaxServers);
}

void Netcheck::start(TimePoint now, std::vector<std::uint16_t> ports) {
  ports_ = std::move(ports);
  ports_.resize(sockets());
  begin(now, Step::reach);
  handle_timeout(now);
}

// ---- questions ----

Netcheck::Question& Netcheck::ask(TimePoint at, Purpose purpose, std::size_t socket,
                                  const Endpoint& to, const wire::StunWishes& wishes) {
  questions_.push_back({purpose, socket, socket, to, wishes, at});
  return questions_.back();
}

void Netcheck::send(TimePoint now, Question& question) {
  if (question.tries.size() == kTries) {
    question.over = true;
    return;
  }
  question.next = now + kPauses[question.tries.size()];
  question.tries.push_back({random_.block<12>(), now});
  transmits_.push_back({question.socket, question.to,
                        wire::stun_request(question.tries.back().transaction, question.wishes)});
}

void Netcheck::handle_timeout(TimePoint now) {
  for (Question& question : questions_)
    if (!question.over && now >= question.next) send(now, question);
  advance(now);
}

bool Netcheck::fits(const Question& question, std::size_t socket, const Endpoint& from) const {
  if (question.over || socket != question.expects) return false;
  if (question.purpose == Purpose::hairpin) return true;  // the router may show any address
  if (question.wishes.change_ip) return from.ip != question.to.ip && from.port != question.to.port;
  if (question.wishes.change_port)
    return from.ip == question.to.ip && from.port != question.to.port;
  return from == question.to;
}

void Netcheck::handle_datagram(TimePoint now, std::size_t socket, const Endpoint& from,
                               ByteView datagram) {
  const auto request = wire::parse_stun_request(datagram);
  for (Question& question : questions_) {
    if (!fits(question, socket, from)) continue;
    for (const Try& tried : question.tries) {
      Answer answer{{}, from, now - tried.sent};
      if (question.purpose == Purpose::hairpin) {
        if (!request || request->transaction != tried.transaction) continue;
      } else {
        const auto said = wire::parse_stun_response(datagram, tried.transaction);
        if (!said) continue;
        answer.said = *said;
      }
      answered(now, question, answer);
      return advance(now);
    }
  }
}

void Netcheck::answered(TimePoint now, Question& question, Answer answer) {
  question.over = true;
  question.answer = answer;
  if (question.purpose != Purpose::refresh) return;
  Idle& idle = idle_[question.socket - kFirstIdle];
  idle.mapped = answer.said.mapped;
  idle.last = now;
  if (++idle.exchanges < kExchanges)
    ask(now + kBetweenExchanges, Purpose::refresh, question.socket, server_);
}

std::optional<Netcheck::Transmit> Netcheck::poll() {
  if (transmits_.empty()) return std::nullopt;
  Transmit out = std::move(transmits_.front());
  transmits_.erase(transmits_.begin());
  return out;
}

std::optional<TimePoint> Netcheck::next_deadline() const {
  std::optional<TimePoint> out;
  for (const Question& question : questions_)
    out = earliest({out, due_if(!question.over, question.next)});
  return out;
}

// ---- steps ----

void Netcheck::advance(TimePoint now) {
  const auto open = [](const Question& each) { return !each.over; };
  while (!done() && std::none_of(questions_.begin(), questions_.end(), open)) {
    const auto next = static_cast<Step>(static_cast<std::uint8_t>(step_) + 1);
    begin(now, next);
    handle_timeout(now);
  }
}

void Netcheck::begin(TimePoint now, Step step) {
  step_ = step;
  switch (step) {
    case Step::reach:
      for (const Endpoint& server : options_.servers) ask(now, Purpose::reach, kMapper, server);
      return;
    case Step::open:
      if (choose_server()) ask(now, Purpose::open, kFilter, server_);
      return;
    case Step::filter:
      if (answer_to(Purpose::open) == nullptr || other_.port == 0) return;
      if (other_address_) ask(now, Purpose::other_address, kFilter, server_, {true, true});
      ask(now, Purpose::other_port, kFilter, server_, {false, true});
      return;
    case Step::mapping:
      return ask_mapping(now);
    case Step::extra:
      return ask_extra(now);
    case Step::refresh:
      if (!server_.ip) return;
      for (std::size_t i = 0; i < pauses_.size(); ++i) {
        idle_.push_back({pauses_[i]});
        ask(now, Purpose::refresh, kFirstIdle + i, server_);
      }
      return;
    case Step::lifetime:
      return begin_pauses(now);
    case Step::done:
      return;
  }
}

// Beyond the NAT if there is one; with another address that has not heard of us, with another
// address, with another port: in this order.
bool Netcheck::choose_server() {
  const auto own = own_at(kMapper);
  const bool translated = is_translated(sightings(), own).value_or(false);
  int best = -1;
  for (const Question& question : questions_) {
    if (!question.answer) continue;
    const wire::StunResponse& said = question.answer->said;
    if (translated && std::find(own.begin(), own.end(), said.mapped) != own.end()) continue;
    const bool another_port = said.other.port != 0 && said.other.port != question.to.port;
    // Behind a 1:1 NAT the server knows itself by a private address, and its other one, too.
    const bool knows_itself = said.origin.ip == question.to.ip;
    const bool another_address =
        another_port && said.origin.ip && said.other.ip && said.other.ip != said.origin.ip;
    const bool unheard =
        std::none_of(options_.servers.begin(), options_.servers.end(),
                     [&](const Endpoint& each) { return each.ip == said.other.ip; });
    const int rank = another_address ? (unheard ? 3 : 2) : another_port ? 1 : 0;
    if (rank <= best) continue;
    best = rank;
    server_ = question.to;
    other_address_ = another_address;
    other_ = another_port ? Endpoint{knows_itself && said.other.ip ? said.other.ip : server_.ip,
                                     said.other.port}
                          : Endpoint{};
  }
  return best >= 0;
}

void Netcheck::ask_mapping(TimePoint now) {
  std::vector<Endpoint> places;
  if (other_.port != 0) {
    places.push_back({server_.ip, other_.port});
    if (other_.ip != server_.ip) {
      places.push_back({other_.ip, server_.port});
      places.push_back(other_);
    }
  }
  for (const Endpoint& place : places)
    if (!heard_at(place)) ask(now, Purpose::mapping, kMapper, place);
}

void Netcheck::ask_extra(TimePoint now) {
  const FilterTests tests = filter_tests();
  if (tests.has_port && !tests.from_address && !tests.from_port)
    ask(now, Purpose::obeys, kMapper, server_, {false, true});
  const Answer* opened = answer_to(Purpose::open);
  if (opened == nullptr || !is_translated(sightings(), own_at(kMapper)).value_or(false)) return;
  for (const Sighting& each : sightings()) {
    if (each.server != server_) continue;
    ask(now, Purpose::hairpin, kMapper, opened->said.mapped).expects = kFilter;
    ask(now, Purpose::hairpin, kFilter, each.mapped).expects = kMapper;
    return;
  }
}

void Netcheck::begin_pauses(TimePoint now) {
  const Answer* opened = answer_to(Purpose::open);
  if (opened == nullptr) return;
  for (std::size_t i = 0; i < idle_.size(); ++i) {
    // Through another of the router's addresses it would prove nothing.
    if (idle_[i].exchanges < kExchanges || idle_[i].mapped.ip != opened->said.mapped.ip) continue;
    const TimePoint due = std::max(now, idle_[i].last + idle_[i].pause);
    ask(due, Purpose::lifetime, kMapper, server_, {false, false, idle_[i].mapped.port}).expects =
        kFirstIdle + i;
  }
}

Duration Netcheck::remaining(TimePoint now) const {
  TimePoint last = now;
  for (const Question& question : questions_)
    if (!question.over && question.purpose == Purpose::lifetime)
      last = std::max(last, question.next);
  return last - now;
}

// ---- what came of it ----

std::vector<Endpoint> Netcheck::own_at(std::size_t socket) const {
  std::vector<Endpoint> out;
  for (const IpAddress& ip : options_.own) out.push_back({ip, ports_[socket]});
  return out;
}

std::vector<Sighting> Netcheck::sightings() const {
  std::vector<Sighting> out;
  for (const Question& question : questions_) {
    const bool plain = question.purpose == Purpose::reach || question.purpose == Purpose::mapping;
    if (plain && question.answer) out.push_back({question.to, question.answer->said.mapped});
  }
  return out;
}

const Netcheck::Answer* Netcheck::answer_to(Purpose purpose) const {
  for (const Question& question : questions_)
    if (question.purpose == purpose && question.answer) return &*question.answer;
  return nullptr;
}

bool Netcheck::heard_at(const Endpoint& server) const {
  const auto seen = sightings();
  return std::any_of(seen.begin(), seen.end(),
                     [&](const Sighting& each) { return each.server == server; });
}

FilterTests Netcheck::filter_tests() const {
  FilterTests out;
  out.has_port = other_.port != 0 && heard_at({server_.ip, other_.port});
  out.has_address = other_address_ && other_.ip != server_.ip && heard_at(other_);
  out.from_address = answer_to(Purpose::other_address) != nullptr;
  out.from_port = answer_to(Purpose::other_port) != nullptr;
  const bool per_port =
      mapping_of(sightings(), own_at(kMapper)) == Dependence::address_and_port_dependent;
  for (const Question& question : questions_)
    if (question.purpose == Purpose::obeys && question.over && !per_port)
      out.obeys = question.answer.has_value();
  return out;
}

// The longest pause that was survived before the first that was not.
Netcheck::Lifetime Netcheck::lifetime() const {
  Lifetime out;
  std::vector<std::pair<Duration, bool>> seen;
  for (const Question& question : questions_)
    if (question.purpose == Purpose::lifetime && question.over)
      seen.emplace_back(pauses_[question.expects - kFirstIdle], question.answer.has_value());
  std::sort(seen.begin(), seen.end());
  // Without a pause it has to work, else the server does not do what it is asked.
  out.measured = !seen.empty() && seen.front() == std::pair(Duration{}, true);
  if (!out.measured) return out;
  for (const auto& [pause, alive] : seen) {
    if (!alive) {
      out.gone = pause;
      break;
    }
    out.alive = pause;
  }
  return out;
}

Netcheck::Report Netcheck::report() const {
  Report out;
  for (const Endpoint& server : options_.servers) out.servers.push_back({server, {}, {}});
  std::size_t i = 0;
  for (const Question& question : questions_) {
    if (question.purpose != Purpose::reach) continue;
    if (question.answer) {
      out.servers[i].rtt = question.answer->rtt;
      out.servers[i].mapped = question.answer->said.mapped;
    }
    ++i;
  }
  const auto own = own_at(kMapper);
  const auto seen = sightings();
  out.translated = is_translated(seen, own);
  out.mapping = mapping_of(seen, own);
  out.filtering = filtering_of(filter_tests());
  for (const Sighting& each : seen)
    if (each.server == server_) out.mapped = each.mapped;
  if (out.translated == true) {
    out.port_kept = out.mapped.port == ports_[kMapper];
    if (const Answer* opened = answer_to(Purpose::open))
      *out.port_kept = *out.port_kept && opened->said.mapped.port == ports_[kFilter];
    for (const Question& question : questions_)
      if (question.purpose == Purpose::hairpin)
        out.hairpin = out.hairpin.value_or(false) || question.answer.has_value();
  }
  if (const Answer* opened = answer_to(Purpose::open)) out.mapped = opened->said.mapped;
  if (!pauses_.empty()) out.lifetime = lifetime();
  return out;
}

}  // namespace meshnode::discovery
