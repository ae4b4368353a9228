#include <map>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "discovery/sorted_pages.h"
#include "support/seeded_random.h"

namespace meshnode::discovery {
namespace {

using Pages = SortedPages<int, std::string>;
using Reference = std::map<int, std::string>;

std::vector<std::pair<int, std::string>> entries(const Pages& pages) {
  return {pages.begin(), pages.end()};
}

std::vector<std::pair<int, std::string>> entries(const Reference& reference) {
  return {reference.begin(), reference.end()};
}

TEST(SortedPages, AnEmptyOneHasNothing) {
  Pages pages;
  EXPECT_TRUE(pages.empty());
  EXPECT_EQ(pages.begin(), pages.end());
  EXPECT_EQ(pages.find(1), pages.end());
  EXPECT_EQ(pages.lower_bound(1), pages.end());
}

TEST(SortedPages, FillsInAnyOrderAndIsWalkedAscending) {
  const int count = 5 * static_cast<int>(Pages::kPage);
  for (const int step : {1, -1, 7}) {  // prime to the count
    Pages pages;
    for (int i = 0; i < count; ++i) pages[((i * step) % count + count) % count] = "x";
    EXPECT_EQ(pages.size(), static_cast<std::size_t>(count));
    int expected = 0;
    for (const auto& entry : pages) ASSERT_EQ(entry.first, expected++) << step;
  }
}

TEST(SortedPages, ErasingWhileWalkingVisitsEachOnce) {
  Pages pages;
  for (int i = 0; i < 1000; ++i) pages[i] = "x";
  int visited = 0;
  for (auto at = pages.begin(); at != pages.end(); ++visited)
    at = at->first % 3 == 0 ? ++at : pages.erase(at);
  EXPECT_EQ(visited, 1000);
  EXPECT_EQ(pages.size(), 334U);
  for (const auto& entry : pages) EXPECT_EQ(entry.first % 3, 0);
}

// Growing and shrinking in turns, so that pages split, and become empty in front, within and last.
TEST(SortedPages, IsWhatAMapIs) {
  test::SeededRandom random(1);
  Pages pages;
  Reference reference;
  for (int i = 0; i < 40000; ++i) {
    const int key = static_cast<int>(random.below(700));
    const bool growing = (i / 4000) % 2 == 0;
    if (random.below(10) < (growing ? 8U : 2U)) {
      const auto value = std::to_string(i);
      pages[key] = value;
      reference[key] = value;
    } else if (const auto found = pages.find(key); found != pages.end()) {
      const auto next = pages.erase(found);
      const auto expected = reference.erase(reference.find(key));
      ASSERT_EQ(next == pages.end(), expected == reference.end());
      if (expected != reference.end()) {
        ASSERT_EQ(next->first, expected->first);
      }
    } else {
      ASSERT_FALSE(reference.contains(key));
    }
    const int asked = static_cast<int>(random.below(700));
    const auto bound = std::as_const(pages).lower_bound(asked);
    const auto expected = reference.lower_bound(asked);
    ASSERT_EQ(bound == std::as_const(pages).end(), expected == reference.end());
    if (expected != reference.end()) {
      ASSERT_EQ(bound->second, expected->second);
    }
    ASSERT_EQ(pages.size(), reference.size());
    if (i % 500 == 0) {
      ASSERT_EQ(entries(pages), entries(reference));
    }
  }
}

}  // namespace
}  // namespace meshnode::discovery
