// meshctl's side of the control socket. Blocking, with one time-out for the whole exchange; every
// failure is a sentence that says what to do.
#pragma once

#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "control/protocol.h"

namespace meshnode::control {

inline constexpr milliseconds kClientPatience{5000};

// The result as one line of JSON text.
Result<std::string> ask(const std::string& socket_path, Method method,
                        milliseconds patience = kClientPatience);

}  // namespace meshnode::control
