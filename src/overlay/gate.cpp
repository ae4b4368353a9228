#include "overlay/gate.h"

#include <algorithm>

#include "crypto/hash.h"

namespace meshnode::overlay {
namespace {

Block<16> first16(const crypto::Hash& hash) {
  Block<16> out;
  std::copy_n(hash.begin(), out.size(), out.begin());
  return out;
}

// One household, one budget: IPv6 hosts own a /64.
IpAddress budget_key(const IpAddress& ip) {
  if (!ip.is_v6()) return ip;
  Block<16> raw{};
  std::copy_n(ip.bytes().begin(), 8, raw.begin());
  return IpAddress::v6(raw);
}

}  // namespace

Gate::Gate(Secret32 own_gate_key, Random& random)
    : gate_key_(std::move(own_gate_key)), random_(random) {}

Gate::Verdict Gate::admit(TimePoint now, const Path& path, const wire::HandshakeInit& init) {
  if (!equal_constant_time(init.mac1, gate_mac(gate_key_, init.before_mac1))) return Drop::bad_mac;

  const auto seen = std::find_if(remembered_.begin(), remembered_.end(),
                                 [&](const Remembered& r) { return r.mac1 == init.mac1; });
  if (seen != remembered_.end()) {
    const bool repeat =
        !seen->answer.empty() && seen->path == path && now - seen->at < kRepeatAnswer;
    if (!repeat) return Drop::replayed;
    return AnswerAgain{seen->answer};
  }

  // No order of `take` calls lets one source starve the others: the cookie comes before the total.
  if (!load_.take(now) && !mac2_fits(now, path, init))
    return SendCookie{cookie_for(secrets(now).current, path.remote.ip)};
  if (!take_from_source(now, budget_key(path.remote.ip)) || !total_.take(now))
    return Drop::rate_limited;
  return Proceed{};
}

void Gate::remember(TimePoint now, const Path& path, const wire::Mac& mac1, Bytes answer) {
  if (remembered_.size() == kRemembered) remembered_.pop_front();
  remembered_.push_back({mac1, path, now, std::move(answer)});
}

void Gate::settle(const wire::Mac& mac1) {
  for (Remembered& r : remembered_)
    if (r.mac1 == mac1) r.answer.clear();
}

const Gate::Secrets& Gate::secrets(TimePoint now) {
  const bool forgotten = !secrets_ || now - secrets_->rotated >= 2 * kSecretLife;
  if (forgotten) secrets_ = Secrets{random_.secret<32>(), random_.secret<32>(), now};
  if (now - secrets_->rotated >= kSecretLife)
    secrets_ = Secrets{random_.secret<32>(), secrets_->current, now};
  return *secrets_;
}

Block<16> Gate::cookie_for(const Secret32& secret, const IpAddress& source) const {
  return first16(crypto::hmac_sha256(secret.view(), {as_bytes("cookie"), source.bytes()}));
}

bool Gate::mac2_fits(TimePoint now, const Path& path, const wire::HandshakeInit& init) {
  if (all_zero(init.mac2)) return false;
  const Secrets& both = secrets(now);
  for (const Secret32* secret : {&both.current, &both.previous}) {
    const auto cookie = cookie_for(*secret, path.remote.ip);
    if (equal_constant_time(init.mac2, first16(crypto::hmac_sha256(cookie, {init.before_mac2}))))
      return true;
  }
  return false;
}

bool Gate::take_from_source(TimePoint now, const IpAddress& source) {
  auto found = sources_.find(source);
  if (found == sources_.end()) {
    // Full of sources that passed mac1: members. Forgetting them all is fair and cheap.
    if (sources_.size() == kMaxSources) sources_.clear();
    found = sources_.emplace(source, TokenBucket(kSourceRate, 2 * kSourceRate)).first;
  }
  return found->second.take(now);
}

Block<16> Gate::challenge_for(TimePoint now, const crypto::X25519Public& key, const BootId& boot) {
  return first16(crypto::hmac_sha256(secrets(now).current.view(), {as_bytes("fresh"), key, boot}));
}

bool Gate::challenge_met(TimePoint now, const crypto::X25519Public& key, const BootId& boot,
                         const Block<16>& answer) {
  const Secrets& both = secrets(now);
  for (const Secret32* secret : {&both.current, &both.previous})
    if (equal_constant_time(
            answer, first16(crypto::hmac_sha256(secret->view(), {as_bytes("fresh"), key, boot}))))
      return true;
  return false;
}

}  // namespace meshnode::overlay
