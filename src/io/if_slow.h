// Says something if what is done meanwhile takes long, once. For work that blocks its thread.
//
//   const IfSlow waiting(seconds(1), [] { … });  // in a thread of its own
//   work();                                      // nothing is said after `waiting` has ended
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "base/clock.h"

namespace meshnode::io {

class IfSlow {
 public:
  // An empty `say` says nothing, and needs no thread.
  IfSlow(Duration after, std::function<void()> say);
  ~IfSlow();
  IfSlow(const IfSlow&) = delete;
  IfSlow& operator=(const IfSlow&) = delete;

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool done_ = false;
  std::thread thread_;  // last: it uses the above
};

}  // namespace meshnode::io
