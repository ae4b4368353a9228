// How often the program asked for memory. Linking this replaces operator new in the whole program.
#pragma once

#include <cstddef>

namespace meshnode::test {

// Calls of operator new so far; not exact where several threads call it at once.
std::size_t allocations();

}  // namespace meshnode::test
