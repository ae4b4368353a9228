#include "tests/vectors/vector_file.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace meshnode::test {

void VectorFile::load(const std::string& name) {
  const std::filesystem::path path = std::filesystem::path(MESHNODE_VECTORS) / name;
  std::ifstream in(path);
  if (!in && std::getenv("CI") != nullptr)
    FAIL() << "published vectors are missing on CI: " << path;
  if (!in)
    GTEST_SKIP() << "published vectors not found, set MESHNODE_VECTORS at configure time: " << path;
  file_ = nlohmann::json::parse(in);
}

}  // namespace meshnode::test
