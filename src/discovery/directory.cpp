#include "discovery/directory.h"

#include <algorithm>

#include "base/earliest.h"

namespace meshnode::discovery {
namespace {

// The wall clock may jump: what counts is looked at this often.
constexpr Duration kLookAtClock = seconds(60);
constexpr std::size_t kMaxRequests = 4096;

}  // namespace

Directory::Directory(DirectoryKeys keys, const NodeId& self, Random& random)
    : keys_(std::move(keys)), self_(self), random_(random) {}

void Directory::publish(Now now, RecordPtr own) {
  if (own_ == own) return;
  own_ = std::move(own);
  // Another version is another value everywhere.
  for (const auto& [key, stored] : stored_) requests_.push_back(DhtTakeBack{key, stored.id});
  stored_.clear();
  settle(now);
}

void Directory::set_edges(Now now, std::size_t edges) {
  const bool were_few = edges_ < kEnoughEdges;
  edges_ = edges;
  if (!next_settle_ || were_few != (edges_ < kEnoughEdges)) settle(now);
}

void Directory::set_members(Now now, std::vector<NodeId> members) {
  members_ = std::move(members);
  settle(now);
}

bool Directory::needed_at_door(const std::vector<DoorEpoch>& epochs) const {
  return edges_ < kEnoughEdges || std::any_of(epochs.begin(), epochs.end(), [&](DoorEpoch epoch) {
           return is_landmark(keys_, epoch, self_, members_);
         });
}

void Directory::settle_door(TimePoint now, const std::vector<DoorEpoch>& epochs) {
  if (needed_at_door(epochs)) {
    at_door_ = true;
    leave_at_.reset();
  } else if (at_door_) {
    if (!leave_at_) leave_at_ = now + kLeaveAfter;
    if (now < *leave_at_) return;
    at_door_ = false;
    leave_at_.reset();
  }
}

void Directory::settle(Now now) {
  const auto epochs = counting_epochs(keys_, now.unix);
  settle_door(now.mono, epochs);
  std::set<DhtKey> listen;
  std::set<DhtKey> store;
  for (const DoorEpoch epoch : epochs) {
    if (at_door_) listen.insert(door_key(keys_, epoch));
    store.insert(member_key(keys_, epoch, self_));
  }
  store.insert(listen.begin(), listen.end());
  if (at_door_) listen = store;  // for calls
  settle_listening(listen);
  if (own_) settle_stored(now.mono, store);
  next_settle_ = now.mono + kLookAtClock;
}

void Directory::settle_listening(const std::set<DhtKey>& wanted) {
  std::erase_if(listening_, [&](const DhtKey& key) {
    if (wanted.contains(key)) return false;
    requests_.push_back(DhtUnlisten{key});
    return true;
  });
  for (const DhtKey& key : wanted)
    if (listening_.insert(key).second) requests_.push_back(DhtListen{key});
}

void Directory::settle_stored(TimePoint now, const std::set<DhtKey>& wanted) {
  std::erase_if(stored_, [&](const auto& each) {
    if (wanted.contains(each.first)) return false;
    requests_.push_back(DhtTakeBack{each.first, each.second.id});
    return true;
  });
  for (const DhtKey& key : wanted)
    if (!stored_.contains(key)) store(now, key);
}

void Directory::store(TimePoint now, const DhtKey& key) {
  Stored stored;
  stored.id = value_id(keys_, key, self_, own_->record.sequence);
  stored.value = seal_record(keys_, key, own_->bytes, random_);
  stored.next = now + kRepeat;
  put(key, stored);
  stored_.emplace(key, std::move(stored));
}

void Directory::put(const DhtKey& key, const Stored& stored) {
  if (requests_.size() < kMaxRequests) requests_.push_back(DhtPut{key, stored.id, stored.value});
}

void Directory::put_again(Now now) {
  if (put_again_at_ && now.mono - *put_again_at_ < kPutAgainPause) return;
  put_again_at_ = now.mono;
  for (auto& [key, stored] : stored_) {
    put(key, stored);
    stored.next = now.mono + kRepeat;
  }
}

bool Directory::call(Now now, const NodeId& member) {
  if (!own_ || requests_.size() >= kMaxRequests || !calls_.take(now.mono)) return false;
  for (const DoorEpoch epoch : counting_epochs(keys_, now.unix)) {
    const DhtKey key = member_key(keys_, epoch, member);
    requests_.push_back(DhtPut{key, value_id(keys_, key, self_, own_->record.sequence),
                               seal_record(keys_, key, own_->bytes, random_)});
  }
  return true;
}

void Directory::look_up(Now now, const NodeId& member) {
  std::erase_if(lookups_, [&](const auto& each) { return now.mono - each.second >= kLookupPause; });
  if (lookups_.size() >= kMaxLookups || !lookups_.emplace(member, now.mono).second) return;
  for (const DoorEpoch epoch : counting_epochs(keys_, now.unix))
    requests_.push_back(DhtGet{member_key(keys_, epoch, member)});
}

std::optional<Bytes> Directory::open(const DhtKey& key, ByteView value) const {
  return open_sealed_record(keys_, key, value);
}

void Directory::handle_timeout(Now now) {
  if ((next_settle_ && now.mono >= *next_settle_) || (leave_at_ && now.mono >= *leave_at_))
    settle(now);
  for (auto& [key, stored] : stored_) {
    if (now.mono < stored.next) continue;
    put(key, stored);
    stored.next = now.mono + (edges_ == 0 ? stored.pause : kRefresh);
    stored.pause = std::min<Duration>(stored.pause * 2, kRefresh);
  }
}

std::optional<TimePoint> Directory::next_deadline() const {
  auto out = earliest({next_settle_, leave_at_});
  for (const auto& [key, stored] : stored_) out = earliest({out, stored.next});
  return out;
}

std::optional<DhtRequest> Directory::poll() {
  if (requests_.empty()) return std::nullopt;
  DhtRequest out = std::move(requests_.front());
  requests_.pop_front();
  return out;
}

}  // namespace meshnode::discovery
