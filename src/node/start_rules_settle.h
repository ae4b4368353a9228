// Carries the start rules out: stretches, decides, stores.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "node/config.h"
#include "node/start_rules.h"
#include "node/state_dir.h"
#include "overlay/network.h"

namespace meshnode::node {

struct SettledNetwork {
  overlay::NetworkSecret secret;
  StartOutcome outcome = StartOutcome::use_stored;
  std::vector<std::string> notices;  // to say; no secrets in them
};

// What is in effect is on disk when this returns. A --seed text is stretched (Argon2id: most of a
// second, 64 MiB) only if the stored network did not come from this very text.
// `slow` is called, from another thread, if that takes longer than a second.
Result<SettledNetwork> settle_network(const Config& config, StateDir& state, Random& random,
                                      const std::function<void()>& slow = {});

}  // namespace meshnode::node
