#include "io/packet_link.h"

#include <array>
#include <cerrno>

#include <sys/socket.h>

namespace meshnode::io {

void PacketLink::attach(UniqueFd fd) {
  close();
  fd_ = std::move(fd);
  doors_.watch(fd_.get(), [this] { read(); });
}

void PacketLink::close() {
  if (!fd_) return;
  doors_.unwatch(fd_.get());
  fd_.reset();
}

bool PacketLink::send(ByteView packet) const {
  return fd_ && ::send(fd_.get(), packet.data(), packet.size(), MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

void PacketLink::read() {
  std::array<std::uint8_t, kMaxPacket> buffer;
  // A handler may close the link.
  for (int i = 0; i < kTurn && fd_; ++i) {
    const ssize_t got = ::recv(fd_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got > 0) {
      doors_.packet({buffer.data(), static_cast<std::size_t>(got)});
      continue;
    }
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    close();
    return doors_.closed();
  }
}

}  // namespace meshnode::io
