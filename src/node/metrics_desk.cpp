#include "node/metrics_desk.h"

#include "io/clock.h"
#include "io/log.h"
#include "node/metrics_text.h"

namespace meshnode::node {

Result<std::unique_ptr<MetricsDesk>> MetricsDesk::open(const Endpoint& where, io::EventLoop& loop,
                                                       std::function<control::Snapshot()> status) {
  std::unique_ptr<MetricsDesk> desk(new MetricsDesk(std::move(status)));
  metrics::Doors doors;
  doors.loop.watch = [&loop](int fd, std::function<void()> readable) {
    loop.watch_readable(fd, std::move(readable));
  };
  doors.loop.unwatch = [&loop](int fd) { loop.unwatch(fd); };
  doors.now = [] { return io::read_clocks().mono; };
  doors.text = [d = desk.get()] { return d->text(); };
  auto responder = metrics::Responder::open(where, std::move(doors));
  if (!responder) return responder.error();
  desk->responder_ = std::move(responder).value();
  if (!where.ip.is_loopback())
    io::log(LogModule::metrics, LogLevel::warn,
            {"whoever reaches ", where, " can read the metrics: peers' names and their traffic"});
  return desk;
}

std::string MetricsDesk::text() {
  control::Snapshot snapshot = status_();
  snapshot.peers = one_of_each(std::move(snapshot.peers));
  edges_.look(snapshot.peers);
  return metrics_text(snapshot, edges_, MESHNODE_VERSION);
}

}  // namespace meshnode::node
