// The daemon's side of the control socket: a Unix stream socket for meshctl.
//
// Invariants
//  1. At most kMaxClients connections; a further one gets an error line and a close.
//  2. A client has at most one request under way: until its answer has been read, nothing more is
//     read from it; and after "watch" nothing at all.
//  3. No client can stop the loop, make it wait or raise SIGPIPE; one that neither asks nor reads
//     for kPatience is dropped by tick().
//  4. The socket is never open to more users than its final mode says (0660 root:meshnode where
//     that group exists, else 0600).
//  5. Events for a watching client wait in a queue of at most kMaxQueued bytes; who is slower than
//     that, or takes nothing for kPatience, is cut off.
//  6. A socket that somebody answers on is never replaced, and on close only ours is removed.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "base/clock.h"
#include "base/result.h"
#include "control/protocol.h"
#include "control/snapshot.h"
#include "io/loop_door.h"

namespace meshnode::control {

// Names a request whose answer comes later. Never used twice.
using Ticket = std::uint64_t;
struct Later {};
// JSON text, an error, or a promise of answer() within kPatience.
using Reply = std::variant<std::string, Error, Later>;

// Who answers. Called on the loop's thread, for each request.
struct Answers {
  std::function<Snapshot()> status;
  std::function<NodeId()> id;
  std::function<JoinLine()> join_line;
  // All other methods but watch and methods, which the server answers itself.
  std::function<Reply(const Request&, Ticket)> other{};
  std::function<void()> watched{};  // somebody begins to watch
};

class Server {
 public:
  static constexpr std::size_t kMaxClients = 16;
  static constexpr seconds kPatience{10};
  static constexpr std::size_t kMaxQueued = 256 * 1024;  // bytes of events for one client
  static constexpr const char* kGroup = "meshnode";

  // Makes the socket's folder (0755, one level) where it is missing. Fails with kind `world` where
  // another daemon answers at `path`, with kind `usage` where `path` is too long or no socket.
  static Result<std::unique_ptr<Server>> open(const std::string& path, io::LoopDoor loop,
                                              Answers answers, const char* group = kGroup);
  // Says nothing to clients; closes all, removes the socket if it is still ours.
  virtual ~Server() = default;

  // About once a second: drops clients that ran out of patience.
  virtual void tick(TimePoint now) = 0;
  virtual std::size_t clients() const = 0;
  // Of these, how many want events.
  virtual std::size_t watchers() const = 0;
  // Answers a request that got a Later; nothing happens if its client has gone. Both only fill
  // queues: they may be called from within Answers.
  virtual void answer(Ticket ticket, const Result<std::string>& result) = 0;
  // Sends what waits, as far as that goes without waiting: before the end.
  virtual void drain() = 0;
  // `event` is JSON text, for each client that watches.
  virtual void publish(std::string_view event) = 0;
};

}  // namespace meshnode::control
