#include "sim/directory.h"

namespace meshnode::sim {
namespace {

constexpr std::size_t kRubbish = 256;
constexpr std::size_t kSealedSize = 496;
// OpenDHT renews what it listens to.
constexpr Duration kListenRefresh = seconds(30);

}  // namespace

using discovery::DhtGet;
using discovery::DhtKey;
using discovery::DhtListen;
using discovery::DhtPut;
using discovery::DhtRequest;
using discovery::DhtUnlisten;

Directory::Directory(std::size_t hubs, Doors doors, Random& random)
    : hubs_(hubs), doors_(std::move(doors)), random_(random) {}

std::size_t Directory::add_hub() {
  hubs_.emplace_back();
  return hubs_.size() - 1;
}

Duration Directory::delay() {
  if (rules.jitter.count() == 0) return rules.latency;
  return rules.latency + Duration(static_cast<std::int64_t>(
                             random_.below(static_cast<std::uint64_t>(rules.jitter.count()))));
}

bool Directory::lost() {
  return rules.loss_per_mille > 0 && random_.below(1000) < rules.loss_per_mille;
}

void Directory::ask(HostIndex who, const DhtRequest& request) {
  ++requests;
  // What a node listens to is its own affair, hub or no hub.
  if (const auto* listen = std::get_if<DhtListen>(&request))
    if (listening_[who].insert(listen->key).second) refresh_later(who, listen->key);
  if (const auto* stop = std::get_if<DhtUnlisten>(&request)) listening_[who].erase(stop->key);
  for (std::size_t hub = 0; hub < hubs_.size(); ++hub) {
    if (!hubs_[hub].up || !doors_.reaches(who, hub) || lost()) continue;
    doors_.later(doors_.now() + delay(), [this, hub, who, request] { do_at(hub, who, request); });
  }
}

void Directory::do_at(std::size_t index, HostIndex who, const DhtRequest& request) {
  Hub& hub = hubs_[index];
  if (!hub.up) return;
  if (const auto* value = std::get_if<DhtPut>(&request)) return put(hub, index, *value);
  if (const auto* stop = std::get_if<DhtUnlisten>(&request)) {
    hub.listeners[stop->key].erase(who);
    return;
  }
  if (const auto* listen = std::get_if<DhtListen>(&request)) {
    hub.listeners[listen->key].insert(who);
    tell_all(index, who, listen->key);
  } else if (const auto* get = std::get_if<DhtGet>(&request)) {
    tell_all(index, who, get->key);
  }  // what is taken back expires by itself
}

void Directory::put(Hub& hub, std::size_t index, const DhtPut& put) {
  auto& values = hub.stored[put.key];
  std::erase_if(values, [&](const auto& each) { return each.second.until <= doors_.now(); });
  const bool news = !values.contains(put.id);
  if (news && values.size() >= rules.most_values) return;
  values[put.id] = {put.value, doors_.now() + rules.life};
  if (rules.stale_answers && hub.rubbish.size() < kRubbish) hub.rubbish.push_back(put.value);
  if (!news) return;  // listeners never hear of a refresh
  for (const HostIndex listener : hub.listeners[put.key]) tell(index, listener, put.key, put.value);
}

void Directory::tell_all(std::size_t hub, HostIndex who, const DhtKey& key) {
  for (const auto& [id, value] : hubs_[hub].stored[key])
    if (value.until > doors_.now()) tell(hub, who, key, value.bytes);
  lie(hub, who, key);
}

void Directory::lie(std::size_t hub, HostIndex who, const DhtKey& key) {
  if (rules.stale_answers)
    for (const Bytes& value : hubs_[hub].rubbish) tell(hub, who, key, value);
  for (unsigned i = 0; i < rules.noise; ++i) {
    Bytes noise(kSealedSize);
    random_.fill(noise);
    tell(hub, who, key, noise);
  }
}

void Directory::tell(std::size_t hub, HostIndex who, const DhtKey& key, const Bytes& value) {
  if (lost()) return;
  doors_.later(doors_.now() + delay(), [this, hub, who, key, value] {
    if (!hubs_[hub].up || !doors_.reaches(who, hub)) return;
    ++answers;
    doors_.answer(who, key, value);
  });
}

void Directory::forget(HostIndex who) {
  listening_.erase(who);
  for (Hub& hub : hubs_)
    for (auto& [key, listeners] : hub.listeners) listeners.erase(who);
}

void Directory::kill(std::size_t hub) {
  hubs_[hub].up = false;
  hubs_[hub].stored.clear();
  hubs_[hub].listeners.clear();
}

void Directory::start(std::size_t hub) {
  hubs_[hub].up = true;
}

// Who could not be reached gets to know it later.
void Directory::refresh_later(HostIndex who, const DhtKey& key) {
  doors_.later(doors_.now() + kListenRefresh, [this, who, key] {
    const auto found = listening_.find(who);
    if (found == listening_.end() || !found->second.contains(key)) return;
    for (std::size_t hub = 0; hub < hubs_.size(); ++hub)
      if (hubs_[hub].up && doors_.reaches(who, hub) && !hubs_[hub].listeners[key].contains(who))
        do_at(hub, who, DhtListen{key});
    refresh_later(who, key);
  });
}

void Directory::relisten(HostIndex who, std::size_t hub) {
  const auto found = listening_.find(who);
  if (found == listening_.end() || !hubs_[hub].up || !doors_.reaches(who, hub)) return;
  for (const DhtKey& key : found->second) do_at(hub, who, DhtListen{key});
}

}  // namespace meshnode::sim
