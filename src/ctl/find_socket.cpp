#include "ctl/find_socket.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <vector>

namespace meshnode::ctl {
namespace {

std::vector<std::string> interfaces_in(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored))
    if (entry.path().extension() == ".sock") names.push_back(entry.path().stem());
  std::sort(names.begin(), names.end());
  return names;
}

std::string socket_of(const std::string& folder, const std::string& interface) {
  return folder + "/" + interface + ".sock";
}

}  // namespace

Result<std::string> find_socket(const Options& options, const std::string& folder) {
  if (options.control) return *options.control;
  if (options.interface) return socket_of(folder, *options.interface);
  const auto names = interfaces_in(folder);
  if (names.size() == 1) return socket_of(folder, names.front());
  if (names.empty())
    return Error::world("no meshnode runs here: there is no socket in " + folder +
                        " (start one: sudo meshnode --lan-only)");
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
  return Error::usage("several meshnodes run here: choose one with --interface (" + list + ")");
}

}  // namespace meshnode::ctl
