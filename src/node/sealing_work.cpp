#include "node/sealing_work.h"

namespace meshnode::node {

SealingWork::SealingWork(tun::Device& device, PortSockets sockets, const Settings& settings)
    : device_(device), sockets_(std::move(sockets)), sealer_(settings.mtu) {
  sealer_.set_copy_dscp(settings.copy_dscp);
}

void SealingWork::perform(std::span<const dataplane::SealTask> tasks, TimePoint now) {
  for (const dataplane::SealTask& task : tasks) {
    if (std::holds_alternative<dataplane::SlotChange>(task)) ++changes_;
    sealer_.perform(task, now, *this);
  }
}

bool SealingWork::pump(TimePoint now) {
  sealer_.pump(reader_.read(device_), now, *this);
  return !device_.gone();
}

void SealingWork::take_sealed(const dataplane::TxPump::Output& sealed) {
  if (!sealed.runs.empty()) sender_.send(sealed.runs);
  for (const dataplane::PumpEvent& event : sealed.events) events_.add(event, changes_);
  for (const UnderlaySender::TooBig& refused : sender_.too_big())
    events_.add_refused(refused.path, refused.size);
  sender_.too_big().clear();
}

void SealingWork::report_to(SealingReport& report) const {
  sealer_.tx().copy_traffic(report.traffic);
  report.drops = sealer_.tx().drops();
  report.drops.add(sender_.drops());
  report.drops.add(events_.lost());
  report.gso = of_both(sockets_, &io::UdpOffloads::gso);
  report.batches = of_both(sockets_, &io::UdpOffloads::batches);
}

}  // namespace meshnode::node
