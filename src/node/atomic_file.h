// Small files that survive a crash at any moment: after write_file() there is either the old
// content or the new one, whole.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace meshnode::node {

// Mode 0600: a temporary file in the same folder, written, fsynced, renamed, and the folder
// fsynced. After an error the old file is as it was and the temporary one is gone.
Status write_file(const std::string& path, std::string_view content);

// Nothing where there is no such file. A file of more than `limit` bytes is an error, and so is one
// that is no ordinary file.
Result<std::optional<std::string>> read_file(const std::string& path, std::size_t limit);

// Renames to "path.TAG-1", or -2, … : the first name that is free. Never overwrites. Returns the
// new path.
Result<std::string> keep_aside(const std::string& path, std::string_view tag = "damaged");
// The same, but the file stays under its old name too, so that a write_file() that follows leaves
// no moment without it.
Result<std::string> keep_copy_aside(const std::string& path, std::string_view tag);

}  // namespace meshnode::node
