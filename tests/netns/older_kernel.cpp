// For tests: runs a program as on a kernel that lacks something (tests/support/older_kernel.h).
//
//   older_kernel WHAT PROGRAM [ARGUMENT...]
#include "support/older_kernel.h"

#include <cstdio>

#include <unistd.h>

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  if (!meshnode::test::take_away(argv[1])) {
    std::fprintf(stderr, "older_kernel: cannot take away %s\n", argv[1]);
    return 2;
  }
  ::execvp(argv[2], argv + 2);
  std::perror(argv[2]);
  return 1;
}
