// What a node remembers, in a folder that one process at a time owns (0700):
//
//   lock      flock, holds the owner's pid
//   identity  the Ed25519 seed: who this node is
//   network   the network's secret and how we came to it
//   state     the port, and the next handshake number to reserve
//   members   what we know of the others: a cache, which may be removed
//
// Reading never destroys: a damaged file is kept under another name and reported, a file of a newer
// version is an error and stays as it is.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <unistd.h>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "crypto/suite.h"
#include "io/unique_fd.h"
#include "node/state_dir_record.h"

namespace meshnode::node {

// HMAC-SHA-256 of a --seed text, keyed with the secret that was stretched from it: tells on the
// next start whether it is the same text, without stretching it again. It lies beside that secret:
// whoever could use it to guess the text has the secret already, and nobody else learns anything.
crypto::Hash seed_check(const overlay::NetworkSecret& secret, std::string_view seed_text);

// What lies in `network`.
struct NetworkFile {
  enum class Condition : std::uint8_t { missing, good, damaged };
  Condition condition = Condition::missing;
  StoredNetwork network;  // only if good
};

class StateDir {
 public:
  // A file that this class writes, or kept aside.
  static bool is_ours(std::string_view name);

  const std::string& path() const { return path_; }
  std::string network_path() const { return file("network"); }

  // This node's signing seed. Made and stored on the first start; a damaged file is kept aside, a
  // new seed is made, and a notice says loudly that this is another node now.
  Result<crypto::Ed25519Seed> identity(Random& random);

  // A damaged file stays in place until store_network(): it is no permission to make a new network.
  Result<NetworkFile> load_network();
  // Keeps a damaged file aside.
  Status store_network(const StoredNetwork& network);
  // As store_network(); the file that was there stays as "network.replaced-N", whose path is
  // returned.
  Result<std::string> replace_network(const StoredNetwork& network);
  // Durable, once; nothing happens when it is known already. For the first proven session. After
  // load_network() or store_network().
  Status note_second_member();

  // The remembered UDP port; nothing on a first start.
  Result<std::optional<std::uint16_t>> port();
  Status store_port(std::uint16_t port);

  // Takes `count` numbers that no earlier start of this node took; the first of them is max(stored,
  // unix ms). They are reserved on disk before this returns.
  Result<std::uint64_t> reserve_numbers(UnixTime now, std::uint64_t count);

  // The members of this network (by fingerprint) that an earlier start knew; none if there were
  // none, or they are another network's. A damaged file is kept aside.
  Result<std::vector<overlay::RememberedMember>> load_members(const std::string& fingerprint);
  Status store_members(const StoredMembers& members);

  // Sentences about damage that was found and kept aside, since the last call.
  std::vector<std::string> take_notices();

 private:
  friend Result<std::unique_ptr<StateDir>> lock_state_dir(const std::string& path, pid_t pid);
  StateDir(std::string path, io::UniqueFd lock);

  std::string file(const char* name) const { return path_ + "/" + name; }
  // Renames a damaged file and says so, with what follows from it.
  Status set_aside(const char* name, const std::string& consequence);
  Status load_counters();
  Status store_counters(const StoredCounters& counters);

  std::string path_;
  io::UniqueFd lock_;
  std::optional<StoredNetwork> network_;    // as it is on disk
  std::optional<StoredCounters> counters_;  // as they are on disk
  bool network_damaged_ = false;
  std::vector<std::string> notices_;
};

// Makes the folder (and the one above it) where it is missing, and locks it until the StateDir
// goes; `pid` is whom to end if it is in the way. It writes: check privileges before. A second
// start fails with kind `world` and names the pid that holds the lock; if that one has ended, the
// lock is about to go, and up to 2 s are given to it.
Result<std::unique_ptr<StateDir>> lock_state_dir(const std::string& path, pid_t pid = ::getpid());

}  // namespace meshnode::node
