#include "hub/metrics_text.h"

#include <array>

#include "metrics/exposition.h"

namespace meshnode::hub {
namespace {

using metrics::Exposition;
using Type = Exposition::Type;

void tell_dht(Exposition& out, const HubFigures& figures) {
  constexpr std::array<std::pair<const char*, dht::State>, 3> kStates{
      {{"connected", dht::State::connected},
       {"connecting", dht::State::connecting},
       {"disconnected", dht::State::disconnected}}};
  out.family(Type::gauge, "meshhub_dht_state", "1 for the state that the DHT is in.");
  for (const auto& [word, state] : kStates)
    out.sample({{"state", word}}, figures.state == state ? 1U : 0U);
  out.family(Type::gauge, "meshhub_dht_good_nodes", "Nodes of the DHT that answer.");
  out.sample({{"family", "ipv4"}}, figures.picture.v4.good);
  out.sample({{"family", "ipv6"}}, figures.picture.v6.good);
  out.family(Type::gauge, "meshhub_dht_stored_values", "Values that are kept for others.");
  out.sample({}, figures.picture.stored_values);
  out.family(Type::gauge, "meshhub_dht_stored_bytes", "Bytes of these.", "bytes");
  out.sample({}, figures.picture.stored_bytes);
  const dht::Counters& counters = figures.counters;
  out.family(Type::counter, "meshhub_dht_received_datagrams", "Datagrams of the DHT let in.");
  out.sample({}, counters.in);
  out.family(Type::counter, "meshhub_dht_sent_datagrams", "Datagrams of the DHT sent.");
  out.sample({}, counters.out);
  out.family(Type::counter, "meshhub_dht_refused_datagrams", "Datagrams kept from going out.");
  out.sample({}, counters.refused);
  out.family(Type::counter, "meshhub_dht_unheard_datagrams",
             "Datagrams that the DHT process had no room for.");
  out.sample({}, counters.lost_to_child);
}

}  // namespace

std::string metrics_text(const HubFigures& figures) {
  Exposition out;
  out.family(Type::info, "meshhub_build", "The running program.");
  out.sample({{"version", std::string(figures.version)}}, 1U);
  out.family(Type::gauge, "meshhub_uptime_seconds", "Since the program started.", "seconds");
  out.sample({}, figures.uptime_s);
  tell_dht(out, figures);
  out.family(Type::counter, "meshhub_stun_answers", "STUN requests answered.");
  out.sample({}, figures.stun_answered);
  out.family(Type::counter, "meshhub_drops", "Datagrams thrown away, by reason.");
  for (std::size_t i = 0; i < static_cast<std::size_t>(Drop::count_); ++i) {
    const auto reason = static_cast<Drop>(i);
    out.sample({{"reason", std::string(name(reason))}}, figures.drops[reason]);
  }
  if (!figures.bootstraps.empty())
    out.family(Type::gauge, "meshhub_bootstrap_up", "1 where the bootstrap answers.");
  for (const auto& bootstrap : figures.bootstraps)
    out.sample({{"bootstrap", bootstrap.name.to_string()}}, bootstrap.up ? 1U : 0U);
  return std::move(out).finish();
}

}  // namespace meshnode::hub
