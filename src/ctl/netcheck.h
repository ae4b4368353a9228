// The machine part of `meshctl netcheck`: names, sockets, time. What is asked and what follows from
// the answers is discovery::Netcheck's business. It needs no running meshnode: its sockets are its
// own, for the daemon's port has spoken to many, so nobody could tell any more what a router lets
// in there.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/host_port.h"
#include "base/result.h"
#include "discovery/netcheck.h"

namespace meshnode::ctl {

struct FamilyFindings {
  bool address = false;            // an interface has one that leads beyond the link
  std::vector<std::string> names;  // of report.servers, as they were given
  discovery::Netcheck::Report report{};
};

struct NetcheckFindings {
  FamilyFindings v4;
  FamilyFindings v6;
  std::vector<std::string> unresolved;  // names without an address

  bool anybody_answered() const;
};

struct NetcheckWishes {
  std::vector<HostPort> servers;
  std::uint16_t port = 0;  // of the socket whose filter is tested; 0: any
  Duration lifetime{};     // 0: not measured
};

// Blocks until it is done or interrupted (Ctrl-C: what was found so far). `tell` gets a sentence
// for whoever waits, at most one a second.
Result<NetcheckFindings> check_network(const NetcheckWishes& wishes,
                                       const std::function<void(const std::string&)>& tell);

}  // namespace meshnode::ctl
