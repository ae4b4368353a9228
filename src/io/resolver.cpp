#include "io/resolver.h"

#include <algorithm>
#include <deque>
#include <list>
#include <mutex>
#include <thread>

#include <netdb.h>
#include <signal.h>

#include "io/socket_address.h"

namespace meshnode::io {

std::vector<Endpoint> Resolver::by_name_server(const HostPort& name) {
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

struct Resolver::State : std::enable_shared_from_this<State> {
  struct Question {
    HostPort name;
    OnAnswer answer;
  };

  struct Helper {
    std::thread thread;
    bool asking = false;  // in a look-up, of which nobody knows when it ends
    bool done = false;    // it takes the mutex no more
  };

  State(std::function<void(std::function<void()>)> to_loop, LookUp how)
      : post(std::move(to_loop)), look_up(std::move(how)) {}

  // With the mutex held.
  void give(OnAnswer answer, std::vector<Endpoint> found) {
    post([self = shared_from_this(), answer = std::move(answer), found = std::move(found)] {
      if (!self->gone) answer(found);
    });
  }

  // A helper thread: until there is no question left.
  void work(Helper& helper) {
    std::unique_lock lock(mutex);
    while (!stopped && !questions.empty()) {
      const Question question = std::move(questions.front());
      questions.pop_front();
      helper.asking = true;
      lock.unlock();
      auto found = look_up(question.name);
      lock.lock();
      if (stopped) return;  // nobody waits for this thread, and `post` may be gone
      helper.asking = false;
      give(question.answer, std::move(found));
    }
    helper.done = true;
  }

  // With the mutex held.
  void start_helper() {
    helpers.remove_if([](Helper& each) {
      if (each.done) each.thread.join();
      return each.done;
    });
    if (helpers.size() == kThreads) return;
    Helper& helper = helpers.emplace_back();
    // Signals are the loop's.
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    helper.thread = std::thread([self = shared_from_this(), &helper] { self->work(helper); });
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }

  // The threads that are to be waited for: all but those in a look-up.
  std::vector<std::thread> stop() {
    const std::lock_guard lock(mutex);
    stopped = true;
    questions.clear();
    std::vector<std::thread> ending;
    for (Helper& each : helpers) {
      if (each.asking)
        each.thread.detach();
      else
        ending.push_back(std::move(each.thread));
    }
    return ending;
  }

  std::mutex mutex;
  std::deque<Question> questions;
  std::list<Helper> helpers;
  bool stopped = false;
  std::function<void(std::function<void()>)> post;
  LookUp look_up;
  bool gone = false;  // loop thread only
};

Resolver::Resolver(std::function<void(std::function<void()>)> post, LookUp look_up)
    : state_(std::make_shared<State>(std::move(post), std::move(look_up))) {}

Resolver::~Resolver() {
  state_->gone = true;
  for (std::thread& each : state_->stop()) each.join();
}

void Resolver::ask(const HostPort& name, OnAnswer answer) {
  const std::lock_guard lock(state_->mutex);
  if (const auto address = IpAddress::parse(name.host))
    return state_->give(std::move(answer), {{*address, name.port}});
  state_->questions.push_back({name, std::move(answer)});
  state_->start_helper();
}

}  // namespace meshnode::io
