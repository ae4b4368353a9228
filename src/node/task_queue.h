// Tasks for another thread, in order. The mutex is touched when there is a task, and once to take
// all that wait.
#pragma once

#include <mutex>
#include <utility>
#include <vector>

namespace meshnode::node {

// Not bounded: a task must not be lost. What bounds it is that its taker never waits for anything
// else.
template <typename Task>
class TaskQueue {
 public:
  // True if the taker must be woken: nothing waited before.
  bool put(Task task) {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
    return tasks_.size() == 1;
  }
  // All that waits; `into` is empty, and its memory is used again.
  void take(std::vector<Task>& into) {
    const std::lock_guard lock(mutex_);
    tasks_.swap(into);
  }

 private:
  std::mutex mutex_;
  std::vector<Task> tasks_;
};

}  // namespace meshnode::node
