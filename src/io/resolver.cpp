#include "io/resolver.h"

#include <algorithm>
#include <condition_variable>
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

  // The helper thread.
  void work() {
    for (;;) {
      Question question;
      {
        std::unique_lock lock(mutex);
        wake.wait(lock, [this] { return stopped || !questions.empty(); });
        if (stopped) return;
        question = std::move(questions.front());
        questions.pop_front();
      }
      auto found = look_up(question.name);
      const std::lock_guard lock(mutex);  // `post` is there as long as it is not stopped
      if (stopped) return;
      post([self = shared_from_this(), answer = std::move(question.answer),
            found = std::move(found)] {
        if (!self->gone) answer(found);
      });
    }
  }

  std::mutex mutex;
  std::condition_variable wake;
  std::deque<Question> questions;
  bool stopped = false;
  std::function<void(std::function<void()>)> post;
  bool gone = false;  // loop thread only
};

Resolver::Resolver(std::function<void(std::function<void()>)> post)
    : state_(std::make_shared<State>(std::move(post))) {
  // Signals are the loop's.
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread([state = state_] { state->work(); }).detach();
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Resolver::~Resolver() {
  state_->gone = true;
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopped = true;
    state_->questions.clear();
  }
  state_->wake.notify_all();
}

void Resolver::ask(const HostPort& name, OnAnswer answer) {
  {
    const std::lock_guard lock(state_->mutex);
    state_->questions.push_back({name, std::move(answer)});
  }
  state_->wake.notify_one();
}

}  // namespace meshnode::io
