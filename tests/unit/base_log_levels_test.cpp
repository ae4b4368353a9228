#include <gtest/gtest.h>

#include "base/log_levels.h"

namespace meshnode {
namespace {

LogLevels read(std::string_view text, LogLevels before = LogLevels()) {
  const auto out = before.with(text);
  EXPECT_TRUE(out.ok()) << text;
  return out ? *out : LogLevels(LogLevel::off);
}

TEST(LogLevels, OneWordMeansAllModules) {
  EXPECT_EQ(read("debug"), LogLevels(LogLevel::debug));
}

TEST(LogLevels, AModuleIsSetAndTheOthersStay) {
  const LogLevels levels = read("dht=debug,overlay=warn", LogLevels(LogLevel::error));
  EXPECT_EQ(levels[LogModule::dht], LogLevel::debug);
  EXPECT_EQ(levels[LogModule::overlay], LogLevel::warn);
  EXPECT_EQ(levels[LogModule::tun], LogLevel::error);
}

TEST(LogLevels, WhatComesLaterCounts) {
  EXPECT_EQ(read("dht=debug,warn"), LogLevels(LogLevel::warn));
  EXPECT_EQ(read("warn,dht=debug")[LogModule::dht], LogLevel::debug);
}

TEST(LogLevels, TheTextMeansTheSameWhateverWasBefore) {
  for (std::size_t i = 0; i < kLogModules; ++i) {
    LogLevels levels(LogLevel::warn);
    levels.set(static_cast<LogModule>(i), LogLevel::trace);
    levels.set(LogModule::hub, LogLevel::off);
    EXPECT_EQ(read(levels.to_string(), LogLevels(LogLevel::debug)), levels) << levels.to_string();
  }
  EXPECT_EQ(read("info,dht=debug").to_string(), "info,dht=debug");
}

TEST(LogLevels, WhatIsWrongIsNamed) {
  const auto error = [](std::string_view text) {
    const auto levels = LogLevels().with(text);
    return levels ? std::string() : levels.error().message;
  };
  EXPECT_NE(error("loud").find("\"loud\": a log level is trace, debug"), std::string::npos);
  EXPECT_NE(error("dth=debug").find("did you mean dht?"), std::string::npos);
  EXPECT_NE(error("zzzzzzzzzz=debug").find("the modules are node, overlay"), std::string::npos);
  for (const char* text : {"", ",", "info,", "=debug", "dht=", "dht=debug=warn", "DEBUG", " info"})
    EXPECT_NE(error(text), "") << text;
  EXPECT_NE(error(std::string(600, ',')), "");
  EXPECT_EQ(error("\x1b[31m").find('\x1b'), std::string::npos);
}

TEST(LogLevels, OffIsNoLevelOfALine) {
  EXPECT_FALSE(LogLevels(LogLevel::trace).allow(LogModule::node, LogLevel::off));
  EXPECT_FALSE(LogLevels(LogLevel::off).allow(LogModule::node, LogLevel::error));
  EXPECT_TRUE(LogLevels(LogLevel::info).allow(LogModule::node, LogLevel::info));
  EXPECT_FALSE(LogLevels(LogLevel::info).allow(LogModule::node, LogLevel::debug));
}

}  // namespace
}  // namespace meshnode
