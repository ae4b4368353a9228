// The second thread of the data plane: it has the TUN device's reading end and the TX pump
// (docs/decisions/0018-data-plane-threads.md). Everything else stays with its owner's thread.
//
// Thread safety
//  All functions are the owner's: one thread, that in which `post` runs what it is given. Between
//  the two threads there are the queue of tasks, the outbox and two descriptors; nothing else that
//  changes is seen by both.
//
// Invariants
//  1. Tasks are performed in order of put(), each before any frame read after it was seen.
//  2. A mutex is taken for tasks, for events and for a report (at most every kReportEvery), never
//     for a packet or a batch of them. The clock is read once in a turn.
//  3. The thread waits for its two descriptors and for nothing else.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "io/bell.h"
#include "io/clock.h"
#include "node/sealing_work.h"
#include "node/task_queue.h"
#include "overlay/core.h"

namespace meshnode::node {

class SealingThread final : public overlay::SealingDoor {
 public:
  struct Doors {
    // Thread-safe: runs the function in the owner's thread, unless the owner ends.
    std::function<void(std::function<void()>)> post;
    // In the owner's thread.
    std::function<void(const dataplane::EventBatch&)> heard;
    std::function<void()> interface_gone;
    Now (*clock)() = io::read_clocks;  // the thread's
  };

  // The thread reads from `device` at once and sends over `sockets`; the owner may write to the one
  // and send, receive over the others. Both outlive this, and so does `doors.post`.
  static Result<std::unique_ptr<SealingThread>> open(tun::Device& device,
                                                     const PortSockets& sockets,
                                                     const SealingWork::Settings& settings,
                                                     Doors doors);
  ~SealingThread() override;
  SealingThread(const SealingThread&) = delete;
  SealingThread& operator=(const SealingThread&) = delete;

  // When everything that was put has been done. What is put later is not.
  void stop();

  // overlay::SealingDoor
  void put(dataplane::SealTask task) override;
  dataplane::Traffic sent(PeerNumber peer) const override;
  DropCounters drops() const override { return report_.drops; }
  const SealingReport& report() const { return report_; }

  static constexpr Duration kReportEvery = milliseconds(20);

 private:
  // What waits for the owner.
  struct Outbox {
    std::mutex mutex;
    dataplane::EventBatch events;
    SealingReport report;
    bool reported = false;
    bool gone = false;
    bool posted = false;  // the owner will look
  };

  SealingThread(tun::Device& device, PortSockets sockets, const SealingWork::Settings& settings,
                Doors doors);
  Status start();
  void hear();

  // The thread's.
  void run();
  std::optional<Duration> patience() const;
  bool perform(TimePoint now);
  void hand_over(TimePoint now);

  Doors doors_;
  io::Bell bell_;
  TaskQueue<dataplane::SealTask> tasks_;
  std::atomic<bool> stopping_ = false;
  Outbox outbox_;

  // The owner's.
  SealingReport report_;
  dataplane::EventBatch heard_;

  // The thread's.
  SealingWork work_;
  int tun_fd_;  // -1: the interface is gone
  bool told_gone_ = false;
  std::vector<dataplane::SealTask> taken_;
  SealingReport next_report_;
  bool unreported_ = false;  // something was done since
  Duration report_due_{};    // from the end of the last turn on
  std::optional<TimePoint> reported_at_;

  std::thread thread_;
};

}  // namespace meshnode::node
