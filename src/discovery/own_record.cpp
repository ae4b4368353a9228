#include "discovery/own_record.h"

#include <algorithm>

namespace meshnode::discovery {
namespace {

// There would be no way above it.
constexpr std::uint64_t kTop = ~std::uint64_t{0} - 1000;

}  // namespace

OwnRecord::OwnRecord(Config config, const crypto::Suite& suite)
    : config_(std::move(config)), suite_(suite), signing_key_(suite.ed25519_public(config_.seed)) {}

bool OwnRecord::update(Now now, Content content, const NextNumber& number) {
  if (current_ && content == content_) return false;
  content_ = std::move(content);
  make(now, number);
  return true;
}

// Two machines with one key that outbid each other at the same time would make the same number, and
// nobody passes on what seems to be known already. So each goes up by steps of its own.
void OwnRecord::outbid(Now now, const NextNumber& number) {
  jumped_ = now.mono;
  highest_met_ += 1U + config_.boot[0];
  make(now, number);
}

void OwnRecord::make(Now now, const NextNumber& number) {
  jump_due_.reset();
  wire::Record record;
  record.signing_key = signing_key_;
  record.static_key = config_.static_key;
  record.sequence = std::max(number(), highest_met_ + 1);
  record.boot = config_.boot;
  record.issued = static_cast<std::uint64_t>(std::max<std::int64_t>(now.unix.ms, 0) / 1000);
  record.candidates = content_.candidates;
  record.nat = content_.nat;
  record.name = content_.name;
  record.claims = content_.claims;
  // So that the next one is above this one, too, whatever the numbers do.
  highest_met_ = record.sequence;
  current_ = sign_record(record, config_.seed, config_.network_id, suite_);
}

OwnRecord::Met OwnRecord::met(Now now, const SignedRecord& other, const NextNumber& number) {
  if (!current_ || other.record.boot == config_.boot ||
      other.record.sequence < current_->record.sequence) {
    // The top of the numbers is nobody's.
    if (!current_ && other.record.sequence < kTop)
      highest_met_ = std::max(highest_met_, other.record.sequence);
    return Met::nothing;
  }
  if (other.record.sequence >= kTop) return Met::nothing;
  highest_met_ = std::max(highest_met_, other.record.sequence);
  std::erase_if(outbid_, [&](TimePoint at) { return now.mono - at >= kTwinWindow; });
  if (outbid_.size() >= kTwinAfter) outbid_.erase(outbid_.begin());
  outbid_.push_back(now.mono);
  const bool twin = outbid_.size() >= kTwinAfter;
  if (jumped_ && now.mono - *jumped_ < kJumpPause) {
    jump_due_ = *jumped_ + kJumpPause;
    return twin ? Met::twin : Met::waiting;
  }
  outbid(now, number);
  return twin ? Met::twin : Met::outbid;
}

bool OwnRecord::handle_timeout(Now now, const NextNumber& number) {
  if (!jump_due_ || now.mono < *jump_due_) return false;
  outbid(now, number);
  return true;
}

std::optional<TimePoint> OwnRecord::next_deadline() const {
  return jump_due_;
}

}  // namespace meshnode::discovery
