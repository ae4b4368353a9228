// Reading the files that a person names on the command line.
#pragma once

#include <cstddef>
#include <string>

#include "base/result.h"

namespace meshnode::node {

struct ReadText {
  std::string text;
  bool others_can_read = false;  // an ordinary file that group or world may read
};

// All of the file (pipes too, so that `@<(…)` works). The Error says why, without the path.
Result<ReadText> read_text(const std::string& path, std::size_t limit);

// One line from a descriptor, without its newline; nothing behind it is read.
Result<std::string> read_one_line(int fd, std::size_t limit);

}  // namespace meshnode::node
