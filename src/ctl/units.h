// Quantities as people write them.
#pragma once

#include <cstdint>
#include <string>

namespace meshnode::ctl {

std::string human_bytes(std::uint64_t bytes);      // "17 B", "1.2 kB", "3.4 GB" (powers of 1000)
std::string human_seconds(std::uint64_t seconds);  // "9 s", "2 min 5 s", "3 h 1 min", "4 d 2 h"
std::string human_ms(double ms);                   // "0.4 ms", "12 ms"

}  // namespace meshnode::ctl
