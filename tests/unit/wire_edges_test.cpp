// wire/edges: with whom a member says that it has edges.
#include <gtest/gtest.h>

#include "base/text.h"
#include "wire/control.h"
#include "wire/edges.h"

namespace meshnode::wire {
namespace {

NodeId id_of(std::uint8_t fill) {
  NodeId id;
  id.bytes.fill(fill);
  return id;
}

EdgePage example() {
  return {
      .number = 0x80000007,
      .more = true,
      .edges = {{id_of(1), EdgeTo::PathKind::lan, 1500}, {id_of(2), EdgeTo::PathKind::direct, 0}}};
}

Bytes body_of(const Bytes& control, ControlType type) {
  const auto parsed = parse_control(control);
  EXPECT_TRUE(parsed);
  EXPECT_EQ(parsed->type, type);
  return to_bytes(parsed->body);
}
Bytes body_of(const EdgePage& page) {
  return body_of(encode_edges_answer(page), ControlType::edges_answer);
}

TEST(Edges, RoundTrip) {
  EXPECT_EQ(parse_edges_answer(body_of(example())), example());
  EXPECT_EQ(parse_edges_answer(body_of(EdgePage{})), EdgePage{});
  const EdgePage refused{.number = 5, .refused = true};
  EXPECT_EQ(parse_edges_answer(body_of(refused)), refused);
  const EdgesAsk ask{7, id_of(9)};
  EXPECT_EQ(parse_edges_ask(body_of(encode_edges_ask(ask), ControlType::edges_ask)), ask);
}

TEST(Edges, IsGolden) {
  std::string one, two;
  for (int i = 0; i < 32; ++i) {
    one += "01";
    two += "02";
  }
  EXPECT_EQ(to_hex(encode_edges_ask({0x80000007, id_of(1)})),
            "0c002400"
            "07000080" +
                one);
  EXPECT_EQ(to_hex(encode_edges_answer(example())),
            "0d005000"  // type 13, 80 bytes
            "07000080"
            "01"
            "02" +
                one +
                "01"
                "dc050000" +
                two +
                "02"
                "00000000");
  EXPECT_EQ(to_hex(encode_edges_answer({.number = 1, .refused = true})),
            "0d000600"
            "01000000"
            "02"
            "00");
}

TEST(Edges, WhoRefusesTellsNothing) {
  EdgePage page = example();
  page.refused = true;
  const auto parsed = parse_edges_answer(body_of(page));
  ASSERT_TRUE(parsed);
  EXPECT_TRUE(parsed->refused && parsed->edges.empty() && !parsed->more);
}

TEST(Edges, APageIsBoundedAndFitsOneFrame) {
  EdgePage page;
  for (std::uint8_t i = 1; i <= 30; ++i) page.edges.push_back({id_of(i), EdgeTo::PathKind::lan, i});
  const Bytes control = encode_edges_answer(page);
  EXPECT_LE(control.size(), 1000U);
  const auto parsed = parse_edges_answer(body_of(page));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->edges.size(), EdgePage::kMost);
  EXPECT_TRUE(parsed->more) << "the rest is on the next page";
  Bytes body = body_of(page);
  body[5] = EdgePage::kMost + 1;
  body.resize(body.size() + 37, 0xff);
  EXPECT_FALSE(parse_edges_answer(body));
}

TEST(Edges, DisorderIsRefused) {
  for (const auto& edges :
       {std::vector<EdgeTo>{{id_of(2)}, {id_of(1)}}, std::vector<EdgeTo>{{id_of(2)}, {id_of(2)}}})
    EXPECT_FALSE(parse_edges_answer(body_of(EdgePage{.edges = edges})));
  EXPECT_FALSE(parse_edges_answer(body_of(EdgePage{.more = true}))) << "would never end";
  Bytes body = body_of(example());
  body[6 + 32] = 3;  // path kind
  EXPECT_FALSE(parse_edges_answer(body));
  body[6 + 32] = 0;
  EXPECT_FALSE(parse_edges_answer(body));
}

TEST(Edges, EveryTruncationIsRefusedAndWhatFollowsSkipped) {
  Bytes body = body_of(example());
  for (std::size_t size = 0; size < body.size(); ++size)
    EXPECT_FALSE(parse_edges_answer(ByteView(body).first(size))) << size;
  body.insert(body.end(), 40, 0xab);
  EXPECT_EQ(parse_edges_answer(body), example());
  EXPECT_FALSE(parse_edges_ask(ByteView(body).first(35)));
}

}  // namespace
}  // namespace meshnode::wire
