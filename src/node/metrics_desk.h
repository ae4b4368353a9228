// Who stands behind the metrics endpoint: keeps the sums, and makes the text when it is scraped.
#pragma once

#include <functional>
#include <memory>

#include "control/snapshot.h"
#include "io/event_loop.h"
#include "metrics/responder.h"
#include "node/edge_ledger.h"

namespace meshnode::node {

class MetricsDesk {
 public:
  // `loop` and what `status` holds outlive it. It listens at once, and needs no right afterwards.
  static Result<std::unique_ptr<MetricsDesk>> open(const Endpoint& where, io::EventLoop& loop,
                                                   std::function<control::Snapshot()> status);
  void tick() { responder_->tick(); }

 private:
  explicit MetricsDesk(std::function<control::Snapshot()> status) : status_(std::move(status)) {}
  std::string text();

  std::function<control::Snapshot()> status_;
  EdgeLedger edges_;
  std::unique_ptr<metrics::Responder> responder_;  // last: it calls the above
};

}  // namespace meshnode::node
