// The TX pump as if it were in another thread, in virtual time: tasks are done some time after they
// were put, and what the pump notices is heard some time after that. Packets meet it as it is.
#pragma once

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "overlay/core.h"

namespace meshnode::test {

class LateSealer final : public overlay::SealingDoor, private dataplane::SealedSink {
 public:
  struct Doors {
    std::function<void(std::function<void()>)> later;  // after the delay
    std::function<void(std::span<const DatagramRun>)> send;
    std::function<void(const dataplane::EventBatch&)> hear;
    std::function<TimePoint()> now;
  };
  LateSealer(std::size_t mtu, Doors doors) : doors_(std::move(doors)), sealer_(mtu) {}

  void pump(const TunFrame& frame) {
    sealer_.pump({&frame, 1}, doors_.now(), *this);
    tell();
  }
  // All that was put, now.
  void finish() {
    for (const dataplane::SealTask& task : std::exchange(tasks_, {})) {
      if (std::holds_alternative<dataplane::SlotChange>(task)) ++changes_;
      sealer_.perform(task, doors_.now(), *this);
    }
    tell();
  }

  // overlay::SealingDoor
  void put(dataplane::SealTask task) override {
    tasks_.push_back(std::move(task));
    if (tasks_.size() == 1) later([](LateSealer& self) { self.finish(); });
  }
  dataplane::Traffic sent(PeerNumber peer) const override { return sealer_.tx().traffic(peer); }
  DropCounters drops() const override { return sealer_.tx().drops(); }

 private:
  void take_sealed(const dataplane::TxPump::Output& sealed) override {
    if (!sealed.runs.empty()) doors_.send(sealed.runs);
    for (const dataplane::PumpEvent& event : sealed.events) events_.add(event, changes_);
  }
  void tell() {
    if (events_.empty() || std::exchange(told_, true)) return;
    later([](LateSealer& self) {
      self.told_ = false;
      self.heard_.swap(self.events_);
      self.doors_.hear(self.heard_);
      self.heard_.clear();
    });
  }
  // Unless this one is gone by then.
  void later(void (*work)(LateSealer&)) {
    doors_.later([work, alive = std::weak_ptr<LateSealer*>(self_)] {
      if (const auto self = alive.lock()) work(**self);
    });
  }

  Doors doors_;
  dataplane::Sealer sealer_;
  std::vector<dataplane::SealTask> tasks_;
  std::uint64_t changes_ = 0;  // applied
  dataplane::EventBatch events_;
  dataplane::EventBatch heard_;
  bool told_ = false;
  std::shared_ptr<LateSealer*> self_ = std::make_shared<LateSealer*>(this);
};

}  // namespace meshnode::test
