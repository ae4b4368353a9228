// Our own record: made anew when its content changes, and only then, with a number that only grows.
//
// Invariants
//  1. The sequence is max(next number of this node, highest sequence ever met under our id + 1).
//     The numbers grow over restarts (protocol.md §2), so this does even when old state was
//     restored: whoever meets its own id with a higher sequence jumps above it.
//  2. The same content is never signed twice in one start, unless we were outbid.
#pragma once

#include <functional>
#include <optional>

#include "base/clock.h"
#include "discovery/signed_record.h"

namespace meshnode::discovery {

class OwnRecord {
 public:
  // Somebody else with our key outbids us that often within kTwinWindow: two machines, one
  // identity.
  static constexpr unsigned kTwinAfter = 3;
  static constexpr Duration kTwinWindow = minutes(10);
  // Between two jumps, so that two machines do not sign in a circle as fast as they can.
  static constexpr Duration kJumpPause = seconds(5);

  struct Config {
    crypto::Ed25519Seed seed;
    Block<32> static_key{};
    BootId boot{};
    Bytes network_id;
  };
  struct Content {
    std::vector<wire::Candidate> candidates;
    wire::NatMapping nat = wire::NatMapping::unknown;
    std::string name;
    std::vector<IpAddress> claims;
    bool operator==(const Content&) const = default;
  };
  using NextNumber = std::function<std::uint64_t()>;

  OwnRecord(Config config, const crypto::Suite& suite);

  // Null until the first update().
  const RecordPtr& current() const { return current_; }
  // True if there is a new record now.
  bool update(Now now, Content content, const NextNumber& number);

  enum class Met : std::uint8_t {
    nothing,  // our own, or an older one
    outbid,   // of an earlier start or restored state: a new record was made above it
    waiting,  // as outbid, but too soon after the last one; handle_timeout() makes it
    twin,     // outbid or waiting, and it is a habit: this identity is in use twice
  };
  // A record under our id came, with a signature that holds.
  Met met(Now now, const SignedRecord& other, const NextNumber& number);
  // True if there is a new record now.
  bool handle_timeout(Now now, const NextNumber& number);
  std::optional<TimePoint> next_deadline() const;

 private:
  void outbid(Now now, const NextNumber& number);
  void make(Now now, const NextNumber& number);

  Config config_;
  const crypto::Suite& suite_;
  crypto::Ed25519Public signing_key_{};
  Content content_;
  RecordPtr current_;
  std::uint64_t highest_met_ = 0;
  std::optional<TimePoint> jumped_;
  std::optional<TimePoint> jump_due_;
  std::vector<TimePoint> outbid_;  // within kTwinWindow, oldest first, at most kTwinAfter
};

}  // namespace meshnode::discovery
