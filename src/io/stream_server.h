// What servers over stream sockets have in common: a listening socket and its few clients, on the
// event loop of their program. They are in an epoll set of their own, so that a client's
// writability can be awaited, too; the loop watches one descriptor.
//
// Invariants
//  1. At most Rules::most clients; Rules::make_room says what becomes of a further one.
//  2. No client can stop the loop, make it wait or raise SIGPIPE: a turn does one step for each
//     client that is ready, accepts one, and the loop calls again for the rest.
//  3. Where no descriptor is left for a further client, nobody is accepted until the next tick().
//  4. A client ends in a turn or in tick(), never within another call.
#pragma once

#include <cstdint>
#include <functional>
#include <iterator>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "io/loop_door.h"
#include "io/unique_fd.h"

namespace meshnode::io {

enum class Await : std::uint8_t { end, input, room };  // its end is always awaited

// One connection. What a server knows of its own about a client derives from this.
struct StreamClient {
  UniqueFd socket{};
  std::uint64_t number = 0;  // in the order of coming
  TimePoint since{};         // of its coming, and of what else its server counts
  std::string in{};
  std::string out{};
  std::size_t sent = 0;  // of `out`

  bool sending() const { return sent < out.size(); }
  // Sends of `out` what goes without waiting: how much that was, nothing if the connection broke.
  std::optional<std::size_t> send_some();
  // One read; empty if there was nothing to read, nothing at the end of the connection.
  std::optional<std::string_view> receive(std::span<char> memory) const;
};

// The descriptors of a StreamServer. What becomes of them is told to functions and not to virtual
// ones: UBSan needs a free descriptor to look at an object that has such, and here there may be
// none.
class StreamSet {
 public:
  // None: errno says why.
  static UniqueFd make();

  StreamSet(const StreamSet&) = delete;
  StreamSet& operator=(const StreamSet&) = delete;

  void await(const StreamClient& client, Await what);
  int listener() const { return listener_.get(); }

 protected:
  struct Calls {
    std::function<void(int fd, bool gone)> ready;  // `gone`: hung up or broken
    std::function<void(UniqueFd socket)> came;
  };

  StreamSet(UniqueFd listener, UniqueFd set, LoopDoor loop, Calls calls);
  ~StreamSet();
  void add(const StreamClient& client);
  void listen_again();

 private:
  void turn();
  void accept_one();
  void want(int fd, std::uint32_t events, int operation);
  void rest_without_descriptors(int error);

  UniqueFd listener_;
  UniqueFd set_;
  LoopDoor loop_;
  Calls calls_;
  bool resting_ = false;
};

template <typename Client>
class StreamServer final : public StreamSet {
 public:
  struct Rules {
    std::size_t most = 0;
    std::function<TimePoint()> now;
    // One step. False when the client is done with, one way or the other.
    std::function<bool(Client& client, bool gone)> serve;
    // The bound is reached: drop_oldest(), or say no to the newcomer, who is then closed.
    std::function<void(const StreamClient& newcomer)> make_room;
  };

  // `listener` is non-blocking and listens; `set` is from make().
  StreamServer(UniqueFd listener, UniqueFd set, LoopDoor loop, Rules rules)
      : StreamSet(std::move(listener), std::move(set), std::move(loop),
                  {[this](int fd, bool gone) { ready(fd, gone); },
                   [this](UniqueFd socket) { came(std::move(socket)); }}),
        rules_(std::move(rules)) {}

  // About once a second. `lost`: the client ran out of patience.
  template <typename Lost>
  void tick(Lost lost) {
    listen_again();
    for (auto at = clients_.begin(); at != clients_.end();)
      at = lost(at->second) ? clients_.erase(at) : std::next(at);
  }
  void drop_oldest() {
    auto oldest = clients_.begin();
    for (auto at = clients_.begin(); at != clients_.end(); ++at)
      if (at->second.number < oldest->second.number) oldest = at;
    if (oldest != clients_.end()) clients_.erase(oldest);
  }

  std::size_t size() const { return clients_.size(); }
  template <typename Call>
  void each(Call call) {
    for (auto& entry : clients_) call(entry.second);
  }
  template <typename Call>
  void each(Call call) const {
    for (const auto& entry : clients_) call(entry.second);
  }

 private:
  void ready(int fd, bool gone) {
    const auto found = clients_.find(fd);
    if (found != clients_.end() && !rules_.serve(found->second, gone)) clients_.erase(found);
  }

  void came(UniqueFd socket) {
    Client client{};
    client.socket = std::move(socket);
    client.number = next_number_++;
    client.since = rules_.now();
    if (clients_.size() == rules_.most) rules_.make_room(client);
    if (clients_.size() == rules_.most) return;
    add(client);
    const int fd = client.socket.get();
    clients_.insert_or_assign(fd, std::move(client));
  }

  Rules rules_;
  std::uint64_t next_number_ = 0;
  std::map<int, Client> clients_;
};

}  // namespace meshnode::io
