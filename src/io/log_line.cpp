#include "io/log_line.h"

namespace meshnode::io {

LogPiece::LogPiece(const HostPort& place)
    : LogPiece(IpAddress::parse(place.host) ? Kind::address : Kind::text, place.to_string()) {}

std::string LogLine::text(bool addresses) const {
  std::string out;
  for (const LogPiece& piece : pieces_)
    if (piece.kind() == LogPiece::Kind::address && !addresses)
      out += kHiddenAddress;
    else
      out += piece.text();
  return out;
}

// FNV-1a. Nobody gains anything by a collision but that his own line is held back.
std::uint64_t LogLine::cause(LogModule module, LogLevel level) const {
  std::uint64_t hash = 0xcbf29ce484222325;
  const auto add = [&hash](std::uint8_t byte) { hash = (hash ^ byte) * 0x100000001b3; };
  add(static_cast<std::uint8_t>(module));
  add(static_cast<std::uint8_t>(level));
  for (const LogPiece& piece : pieces_) {
    add(static_cast<std::uint8_t>(piece.kind()));
    if (piece.kind() != LogPiece::Kind::text) continue;
    for (const char c : piece.text()) add(static_cast<std::uint8_t>(c));
  }
  return hash;
}

}  // namespace meshnode::io
