// Which network does this start belong to? One pure decision over what was given (--key, --seed or
// the configuration file) and what the state directory holds; start_rules_settle.h carries it out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "node/state_dir.h"
#include "overlay/network.h"

namespace meshnode::node {

enum class StartOutcome : std::uint8_t {
  use_stored,           // nothing given, or the same that is stored
  use_given,            // first start, or the stored one is damaged: the given one is stored
  made,                 // first start and nothing given: a new network, made here
  replaced_kept_aside,  // the stored one was made here and nobody ever joined it
  rotated,              // the given one is a newer generation of the stored network
  refused,
};

struct StartFacts {
  std::optional<overlay::NetworkSecret> given;
  NetworkFile stored;
  std::string interface;     // ours: a second network gets another one
  std::string network_file;  // path, to name it
};

struct StartDecision {
  StartOutcome outcome = StartOutcome::refused;
  std::string line;  // a sentence for a person; empty where there is nothing to say
  Error refusal{};   // only if refused
};

StartDecision decide_network(const StartFacts& facts);

// "mesh0" → "mesh1", "home" → "home1": the interface that a second network could have.
std::string next_interface(const std::string& interface);

}  // namespace meshnode::node
