#include "node/name_service.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include <sys/socket.h>

#include "io/socket_address.h"
#include "io/socket_options.h"
#include "names/label.h"
#include "names/responder.h"

namespace meshnode::node {
namespace {

constexpr std::size_t kLargestQuery = 1232;  // longer ones are cut, and so malformed

Endpoint bound_to(int fd) {
  io::SocketAddress address{};
  socklen_t size = sizeof address;
  if (fd < 0 || getsockname(fd, &address.any, &size) != 0) return {};
  return io::from_socket_address(address);
}

// 0 or an errno.
int bind_to(const Endpoint& endpoint, io::UniqueFd& out) {
  io::UniqueFd fd(socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  io::SocketAddress address{};
  const socklen_t size = io::to_socket_address(endpoint, 0, address);
  if (!fd || bind(fd.get(), &address.any, size) != 0) return errno;
  out = std::move(fd);
  return 0;
}

}  // namespace

Status NameService::listen(io::UniqueFd kept) {
  const Endpoint before = bound_to(kept.get());
  const bool known =
      std::find(std::begin(kPorts), std::end(kPorts), before.port) != std::end(kPorts);
  if (before.ip == own_ && known) {
    socket_ = std::move(kept);
    port_ = before.port;
    return success();
  }
  int error = 0;
  for (const std::uint16_t port : kPorts) {
    error = bind_to({own_, port}, socket_);
    if (error != 0) continue;
    port_ = port;
    return success();
  }
  return Error::world("names of the mesh are not answered for: no port for it: " +
                      io::system_text(error));
}

bool NameService::is_ours(const IpAddress& source, const Interfaces& ours) const {
  if (source == own_ || source.is_loopback()) return true;
  return std::any_of(ours.begin(), ours.end(), [&](const Interface& each) {
    return std::any_of(each.addresses.begin(), each.addresses.end(),
                       [&](const Cidr& address) { return address.ip == source; });
  });
}

void NameService::answer(const Interfaces& ours, DropCounters& drops) {
  std::array<std::uint8_t, kLargestQuery> query;
  for (std::size_t i = 0; i < kMostPerTurn; ++i) {
    io::SocketAddress from{};
    socklen_t from_size = sizeof from;
    const ssize_t size = recvfrom(fd(), query.data(), query.size(), 0, &from.any, &from_size);
    if (size < 0) return;
    if (!is_ours(io::from_socket_address(from).ip, ours)) {
      drops.count(Drop::foreign_query);
      continue;
    }
    const auto out =
        names::answer(table_, prefix_, ByteView(query.data(), static_cast<std::size_t>(size)));
    if (!out)
      drops.count(Drop::malformed);
    else if (sendto(fd(), out->data(), out->size(), MSG_DONTWAIT | MSG_NOSIGNAL, &from.any,
                    from_size) < 0)
      drops.count(Drop::send_failed);
  }
}

bool NameService::due(TimePoint now, std::uint64_t version) const {
  return version != version_ && now >= next_look_;
}

bool NameService::update(TimePoint now, std::uint64_t version, std::vector<names::Member> members) {
  // In a large network there is always some news, and a table of all costs something.
  next_look_ = now + milliseconds(members.size());
  version_ = version;
  names::Table fresh(std::move(members));
  if (fresh.members() == table_.members()) return false;
  table_ = std::move(fresh);
  std::set<std::string> present;
  std::size_t others = 0;
  news_.clear();
  for (const names::Conflict& conflict : table_.conflicts()) {
    present.insert(conflict.label);
    if (told_.contains(conflict.label)) continue;
    if (news_.empty())
      news_ = sentence(conflict);
    else
      ++others;
  }
  if (others > 0) news_ += "; " + std::to_string(others) + " more names, too (meshctl status)";
  told_ = std::move(present);
  return true;
}

std::string NameService::take_news() {
  return std::exchange(news_, {});
}

std::vector<std::string> NameService::hosts_lines() const {
  std::vector<std::string> out;
  std::size_t members = 0;
  for (const names::Member& member : table_.members()) {
    if (++members > kMostHosts) break;
    const std::string name = table_.name_of(member);
    const std::string by_id = table_.id_name_of(member);
    for (const IpAddress& address : member.addresses)
      out.push_back(address.to_string() + " " + name + (name == by_id ? "" : " " + by_id));
  }
  return out;
}

std::string sentence(const names::Conflict& conflict) {
  std::string out = names::member_name(conflict.label) + " is nobody's: ";
  for (std::size_t i = 0; i < conflict.members.size(); ++i) {
    const bool last = i + 1 == conflict.count;
    out += (i == 0 ? "" : last ? " and " : ", ") + names::id_name(conflict.members[i]);
  }
  if (conflict.count > conflict.members.size())
    out += " and " + std::to_string(conflict.count - conflict.members.size()) + " more";
  return out + " call themselves so";
}

}  // namespace meshnode::node
