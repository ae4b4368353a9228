// Which events of the core are worth a line for people, and which one.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "io/log.h"
#include "overlay/core.h"

namespace meshnode::node {

struct Told {
  LogLevel level;
  io::LogLine line;
};

// Whoever waits for Argon2id.
io::LogLine deriving_key();
void warn_of(const std::vector<std::string>& notices);

// `state_dir`: where the remedy lies, for some. Nothing for what only programs want to know.
std::optional<Told> told(const overlay::Event& event, const std::string& state_dir);

}  // namespace meshnode::node
