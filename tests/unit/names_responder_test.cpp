#include <gtest/gtest.h>

#include "base/text.h"
#include "names/responder.h"

namespace meshnode::names {
namespace {

const Cidr kPrefix{*IpAddress::parse("fd12:3456:789a::"), 48};

Member beta() {
  NodeId id;
  id.bytes[0] = 1;
  return {id,
          "Beta",
          {*IpAddress::parse("fd12:3456:789a:b::2"), *IpAddress::parse("10.77.0.2")},
          false};
}

Table table() {
  Member other = beta();
  other.id.bytes[0] = 9;
  other.name = "twice";
  other.addresses = {*IpAddress::parse("fd12:3456:789a:c::3")};
  Member third = other;
  third.id.bytes[0] = 10;
  third.addresses = {*IpAddress::parse("fd12:3456:789a:c::4")};
  return Table({beta(), other, third});
}

void put16(Bytes& out, unsigned value) {
  out.push_back(static_cast<std::uint8_t>(value >> 8));
  out.push_back(static_cast<std::uint8_t>(value));
}

Bytes query(std::string name, unsigned type, unsigned cls = 1) {
  Bytes out = *from_hex("123401000001000000000000");
  while (!name.empty()) {
    const auto size = std::min(name.find('.'), name.size());
    out.push_back(static_cast<std::uint8_t>(size));
    out.insert(out.end(), name.begin(), name.begin() + static_cast<long>(size));
    name.erase(0, size + 1);
  }
  out.push_back(0);
  put16(out, type);
  put16(out, cls);
  return out;
}

Bytes with_opt(Bytes out, unsigned version = 0) {
  out[11] = static_cast<std::uint8_t>(out[11] + 1);
  const Bytes opt = *from_hex("00002904d0000000000000");
  out.insert(out.end(), opt.begin(), opt.end());
  out[out.size() - 5] = static_cast<std::uint8_t>(version);
  return out;
}

struct Told {
  unsigned rcode = 99;
  bool authoritative = false;
  unsigned answers = 0, authorities = 0, extras = 0;
  bool operator==(const Told&) const = default;
};
std::ostream& operator<<(std::ostream& out, const Told& told) {
  return out << told.rcode << (told.authoritative ? " aa " : " -- ") << told.answers << ' '
             << told.authorities << ' ' << told.extras;
}

Told told(ByteView query) {
  const auto out = answer(table(), kPrefix, query);
  if (!out) return {};
  EXPECT_EQ((*out)[0] << 8 | (*out)[1], 0x1234);
  EXPECT_EQ((*out)[2] & 0xfb, 0x81) << "an answer, recursion as it was desired, nothing else";
  return {(*out)[3], ((*out)[2] & 4) != 0, (*out)[7], (*out)[9], (*out)[11]};
}

constexpr unsigned kA = 1, kNs = 2, kSoa = 6, kPtr = 12, kTxt = 16, kAaaa = 28, kAny = 255;
const Told kOne{0, true, 1, 0, 0}, kNoData{0, true, 0, 1, 0}, kNoName{3, true, 0, 1, 0},
    kRefused{5, false, 0, 0, 0};
const std::string kReverse = "a.9.8.7.6.5.4.3.2.1.d.f.ip6.arpa";
const std::string kOfBeta = "2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.b.0.0.0." + kReverse;

TEST(NameAnswers, AnAddressByteForByte) {
  EXPECT_EQ(to_hex(*answer(table(), kPrefix, query("Beta.mesh", kAaaa))),
            "1234"
            "8500"
            "0001"
            "0001"
            "0000"
            "0000"
            "0442657461"
            "046d657368"
            "00"
            "001c"
            "0001"
            "c00c"
            "001c"
            "0001"
            "0000000a"
            "0010"
            "fd123456789a000b0000000000000002");
  EXPECT_EQ(to_hex(*answer(table(), kPrefix, with_opt(query("beta.mesh", kA)))),
            "1234"
            "8500"
            "0001"
            "0001"
            "0000"
            "0001"
            "0462657461"
            "046d657368"
            "00"
            "0001"
            "0001"
            "c00c"
            "0001"
            "0001"
            "0000000a"
            "0004"
            "0a4d0002"
            "00"
            "0029"
            "04d0"
            "00000000"
            "0000");
}

TEST(NameAnswers, ThatThereIsNoneByteForByte) {
  EXPECT_EQ(to_hex(*answer(table(), kPrefix, query("x.mesh", kAaaa))),
            "1234"
            "8503"
            "0001"
            "0000"
            "0001"
            "0000"
            "0178"
            "046d657368"
            "00"
            "001c"
            "0001"
            "046d65736800"
            "0006"
            "0001"
            "00000002"
            "002a"
            "046d65736800"
            "066e6f626f647907696e76616c696400"
            "00000001"
            "00000e10"
            "000004b0"
            "00093a80"
            "00000002");
}

TEST(NameAnswers, AReverseNameByteForByte) {
  const auto out = answer(table(), kPrefix, query(kOfBeta, kPtr));
  const std::string hex = to_hex(*out);
  EXPECT_EQ(hex.substr(0, 24), "123485000001000100000000");
  EXPECT_TRUE(
      hex.ends_with("c00c"
                    "000c"
                    "0001"
                    "0000000a"
                    "000b"
                    "0462657461046d65736800"))
      << hex;
}

TEST(NameAnswers, NamesOfTheMeshZone) {
  EXPECT_EQ(told(query("beta.mesh", kAaaa)), kOne);
  EXPECT_EQ(told(query("BETA.MESH", kA)), kOne);
  EXPECT_EQ(told(query("beta.mesh", kAny)), (Told{0, true, 2, 0, 0}));
  EXPECT_EQ(told(query("beta.mesh", kTxt)), kNoData);
  EXPECT_EQ(told(query("gamma.mesh", kA)), kNoName);
  EXPECT_EQ(told(query("x.beta.mesh", kA)), kNoName);
  EXPECT_EQ(told(query("twice.mesh", kAaaa)), kNoName) << "two have it";
  EXPECT_EQ(told(query("aeaaaaaa.id.mesh", kAaaa)), kOne);
  EXPECT_EQ(told(query("aeaaaaaab.id.mesh", kAaaa)), kNoName);
  EXPECT_EQ(told(query("aeaaaaaa.mesh", kAaaa)), kNoName);
  EXPECT_EQ(told(query("id.mesh", kAaaa)), kNoData) << "there are names below";
  EXPECT_EQ(told(query("mesh", kSoa)), kOne);
  EXPECT_EQ(told(query("mesh", kNs)), kOne);
  EXPECT_EQ(told(query("mesh", kA)), kNoData);
}

TEST(NameAnswers, NamesOfTheReverseZone) {
  EXPECT_EQ(reverse_zone(kPrefix), kReverse);
  EXPECT_EQ(told(query(kOfBeta, kPtr)), kOne);
  EXPECT_EQ(told(query(kOfBeta, kAaaa)), kNoData);
  EXPECT_EQ(told(query("3" + kOfBeta.substr(1), kPtr)), kNoName);
  EXPECT_EQ(told(query("b.0.0.0." + kReverse, kPtr)), kNoData) << "there are names below";
  EXPECT_EQ(told(query("d.0.0.0." + kReverse, kPtr)), kNoName);
  EXPECT_EQ(told(query("0." + kOfBeta, kPtr)), kNoName) << "more than an address";
  EXPECT_EQ(told(query("x." + kReverse, kPtr)), kNoName);
  EXPECT_EQ(told(query(kReverse, kSoa)), kOne);
  EXPECT_EQ(told(query("b" + kReverse.substr(1), kSoa)), kRefused) << "another network's";
}

TEST(NameAnswers, WhatIsNotOursIsRefused) {
  for (const char* name : {"example.org", "mesh.example.org", "xmesh", "ip6.arpa", ""})
    EXPECT_EQ(told(query(name, kA)), kRefused) << name;
  EXPECT_EQ(told(query("beta.mesh", kA, 3)), kRefused) << "class CH";
  EXPECT_EQ(told(query("mesh", 252)), kRefused) << "AXFR";
  EXPECT_EQ(told(query("beta.mesh", kA, 255)), kOne) << "any class";
}

TEST(NameAnswers, ExtensionsAreTolerated) {
  EXPECT_EQ(told(with_opt(query("beta.mesh", kA))), (Told{0, true, 1, 0, 1}));
  EXPECT_EQ(told(with_opt(query("example.org", kA))), (Told{5, false, 0, 0, 1}));
  const auto later = answer(table(), kPrefix, with_opt(query("beta.mesh", kA), 1));
  ASSERT_TRUE(later);
  EXPECT_EQ((*later)[3] & 15, 0);
  EXPECT_EQ(to_hex(ByteView(*later).last(11)), "00002904d0010000000000") << "BADVERS";
  EXPECT_EQ(told(with_opt(with_opt(query("beta.mesh", kA)))).rcode, 1U) << "only one";
}

TEST(NameAnswers, WhatIsWrongIsSaid) {
  Bytes two = query("beta.mesh", kA);
  two[5] = 2;
  EXPECT_EQ(told(two), (Told{1, false, 0, 0, 0}));
  Bytes none = query("beta.mesh", kA);
  none[5] = 0;
  EXPECT_EQ(told(none).rcode, 1U);
  Bytes status = query("beta.mesh", kA);
  status[2] = 0x11;
  EXPECT_EQ((*answer(table(), kPrefix, status))[3], 4) << "opcode STATUS";
  Bytes more = query("beta.mesh", kA);
  more.push_back(0);
  EXPECT_EQ(told(more).rcode, 1U);
  EXPECT_EQ(told(query("beta.mesh", kA)), kOne);
  const std::string longest(63, 'a');
  const std::string too_long = longest + "." + longest + "." + longest + "." + longest;
  EXPECT_EQ(told(query(too_long + ".mesh", kA)).rcode, 1U);
  Bytes pointer = *from_hex("123401000001000000000000c00c00010001");
  EXPECT_EQ(told(pointer).rcode, 1U);
}

TEST(NameAnswers, WhatMustNotBeAnsweredIsNot) {
  Bytes response = query("beta.mesh", kA);
  response[2] = 0x81;
  EXPECT_FALSE(answer(table(), kPrefix, response)) << "or two of us would talk for ever";
  EXPECT_FALSE(answer(table(), kPrefix, {}));
  const Bytes whole = query("beta.mesh", kA);
  for (std::size_t size = 0; size < 12; ++size)
    EXPECT_FALSE(answer(table(), kPrefix, ByteView(whole).first(size)));
  for (std::size_t size = 12; size < whole.size(); ++size)
    EXPECT_EQ(told(ByteView(whole).first(size)).rcode, 1U) << size;
}

}  // namespace
}  // namespace meshnode::names
