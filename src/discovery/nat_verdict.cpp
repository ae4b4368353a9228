#include "discovery/nat_verdict.h"

#include <algorithm>
#include <map>
#include <set>

namespace meshnode::discovery {
namespace {

bool contains(const std::vector<Endpoint>& list, const Endpoint& each) {
  return std::find(list.begin(), list.end(), each) != list.end();
}

}  // namespace

std::optional<bool> is_translated(const std::vector<Sighting>& seen,
                                  const std::vector<Endpoint>& own) {
  if (seen.empty()) return std::nullopt;
  return std::any_of(seen.begin(), seen.end(),
                     [&](const Sighting& each) { return !contains(own, each.mapped); });
}

Dependence mapping_of(const std::vector<Sighting>& seen, const std::vector<Endpoint>& own) {
  const auto translated = is_translated(seen, own);
  if (!translated) return Dependence::unknown;
  if (!*translated) return Dependence::endpoint_independent;
  std::map<IpAddress, std::set<Endpoint>> by_address;
  std::map<IpAddress, std::size_t> ports;
  std::set<Endpoint> all;
  for (const Sighting& each : seen) {
    if (contains(own, each.mapped)) continue;  // it stands on our side
    by_address[each.server.ip].insert(each.mapped);
    ++ports[each.server.ip];
    all.insert(each.mapped);
  }
  for (const auto& [address, mapped] : by_address)
    if (mapped.size() > 1) return Dependence::address_and_port_dependent;
  const bool two_ports =
      std::any_of(ports.begin(), ports.end(), [](const auto& each) { return each.second > 1; });
  if (by_address.size() == 1)
    return two_ports ? Dependence::not_port_dependent : Dependence::unknown;
  if (all.size() == 1) return Dependence::endpoint_independent;
  return two_ports ? Dependence::address_dependent : Dependence::dependent;
}

Dependence filtering_of(const FilterTests& tests) {
  if (tests.from_address) return Dependence::endpoint_independent;
  if (tests.from_port)
    return tests.has_address ? Dependence::address_dependent : Dependence::not_port_dependent;
  if (!tests.has_port || tests.obeys == false) return Dependence::unknown;
  return Dependence::address_and_port_dependent;
}

}  // namespace meshnode::discovery
