// One end of the socketpair between monitor and worker.
#pragma once

#include <optional>
#include <utility>

#include "base/result.h"
#include "io/unique_fd.h"
#include "monitor/message.h"

namespace meshnode::monitor {

class Channel {
 public:
  Channel() = default;
  explicit Channel(io::UniqueFd fd) : fd_(std::move(fd)) {}
  static Result<std::pair<Channel, Channel>> pair();

  // The message's descriptor stays the caller's: `fd` -1 for none. Waits for room if the other side
  // is slow; false if it is gone.
  bool send(const Message& message, int fd = -1) const;
  // The same without waiting: false if there is no room, too.
  bool offer(const Message& message, int fd = -1) const;

  struct Received {
    std::optional<Message> message;  // none: nothing waits, or it was no message
    bool closed = false;             // the other side is gone
    bool empty = false;              // nothing waits
  };
  // Does not wait.
  Received receive() const;
  // Waits for a message; none when the other side is gone.
  std::optional<Message> wait() const;

  int fd() const { return fd_.get(); }

 private:
  Received receive(int flags) const;
  io::UniqueFd fd_;
};

}  // namespace meshnode::monitor
