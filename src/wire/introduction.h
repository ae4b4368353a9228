// Introduction: a control message by which a member asks another one, over members between them,
// to punch towards it now.
//
//   hops left (1) | zero (1) | target's NodeId (32) | number (8) | signature (64) | record (rest)
//
// The record is the asking member's own (wire/record.h). The signature is by the same key, over
// "meshnode introduction v1" ‖ network id (32) ‖ target ‖ number ‖ record: so nobody else can make
// a member punch, nor aim it elsewhere. The hops are counted down on the way, outside the
// signature.
#pragma once

#include <optional>

#include "base/bytes.h"
#include "base/ids.h"
#include "wire/record.h"

namespace meshnode::wire {

inline constexpr std::uint8_t kMaxIntroductionHops = 6;

struct Introduction {
  std::uint8_t hops = kMaxIntroductionHops;  // members that may still pass it on
  NodeId target;
  std::uint64_t number = 0;  // the asking member's, grows
  Block<64> signature{};
  ByteView record;  // view into the input

  // What is signed, behind the label and the network id.
  Bytes statement() const;
};

Bytes encode_introduction(const Introduction& introduction);
// Nothing if sizes or hops are wrong; the record is not looked into.
std::optional<Introduction> parse_introduction(ByteView body);

}  // namespace meshnode::wire
