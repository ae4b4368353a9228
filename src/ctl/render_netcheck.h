// What `meshctl netcheck` says. Pure functions.
#pragma once

#include <string>

#include "ctl/netcheck.h"
#include "ctl/table.h"

namespace meshnode::ctl {

std::string render_netcheck(const NetcheckFindings& findings, const Look& look);
// The fields are in docs/control.md; names stay.
std::string netcheck_json(const NetcheckFindings& findings);

// none (no NAT), endpoint-independent, address-dependent, address-and-port-dependent,
// not-port-dependent (one of the first two), dependent (one of the last two), unknown.
const char* mapping_word(const discovery::Netcheck::Report& report);
const char* filtering_word(const discovery::Netcheck::Report& report);

}  // namespace meshnode::ctl
