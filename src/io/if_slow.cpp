#include "io/if_slow.h"

#include <system_error>
#include <utility>

namespace meshnode::io {

IfSlow::IfSlow(Duration after, std::function<void()> say) {
  if (!say) return;
  try {
    thread_ = std::thread([this, after, say = std::move(say)] {
      std::unique_lock lock(mutex_);
      if (!changed_.wait_for(lock, after, [this] { return done_; })) say();
    });
  } catch (const std::system_error&) {
    // No thread to be had: then nothing is said.
  }
}

IfSlow::~IfSlow() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    done_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

}  // namespace meshnode::io
