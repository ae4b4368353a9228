#include "dataplane/sealer.h"

namespace meshnode::dataplane {

void Sealer::perform(const SealTask& task, TimePoint now, SealedSink& sink) {
  struct Visitor {
    Sealer& sealer;
    TimePoint now;
    SealedSink& sink;
    void operator()(const SlotChange& change) { sealer.apply(change); }
    void operator()(const SendControl& control) { sealer.send_control(control, sink); }
    void operator()(const ResendPacket& resend) {
      const TunFrame frame = sealer.packet_.hold(resend.packet);
      sealer.pump({&frame, 1}, now, sink);
    }
  };
  std::visit(Visitor{*this, now, sink}, task);
}

void Sealer::pump(std::span<const TunFrame> frames, TimePoint now, SealedSink& sink) {
  while (!frames.empty()) {
    const std::size_t taken = tx_.pump(frames, now, sealed_);
    frames = frames.subspan(taken);
    flush(sink);
  }
}

void Sealer::send_control(const SendControl& control, SealedSink& sink) {
  control_.assign(wire::kFrameHeaderSize, 0);
  Writer(control_).bytes(control.text);
  control_.resize(wire::kFrameOverhead + control.text.size() + wire::kMaxPadding);
  tx_.seal_control(control.peer, control_, control.text.size(), sealed_, control.whole);
  flush(sink);
}

void Sealer::flush(SealedSink& sink) {
  sink.take_sealed(sealed_);
  sealed_.clear();
}

}  // namespace meshnode::dataplane
