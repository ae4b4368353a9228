// The kinds of super-frame: one header and many segments of payload in one TunFrame. The numbers
// are the virtio-net header's.
#pragma once

#include <cstdint>

namespace meshnode {

inline constexpr std::uint16_t kGsoNone = 0;
inline constexpr std::uint16_t kGsoTcpV4 = 1;
inline constexpr std::uint16_t kGsoTcpV6 = 4;
inline constexpr std::uint16_t kGsoUdpL4 = 5;  // UDP over IPv4 or IPv6

// Where the checksum stands in its transport header.
inline constexpr std::uint16_t kTcpChecksumOffset = 16;
inline constexpr std::uint16_t kUdpChecksumOffset = 6;

}  // namespace meshnode
