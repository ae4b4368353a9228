// What a NAT or firewall does, in the words of RFC 4787, from what tests of RFC 5780 §4.3 and §4.4
// have seen. Pure functions.
#pragma once

#include <optional>
#include <vector>

#include "base/endpoint.h"

namespace meshnode::discovery {

// What a mapping, or letting something in, depends on.
enum class Dependence : std::uint8_t {
  unknown,
  endpoint_independent,
  address_dependent,
  address_and_port_dependent,
  not_port_dependent,  // one of the first two: nobody had a second address to tell by
  dependent,           // one of the others: nobody had a second port
};

// One socket of ours, asked about by a server.
struct Sighting {
  Endpoint server;
  Endpoint mapped;
};

// Whether an address is changed on the way; nothing without a sighting. Servers on our side of the
// NAT see our own address, and are no evidence against those beyond it.
std::optional<bool> is_translated(const std::vector<Sighting>& seen,
                                  const std::vector<Endpoint>& own);

Dependence mapping_of(const std::vector<Sighting>& seen, const std::vector<Endpoint>& own);

// One server has been asked to answer from elsewhere, on a socket that has spoken to nobody else.
struct FilterTests {
  // Whether there was somewhere else, and whether it answers a plain question of another socket.
  bool has_address = false;
  bool has_port = false;
  // What came through.
  bool from_address = false;  // from another address and port
  bool from_port = false;     // from the same address and another port
  // The same question on a socket that had spoken to the other port before: does the server do what
  // it is asked? Nothing: not tried, or no sign (a mapping for each port lets nothing in either
  // way).
  std::optional<bool> obeys;
};
Dependence filtering_of(const FilterTests& tests);

}  // namespace meshnode::discovery
