// Publishing our record in the DHT, and finding the others' there. Pure: it says what to put, to
// listen to and to get; whoever has the DHT does it and hands the values in.
//
// Where
//   door     one key per network and epoch, for those who look for anybody: members with fewer than
//            kEnoughEdges edges, and landmarks, publish there and listen
//   member   one key per member and epoch, where each member publishes, for those who look for it.
//            Who stands at the door listens there, too: the door has room for 64, and who finds it
//            full, or finds strangers there, puts its record where one of them gets it (a call)
// Epochs are 6 h of UTC, shifted by an offset of the network's own. Within kDoorBorder of a border
// the epoch on its other side counts too, so that clocks wrong by 10 minutes still meet.
//
// What: the record sealed afresh for each DHT key and version (directory_keys.h), so that a storing
// node can link neither the two places of one record nor two versions of it.
//
// When: a new record at once and once more after kRepeat (one lost datagram costs the DHT a
// second); then every kRefresh, and at once when a bootstrap is back or an epoch begins to count.
// A version that is replaced, and a key that does not count any more, are taken back.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/random.h"
#include "base/token_bucket.h"
#include "discovery/dht_requests.h"
#include "discovery/directory_keys.h"
#include "discovery/signed_record.h"

namespace meshnode::discovery {

class Directory {
 public:
  static constexpr Duration kRefresh = minutes(8);
  static constexpr Duration kRepeat = milliseconds(300);
  // Without any edge: the door may have been full. Twice as long each time, up to kRefresh.
  static constexpr Duration kRefreshAlone = seconds(60);
  static constexpr Duration kPutAgainPause = seconds(2);
  // Who is not needed at the door any more stays this long: edges come and go.
  static constexpr Duration kLeaveAfter = seconds(60);
  static constexpr std::size_t kEnoughEdges = 3;
  // The same member is looked up at most that often, and at most kMaxLookups are remembered.
  static constexpr Duration kLookupPause = seconds(30);
  static constexpr std::size_t kMaxLookups = 256;
  static constexpr double kCallsPerSecond = 0.1;
  static constexpr double kCallsBurst = 3;

  Directory(DirectoryKeys keys, const NodeId& self, Random& random);

  void publish(Now now, RecordPtr own);
  // What decides whether we stand at the door: our edges, and the members that we stand by.
  void set_edges(Now now, std::size_t edges);
  void set_members(Now now, std::vector<NodeId> members);
  // Our record to a member that stands at the door and may not know us. Once; the DHT keeps it for
  // 10 minutes. False if there is no budget for it now.
  bool call(Now now, const NodeId& member);
  // Look this member's record up.
  void look_up(Now now, const NodeId& member);
  // Whoever stored our records may have lost them.
  void put_again(Now now);
  // A value that came under a key of ours: the record in it.
  std::optional<Bytes> open(const DhtKey& key, ByteView value) const;

  void handle_timeout(Now now);
  std::optional<TimePoint> next_deadline() const;
  std::optional<DhtRequest> poll();
  bool at_door() const { return at_door_; }

 private:
  struct Stored {
    DhtValueId id = 0;
    Bytes value;
    TimePoint next{};  // when it is put again
    Duration pause = kRefreshAlone;
  };
  // Makes what is put and listened to equal to what should be.
  void settle(Now now);
  bool needed_at_door(const std::vector<DoorEpoch>& epochs) const;
  void settle_door(TimePoint now, const std::vector<DoorEpoch>& epochs);
  void settle_stored(TimePoint now, const std::set<DhtKey>& wanted);
  void settle_listening(const std::set<DhtKey>& wanted);
  void store(TimePoint now, const DhtKey& key);
  void put(const DhtKey& key, const Stored& stored);

  DirectoryKeys keys_;
  NodeId self_;
  Random& random_;
  RecordPtr own_;
  std::size_t edges_ = 0;
  std::vector<NodeId> members_;
  bool at_door_ = false;
  std::optional<TimePoint> leave_at_;
  std::optional<TimePoint> put_again_at_;
  std::map<DhtKey, Stored> stored_;
  std::set<DhtKey> listening_;
  std::map<NodeId, TimePoint> lookups_;
  TokenBucket calls_{kCallsPerSecond, kCallsBurst};
  std::optional<TimePoint> next_settle_;  // at the latest: an epoch may begin or cease to count
  std::deque<DhtRequest> requests_;
};

}  // namespace meshnode::discovery
