// What the directory wants from a DHT, as plain values. The host hands them to dht::Port; tests and
// the simulator to a model.
#pragma once

#include <cstdint>
#include <variant>

#include "base/bytes.h"

namespace meshnode::discovery {

using DhtKey = Block<20>;
using DhtValueId = std::uint64_t;  // never zero

// Stored elsewhere for 10 minutes. Again with the same id and value: refresh.
struct DhtPut {
  DhtKey key{};
  DhtValueId id = 0;
  Bytes value;
};
struct DhtTakeBack {
  DhtKey key{};
  DhtValueId id = 0;
};
struct DhtListen {
  DhtKey key{};
};
struct DhtUnlisten {
  DhtKey key{};
};
struct DhtGet {
  DhtKey key{};
};

using DhtRequest = std::variant<DhtPut, DhtTakeBack, DhtListen, DhtUnlisten, DhtGet>;

}  // namespace meshnode::discovery
