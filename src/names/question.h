// A DNS query as far as we need it (RFC 1035 §4, RFC 6891). Total: any bytes have an outcome.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace meshnode::names {

inline constexpr std::size_t kDnsHeader = 12;

enum class Rcode : std::uint8_t {
  no_error = 0,
  format_error = 1,
  name_error = 3,  // NXDOMAIN
  not_implemented = 4,
  refused = 5,
  bad_version = 16,  // of EDNS; the upper bits are in the OPT record
};

struct Question {
  std::uint16_t id = 0;
  bool recursion_desired = false;
  bool edns = false;                // it had an OPT record, so the answer has one
  Rcode problem = Rcode::no_error;  // what is wrong with it
  Bytes wire{};                     // name, type and class as asked; empty: not even that is right
  std::vector<std::string> labels{};  // in lower case, without the root; any bytes
  std::uint16_t type = 0;
  std::uint16_t cls = 0;
};

// Nothing for what must not be answered: no query, or less than a header.
std::optional<Question> parse_question(ByteView datagram);

}  // namespace meshnode::names
