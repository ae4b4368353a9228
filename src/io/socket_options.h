// Small steps that sockets share: those of io/, and those of the hub.
#pragma once

#include <cstdint>
#include <string>

#include "base/endpoint.h"
#include "io/unique_fd.h"

namespace meshnode::io {

// What the system says about an errno, e.g. "Address already in use".
std::string system_text(int error);

// False with errno set.
bool set_option(int fd, int level, int name, int value);

// A non-blocking UDP socket that tells the destination of what it receives; IPv6 is V6ONLY. 0 or
// the errno.
int make_udp(Family family, UniqueFd& out);

// Whether the outgoing datagrams of a socket may be cut into fragments, by us and, with IPv4, on
// the way. The kernel's memory of path MTUs, which strangers' ICMP can write to, is used for IPv6
// fragments only (no router cuts them): 1,280 bytes is the least that can be forged.
enum class Fragments : std::uint8_t { forbidden, allowed };
bool set_fragments(int fd, Family family, Fragments fragments);

// Binds to the wildcard address; 0 or the errno.
int bind_wildcard(int fd, Family family, std::uint16_t port);
// The bound port; 0 if that cannot be told.
std::uint16_t bound_port(int fd);

}  // namespace meshnode::io
