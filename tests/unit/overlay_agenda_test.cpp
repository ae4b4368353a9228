#include <gtest/gtest.h>

#include "overlay/agenda.h"

namespace meshnode::overlay {
namespace {

constexpr PeerNumber kA{1}, kB{2};
constexpr TimePoint at(int s) {
  return TimePoint(seconds(s));
}

TEST(Agenda, TheFirstAndThoseThatAreDue) {
  Agenda agenda;
  EXPECT_EQ(agenda.first(), std::nullopt);
  agenda.set(kA, at(5));
  agenda.set(kB, at(3));
  EXPECT_EQ(agenda.first(), at(3));
  EXPECT_TRUE(agenda.due(at(2)).empty());
  EXPECT_EQ(agenda.due(at(5)), (std::vector{kB, kA}));
}

TEST(Agenda, LaterWordsReplaceEarlierOnes) {
  Agenda agenda;
  agenda.set(kA, at(5));
  agenda.set(kA, at(9));
  EXPECT_EQ(agenda.first(), at(9));
  agenda.set(kA, at(1));
  agenda.set(kA, at(1));
  EXPECT_EQ(agenda.due(at(99)).size(), 1U);
  agenda.set(kA, std::nullopt);
  agenda.set(kB, std::nullopt);
  EXPECT_EQ(agenda.first(), std::nullopt);
}

}  // namespace
}  // namespace meshnode::overlay
