// The inside of Port: what OpenDHT's thread and the loop thread share, and the socket that OpenDHT
// thinks it has. Inside discovery/dht/ only.
#pragma once

#include <deque>
#include <mutex>

#include <opendht.h>

#include "discovery/dht/port.h"
#include "discovery/dht/return_paths.h"

namespace meshnode::dht {

::dht::SockAddr to_opendht(const Endpoint& endpoint);
// None if it is neither IPv4 nor IPv6.
Endpoint from_opendht(const ::dht::SockAddr& address);

// Lives as long as anybody who may call it: the Port, OpenDHT's socket, callbacks, posted work.
class Shared : public std::enable_shared_from_this<Shared> {
 public:
  static constexpr std::size_t kMaxResults = 4096;
  // A lost datagram costs OpenDHT a second. While a member starts, each request goes twice.
  static constexpr Duration kStart = seconds(15);
  static constexpr Duration kRepeatAfter = milliseconds(40);
  static constexpr std::size_t kMaxRepeats = 64;

  Shared(const PortConfig& config, Doors doors)
      : doors_(std::move(doors)),
        shim_({config.role, config.network}),
        paths_(config.salt),
        member_(config.role != discovery::DhtShim::Role::hub) {}

  // What the shim makes of it for OpenDHT; nothing if it was dropped.
  std::optional<Bytes> inbound(TimePoint now, const Path& path, ByteView datagram);
  // 0 or an errno, as OpenDHT wants it. On OpenDHT's thread.
  int outbound(const Endpoint& to, ByteView datagram);

  // Any thread: runs on the loop thread, unless the Port is gone by then. `vital` ones (a request's
  // end) are never lost: the requests that wait for them are what bounds them.
  void result(std::function<void()> deliver, bool vital);

  bool add_bootstrap(const Endpoint& bootstrap);
  void remove_bootstrap(const Endpoint& bootstrap);
  void set_role(discovery::DhtShim::Role role);
  void set_reachable(TimePoint now, const Endpoint& node);
  std::vector<Endpoint> take_unchecked();
  Counters counters() const;
  // Any thread: what is to be sent once more, and when.
  std::optional<TimePoint> next_repeat() const;
  void send_repeats(TimePoint now);
  // Loop thread: from now on nothing is delivered.
  void close() { open_ = false; }

 private:
  struct Repeat {
    TimePoint due{};
    Path path;
    Bytes bytes;
  };
  void deliver();
  bool wants_repeat(TimePoint now, ByteView datagram) const;

  const Doors doors_;
  bool open_ = true;  // loop thread only

  mutable std::mutex mutex_;  // guards what follows
  discovery::DhtShim shim_;
  ReturnPaths paths_;
  Counters counters_;
  std::deque<Repeat> repeats_;
  bool member_ = false;
  std::optional<TimePoint> began_;
  std::deque<std::function<void()>> results_;
  bool posted_ = false;
};

// A thin handle: OpenDHT owns it, and frees it when its thread has ended.
class PortSocket final : public ::dht::net::DatagramSocket {
 public:
  explicit PortSocket(std::shared_ptr<Shared> shared);

  // Loop thread only: the recycling of packets knows no second thread.
  void deliver(const Endpoint& from, ByteView datagram);

  int sendTo(const ::dht::SockAddr& to, const std::uint8_t* data, std::size_t size,
             bool replied) override;
  // Both always, or listen() could not be cancelled; a missing family is told by sendTo().
  bool hasIPv4() const override { return true; }
  bool hasIPv6() const override { return true; }
  const ::dht::SockAddr& getBoundRef(sa_family_t family) const override;
  void stop() override {}

 private:
  std::shared_ptr<Shared> shared_;
  ::dht::SockAddr bound4_;
  ::dht::SockAddr bound6_;
};

}  // namespace meshnode::dht
