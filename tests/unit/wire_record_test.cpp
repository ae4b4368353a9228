// The record's text: golden bytes from an independent encoder, and every refusal.
#include <gtest/gtest.h>

#include "base/text.h"
#include "tests/support/seeded_random.h"
#include "wire/handshake_payload.h"
#include "wire/msgpack_writer.h"
#include "wire/record.h"

namespace meshnode::wire {
namespace {

constexpr std::string_view kGolden =
    "9b01c420000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1fc420202122232425262728"
    "292a2b2c2d2e2f303132333435363738393a3b3c3d3e3fcf00000199c82cc07bc4080001020304050607ce68e77800"
    "92c416010100fa409c20010db8000000000000000000000001c40a020100dc409cc000020102920101a5616c706861"
    "91c4040a4d0001";

Candidate candidate(CandidateKind kind, std::uint8_t priority, std::string_view endpoint) {
  return {kind, priority, 0, *Endpoint::parse(endpoint)};
}

Record sample() {
  Record record;
  for (std::uint8_t i = 0; i < 32; ++i) {
    record.signing_key[i] = i;
    record.static_key[i] = static_cast<std::uint8_t>(32 + i);
  }
  record.sequence = 1'760'000'000'123;
  record.boot = {0, 1, 2, 3, 4, 5, 6, 7};
  record.issued = 1'760'000'000;
  record.candidates = {candidate(CandidateKind::host, 250, "[2001:db8::1]:40000"),
                       candidate(CandidateKind::reflexive, 220, "192.0.2.1:40000")};
  record.nat = NatMapping::endpoint_independent;
  record.name = "alpha";
  record.claims = {IpAddress::v4({10, 77, 0, 1})};
  return record;
}

Bytes with_signature(Bytes text) {
  text.insert(text.end(), kRecordSignatureSize, 0xee);
  return text;
}

// The sample, with the piece that `write` makes in the place of item `which`, and `extra` behind.
template <typename Write>
Bytes with_item(int which, Write write, int items = 11) {
  const Record record = sample();
  Bytes out;
  MsgpackWriter pack(out);
  pack.array(static_cast<std::size_t>(items));
  const auto item = [&](int index, auto standard) {
    if (index == which)
      write(pack);
    else
      standard();
  };
  item(0, [&] { pack.uint(1); });
  item(1, [&] { pack.bin(record.signing_key); });
  item(2, [&] { pack.bin(record.static_key); });
  item(3, [&] { pack.uint(record.sequence); });
  item(4, [&] { pack.bin(record.boot); });
  item(5, [&] { pack.uint(record.issued); });
  item(6, [&] { pack.array(0); });
  item(7, [&] { pack.uint(2); });
  item(8, [&] {
    pack.array(2);
    pack.uint(1);
    pack.uint(1);
  });
  item(9, [&] { pack.text("alpha"); });
  item(10, [&] { pack.array(0); });
  if (which >= 11) write(pack);
  return with_signature(std::move(out));
}

TEST(Record, Golden) {
  EXPECT_EQ(to_hex(encode_record_text(sample())), kGolden);
}

TEST(Record, RoundTrip) {
  const Bytes bytes = with_signature(encode_record_text(sample()));
  const auto parsed = parse_record(bytes);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->record, sample());
  EXPECT_EQ(parsed->text.size() + parsed->signature.size(), bytes.size());
  EXPECT_EQ(parsed->signature[0], 0xee);
}

TEST(Record, FlagsOfACandidateAreKept) {
  Record record = sample();
  record.candidates[0].flags = 0xfe;  // of a later version
  record.candidates[1].flags = kServes;
  const Bytes text = encode_record_text(record);
  const std::string hex = to_hex(text);
  EXPECT_NE(hex.find("c4160101fefa409c20010db8"), hex.npos);
  EXPECT_NE(hex.find("c40a020101dc409cc0000201"), hex.npos);
  const auto parsed = parse_record(with_signature(text));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->record, record);
}

TEST(Record, TheLargestFits) {
  Record record = sample();
  record.sequence = record.issued = ~std::uint64_t{0};
  record.lowest_version = record.highest_version = 255;
  record.name = std::string(kMaxName, 'n');
  record.claims = {IpAddress::v4({10, 77, 0, 1}), IpAddress::v4({10, 77, 0, 2})};
  record.candidates.assign(kMaxCandidates,
                           candidate(CandidateKind::host, 255, "[2001:db8::1]:65535"));
  const Bytes bytes = with_signature(encode_record_text(record));
  EXPECT_LE(bytes.size(), kMaxRecordSize);
  const auto parsed = parse_record(bytes);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->record, record);
}

TEST(Record, AShortenedOneIsNone) {
  const Bytes bytes = with_signature(encode_record_text(sample()));
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(parse_record(ByteView(bytes).first(size))) << size;
  Bytes longer = bytes;
  longer.push_back(0);
  EXPECT_FALSE(parse_record(longer));
}

