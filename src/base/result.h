// The world failing (files, sockets, the kernel) and people's input. Hostile bytes are not errors:
// see drop.h. Our own bugs are neither: see MESH_ASSERT.
#pragma once

#include <cstdlib>
#include <string>
#include <utility>
#include <variant>

namespace meshnode {

struct Error {
  // The kind is the exit code: `usage` is what typing something else would fix.
  enum class Kind { world = 1, usage = 2 };
  Kind kind = Kind::world;
  std::string message;  // one sentence for a person, without "error:"

  static Error world(std::string message) { return {Kind::world, std::move(message)}; }
  static Error usage(std::string message) { return {Kind::usage, std::move(message)}; }
  int exit_code() const { return static_cast<int>(kind); }
};

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }
  // Only after ok(); std::get throws otherwise, which is our bug.
  T& value() & { return std::get<0>(state_); }
  const T& value() const& { return std::get<0>(state_); }
  T&& value() && { return std::get<0>(std::move(state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  const Error& error() const { return std::get<1>(state_); }

 private:
  std::variant<T, Error> state_;
};

struct Done {};
using Status = Result<Done>;
inline Status success() {
  return Done{};
}

[[noreturn]] void assertion_failed(const char* what, const char* file, int line);

// For what only a bug of ours can break. Always on: a wrong VPN is worse than a stopped one.
#define MESH_ASSERT(condition)                         \
  (static_cast<bool>(condition) ? static_cast<void>(0) \
                                : ::meshnode::assertion_failed(#condition, __FILE__, __LINE__))

}  // namespace meshnode
