// What the sealing thread does, without the thread: frames of the TUN device are sealed and sent,
// tasks are performed in their order, what was noticed is collected. One thread at a time.
//
// No allocation, lock or clock per packet, and no lock or clock at all.
#pragma once

#include <span>
#include <vector>

#include "dataplane/event_batch.h"
#include "dataplane/sealer.h"
#include "node/sockets.h"
#include "node/tun_reader.h"
#include "node/underlay_sender.h"
#include "tun/device.h"

namespace meshnode::node {

// What the work has come to so far, as status shows it.
struct SealingReport {
  std::vector<std::pair<PeerNumber, dataplane::Traffic>> traffic;
  DropCounters drops;
  // Of what sends; empty sockets' are active.
  Rung gso = Rung::on();
  Rung batches = Rung::on();
};

class SealingWork final : private dataplane::SealedSink {
 public:
  struct Settings {
    std::size_t mtu = 0;  // of the tunnel, bytes
    bool copy_dscp = false;
  };

  // Reads from `device`, which outlives this; sends through the sockets, which are its own.
  SealingWork(tun::Device& device, PortSockets sockets, const Settings& settings);

  void perform(std::span<const dataplane::SealTask> tasks, TimePoint now);
  // False if the interface is gone.
  bool pump(TimePoint now);

  // To be emptied by the owner.
  dataplane::EventBatch& events() { return events_; }
  void report_to(SealingReport& report) const;

 private:
  void take_sealed(const dataplane::TxPump::Output& sealed) override;

  tun::Device& device_;
  PortSockets sockets_;
  UnderlaySender sender_{sockets_};
  TunReader reader_;
  dataplane::Sealer sealer_;
  std::uint64_t changes_ = 0;  // applied
  dataplane::EventBatch events_;
};

}  // namespace meshnode::node
