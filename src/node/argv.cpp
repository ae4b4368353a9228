#include "node/argv.h"

#include <cstring>
#include <initializer_list>
#include <string_view>

namespace meshnode::node {
namespace {

constexpr std::string_view kTokenPrefix = "mesh1";
// Shorter ones are names ("mesh1" is a fine interface).
constexpr std::size_t kTokenLike = 20;

void overwrite(char* text) {
  std::memset(text, '*', std::strlen(text));
}

void overwrite_secret(char* value) {
  if (*value != '@') overwrite(value);
}

// Wherever it stands: a mistyped option must not leave its value behind.
void overwrite_token(char* argument) {
  char* token = std::strstr(argument, kTokenPrefix.data());
  if (token != nullptr && std::strlen(token) >= kTokenLike) overwrite(token);
}

}  // namespace

void wipe_secrets(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    const bool has_next = i + 1 < argc;
    if (argument == "--key" && has_next)
      overwrite_secret(argv[++i]);
    else if (argument == "--seed" && has_next)
      overwrite(argv[++i]);
    else if (argument.starts_with("--key="))
      overwrite_secret(argv[i] + 6);
    else if (argument.starts_with("--seed="))
      overwrite(argv[i] + 7);
    else
      overwrite_token(argv[i]);
  }
}

std::vector<std::string> without_secrets(int argc, const char* const* argv) {
  std::vector<std::string> out;
  for (int i = 0; i < argc; ++i) {
    const std::string_view argument = argv[i];
    const bool token = argument.find(kTokenPrefix) != argument.npos && argument.size() >= kTokenLike;
    if (argument == "--key" || argument == "--seed")
      ++i;
    else if (i == 0 || !(token || argument.starts_with("--key=") || argument.starts_with("--seed=")))
      out.emplace_back(argument);
  }
  return out;
}

}  // namespace meshnode::node
