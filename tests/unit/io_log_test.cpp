#include <cstdio>
#include <cstdlib>
#include <type_traits>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/log.h"
#include "io/log_limiter.h"

namespace meshnode::io {
namespace {

const Endpoint kRemote = *Endpoint::parse("192.0.2.7:4242");
const Endpoint kRemote6 = *Endpoint::parse("[2001:db8::7]:4242");

// An address as a string could be in any of them.
static_assert(!std::is_convertible_v<std::string, LogPiece>);
static_assert(!std::is_convertible_v<const char*, LogPiece>);
static_assert(!std::is_convertible_v<std::string_view, LogPiece>);

LogEntry entry(const LogLine& line, LogLevel level = LogLevel::info) {
  return {LogModule::overlay, level, line};
}

TEST(LogLine, HidesAddressesOfEveryKindAndNothingElse) {
  const LogLine line{"at ",      kRemote,
                     " or ",     kRemote6,
                     " inside ", kRemote.ip,
                     ", ",       *Cidr::parse("10.77.0.1/24"),
                     ", ",       HostPort{"192.0.2.9", 3731},
                     ", ",       HostPort{"2001:db8::9", 3731},
                     ", ",       HostPort{"hub.example", 3731},
                     ", ",       7};
  EXPECT_EQ(line.text(false),
            "at [address] or [address] inside [address], [address], [address], [address], "
            "hub.example:3731, 7");
  EXPECT_EQ(line.text(true),
            "at 192.0.2.7:4242 or [2001:db8::7]:4242 inside 192.0.2.7, 10.77.0.1/24, "
            "192.0.2.9:3731, [2001:db8::9]:3731, hub.example:3731, 7");
}

TEST(LogLine, FiguresAndAddressesMakeNoOtherCause) {
  const auto cause = [](const LogLine& line) { return line.cause(LogModule::dht, LogLevel::info); };
  EXPECT_EQ(cause({"seen at ", kRemote, " in ", 3, figure(" ms")}),
            cause({"seen at ", kRemote6, " in ", 4, figure(" s")}));
  EXPECT_NE(cause({plain("beta"), " is gone"}), cause({plain("gamma"), " is gone"}));
  EXPECT_NE(LogLine({"x"}).cause(LogModule::dht, LogLevel::info),
            LogLine({"x"}).cause(LogModule::tun, LogLevel::info));
}

TEST(LogFormat, IsForPeopleForPairsAndForPrograms) {
  const LogLine line{as("peer", plain("be ta")), " claims ", as("address", kRemote.ip)};
  LogEntry shown = entry(line);
  EXPECT_EQ(render(LogFormat::text, shown), "info overlay: be ta claims [address]");
  EXPECT_EQ(render(LogFormat::key_value, shown),
            "level=info module=overlay msg=\"be ta claims [address]\" peer=\"be ta\"");
  EXPECT_EQ(render(LogFormat::json, shown),
            R"({"level":"info","module":"overlay","msg":"be ta claims [address]","peer":"be ta"})");
  shown.addresses = true;
  shown.held_back = 3;
  EXPECT_EQ(render(LogFormat::text, shown),
            "info overlay: be ta claims 192.0.2.7 (3 more like this held back)");
  EXPECT_EQ(render(LogFormat::key_value, shown),
            "level=info module=overlay msg=\"be ta claims 192.0.2.7\" peer=\"be ta\" "
            "address=192.0.2.7 held_back=3");
  EXPECT_EQ(render(LogFormat::json, shown),
            R"({"level":"info","module":"overlay","msg":"be ta claims 192.0.2.7","peer":"be ta",)"
            R"("address":"192.0.2.7","held_back":3})");
}

TEST(LogFormat, HasThePrioritiesOfTheJournal) {
  const LogLine line{"x"};
  EXPECT_EQ(render_for_journal(LogFormat::text, entry(line, LogLevel::error)), "<3>overlay: x");
  EXPECT_EQ(render_for_journal(LogFormat::text, entry(line, LogLevel::warn)), "<4>overlay: x");
  EXPECT_EQ(render_for_journal(LogFormat::text, entry(line, LogLevel::info)), "<6>overlay: x");
  EXPECT_EQ(render_for_journal(LogFormat::text, entry(line, LogLevel::debug)), "<7>overlay: x");
  EXPECT_EQ(render_for_journal(LogFormat::json, entry(line)),
            R"(<6>{"level":"info","module":"overlay","msg":"x"})");
}

TEST(LogFormat, NoNameBeginsALineOfItsOwnOrEndsAText) {
  const LogLine line{as("peer", plain("a\n<3>b\x1b[31m\"\\\xff\xc3\xa9"))};
  for (const LogFormat format : {LogFormat::text, LogFormat::key_value, LogFormat::json}) {
    const std::string out = render(format, entry(line));
    for (const char c : out) EXPECT_GE(static_cast<unsigned char>(c), 0x20) << out;
    EXPECT_EQ(out.find('\xff'), std::string::npos);
    EXPECT_NE(out.find("\xc3\xa9"), std::string::npos);
  }
  EXPECT_NE(render(LogFormat::json, entry(line)).find(R"("a?<3>b?[31m\"\\?)"), std::string::npos);
}

TEST(LogFormat, HasNoControlCharacterOfTwoBytes) {
  const LogLine line{
      plain("a\xc2\x9b"
            "31m\xc2\x80\xc2\x9f\xc2\xa0z")};
  EXPECT_EQ(render(LogFormat::text, entry(line)), "info overlay: a?31m??\xc2\xa0z");
}

TEST(LogFormat, IsBounded) {
  const LogLine line{plain(std::string(100'000, 'x'))};
  EXPECT_LT(render(LogFormat::text, entry(line)).size(), kMaxLogText + 100);
}

TEST(LogFormat, HasNames) {
  for (const LogFormat format : {LogFormat::text, LogFormat::key_value, LogFormat::json})
    EXPECT_EQ(parse_log_format(name(format)), format);
  EXPECT_FALSE(parse_log_format("xml"));
}

// ---- the limiter

using Limiter = LogLimiter<std::string>;
TimePoint at(int ms) {
  return TimePoint(seconds(1000) + milliseconds(ms));
}

TEST(LogLimiter, WritesOneLineOfACauseInASecondAndTellsOfTheOthers) {
  Limiter limiter;
  EXPECT_EQ(limiter.admit(at(0), 1, "a"), 0U);
  for (int i = 1; i < 1000; ++i) EXPECT_FALSE(limiter.admit(at(i), 1, "a"));
  EXPECT_EQ(limiter.admit(at(500), 2, "b"), 0U);
  EXPECT_EQ(limiter.admit(at(1000), 1, "a"), 999U);
  EXPECT_EQ(limiter.admit(at(2000), 1, "a"), 0U);
}

TEST(LogLimiter, TheLastLineOfABurstIsTold) {
  Limiter limiter;
  limiter.admit(at(0), 1, "one");
  limiter.admit(at(1), 1, "two");
  limiter.admit(at(2), 1, "three");
  std::vector<std::pair<std::string, std::uint64_t>> told;
  const auto tell = [&](const std::string& line, std::uint64_t before) {
    told.emplace_back(line, before);
  };
  limiter.release(at(999), tell);
  EXPECT_TRUE(told.empty());
  limiter.release(at(1000), tell);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0], std::pair(std::string("three"), std::uint64_t{1}));
  EXPECT_FALSE(limiter.admit(at(1500), 1, "four"));  // that one counts for the pause, too
  limiter.release(at(5000), tell);
  limiter.release(at(9000), tell);
  EXPECT_EQ(told.size(), 2U);
}

TEST(LogLimiter, HasABoundOnCausesAndOnLines) {
  Limiter limiter;
  std::size_t written = 0;
  for (std::uint64_t cause = 1; cause <= 100'000; ++cause)
    if (limiter.admit(at(0), cause, "x")) ++written;
  EXPECT_EQ(written, Limiter::kCauses + 1);
  EXPECT_EQ(limiter.admit(at(1000), 7'000'000, "x"), 0U);  // the others are stale by now
}

// ---- the whole, on a stderr of its own

class LogOutput : public ::testing::Test {
 protected:
  LogOutput() : file_(std::tmpfile()), kept_(::dup(STDERR_FILENO)) {
    ::dup2(::fileno(file_), STDERR_FILENO);
  }
  ~LogOutput() override {
    std::fflush(stderr);
    ::dup2(kept_, STDERR_FILENO);
    ::close(kept_);
    std::fclose(file_);
    set_log({});
  }
  std::string written() {
    std::fflush(stderr);
    std::rewind(file_);
    std::string out;
    for (int c = std::fgetc(file_); c != EOF; c = std::fgetc(file_)) out += static_cast<char>(c);
    return out;
  }
  std::FILE* file_;
  int kept_;
};

TEST_F(LogOutput, AddressesAreWrittenOnlyWhereTheyAreWanted) {
  LogSettings settings;
  set_log(settings);
  log(LogModule::overlay, LogLevel::warn, {"hidden ", kRemote});
  settings.levels.set(LogModule::dht, LogLevel::debug);
  set_log(settings);
  log(LogModule::overlay, LogLevel::warn, {"hidden still ", kRemote});
  EXPECT_EQ(written().find(kRemote.ip.to_string()), std::string::npos);
  log(LogModule::dht, LogLevel::info, {"shown at debug ", kRemote6});
  EXPECT_NE(written().find("shown at debug [2001:db8::7]:4242"), std::string::npos);
  settings.addresses = true;
  set_log(settings);
  log(LogModule::overlay, LogLevel::warn, {"shown as told ", kRemote});
  EXPECT_NE(written().find("shown as told 192.0.2.7:4242"), std::string::npos);
}

TEST_F(LogOutput, LevelsChangeAtRunTimeAndByModule) {
  set_log({});
  log(LogModule::dht, LogLevel::debug, {"too quiet"});
  set_log_levels(*LogLevels().with("dht=debug,tun=off"));
  log(LogModule::dht, LogLevel::debug, {"now heard"});
  log(LogModule::overlay, LogLevel::debug, {"of another module"});
  log(LogModule::tun, LogLevel::error, {"switched off"});
  const std::string out = written();
  EXPECT_EQ(out.find("too quiet"), std::string::npos);
  EXPECT_NE(out.find("debug dht: now heard\n"), std::string::npos);
  EXPECT_EQ(out.find("of another module"), std::string::npos);
  EXPECT_EQ(out.find("switched off"), std::string::npos);
}

TEST_F(LogOutput, ABurstIsOneLine) {
  set_log({});
  for (int i = 0; i < 100; ++i) log(LogModule::node, LogLevel::warn, {"burst number ", i});
  const std::string out = written();
  // The machine may be slow: at most a few seconds passed.
  std::size_t lines = 0;
  for (auto at = out.find("burst"); at != out.npos; at = out.find("burst", at + 1)) ++lines;
  EXPECT_GE(lines, 1U);
  EXPECT_LT(lines, 50U);
}

TEST_F(LogOutput, JsonIsOneObjectWithItsTime) {
  LogSettings settings;
  settings.format = LogFormat::json;
  set_log(settings);
  log(LogModule::node, LogLevel::info, {"an object"});
  const std::string out = written();
  EXPECT_EQ(out.rfind("{\"time\":\"2", 0), 0U) << out;
  EXPECT_NE(out.find("\",\"level\":\"info\",\"module\":\"node\",\"msg\":\"an object\"}\n"),
            std::string::npos)
      << out;
}

TEST_F(LogOutput, KnowsTheJournalByDeviceAndInode) {
  struct stat about {};
  ASSERT_EQ(::fstat(STDERR_FILENO, &about), 0);
  const std::string here = std::to_string(about.st_dev) + ":" + std::to_string(about.st_ino);
  ::unsetenv("JOURNAL_STREAM");
  EXPECT_FALSE(stderr_is_journal());
  ::setenv("JOURNAL_STREAM", here.c_str(), 1);
  EXPECT_TRUE(stderr_is_journal());
  for (const std::string& other : {here + "0", std::string("1:2"), std::string("x"), here + "x"}) {
    ::setenv("JOURNAL_STREAM", other.c_str(), 1);
    EXPECT_FALSE(stderr_is_journal()) << other;
  }
  ::unsetenv("JOURNAL_STREAM");
}

}  // namespace
}  // namespace meshnode::io
