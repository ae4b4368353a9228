// Watches every frame that any node seals: that no counter is used twice under one key, wherever
// the key went, and that no record is told again and again to the same neighbour; and counts what
// is said. One watch per world; ciphers find it by themselves, since they are made by a plain
// function.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/ids.h"
#include "crypto/aead.h"
#include "sim/trace.h"

namespace meshnode::sim {

class WatchedCipher;

class FrameWatch {
 public:
  // A neighbour may ask again for what got lost; more than this within one session is an echo.
  static constexpr unsigned kTellings = 16;

  FrameWatch();
  ~FrameWatch();
  FrameWatch(const FrameWatch&) = delete;
  FrameWatch& operator=(const FrameWatch&) = delete;

  // For EngineConfig::make_cipher.
  static std::unique_ptr<crypto::FrameCipher> make_cheap(crypto::Cipher cipher,
                                                         const Secret32& key);
  static std::unique_ptr<crypto::FrameCipher> make_real(crypto::Cipher cipher, const Secret32& key);

  using Complain = std::function<void(const std::string& what)>;
  Complain complain;
  bool count_tellings = true;  // costs memory
  HostIndex acting = 0;        // who is being run

  // A liar puts frames of its own between those of its core: all get new counters.
  void let_lie(HostIndex who) { liars_.insert(who); }
  // Under each key that this liar sends with: who gets it, by receiver index.
  std::vector<SessionIndex> mouths(HostIndex liar) const;
  // A complete control frame, sealed by the liar's key to this receiver; empty if there is none.
  Bytes forge(HostIndex liar, SessionIndex receiver, ByteView control);

  struct Said {
    std::uint64_t packets = 0;
    std::uint64_t packet_bytes = 0;
    std::uint64_t control[8] = {};  // by wire::ControlType
    std::uint64_t control_bytes = 0;
  };
  const Said& said() const { return said_; }

 private:
  friend class WatchedCipher;
  struct Key {
    std::uint64_t next = 0;  // all below may have been used
    HostIndex sealer = 0;
  };
  using Tellings = std::unordered_map<std::uint64_t, unsigned>;
  void sealing(Key& key, const crypto::FrameJob& job, Tellings& tellings);
  void note_control(ByteView text, Tellings& tellings);
  void open_mouth(const crypto::FrameJob& job, WatchedCipher& cipher);

  std::unordered_map<std::uint64_t, Key> keys_;  // all that ever sealed something
  Said said_;
  std::set<HostIndex> liars_;
  std::map<std::pair<HostIndex, SessionIndex>, WatchedCipher*> mouths_;
};

}  // namespace meshnode::sim
