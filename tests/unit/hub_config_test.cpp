#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hub/config.h"

namespace meshnode::hub {
namespace {

using testing::HasSubstr;

std::variant<Config, Printed, Error> read(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "meshhub");
  return parse(static_cast<int>(arguments.size()), arguments.data());
}

std::string wrong(const std::vector<const char*>& arguments) {
  const auto parsed = read(arguments);
  const auto* error = std::get_if<Error>(&parsed);
  if (error == nullptr) return "accepted";
  EXPECT_EQ(error->exit_code(), 2);
  return error->message;
}

TEST(HubConfig, NeedsNothing) {
  const auto parsed = read({});
  const auto* config = std::get_if<Config>(&parsed);
  ASSERT_NE(config, nullptr);
  EXPECT_TRUE(config->addresses.empty());
  EXPECT_EQ(config->port, 3731);
  EXPECT_EQ(config->dht_network, 3731U);
  EXPECT_TRUE(config->state_dir.empty());
}

TEST(HubConfig, TakesEverything) {
  const auto parsed = read({"-a", "192.0.2.1", "-a", "2001:db8::1", "-p", "4000", "--bootstrap",
                            "a.example:1", "--bootstrap", "[2001:db8::2]:2", "--dht-network", "0",
                            "--state-dir", "/tmp/x", "--log-level", "debug"});
  const auto* config = std::get_if<Config>(&parsed);
  ASSERT_NE(config, nullptr);
  EXPECT_EQ(config->addresses.size(), 2U);
  EXPECT_EQ(config->port, 4000);
  ASSERT_EQ(config->bootstraps.size(), 2U);
  EXPECT_EQ(config->bootstraps[0].to_string(), "a.example:1");
  EXPECT_EQ(config->bootstraps[1].to_string(), "[2001:db8::2]:2");
  EXPECT_EQ(config->dht_network, 0U);
  EXPECT_EQ(config->state_dir, "/tmp/x");
  EXPECT_EQ(config->log.levels, LogLevels(LogLevel::debug));
}

TEST(HubConfig, PrintsHelpAndVersion) {
  const auto help = read({"--help"});
  ASSERT_TRUE(std::holds_alternative<Printed>(help));
  EXPECT_THAT(std::get<Printed>(help).text, HasSubstr("--bootstrap"));
  const auto version = read({"--version"});
  ASSERT_TRUE(std::holds_alternative<Printed>(version));
  EXPECT_THAT(std::get<Printed>(version).text, HasSubstr("meshhub "));
}

TEST(HubConfig, SaysWhatIsWrong) {
  EXPECT_THAT(wrong({"-a", "x"}), HasSubstr("--address x"));
  EXPECT_THAT(wrong({"-a", "224.0.0.1"}), HasSubstr("--address 224.0.0.1"));
  EXPECT_THAT(wrong({"-a", "1.2.3.4", "-a", "1.2.3.4"}), HasSubstr("twice"));
  EXPECT_THAT(wrong({"-a", "0.0.0.0", "-a", "1.2.3.4"}), HasSubstr("every address"));
  for (const char* port : {"0", "65534", "x", "-1", "3731x", ""})
    EXPECT_THAT(wrong({"-p", port}), HasSubstr("--port")) << port;
  for (const char* name : {"x", "x:", ":1", "x:0", "::1:1", "[x]:1", "a b:1", "x:65536"})
    EXPECT_THAT(wrong({"--bootstrap", name}), HasSubstr("--bootstrap")) << name;
  EXPECT_THAT(wrong({"--dht-network", "4294967296"}), HasSubstr("--dht-network"));
  EXPECT_THAT(wrong({"--log-level", "loud"}), HasSubstr("--log-level loud"));
  EXPECT_THAT(wrong({"--log.format", "xml"}), HasSubstr("--log.format xml"));
  EXPECT_THAT(wrong({"--log.addresses", "yes"}), HasSubstr("--log.addresses yes"));
  EXPECT_THAT(wrong({"--metrics.listen", "9732"}), HasSubstr("--metrics.listen 9732"));
  EXPECT_THAT(wrong({"--frobnicate"}), HasSubstr("--frobnicate"));
  EXPECT_THAT(wrong({"stray"}), HasSubstr("stray"));
  EXPECT_NE(wrong({"-p"}), "accepted");
  EXPECT_NE(wrong({"-p", "1", "-p", "2"}), "accepted");
}

TEST(HubConfig, FindsAllProblemsAtOnce) {
  const std::string all = wrong({"-a", "x", "-p", "0", "--log-level", "loud"});
  EXPECT_EQ(std::count(all.begin(), all.end(), '\n'), 2);
}

}  // namespace
}  // namespace meshnode::hub
