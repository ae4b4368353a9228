// The configuration file. Its reader takes a path: the text lies in a file without a name, in
// memory.
#include <sys/mman.h>
#include <unistd.h>

#include "control/printable.h"
#include "fuzz/fuzz.h"
#include "io/unique_fd.h"
#include "node/config_inputs.h"

namespace meshnode::fuzz {

void one_input(ByteView input) {
  const io::UniqueFd file(::memfd_create("config", MFD_CLOEXEC));
  MESH_ASSERT(file);
  const ssize_t wrote = ::write(file.get(), input.data(), input.size());
  MESH_ASSERT(wrote == static_cast<ssize_t>(input.size()));
  node::Inputs inputs;
  node::Problems problems;
  std::vector<std::string> notices;
  node::read_config_file("/proc/self/fd/" + std::to_string(file.get()), inputs, problems, notices);
  // One printable sentence each, whatever the file says.
  for (const auto& sentences : {problems, notices})
    for (const std::string& sentence : sentences) MESH_ASSERT(control::is_printable(sentence));
  for (const auto& input_of : inputs) {
    MESH_ASSERT(
        std::any_of(node::kOptions.begin(), node::kOptions.end(),
                    [&](const node::OptionSpec& spec) { return input_of.first == spec.name; }));
    for (const node::Given& given : input_of.second)
      MESH_ASSERT(given.from_file && control::is_printable(given.place));
  }
}

}  // namespace meshnode::fuzz
