#include "ctl/gather_map.h"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "control/client.h"
#include "control/reports_json.h"
#include "control/snapshot_json.h"

namespace meshnode::ctl {
namespace {

using control::EdgesReport;

// Connections to the daemon at a time: half of what it allows.
constexpr std::size_t kAtATime = 8;

// Members that are asked by several threads.
class Round {
 public:
  Round(const std::string& socket, const std::vector<control::PeerStatus>& peers)
      : socket_(socket) {
    for (const control::PeerStatus& peer : peers)
      if (peer.path) members_.push_back(peer);
  }

  std::vector<EdgesReport> run(const std::function<void(const std::string&)>& tell) {
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < std::min(kAtATime, members_.size()); ++i)
      threads.emplace_back([this] { work(); });
    {
      std::unique_lock lock(mutex_);
      while (!done_.wait_for(lock, std::chrono::seconds(1),
                             [this] { return reports_.size() == members_.size(); }))
        tell("asking members: " + std::to_string(reports_.size()) + " of " +
             std::to_string(members_.size()) + " answered or given up");
    }
    for (std::thread& thread : threads) thread.join();
    return std::move(reports_);
  }

 private:
  void work() {
    for (;;) {
      std::size_t mine = 0;
      {
        const std::lock_guard lock(mutex_);
        if (next_ == members_.size()) return;
        mine = next_++;
      }
      EdgesReport report = ask(members_[mine]);
      const std::lock_guard lock(mutex_);
      reports_.push_back(std::move(report));
      if (reports_.size() == members_.size()) done_.notify_all();
    }
  }

  // Whatever goes wrong with one of them, the map is of the others.
  EdgesReport ask(const control::PeerStatus& peer) const {
    EdgesReport silent{peer.id, peer.name.value_or(""), {}, false, {}, {}};
    const auto answer = control::ask(socket_, {control::Method::edges, peer.id.to_string()},
                                     control::kQuestionPatience);
    if (!answer) return silent;
    const auto report = control::edges_from_json(*answer);
    return report ? *report : silent;
  }

  std::string socket_;
  std::vector<control::PeerStatus> members_;
  std::mutex mutex_;
  std::condition_variable done_;
  std::size_t next_ = 0;
  std::vector<EdgesReport> reports_;
};

}  // namespace

Result<MeshMap> gather_map(const std::string& socket,
                           const std::function<void(const std::string&)>& tell) {
  const auto answer = control::ask(socket, control::Method::status);
  if (!answer) return answer.error();
  const auto here = control::from_json(*answer);
  if (!here) return here.error();
  return make_map(*here, Round(socket, here->peers).run(tell));
}

}  // namespace meshnode::ctl
