// May this process make network interfaces? Asked before anything is written.
#pragma once

#include <string>

#include "base/result.h"

namespace meshnode::node {

// An Error of kind `world`, with what to do, if CAP_NET_ADMIN is not effective.
Status check_privileges(const std::string& interface);

}  // namespace meshnode::node
