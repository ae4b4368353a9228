// The hub's sockets: one for each address and port. Replies leave from the address that was asked:
// from its socket, or, on a wildcard socket, with the source set.
//
// Thread safety: send() may be called from any thread; it goes straight to the kernel.
#pragma once

#include <functional>
#include <vector>

#include "base/endpoint.h"
#include "base/result.h"
#include "io/unique_fd.h"

namespace meshnode::hub {

enum class Service : std::uint8_t { all, stun_only };

struct Listener {
  io::UniqueFd fd;
  Endpoint bound;
  Service service = Service::all;
};

class Listeners {
 public:
  // Both ports on every address; none given means the wildcard addresses of the families that this
  // machine has. A busy port is an Error that names it.
  static Result<Listeners> open(const std::vector<IpAddress>& addresses, std::uint16_t port,
                                std::uint16_t other_port);

  const std::vector<Listener>& all() const { return listeners_; }
  bool speaks(Family family) const;

  // 0 or an errno. Leaves from path.local through the main port, or the other one.
  int send(const Path& path, ByteView datagram, Service service = Service::all) const;

  // Calls `take` for each waiting datagram, at most `most`; path.local is the address asked.
  using Take = std::function<void(const Path&, ByteView)>;
  static void receive(const Listener& listener, int most, const Take& take);

 private:
  std::vector<Listener> listeners_;
};

}  // namespace meshnode::hub
