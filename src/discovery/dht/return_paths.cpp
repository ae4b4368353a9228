#include "discovery/dht/return_paths.h"

namespace meshnode::dht {

std::size_t ReturnPaths::slot_of(const Endpoint& remote) const {
  // FNV-1a over the address and the port, begun at the salt.
  std::uint64_t hash = 0xcbf29ce484222325U ^ salt_;
  const auto mix = [&hash](std::uint8_t byte) { hash = (hash ^ byte) * 0x100000001b3U; };
  for (const std::uint8_t byte : remote.ip.bytes()) mix(byte);
  mix(static_cast<std::uint8_t>(remote.port >> 8));
  mix(static_cast<std::uint8_t>(remote.port));
  return static_cast<std::size_t>((hash ^ (hash >> 32)) % kSlots);
}

void ReturnPaths::heard(const Path& path) {
  slots_[slot_of(path.remote)] = path;
}

Path ReturnPaths::to(const Endpoint& remote) const {
  const Path& known = slots_[slot_of(remote)];
  if (known.remote == remote) return known;
  Path unknown;
  unknown.remote = remote;
  return unknown;
}

}  // namespace meshnode::dht
