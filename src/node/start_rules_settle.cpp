#include "node/start_rules_settle.h"

#include <utility>

#include "crypto/passphrase.h"
#include "io/if_slow.h"

namespace meshnode::node {
namespace {

using overlay::NetworkSecret;

bool came_from(const NetworkFile& stored, std::string_view seed_text) {
  if (stored.condition != NetworkFile::Condition::good || !stored.network.seed_check) return false;
  return equal_constant_time(*stored.network.seed_check,
                             seed_check(stored.network.secret, seed_text));
}

Result<std::optional<NetworkSecret>> given_network(const Config& config, const NetworkFile& stored,
                                                   const std::function<void()>& slow) {
  if (!config.seed) return config.key;
  if (came_from(stored, *config.seed)) return std::optional(stored.network.secret);
  // Where memory is slow it is seconds: that must not look like a program that hangs.
  const io::IfSlow waiting(seconds(1), slow);
  auto stretched = crypto::stretch_passphrase(*config.seed, overlay::kPassphraseSalt);
  if (!stretched) return stretched.error();
  return std::optional(overlay::from_passphrase(*stretched));
}

NetworkSecret make_network(Random& random) {
  NetworkSecret out;
  out.seed = random.block<16>();
  out.secret = random.secret<32>();
  return out;
}

// What the file holds from now on.
StoredNetwork to_store(StartOutcome outcome, const Config& config,
                       const std::optional<NetworkSecret>& given, const NetworkFile& stored,
                       Random& random) {
  StoredNetwork out;
  switch (outcome) {
    case StartOutcome::use_stored:
      out = stored.network;
      break;
    case StartOutcome::made:
      out.made_here = true;
      break;
    case StartOutcome::rotated:
      out = stored.network;
      out.seed_check.reset();
      break;
    case StartOutcome::use_given:
    case StartOutcome::replaced_kept_aside:
    case StartOutcome::refused:
      break;
  }
  if (outcome == StartOutcome::made)
    out.secret = make_network(random);
  else if (outcome != StartOutcome::use_stored)
    out.secret = *given;
  if (config.seed) out.seed_check = seed_check(out.secret, *config.seed);
  return out;
}

}  // namespace

Result<SettledNetwork> settle_network(const Config& config, StateDir& state, Random& random,
                                      const std::function<void()>& slow) {
  const auto stored = state.load_network();
  if (!stored) return stored.error();
  const auto given = given_network(config, *stored, slow);
  if (!given) return given.error();
  auto decision = decide_network({*given, *stored, config.interface, state.network_path()});
  if (decision.outcome == StartOutcome::refused) return std::move(decision.refusal);

  const StoredNetwork network = to_store(decision.outcome, config, *given, *stored, random);
  if (decision.outcome == StartOutcome::replaced_kept_aside) {
    const auto kept = state.replace_network(network);
    if (!kept) return kept.error();
    decision.line += " (the old one is kept as " + *kept + ")";
  } else if (decision.outcome != StartOutcome::use_stored || network != stored->network) {
    if (auto written = state.store_network(network); !written) return written.error();
  }
  if (decision.outcome == StartOutcome::made)
    decision.line = "made a new network, fingerprint " + network.secret.fingerprint();
  SettledNetwork out{network.secret, decision.outcome, {}};
  if (!decision.line.empty()) out.notices.push_back(std::move(decision.line));
  return out;
}

}  // namespace meshnode::node
