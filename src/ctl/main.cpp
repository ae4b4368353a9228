// meshctl: asks a running meshnode.
#include <cstdlib>
#include <iostream>

#include <unistd.h>

#include "ctl/run.h"

int main(int argc, char** argv) {
  const char* no_colour = std::getenv("NO_COLOR");  // https://no-color.org: any non-empty value
  const bool wanted = no_colour == nullptr || *no_colour == '\0';
  const bool terminal = ::isatty(STDOUT_FILENO) == 1;
  const meshnode::ctl::Look look{wanted && terminal, terminal};
  return meshnode::ctl::run(argc, argv, {std::cout, std::cerr, look});
}