TEST(Record, EachChangedByteIsRefusedOrRead) {
  const Bytes text = encode_record_text(sample());
  for (std::size_t at = 0; at < text.size(); ++at) {
    for (const int flip : {0x01, 0x10, 0x80, 0xff}) {
      Bytes changed = text;
      changed[at] = static_cast<std::uint8_t>(changed[at] ^ flip);
      const auto parsed = parse_record(with_signature(changed));
      if (!parsed) continue;
      const bool same = parsed->record == sample();
      // Only the flags of a candidate and the like may go unnoticed: nothing is read twice.
      EXPECT_FALSE(same) << at;
    }
  }
}

TEST(Record, WhatMustBeRightIs) {
  const auto refused = [](int which, auto write) { return !parse_record(with_item(which, write)); };
  EXPECT_FALSE(refused(-1, [](MsgpackWriter&) {}));
  EXPECT_TRUE(refused(0, [](MsgpackWriter& pack) { pack.uint(2); })) << "version";
  EXPECT_TRUE(refused(1, [](MsgpackWriter& pack) { pack.bin(Bytes(31)); }));
  EXPECT_TRUE(refused(2, [](MsgpackWriter& pack) { pack.bin(Bytes(33)); }));
  EXPECT_TRUE(refused(3, [](MsgpackWriter& pack) { pack.text("7"); }));
  EXPECT_TRUE(refused(4, [](MsgpackWriter& pack) { pack.bin(Bytes(9)); }));
  EXPECT_TRUE(refused(6, [](MsgpackWriter& pack) {
    pack.array(9);
    for (int i = 0; i < 9; ++i) pack.bin(Bytes(10, 1));
  })) << "nine candidates";
  EXPECT_TRUE(refused(6, [](MsgpackWriter& pack) {
    pack.array(1);
    pack.bin(Bytes(33, 1));
  })) << "a candidate of 33 bytes";
  EXPECT_TRUE(refused(7, [](MsgpackWriter& pack) { pack.uint(256); }));
  EXPECT_TRUE(refused(8, [](MsgpackWriter& pack) {
    pack.array(1);
    pack.uint(1);
  }));
  EXPECT_TRUE(refused(9, [](MsgpackWriter& pack) { pack.text(std::string(33, 'n')); }));
  EXPECT_TRUE(refused(9, [](MsgpackWriter& pack) { pack.text("a\nb"); })) << "no name";
  EXPECT_FALSE(refused(9, [](MsgpackWriter& pack) { pack.text(""); })) << "nameless";
  EXPECT_TRUE(refused(10, [](MsgpackWriter& pack) {
    pack.array(1);
    pack.bin(Bytes{224, 0, 0, 1});
  })) << "a claim that is nobody's";
}

TEST(Record, LaterAdditionsAreSkipped) {
  const auto some = [](MsgpackWriter& pack) {
    pack.uint(~std::uint64_t{0});
    pack.bin(Bytes(100, 7));
    pack.text("more");
    pack.uint(5);
  };
  EXPECT_TRUE(parse_record(with_item(11, some, 15)));
  EXPECT_FALSE(parse_record(with_item(11, some, 14))) << "one too many behind";
  EXPECT_FALSE(parse_record(with_item(
      11, [](MsgpackWriter& pack) { pack.array(0); }, 12)))
      << "nothing nested";
}

TEST(Record, UnknownAndUselessCandidatesAreSkipped) {
  const auto parsed = parse_record(with_item(6, [](MsgpackWriter& pack) {
    pack.array(7);
    pack.bin(*from_hex("09010000409cc0000201"));  // a kind of the future
    pack.bin(*from_hex("01020000409cc0000201"));  // not UDP
    pack.bin(*from_hex("010100000000c0000201"));  // port 0
    pack.bin(*from_hex("01010000409c7f000001"));  // loopback
    pack.bin(*from_hex("01010000409ce0000001"));  // multicast
    pack.bin(Bytes{});
    pack.bin(*from_hex("01010703409cc0000201"));
  }));
  ASSERT_TRUE(parsed);
  ASSERT_EQ(parsed->record.candidates.size(), 1U);
  EXPECT_EQ(parsed->record.candidates[0],
            (Candidate{CandidateKind::host, 3, 7, *Endpoint::parse("192.0.2.1:40000")}));
}

TEST(Record, AnUnknownNatIsUnknown) {
  const auto parsed = parse_record(with_item(7, [](MsgpackWriter& pack) { pack.uint(200); }));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->record.nat, NatMapping::unknown);
}

TEST(Record, LongFormsAreRefused) {
  // The version as a two-byte integer.
  Bytes text = encode_record_text(sample());
  text[1] = 0xcc;
  text.insert(text.begin() + 2, 0x01);
  EXPECT_FALSE(parse_record(with_signature(text)));
}

}  // namespace
}  // namespace meshnode::wire
