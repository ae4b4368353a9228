// The one function that decides which of two paths carries the data, as a table.
#include <gtest/gtest.h>

#include "discovery/path_quality.h"

namespace meshnode::discovery {
namespace {

constexpr TimePoint kNow{hours(1)};
constexpr auto kLan = PathKind::lan;
constexpr auto kDirect = PathKind::direct;

PathQuality path(PathKind kind, milliseconds rtt, milliseconds silent = milliseconds(0)) {
  return {.kind = kind, .rtt = rtt, .last_heard = kNow - silent};
}
PathQuality suspicious(PathQuality quality, unsigned overdue = 2) {
  quality.overdue = overdue;
  quality.suspicious = true;
  return quality;
}
PathQuality overdue(PathQuality quality) {
  quality.overdue = 1;
  return quality;
}
// The peer's frames come here since then.
PathQuality turned(PathQuality quality, milliseconds ago) {
  quality.turned_here = kNow - ago;
  return quality;
}

struct Row {
  PathQuality candidate;
  PathQuality current;
  bool moves;
  const char* why;
};

const milliseconds ms1{1}, ms2{2}, ms5{5}, ms7{7}, ms10{10}, ms40{40}, ms100{100};

const Row kRows[] = {
    {path(kDirect, ms10), path(kDirect, ms10), false, "equal paths do not flap"},

    {path(kDirect, ms100), suspicious(path(kLan, ms1)), true,
     "whoever answers beats whoever has stopped"},
    {path(kDirect, ms100), suspicious(path(kDirect, ms1), 4), true,
     "however fast the other one was"},
    {path(kDirect, ms100), suspicious(path(kLan, ms1), 0), true,
     "whose address is gone, was not even asked"},
    {path(kDirect, ms100), overdue(path(kLan, ms1)), false, "one lost probe is not yet a sign"},
    {suspicious(path(kLan, ms1)), path(kDirect, ms100), false,
     "a suspicious path wins against nobody"},
    {suspicious(path(kLan, ms1)), overdue(path(kDirect, ms100)), false,
     "nor if the other lost a probe"},
    {suspicious(path(kLan, ms1)), suspicious(path(kDirect, ms100)), true,
     "both suspicious: the usual order"},
    {suspicious(path(kDirect, ms100)), suspicious(path(kLan, ms1)), false,
     "and the other way round"},
    {overdue(path(kLan, ms1)), path(kDirect, ms100), false, "none that lost a probe is preferred"},
    {suspicious(path(kLan, ms1), 3), suspicious(path(kDirect, ms100)), false,
     "nor one that lost more"},

    {turned(path(kDirect, ms100), ms10), overdue(path(kLan, ms1, milliseconds(11))), true,
     "the peer has roamed: it turned there, and here a probe is overdue"},
    {turned(path(kDirect, ms100), ms10), overdue(path(kLan, ms1, ms10)), false,
     "not if something was heard here since"},
    {turned(path(kDirect, ms100), ms10), path(kLan, ms1, milliseconds(60'000)), false,
     "silence alone is no sign: nobody has asked"},
    {path(kDirect, ms100), overdue(path(kLan, ms1, milliseconds(60'000))), false,
     "answers to our own probes are no sign either"},
    {path(kLan, ms1, milliseconds(60'000)), path(kDirect, ms100), true,
     "roaming counts only towards the path that was heard"},
    {overdue(path(kLan, ms1, milliseconds(11))), turned(path(kDirect, ms100), ms10), false,
     "nor is the one that the peer left preferred again while it does not answer"},

    {path(kLan, ms100), path(kDirect, ms1), true, "the local network, whatever one RTT says"},
    {path(kDirect, ms1), path(kLan, ms100), false, "and it is not left for speed"},

    {path(kDirect, ms5), path(kDirect, ms10), true, "clearly faster"},
    {path(kDirect, ms7), path(kDirect, ms10), false, "30 % is not clearly"},
    {path(kDirect, milliseconds(69)), path(kDirect, ms100), true, "31 % is"},
    {path(kDirect, milliseconds(70)), path(kDirect, ms100), false, "exactly 30 % is not"},
    {path(kDirect, ms1), path(kDirect, milliseconds(3)), false,
     "a third of the time, but nobody notices 2 ms"},
    {path(kDirect, ms1), path(kDirect, milliseconds(4)), true, "3 ms are noticed"},
    {path(kLan, ms2), path(kLan, ms40), true, "the same among local paths"},
    {path(kDirect, ms10), path(kDirect, ms5), false, "slower never wins"},
};

TEST(PathQuality, Table) {
  for (const Row& row : kRows) EXPECT_EQ(better(row.candidate, row.current), row.moves) << row.why;
}

TEST(PathQuality, NeverFlapsBetweenTwo) {
  for (const Row& row : kRows)
    EXPECT_FALSE(better(row.candidate, row.current) && better(row.current, row.candidate))
        << row.why;
}

TEST(PathQuality, NoPathIsBetterThanItself) {
  for (const Row& row : kRows) {
    EXPECT_FALSE(better(row.current, row.current)) << row.why;
    EXPECT_FALSE(better(row.candidate, row.candidate)) << row.why;
  }
}

}  // namespace
}  // namespace meshnode::discovery
