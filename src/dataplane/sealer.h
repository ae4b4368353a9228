// The TX pump with what it needs around it. The core has one, or a thread has it instead: the same
// code, called by somebody else.
#pragma once

#include <span>

#include "base/clock.h"
#include "dataplane/scratch_frame.h"
#include "dataplane/seal_tasks.h"
#include "dataplane/tx_pump.h"

namespace meshnode::dataplane {

// Takes what was sealed: the runs are sent, then the events are heard. Valid during the call.
class SealedSink {
 public:
  virtual ~SealedSink() = default;
  virtual void take_sealed(const TxPump::Output& sealed) = 0;
};

class Sealer {
 public:
  explicit Sealer(std::size_t mtu) : tx_(mtu) {}
  // Shows the inner packets' DSCP to the underlay. Off at first.
  void set_copy_dscp(bool on) { tx_.set_copy_dscp(on); }

  void apply(const SlotChange& change) { tx_.apply(change); }
  void perform(const SealTask& task, TimePoint now, SealedSink& sink);
  // All of them, in as many portions as it takes; garbage afterwards.
  void pump(std::span<const TunFrame> frames, TimePoint now, SealedSink& sink);

  const TxPump& tx() const { return tx_; }

 private:
  void send_control(const SendControl& control, SealedSink& sink);
  void flush(SealedSink& sink);

  TxPump tx_;
  TxPump::Output sealed_;
  ScratchFrame packet_;
  Bytes control_;
};

}  // namespace meshnode::dataplane
