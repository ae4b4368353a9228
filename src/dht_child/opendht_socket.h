// The socket that OpenDHT thinks it has: datagrams come from the host and go to it.
#pragma once

#include <functional>

#include <opendht.h>

#include "discovery/dht/types.h"

namespace meshnode::dht_child {

::dht::SockAddr to_opendht(const Endpoint& endpoint);
// None if it is neither IPv4 nor IPv6.
Endpoint from_opendht(const ::dht::SockAddr& address);

// OpenDHT owns it, and frees it when its thread has ended.
class OpenDhtSocket final : public ::dht::net::DatagramSocket {
 public:
  // On OpenDHT's thread.
  using Send = std::function<dht::Sent(const Endpoint& to, ByteView datagram)>;
  explicit OpenDhtSocket(Send send);

  // One thread only: the recycling of packets knows no second one.
  void deliver(const Endpoint& from, ByteView datagram);

  int sendTo(const ::dht::SockAddr& to, const std::uint8_t* data, std::size_t size,
             bool replied) override;
  // Both always, or listen() could not be cancelled; a missing family is told by sendTo().
  bool hasIPv4() const override { return true; }
  bool hasIPv6() const override { return true; }
  const ::dht::SockAddr& getBoundRef(sa_family_t family) const override;
  void stop() override {}

 private:
  Send send_;
  ::dht::SockAddr bound4_;
  ::dht::SockAddr bound6_;
};

}  // namespace meshnode::dht_child
