#include "sim/frame_watch.h"

#include <utility>

#include "sim/cheap_suite.h"
#include "wire/control.h"
#include "wire/data_frame.h"

namespace meshnode::sim {
namespace {

thread_local FrameWatch* present = nullptr;
constexpr std::size_t kKindOffset = 1;
constexpr std::size_t kCounterOffset = 8;
constexpr std::size_t kReceiverOffset = 4;

}  // namespace

class WatchedCipher final : public crypto::FrameCipher {
 public:
  WatchedCipher(std::unique_ptr<crypto::FrameCipher> cipher, const Secret32& key)
      : cipher_(std::move(cipher)), key_id_(digest(key.view(), 0x6b6579)) {}

  ~WatchedCipher() override {
    if (present != nullptr)
      std::erase_if(present->mouths_, [&](const auto& each) { return each.second == this; });
  }
  void seal(std::span<crypto::FrameJob> jobs) override {
    if (key_ == nullptr) {
      const auto [found, fresh] = present->keys_.try_emplace(key_id_);
      key_ = &found->second;
      if (fresh) key_->sealer = present->acting;
    }
    for (crypto::FrameJob& job : jobs) {
      if (present->liars_.contains(present->acting)) renumber(job);
      present->sealing(*key_, job, tellings_);
    }
    cipher_->seal(jobs);
  }
  void open(std::span<crypto::FrameJob> jobs) override { cipher_->open(jobs); }

 private:
  void renumber(crypto::FrameJob& job) {
    present->open_mouth(job, *this);
    job.counter = key_->next;
    // The header is the pump's, or forge()'s, and about to be sent.
    store_le(const_cast<std::uint8_t*>(job.ad) + kCounterOffset, job.counter);
  }

  std::unique_ptr<crypto::FrameCipher> cipher_;
  std::uint64_t key_id_;
  FrameWatch::Key* key_ = nullptr;  // set when it first seals
  FrameWatch::Tellings tellings_;
};

FrameWatch::FrameWatch() {
  present = this;
}

FrameWatch::~FrameWatch() {
  present = nullptr;
}

std::unique_ptr<crypto::FrameCipher> FrameWatch::make_cheap(crypto::Cipher cipher,
                                                            const Secret32& key) {
  return std::make_unique<WatchedCipher>(make_cheap_cipher(cipher, key), key);
}

std::unique_ptr<crypto::FrameCipher> FrameWatch::make_real(crypto::Cipher cipher,
                                                           const Secret32& key) {
  return std::make_unique<WatchedCipher>(crypto::make_gnutls_cipher(cipher, key), key);
}

void FrameWatch::sealing(Key& key, const crypto::FrameJob& job, Tellings& tellings) {
  if (key.sealer != acting)
    complain("n" + std::to_string(acting) + " and n" + std::to_string(key.sealer) +
             " seal under one key");
  if (job.counter < key.next)
    complain("counter " + std::to_string(job.counter) + " used twice under one key by n" +
             std::to_string(acting));
  key.next = std::max(key.next, job.counter + 1);
  const ByteView text{job.in, job.text_size};
  if (job.ad[kKindOffset] == static_cast<std::uint8_t>(wire::FrameKind::control))
    return note_control(text, tellings);
  ++said_.packets;
  said_.packet_bytes += text.size();
}

void FrameWatch::note_control(ByteView text, Tellings& tellings) {
  said_.control_bytes += text.size();
  const auto control = wire::parse_control(text);
  if (!control) return;
  const auto type = static_cast<std::size_t>(control->type);
  if (type < std::size(said_.control)) ++said_.control[type];
  if (!count_tellings || control->type != wire::ControlType::record || liars_.contains(acting))
    return;
  if (++tellings[digest(control->body)] == kTellings)
    complain("n" + std::to_string(acting) + " tells one neighbour the same record again and again");
}

void FrameWatch::open_mouth(const crypto::FrameJob& job, WatchedCipher& cipher) {
  mouths_[{acting, load_le<SessionIndex>(job.ad + kReceiverOffset)}] = &cipher;
}

std::vector<SessionIndex> FrameWatch::mouths(HostIndex liar) const {
  std::vector<SessionIndex> out;
  for (const auto& [whose, cipher] : mouths_)
    if (whose.first == liar) out.push_back(whose.second);
  return out;
}

Bytes FrameWatch::forge(HostIndex liar, SessionIndex receiver, ByteView control) {
  const auto mouth = mouths_.find({liar, receiver});
  if (mouth == mouths_.end()) return {};
  Bytes frame(wire::kFrameOverhead + control.size());
  wire::write_frame_header(frame.data(),
                           {.kind = wire::FrameKind::control, .receiver = receiver, .counter = 0});
  std::copy(control.begin(), control.end(), frame.begin() + wire::kFrameHeaderSize);
  std::uint8_t* text = frame.data() + wire::kFrameHeaderSize;
  crypto::FrameJob job{.ad = frame.data(),
                       .ad_size = wire::kFrameHeaderSize,
                       .in = text,
                       .out = text,
                       .text_size = control.size(),
                       .counter = 0};
  const HostIndex before = std::exchange(acting, liar);
  mouth->second->seal({&job, 1});
  acting = before;
  return frame;
}

}  // namespace meshnode::sim
