// The door in front of OpenDHT: every message of its own passes, nothing else does.
#include <gtest/gtest.h>

#include "tests/support/seeded_random.h"
#include "tests/unit/dht_captured.h"
#include "wire/dht_message.h"

namespace meshnode::wire {
namespace {

using test::captured;
using Kind = DhtMessage::Kind;
using Query = DhtMessage::Query;

DhtMessage read(std::string_view name) {
  const auto message = inspect_dht(captured(name));
  EXPECT_TRUE(message) << name;
  return message.value_or(DhtMessage{});
}

TEST(DhtMessage, EveryCapturedMessagePasses) {
  for (const auto& message : test::kCapturedDht)
    EXPECT_TRUE(inspect_dht(*from_hex(message.hex))) << message.name;
}

TEST(DhtMessage, KindsAndQueries) {
  const std::pair<const char*, Query> requests[] = {
      {"ping", Query::ping},     {"find", Query::find},      {"get_ids", Query::get},
      {"put", Query::put},       {"listen", Query::listen},  {"refresh", Query::refresh},
      {"update", Query::update}, {"expired", Query::update}, {"refreshed", Query::update},
      {"filters", Query::get},
  };
  for (const auto& [name, query] : requests) {
    EXPECT_EQ(read(name).kind, Kind::request) << name;
    EXPECT_EQ(read(name).query, query) << name;
  }
  EXPECT_EQ(read("pong").kind, Kind::reply);
  EXPECT_EQ(read("error").kind, Kind::error);
  EXPECT_EQ(read("error").error_code, 401);
  EXPECT_EQ(read("old_update").kind, Kind::update);
  EXPECT_EQ(read("part").kind, Kind::value_part);
  EXPECT_EQ(read("refresh").transaction, 0x11223344U);
  EXPECT_EQ(read("ping").network, 3731U);
  EXPECT_EQ(read("find_both_families").want, DhtMessage::want_v4 | DhtMessage::want_v6);
  EXPECT_EQ(read("find").want, 0);
  EXPECT_EQ(read("expired").socket, 77U);
}

TEST(DhtMessage, Values) {
  const DhtMessage put = read("put");
  EXPECT_EQ(put.values, 1U);
  EXPECT_EQ(put.value_id, 11U);
  EXPECT_EQ(put.value_bytes, 526U);
  EXPECT_TRUE(put.plain);
  EXPECT_EQ(put.token.size, 32U);
  const DhtMessage split = read("update_split");
  EXPECT_TRUE(split.split);
  EXPECT_EQ(split.values, 2U);
  EXPECT_EQ(split.value_bytes, 1052U);
  const DhtMessage part = read("part");
  EXPECT_TRUE(part.part_whole && part.plain);
  EXPECT_EQ(part.value_id, 11U);
  EXPECT_EQ(read("ids").values, 1U);
  EXPECT_EQ(read("expired").values, 2U);
  EXPECT_FALSE(read("signed_value").plain);
  EXPECT_FALSE(read("sealed_value").plain);
}

TEST(DhtMessage, PublishedKillers) {
  for (const char* hex : {
           "84a16590a17401a179a165a16e00",          // "e": []
           "84a16105a17404a171a470696e67a179a171",  // "a": an integer
           "84a17205a17404a179a172a176a4524e4731",
       })
    EXPECT_FALSE(inspect_dht(*from_hex(hex))) << hex;
  // Empty "f" of a field list: the division by zero.
  Bytes fields = captured("ids");
  const std::string_view wanted(
      "\xa1"
      "f\x91\x01",
      4);
  const std::size_t at = as_text(fields).find(wanted);
  ASSERT_NE(at, std::string_view::npos);
  fields[at + 2] = 0x90;
  fields.erase(fields.begin() + static_cast<std::ptrdiff_t>(at + 3));
  EXPECT_FALSE(inspect_dht(fields));
}

TEST(DhtMessage, TruncatedOrLengthenedNeverPasses) {
  for (const auto& message : test::kCapturedDht) {
    Bytes raw = *from_hex(message.hex);
    for (std::size_t size = 0; size < raw.size(); ++size)
      EXPECT_FALSE(inspect_dht(ByteView(raw).first(size))) << message.name << ' ' << size;
    raw.push_back(0xc0);
    EXPECT_FALSE(inspect_dht(raw)) << message.name;
  }
}

TEST(DhtMessage, DeepNestingAndHugeCountsEndEarly) {
  EXPECT_FALSE(inspect_dht(Bytes(kMaxDhtDatagram, 0x91)));
  EXPECT_FALSE(inspect_dht(Bytes(kMaxDhtDatagram, 0x81)));
  EXPECT_FALSE(inspect_dht(*from_hex("dfffffffff")));
  EXPECT_FALSE(inspect_dht(*from_hex("81a161ddffffffff")));
  EXPECT_FALSE(inspect_dht(*from_hex("81a161dcffff")));
  EXPECT_FALSE(inspect_dht(*from_hex("81a16ec5ffff")));
}

TEST(DhtMessage, KeysTwiceUnknownOrMisplaced) {
  const Bytes ping = captured("ping");
  const auto edited = [&](std::string_view from, std::string_view to) {
    Bytes out = ping;
    const std::size_t at = as_text(out).find(from);
    EXPECT_NE(at, std::string_view::npos);
    std::copy(to.begin(), to.end(), out.begin() + static_cast<std::ptrdiff_t>(at));
    return out;
  };
  EXPECT_TRUE(inspect_dht(edited("ping", "ping")));
  EXPECT_FALSE(inspect_dht(edited("ping", "find")));  // no target
  EXPECT_FALSE(inspect_dht(edited("ping", "pong")));
  EXPECT_FALSE(inspect_dht(edited("\xa1v", "\xa1y")));  // y twice
  EXPECT_FALSE(inspect_dht(edited("\xa1v", "\xa1z")));
  EXPECT_FALSE(inspect_dht(edited("\xa2id", "\xa2n4")));
  EXPECT_FALSE(inspect_dht(edited("\xa1q\xa4",
                                  "\xa1"
                                  "e\xa4")));
}

TEST(DhtMessage, LongFormsAreForeign) {
  // n: 3731 as 32 bits although 16 do.
  Bytes raw = captured("ping");
  ASSERT_EQ(raw[raw.size() - 3], 0xcd);
  raw[raw.size() - 3] = 0xce;
  raw.insert(raw.end() - 2, {0, 0});
  EXPECT_FALSE(inspect_dht(raw));
}

TEST(DhtMessage, WithNodes) {
  const Bytes raw = captured("nodes_both");
  const DhtMessage message = read("nodes_both");
  EXPECT_EQ(message.nodes4.size, 3 * kDhtNode4Size);
  EXPECT_EQ(message.nodes6.size, 8 * kDhtNode6Size);
  const ByteView n4 = message.nodes4.in(raw);
  const ByteView n6 = message.nodes6.in(raw);
  EXPECT_EQ(with_nodes(raw, message, n4, n6), raw);
  for (std::size_t four = 0; four <= 3; ++four) {
    for (std::size_t six = 0; six <= 8; ++six) {
      const ByteView keep4 = n4.last(four * kDhtNode4Size);
      const ByteView keep6 = n6.last(six * kDhtNode6Size);
      const Bytes out = with_nodes(raw, message, keep4, keep6);
      const auto again = inspect_dht(out);
      ASSERT_TRUE(again) << four << ' ' << six;
      EXPECT_EQ(to_bytes(again->nodes4.in(out)), to_bytes(keep4));
      EXPECT_EQ(to_bytes(again->nodes6.in(out)), to_bytes(keep6));
      EXPECT_EQ(to_bytes(again->token.in(out)), to_bytes(message.token.in(raw)));
    }
  }
  EXPECT_EQ(with_nodes(captured("pong"), read("pong"), n4, n6), captured("pong"));
}

TEST(DhtMessage, AsClient) {
  for (const auto& sample : test::kCapturedDht) {
    const Bytes raw = *from_hex(sample.hex);
    const auto message = inspect_dht(raw);
    ASSERT_TRUE(message);
    EXPECT_FALSE(message->client);
    const Bytes marked = as_client(raw, *message);
    const auto again = inspect_dht(marked);
    ASSERT_TRUE(again) << sample.name;
    EXPECT_EQ(again->client, message->kind != Kind::value_part);
    EXPECT_EQ(as_client(marked, *again), marked);
  }
}

TEST(DhtMessage, MutationsKeepEveryRangeInside) {
  test::SeededRandom random(3731);
  for (int round = 0; round < 100000; ++round) {
    Bytes raw = *from_hex(test::kCapturedDht[random.below(test::kCapturedDht.size())].hex);
    for (std::uint64_t edits = 1 + random.below(3); edits > 0; --edits)
      raw[random.below(raw.size())] = static_cast<std::uint8_t>(random.u64());
    const auto message = inspect_dht(raw);
    if (!message) continue;
    for (const ByteRange& range : {message->id, message->key, message->token, message->nodes4,
                                   message->nodes6, message->part})
      ASSERT_LE(range.offset + range.size, raw.size());
    ASSERT_EQ(message->nodes4.size % kDhtNode4Size, 0U);
    ASSERT_EQ(message->nodes6.size % kDhtNode6Size, 0U);
    ASSERT_TRUE(inspect_dht(with_nodes(raw, *message, {}, {})));
  }
}

// As OpenDHT 2.4.12 sends it to a listener when a value is put again: without the hash.
TEST(DhtMessage, ARefreshNeedsNoHash) {
  Bytes bytes{0x86, 0xa1, 'a', 0x84, 0xa2, 'i', 'd', 0xc4, 20};
  bytes.insert(bytes.end(), 20, 0x0f);
  const auto add = [&bytes](std::string_view text) {
    bytes.insert(bytes.end(), text.begin(), text.end());
  };
  add("\xa3sid\xce\x4f\x7c\x6a\x8d\xa5token\xc4\x20");
  bytes.insert(bytes.end(), 32, 0x95);
  add("\xa2re\x91\xcf\x1c\x1b\x4b\xd6\xfc\x84\x53\x91");
  add("\xa1q\xa6update\xa1t\xce\xe0\x0c\x22\x88\xa1y\xa1q\xa1v\xa4RNG1\xa1n\xcd\x0e\x93");
  const auto message = inspect_dht(bytes);
  ASSERT_TRUE(message);
  EXPECT_EQ(message->query, DhtMessage::Query::update);
  EXPECT_EQ(message->socket, 0x4f7c6a8dU);
  EXPECT_EQ(message->values, 1U) << "its id";
}

}  // namespace
}  // namespace meshnode::wire
