#include "base/result.h"

#include <cstdio>

namespace meshnode {

void assertion_failed(const char* what, const char* file, int line) {
  std::fprintf(stderr, "meshnode: bug: assertion \"%s\" failed at %s:%d\n", what, file, line);
  std::abort();
}

}  // namespace meshnode
