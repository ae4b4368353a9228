// Is this text a port, an interface, an address? Pure; each answer to "what would be right?" is a
// half sentence that follows the place and the text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/endpoint.h"
#include "base/host_port.h"
#include "base/result.h"
#include "node/config.h"
#include "overlay/network.h"

namespace meshnode::node {

// Decimal digits only. Nothing outside [low, high].
std::optional<std::uint32_t> parse_number(std::string_view text, std::uint32_t low,
                                          std::uint32_t high);

// Errors have kind `usage` and a half sentence.
Result<Cidr> parse_claim(const std::string& text);
Result<overlay::NetworkSecret> parse_key(std::string_view text);
Status check_interface(std::string_view text);
Status check_name(std::string_view text);
Result<HostPort> parse_host_port(std::string_view text);

// Few characters or one word: guessed in no time by who tries.
bool weak_seed(std::string_view text);

}  // namespace meshnode::node
