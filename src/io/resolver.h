// Names to addresses without waiting: getaddrinfo() in helper threads, so that a name server that
// does not answer holds up nobody else. Addresses are answered without one.
//
// Thread safety: ask() on the loop thread; answers come there through `post`. A look-up that hangs
// does not hold up the end of the program: its thread is left behind, and its answer goes nowhere.
// All other threads have ended when the Resolver has.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/endpoint.h"
#include "base/host_port.h"

namespace meshnode::io {

class Resolver {
 public:
  // Empty when there is no such name, or no way to ask; at most kMost.
  using OnAnswer = std::function<void(const std::vector<Endpoint>&)>;
  // Blocks for as long as it takes; called on the helper threads.
  using LookUp = std::function<std::vector<Endpoint>(const HostPort&)>;
  static constexpr std::size_t kMost = 8;
  static constexpr std::size_t kThreads = 16;  // at most; more names wait

  static std::vector<Endpoint> by_name_server(const HostPort& name);

  explicit Resolver(std::function<void(std::function<void()>)> post,
                    LookUp look_up = by_name_server);
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  // `answer` is called later, on the loop thread, unless the Resolver is gone by then.
  void ask(const HostPort& name, OnAnswer answer);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace meshnode::io
