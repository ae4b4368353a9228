#include "io/resolver.h"

#include <algorithm>
#include <deque>
#include <mutex>
#include <thread>

#include <netdb.h>
#include <signal.h>

#include "io/socket_address.h"

namespace meshnode::io {
namespace {

std::vector<Endpoint> look_up(const HostPort& name) {
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_DGRAM;
  addrinfo* list = nullptr;
  if (::getaddrinfo(name.host.c_str(), nullptr, &wanted, &list) != 0) return {};
  std::vector<Endpoint> out;
  for (const addrinfo* each = list; each != nullptr && out.size() < Resolver::kMost;
       each = each->ai_next) {
    SocketAddress address{};
    if (each->ai_addrlen > sizeof address) continue;
    std::memcpy(&address, each->ai_addr, each->ai_addrlen);
    const Endpoint endpoint{from_socket_address(address).ip, name.port};
    if (endpoint.ip && std::find(out.begin(), out.end(), endpoint) == out.end())
      out.push_back(endpoint);
  }
  ::freeaddrinfo(list);
  return out;
}

}  // namespace

struct Resolver::State : std::enable_shared_from_this<State> {
  struct Question {
    HostPort name;
    OnAnswer answer;
  };

  explicit State(std::function<void(std::function<void()>)> given) : post(std::move(given)) {}

  // With the mutex held.
  void give(OnAnswer answer, std::vector<Endpoint> found) {
    post([self = shared_from_this(), answer = std::move(answer), found = std::move(found)] {
      if (!self->gone) answer(found);
    });
  }

  // A helper thread: until there is no question left.
  void work() {
    for (;;) {
      Question question;
      {
        const std::lock_guard lock(mutex);
        if (stopped || questions.empty()) {
          --threads;
          return;
        }
        question = std::move(questions.front());
        questions.pop_front();
      }
      auto found = look_up(question.name);
      const std::lock_guard lock(mutex);  // `post` is there as long as it is not stopped
      if (!stopped) give(std::move(question.answer), std::move(found));
    }
  }

  std::mutex mutex;
  std::deque<Question> questions;
  std::size_t threads = 0;
  bool stopped = false;
  std::function<void(std::function<void()>)> post;
  bool gone = false;  // loop thread only
};

Resolver::Resolver(std::function<void(std::function<void()>)> post)
    : state_(std::make_shared<State>(std::move(post))) {}

Resolver::~Resolver() {
  state_->gone = true;
  const std::lock_guard lock(state_->mutex);
  state_->stopped = true;
  state_->questions.clear();
}

void Resolver::ask(const HostPort& name, OnAnswer answer) {
  const std::lock_guard lock(state_->mutex);
  if (const auto address = IpAddress::parse(name.host))
    return state_->give(std::move(answer), {{*address, name.port}});
  state_->questions.push_back({name, std::move(answer)});
  if (state_->threads == kThreads) return;
  ++state_->threads;
  // Signals are the loop's.
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread([state = state_] { state->work(); }).detach();
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

}  // namespace meshnode::io
