// node/name_service, without its socket (tests/netns/names.sh has that).
#include <gtest/gtest.h>

#include "monitor/names.h"
#include "node/name_service.h"

namespace meshnode::node {
namespace {

const Cidr kPrefix{*IpAddress::parse("fd12:3456:789a::"), 48};
const IpAddress kOwn = *IpAddress::parse("fd12:3456:789a::1");

NodeId id(std::uint8_t first, std::uint8_t last = 0) {
  NodeId out;
  out.bytes[0] = first;
  out.bytes[31] = last;
  return out;
}

names::Member member(const NodeId& id, const std::string& name) {
  return {
      id, name, {*IpAddress::parse("fd12:3456:789a::2"), *IpAddress::parse("10.77.0.2")}, false};
}

std::vector<std::string> lines_of(std::vector<names::Member> members) {
  NameService service(kOwn, kPrefix);
  EXPECT_TRUE(service.update(TimePoint{}, 1, std::move(members)));
  return service.hosts_lines();
}

TEST(NameService, LinesForTheHostsFileHaveNameAndId) {
  const std::string by_id = id(1).to_string().substr(0, 8) + ".id.mesh";
  EXPECT_EQ(lines_of({member(id(1), "Beta")}),
            (std::vector<std::string>{"fd12:3456:789a::2 beta.mesh " + by_id,
                                      "10.77.0.2 beta.mesh " + by_id}));
}

TEST(NameService, TheShortIdOfTwoIsInNoLine) {
  const auto lines = lines_of({member(id(1, 1), "a"), member(id(1, 2), "b")});
  ASSERT_EQ(lines.size(), 4U);
  const std::string shared = " " + id(1).to_string().substr(0, 8) + ".id.mesh";
  for (const std::string& line : lines) EXPECT_EQ(line.find(shared), line.npos) << line;
  EXPECT_TRUE(lines[0].ends_with(" a.mesh " + id(1, 1).to_string() + ".id.mesh")) << lines[0];
}

TEST(NameService, TheMonitorTakesEachLineAndAsManyAsThereMayBe) {
  std::vector<names::Member> members;
  for (std::size_t i = 0; i < 2 * NameService::kMostHosts; ++i)
    members.push_back(member(id(static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)),
                             std::string(63, 'x') + "y"));
  const auto lines = lines_of(members);
  EXPECT_EQ(lines.size(), 2 * NameService::kMostHosts);
  for (const std::string& line : lines) EXPECT_TRUE(monitor::is_hosts_line(line, kPrefix)) << line;
  EXPECT_GE(monitor::Names::kMostLines, NameService::kMostHosts * names::Table::kMaxAddresses);
}

TEST(NameService, AConflictIsNewsOnceUntilItIsOver) {
  NameService service(kOwn, kPrefix);
  const auto told = [&](std::vector<names::Member> members) {
    service.update(TimePoint{}, 1, std::move(members));
    return service.take_news();
  };
  const auto both = std::vector{member(id(1), "x"), member(id(2), "x")};
  EXPECT_NE(told(both).find("x.mesh is nobody's: "), std::string::npos);
  auto more = both;
  more.push_back(member(id(3), "z"));
  EXPECT_EQ(told(more), "");
  EXPECT_EQ(told({both[0]}), "");
  EXPECT_NE(told(both), "");
}

}  // namespace
}  // namespace meshnode::node
