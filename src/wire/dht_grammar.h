// What a message of OpenDHT may consist of: its keys, which of them go together, and the bounds.
// For dht_message.cpp alone.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "wire/dht_message.h"
#include "wire/msgpack_cursor.h"

namespace meshnode::wire::dht_grammar {

inline constexpr std::size_t kMaxToken = 64;
inline constexpr std::size_t kMaxText = 128;   // error texts, user types
inline constexpr std::size_t kMaxAgent = 16;   // "RNG1"
inline constexpr std::size_t kMaxOwner = 600;  // an RSA-4096 public key has 550
inline constexpr std::size_t kMaxSignature = 1024;
inline constexpr std::size_t kMaxFilters = 8;
inline constexpr std::size_t kMaxCompleteValues = 49;  // more travel in parts, however small
inline constexpr std::size_t kMaxSplitValue = 64 * 1024 + 32;  // OpenDHT skips what is larger
inline constexpr std::uint64_t kFirstOwnType = 256;
inline constexpr std::uint64_t kAny64 = ~std::uint64_t{0};
inline constexpr std::uint64_t kAny32 = 0xffffffff;
inline constexpr std::uint64_t kAny16 = 0xffff;

// Value::Field of OpenDHT.
enum Field : std::uint64_t { kFieldId = 1, kFieldType, kFieldOwner, kFieldSeq, kFieldUserType };

using Cursor = MsgpackCursor;

template <std::size_t N>
using Keys = std::array<std::string_view, N>;
using Mask = unsigned;
constexpr Mask bit(unsigned index) {
  return 1U << index;
}

// Reads a map whose keys are all in `keys`, none twice; visit(index) reads the value. Which were
// there, as bits.
template <std::size_t N, typename Visit>
Mask read_map(Cursor& in, const Keys<N>& keys, Visit visit) {
  Mask seen = 0;
  for (std::size_t left = in.map(); left > 0 && in.ok(); --left) {
    const std::string_view key = in.word();
    unsigned index = 0;
    while (index < N && keys[index] != key) ++index;
    in.require(index < N && (seen & bit(index)) == 0);
    if (!in.ok()) return seen;
    seen |= bit(index);
    visit(index);
  }
  return seen;
}

// All of `must`, and beyond it only `may`.
inline bool shape(Mask seen, Mask must, Mask may) {
  return (seen & must) == must && (seen & ~(must | may)) == 0;
}

enum Body : unsigned {
  kId,
  kHash,
  kTarget,
  kQuery,
  kToken,
  kVid,
  kNodes4,
  kNodes6,
  kAddress,
  kCreated,
  kValues,
  kFields,
  kExpired,
  kRefreshed,
  kWant,
  kSocket,
  kVersion
};
inline constexpr Keys<17> kBodyKeys{"id",  "h",  "target", "q",   "token",  "vid",
                                    "n4",  "n6", "sa",     "c",   "values", "fileds",
                                    "exp", "re", "w",      "sid", "ve"};

enum Top : unsigned { kA, kR, kU, kE, kP, kQ, kT, kY, kV, kN, kS };
inline constexpr Keys<11> kTopKeys{"a", "r", "u", "e", "p", "q", "t", "y", "v", "n", "s"};

struct QueryShape {
  std::string_view name;
  DhtMessage::Query query;
  Mask must;
  Mask may;
};
inline constexpr std::array<QueryShape, 7> kQueries{{
    {"ping", DhtMessage::Query::ping, bit(kId), 0},
    {"find", DhtMessage::Query::find, bit(kId) | bit(kTarget), bit(kWant)},
    {"get", DhtMessage::Query::get, bit(kId) | bit(kHash), bit(kQuery) | bit(kWant)},
    {"put", DhtMessage::Query::put, bit(kId) | bit(kHash) | bit(kValues) | bit(kToken),
     bit(kCreated)},
    {"listen", DhtMessage::Query::listen, bit(kId) | bit(kHash) | bit(kToken) | bit(kSocket),
     bit(kVersion) | bit(kQuery)},
    {"refresh", DhtMessage::Query::refresh, bit(kId) | bit(kHash) | bit(kVid) | bit(kToken), 0},
    // OpenDHT 2.4 leaves out the hash when it tells that values were refreshed; `sid` says where.
    {"update", DhtMessage::Query::update, bit(kId) | bit(kSocket),
     bit(kHash) | bit(kVersion) | bit(kToken) | bit(kValues) | bit(kExpired) | bit(kRefreshed)},
}};

inline bool exactly_one(Mask seen, Mask of) {
  const Mask found = seen & of;
  return found != 0 && (found & (found - 1)) == 0;
}
inline bool at_most_one(Mask seen, Mask of) {
  return (seen & of) == 0 || exactly_one(seen, of);
}

}  // namespace meshnode::wire::dht_grammar
