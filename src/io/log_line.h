// What one line of the log says, in pieces that know what they are. A line is made of literals,
// numbers, addresses, and texts that the caller vouches for; a string does not become a piece by
// itself. So no address gets into a line unseen, and hiding them is decided in one place (text()).
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "base/endpoint.h"
#include "base/host_port.h"
#include "base/log_levels.h"

namespace meshnode::io {

class LogPiece {
 public:
  // text: of the line's cause. figure: differs from line to line of one cause. address: a figure
  // that may be hidden.
  enum class Kind : std::uint8_t { text, figure, address };

  template <std::size_t N>
  LogPiece(const char (&literal)[N]) : LogPiece(Kind::text, std::string(literal)) {}
  template <std::integral Int>
  requires(!std::same_as<Int, bool> && !std::same_as<Int, char>) LogPiece(Int number)
      : LogPiece(Kind::figure, std::to_string(number)) {}
  LogPiece(const IpAddress& address) : LogPiece(Kind::address, address.to_string()) {}
  LogPiece(const Endpoint& endpoint) : LogPiece(Kind::address, endpoint.to_string()) {}
  LogPiece(const Cidr& cidr) : LogPiece(Kind::address, cidr.to_string()) {}
  // Names of the configuration stay: who reads the log gave them. Numbers are hidden.
  LogPiece(const HostPort& place);

  Kind kind() const { return kind_; }
  const std::string& text() const { return text_; }
  const char* key() const { return key_; }  // of its field where lines are structured, or nullptr

 private:
  friend LogPiece plain(std::string text);
  friend LogPiece figure(std::string text);
  friend LogPiece as(const char* key, LogPiece piece);
  LogPiece(Kind kind, std::string text) : kind_(kind), text_(std::move(text)) {}

  Kind kind_;
  const char* key_ = nullptr;
  std::string text_;
};

// The caller vouches: no address and no secret in it. Lines that differ in it have other causes.
inline LogPiece plain(std::string text) {
  return {LogPiece::Kind::text, std::move(text)};
}
// The same for measured values: lines that differ in it have one cause.
inline LogPiece figure(std::string text) {
  return {LogPiece::Kind::figure, std::move(text)};
}
// Where lines are structured the piece is a field of its own, too. `key` is a literal.
inline LogPiece as(const char* key, LogPiece piece) {
  piece.key_ = key;
  return piece;
}

class LogLine {
 public:
  LogLine(std::initializer_list<LogPiece> pieces) : pieces_(pieces) {}
  LogLine& add(LogPiece piece) {
    pieces_.push_back(std::move(piece));
    return *this;
  }

  const std::vector<LogPiece>& pieces() const { return pieces_; }
  // As a person reads it.
  std::string text(bool addresses = true) const;
  // Equal for lines that say the same of the same.
  std::uint64_t cause(LogModule module, LogLevel level) const;

 private:
  std::vector<LogPiece> pieces_;
};

inline constexpr std::string_view kHiddenAddress = "[address]";

}  // namespace meshnode::io
