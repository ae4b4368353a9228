#include <gtest/gtest.h>

#include "base/host_port.h"

namespace meshnode {
namespace {

TEST(HostPort, Reads) {
  const struct {
    const char* text;
    HostPort expected;
  } table[] = {
      {"hub.example.org:3731", {"hub.example.org", 3731}},
      {"hub:1", {"hub", 1}},
      {"A-b_9:65535", {"A-b_9", 65535}},
      {"192.0.2.1:3731", {"192.0.2.1", 3731}},
      {"[2001:db8::1]:3731", {"2001:db8::1", 3731}},
      {"[::1]:1", {"::1", 1}},
      {"1.example:1", {"1.example", 1}},
      {"_udp.example:1", {"_udp.example", 1}},
  };
  for (const auto& row : table) {
    const auto parsed = HostPort::parse(row.text);
    ASSERT_TRUE(parsed) << row.text;
    EXPECT_EQ(*parsed, row.expected) << row.text;
    EXPECT_EQ(parsed->to_string(), row.text);
  }
}

TEST(HostPort, Refuses) {
  using std::string_literals::operator""s;
  const std::string table[] = {
      "",
      ":",
      "hub",
      "hub:",
      ":3731",
      "hub:0",
      "hub:65536",
      "hub:99999999999999999999",
      "hub:-1",
      "hub:+1",
      "hub: 1",
      "hub:1 ",
      "hub:0x1",
      "hub:1:1",
      "::1:1",  // an IPv6 address needs brackets
      "2001:db8::1",
      "[2001:db8::1]",
      "[2001:db8::1]3731",
      "[2001:db8::1:3731",
      "2001:db8::1]:3731",
      "[192.0.2.1]:1",  // brackets are for IPv6
      "[hub]:1",
      "[]:1",
      "[fe80::1%eth0]:1",
      "256.0.0.1:1",  // digits and dots that are no address
      "192.0.2:1",
      "3731:3731",
      ".hub:1",
      "-hub:1",
      "hub..org:1",
      "a b:1",
      "h\xc3\xbc"
      "b:1",
      "hub/24:1",
      "hub\0:1"s,
      "hub:1\0"s,
      "[::1\0]:1"s,
      "hub\n:1",
      std::string(64, 'a') + ":1",
  };
  for (const std::string& text : table) EXPECT_FALSE(HostPort::parse(text)) << text;
}

TEST(HostPort, ALabelHas63CharactersAndANameHas253) {
  const std::string label(63, 'a');
  EXPECT_TRUE(HostPort::parse(label + ":1"));
  const std::string longest = label + "." + label + "." + label + "." + std::string(61, 'b');
  ASSERT_EQ(longest.size(), 253U);
  EXPECT_TRUE(HostPort::parse(longest + ":1"));
  EXPECT_FALSE(HostPort::parse(longest + "b:1"));
}

}  // namespace
}  // namespace meshnode
