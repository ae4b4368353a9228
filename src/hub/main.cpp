// meshhub: a public seed of the directory and a mirror for addresses.
#include <cstdio>

#include <sys/stat.h>

#include "hub/hub.h"

namespace {

using namespace meshnode;

// One line for each sentence.
int complain(const Error& error) {
  std::string rest = error.message;
  while (!rest.empty()) {
    const auto end = rest.find('\n');
    std::fprintf(stderr, "meshhub: %s\n", rest.substr(0, end).c_str());
    rest = end == rest.npos ? "" : rest.substr(end + 1);
  }
  return error.exit_code();
}

int start(hub::Config config) {
  io::set_log(config.log);
  auto opened = hub::Hub::open(std::move(config));
  if (!opened) return complain(opened.error());
  return (*opened)->run();
}

}  // namespace

int main(int argc, char** argv) {
  ::umask(077);
  auto parsed = hub::parse(argc, argv);
  if (const auto* printed = std::get_if<hub::Printed>(&parsed)) {
    std::fputs(printed->text.c_str(), stdout);
    return 0;
  }
  if (const auto* error = std::get_if<Error>(&parsed)) return complain(*error);
  return start(std::move(std::get<hub::Config>(parsed)));
}
