#include "node/underlay_sender.h"

#include <algorithm>

namespace meshnode::node {

void UnderlaySender::send(std::span<const DatagramRun> runs) {
  // Consecutive runs of one family go in one call.
  while (!runs.empty()) {
    const Family family = runs.front().path.remote.ip.family();
    std::size_t n = 1;
    while (n < runs.size() && runs[n].path.remote.ip.family() == family) ++n;
    auto& socket = family == Family::v4 ? sockets_.v4 : sockets_.v6;
    if (socket) {
      const io::SendReport report = socket->send_batch(runs.first(n));
      drops_.count(Drop::send_failed, report.dropped);
      note(runs.first(n), report);
    } else {
      drops_.count(Drop::send_failed, n);
    }
    runs = runs.subspan(n);
  }
}

void UnderlaySender::note(std::span<const DatagramRun> runs, const io::SendReport& report) {
  for (const io::SendFailure& failure : report.failures) {
    if (failure.problem == io::SendProblem::forbidden) ++forbidden_;
    if (failure.problem != io::SendProblem::too_big || too_big_.size() == kMostTooBig) continue;
    const DatagramRun& run = runs[failure.run];
    too_big_.push_back({run.path, std::min(run.segment_size, run.data.size())});
  }
}

}  // namespace meshnode::node
