// What a hub remembers over a restart: its node id and nodes that answered. One small text file,
// replaced as a whole, so that a crash at any moment leaves the old one or the new one.
//
//   meshhub 1
//   id 0123…                 40 hex digits
//   node 192.0.2.1:3731      one line each
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/endpoint.h"
#include "base/result.h"

namespace meshnode::hub {

struct Memory {
  static constexpr std::size_t kMaxNodes = 64;
  Block<20> id{};
  std::vector<Endpoint> nodes;
  bool operator==(const Memory&) const = default;
};

std::string to_text(const Memory& memory);
// Nothing unless all of it is as to_text() writes it.
std::optional<Memory> parse_memory(std::string_view text);

// Nothing if there is no such file yet. Makes the directory (mode 0700) if it is missing.
Result<std::optional<Memory>> load_memory(const std::string& directory);
Status store_memory(const std::string& directory, const Memory& memory);

}  // namespace meshnode::hub
