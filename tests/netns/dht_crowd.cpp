// For tests: many stock OpenDHT nodes in one process, each on a port of its own, as strangers on a
// hub: they join, listen and put, with random keys.
//
//   dht_crowd COUNT HUB-ADDRESS PORT NETWORK
//
// Prints "ready" when all have joined; ends with SIGTERM.
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <thread>
#include <vector>

#include <opendht.h>

namespace {

constexpr auto kLook = std::chrono::milliseconds(20);

std::unique_ptr<dht::DhtRunner> start(dht::NetId network, const char* hub, const char* port) {
  auto runner = std::make_unique<dht::DhtRunner>();
  dht::DhtRunner::Config config;
  config.dht_config.node_config.network = network;
  config.threaded = true;
  runner->run(0, config);
  runner->bootstrap(hub, port);
  return runner;
}

void be_busy(dht::DhtRunner& runner, std::atomic<int>& stored) {
  runner.listen(dht::InfoHash::getRandom(),
                [](const std::vector<std::shared_ptr<dht::Value>>&) { return true; });
  const std::vector<std::uint8_t> data(400, 0x5a);
  runner.put(dht::InfoHash::getRandom(), std::make_shared<dht::Value>(data.data(), data.size()),
             dht::DoneCallbackSimple([&stored](bool) { ++stored; }));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  const int count = std::atoi(argv[1]);
  std::vector<std::unique_ptr<dht::DhtRunner>> crowd;
  for (int i = 0; i < count; ++i) {
    crowd.push_back(start(static_cast<dht::NetId>(std::atoi(argv[4])), argv[2], argv[3]));
    std::this_thread::sleep_for(kLook);
  }
  // Requests wait until their node has joined.
  std::atomic<int> stored{0};
  for (auto& runner : crowd) be_busy(*runner, stored);
  while (stored < count) std::this_thread::sleep_for(kLook);
  std::puts("ready");
  std::fflush(stdout);
  sigset_t end;
  sigemptyset(&end);
  sigaddset(&end, SIGTERM);
  int signal = 0;
  sigwait(&end, &signal);
  std::_Exit(0);  // nobody waits for the farewells of hundreds
}
