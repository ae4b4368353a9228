// Files of published vectors, from the folder given at configure time.
#pragma once

#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/vectors/hex.h"

namespace meshnode::test {

// A fixture that loads one file. Where the folder is missing the tests skip, so that a bare
// checkout can be tested; on CI that would be a silent hole, so there they fail.
class VectorFile : public testing::Test {
 protected:
  void load(const std::string& name);

  nlohmann::json file_;
};

// A member that is hex.
inline Bytes hex_of(const nlohmann::json& object, const char* member) {
  return hex(object.at(member).get<std::string>());
}
inline std::string text_of(const nlohmann::json& object, const char* member) {
  return object.at(member).get<std::string>();
}

// Calls `check(group, test)` for each test of a Wycheproof file, naming it in failures.
template <typename Check>
void for_each_test(const nlohmann::json& file, Check check) {
  for (const auto& group : file.at("testGroups"))
    for (const auto& test : group.at("tests")) {
      SCOPED_TRACE("tcId " + test.at("tcId").dump() + " " + test.value("comment", "") + " " +
                   test.at("flags").dump());
      check(group, test);
    }
}

}  // namespace meshnode::test
