#include <gtest/gtest.h>

#include "discovery/dht/return_paths.h"

namespace meshnode::dht {
namespace {

Path path(std::uint16_t port, std::uint8_t local) {
  Path out;
  out.remote = {IpAddress::v4({192, 0, 2, 1}), port};
  out.local = IpAddress::v4({198, 51, 100, local});
  return out;
}

TEST(ReturnPaths, AnswersFromTheAddressThatWasAskedLast) {
  ReturnPaths paths(1);
  paths.heard(path(1000, 1));
  paths.heard(path(2000, 2));
  EXPECT_EQ(paths.to(path(1000, 0).remote), path(1000, 1));
  EXPECT_EQ(paths.to(path(2000, 0).remote), path(2000, 2));
  paths.heard(path(1000, 2));
  EXPECT_EQ(paths.to(path(1000, 0).remote), path(1000, 2));
}

TEST(ReturnPaths, LeavesTheChoiceToTheKernelForStrangers) {
  ReturnPaths paths(1);
  const Endpoint stranger{IpAddress::v4({203, 0, 113, 1}), 3731};
  EXPECT_EQ(paths.to(stranger).remote, stranger);
  EXPECT_FALSE(paths.to(stranger).local);
}

TEST(ReturnPaths, NeverMixesUpTwoRemotes) {
  ReturnPaths paths(7);
  for (std::uint32_t port = 1; port < 60000; ++port)
    paths.heard(path(static_cast<std::uint16_t>(port), static_cast<std::uint8_t>(port % 250)));
  std::size_t known = 0;
  for (std::uint32_t port = 1; port < 60000; ++port) {
    const auto expected =
        path(static_cast<std::uint16_t>(port), static_cast<std::uint8_t>(port % 250));
    const Path back = paths.to(expected.remote);
    EXPECT_EQ(back.remote, expected.remote);
    if (!back.local) continue;
    ++known;
    ASSERT_EQ(back, expected);
  }
  EXPECT_GT(known, ReturnPaths::kSlots / 2);
  EXPECT_LE(known, ReturnPaths::kSlots);
}

}  // namespace
}  // namespace meshnode::dht
