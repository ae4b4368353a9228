// A turn of the thread: 1 wait → 2 perform the tasks → 3 seal and send what the interface has → 4
// hand over what was noticed, if anything was
#include "node/sealing_thread.h"

#include <cerrno>
#include <csignal>
#include <system_error>

#include <pthread.h>

#include "io/socket_options.h"

namespace meshnode::node {
namespace {

Status copy_sockets(const PortSockets& from, PortSockets& to) {
  to.port = from.port;
  for (const auto member : {&PortSockets::v4, &PortSockets::v6}) {
    if (!(from.*member)) continue;
    auto twin = (from.*member)->twin();
    if (!twin) return twin.error();
    to.*member = std::move(twin).value();
  }
  return success();
}

// Signals are for the owner: a thread that is made meanwhile gets none.
class WithoutSignals {
 public:
  WithoutSignals() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~WithoutSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  WithoutSignals(const WithoutSignals&) = delete;
  WithoutSignals& operator=(const WithoutSignals&) = delete;

 private:
  sigset_t before_{};
};

}  // namespace

Result<std::unique_ptr<SealingThread>> SealingThread::open(tun::Device& device,
                                                           const PortSockets& sockets,
                                                           const SealingWork::Settings& settings,
                                                           Doors doors) {
  PortSockets twins;
  if (auto copied = copy_sockets(sockets, twins); !copied) return copied.error();
  std::unique_ptr<SealingThread> out(
      new SealingThread(device, std::move(twins), settings, std::move(doors)));
  if (auto started = out->start(); !started) return started.error();
  return out;
}

SealingThread::SealingThread(tun::Device& device, PortSockets sockets,
                             const SealingWork::Settings& settings, Doors doors)
    : doors_(std::move(doors)), work_(device, std::move(sockets), settings), tun_fd_(device.fd()) {}

SealingThread::~SealingThread() {
  stop();
}

Status SealingThread::start() {
  if (!bell_) return Error::world("cannot start a second thread: " + io::system_text(errno));
  const WithoutSignals quiet;
  try {
    thread_ = std::thread([this] { run(); });
  } catch (const std::system_error& failed) {
    return Error::world("cannot start a second thread: " + io::system_text(failed.code().value()));
  }
  pthread_setname_np(thread_.native_handle(), "meshnode-seal");
  return success();
}

void SealingThread::stop() {
  if (!thread_.joinable()) return;
  stopping_ = true;
  bell_.ring();
  thread_.join();
}

void SealingThread::put(dataplane::SealTask task) {
  if (tasks_.put(std::move(task))) bell_.ring();
}

dataplane::Traffic SealingThread::sent(PeerNumber peer) const {
  for (const auto& [number, traffic] : report_.traffic)
    if (number == peer) return traffic;
  return {};
}

// What waits is taken out whole: the owner works on it while the thread goes on.
void SealingThread::hear() {
  bool gone = false;
  {
    const std::lock_guard lock(outbox_.mutex);
    outbox_.posted = false;
    heard_.swap(outbox_.events);
    if (std::exchange(outbox_.reported, false)) std::swap(report_, outbox_.report);
    gone = std::exchange(outbox_.gone, false);
  }
  doors_.heard(heard_);
  heard_.clear();
  if (gone) doors_.interface_gone();
}

void SealingThread::run() {
  for (bool more = true; more;) {
    const io::Bell::Ready ready = bell_.wait(tun_fd_, patience());
    const TimePoint now = doors_.clock().mono;
    if (ready.rung) more = perform(now);
    if (ready.readable && more && !work_.pump(now)) tun_fd_ = -1;
    unreported_ = unreported_ || ready.rung || ready.readable;
    hand_over(now);
  }
}

// Until the next report is due, if there is something to report.
std::optional<Duration> SealingThread::patience() const {
  if (!unreported_) return std::nullopt;
  return report_due_;
}

// False: these were the last ones.
bool SealingThread::perform(TimePoint now) {
  const bool last = stopping_;  // asked first: what was put before stop() is among the tasks then
  bell_.silence();
  tasks_.take(taken_);
  work_.perform(taken_, now);
  taken_.clear();  // keys that were dropped live no longer than this
  return !last;
}

void SealingThread::hand_over(TimePoint now) {
  const bool gone = tun_fd_ < 0 && !told_gone_;
  const bool due = unreported_ && (!reported_at_ || now - *reported_at_ >= kReportEvery);
  if (reported_at_) report_due_ = *reported_at_ + kReportEvery - now;
  if (!gone && !due && work_.events().empty()) return;
  if (due) {
    work_.report_to(next_report_);
    reported_at_ = now;
    unreported_ = false;
  }
  bool post = false;
  {
    const std::lock_guard lock(outbox_.mutex);
    if (outbox_.events.empty())
      outbox_.events.swap(work_.events());
    else
      outbox_.events.append(work_.events());
    if (due) {
      std::swap(outbox_.report, next_report_);
      outbox_.report.drops.add(outbox_.events.lost());
    }
    outbox_.reported = outbox_.reported || due;
    outbox_.gone = outbox_.gone || gone;
    post = !std::exchange(outbox_.posted, true);
  }
  told_gone_ = told_gone_ || gone;
  work_.events().clear();
  if (post) doors_.post([this] { hear(); });
}

}  // namespace meshnode::node
