// base/: bytes, text, addresses, identifiers, deadlines.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/bytes.h"
#include "base/drop.h"
#include "base/earliest.h"
#include "base/endpoint.h"
#include "base/ids.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/suggest.h"
#include "base/text.h"

namespace meshnode {
namespace {

TEST(Bytes, WritesLittleEndian) {
  Bytes out;
  Writer writer(out);
  writer.u8(0x01);
  writer.u16(0x0203);
  writer.u32(0x04050607);
  writer.u64(0x08090a0b0c0d0e0fULL);
  EXPECT_EQ(to_hex(out), "010302070605040f0e0d0c0b0a0908");
}

TEST(Bytes, ReaderFailsForGoodPastTheEnd) {
  const Bytes in{1, 2, 3};
  Reader reader(in);
  EXPECT_EQ(reader.u16(), 0x0201);
  EXPECT_EQ(reader.u32(), 0U);
  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(reader.u8(), 0) << "a failed reader gives nothing more, even if a byte was left";
  EXPECT_FALSE(reader.done());
}

TEST(Bytes, ReaderIsDoneOnlyWhenAllIsRead) {
  const Bytes in{1, 2};
  Reader reader(in);
  reader.u8();
  EXPECT_FALSE(reader.done());
  reader.u8();
  EXPECT_TRUE(reader.done());
}

TEST(Bytes, BigEndianRoundTrip) {
  Block<8> raw;
  store_be<std::uint64_t>(raw.data(), 0x0102030405060708ULL);
  EXPECT_EQ(to_hex(raw), "0102030405060708");
  EXPECT_EQ(load_be<std::uint64_t>(raw.data()), 0x0102030405060708ULL);
  EXPECT_EQ(load_be<std::uint8_t>(raw.data()), 1);
}

TEST(Bytes, ConstantTimeComparison) {
  EXPECT_TRUE(equal_constant_time(Bytes{1, 2}, Bytes{1, 2}));
  EXPECT_FALSE(equal_constant_time(Bytes{1, 2}, Bytes{1, 3}));
  EXPECT_FALSE(equal_constant_time(Bytes{1, 2}, Bytes{1}));
}

TEST(Text, HexRefusesOddAndForeign) {
  EXPECT_EQ(from_hex("00fF"), (Bytes{0, 255}));
  EXPECT_FALSE(from_hex("0"));
  EXPECT_FALSE(from_hex("0g"));
}

// RFC 4648 §10, lower case and without padding.
TEST(Text, Base32OfTheRfc) {
  const std::pair<const char*, const char*> cases[] = {{"", ""},
                                                       {"f", "my"},
                                                       {"fo", "mzxq"},
                                                       {"foo", "mzxw6"},
                                                       {"foob", "mzxw6yq"},
                                                       {"fooba", "mzxw6ytb"},
                                                       {"foobar", "mzxw6ytboi"}};
  for (const auto& [plain, encoded] : cases) {
    EXPECT_EQ(to_base32(as_bytes(plain)), encoded);
    const auto back = from_base32(encoded);
    ASSERT_TRUE(back) << encoded;
    EXPECT_EQ(as_text(*back), plain);
  }
}

TEST(Text, Base32HasOneTextPerValue) {
  EXPECT_TRUE(from_base32("MY"));
  EXPECT_FALSE(from_base32("mz")) << "spare bits set";
  EXPECT_FALSE(from_base32("m")) << "impossible length";
  EXPECT_FALSE(from_base32("m1")) << "1 is no base32 digit";
}

TEST(Text, NestingIsCountedOutsideStrings) {
  EXPECT_FALSE(nests_deeper_than("[[1]]", 2));
  EXPECT_TRUE(nests_deeper_than("[[1]]", 1));
  EXPECT_FALSE(nests_deeper_than("[{}, {}, {}]", 2)) << "side by side is not deep";
  EXPECT_FALSE(nests_deeper_than(R"("[[[[")", 0));
  EXPECT_FALSE(nests_deeper_than(R"("\"[[[[")", 0)) << "an escaped quote ends no string";
  EXPECT_TRUE(nests_deeper_than(std::string(100'000, '['), kJsonDepth));
}

TEST(IpAddress, NothingHidesBehindANul) {
  using namespace std::string_view_literals;
  EXPECT_FALSE(IpAddress::parse("10.0.0.1\0junk"sv));
  EXPECT_FALSE(Endpoint::parse("10.0.0.1\0:1"sv));
}

TEST(Endpoint, ParsesAndPrintsBothFamilies) {
  for (const char* text : {"192.0.2.1:3731", "[2001:db8::1]:1"}) {
    const auto endpoint = Endpoint::parse(text);
    ASSERT_TRUE(endpoint) << text;
    EXPECT_EQ(endpoint->to_string(), text);
  }
}

TEST(Endpoint, RefusesWhatIsNone) {
  for (const char* text : {"", "192.0.2.1", "192.0.2.1:0", "192.0.2.1:65536", "192.0.2.1:1x",
                           "2001:db8::1:1", "[192.0.2.1]:1", "[2001:db8::1]", "host:1", ":1"})
    EXPECT_FALSE(Endpoint::parse(text)) << text;
}

TEST(IpAddress, Kinds) {
  const auto ip = [](const char* text) { return *IpAddress::parse(text); };
  EXPECT_TRUE(ip("127.1.2.3").is_loopback());
  EXPECT_TRUE(ip("::1").is_loopback());
  EXPECT_TRUE(ip("224.0.0.1").is_multicast());
  EXPECT_TRUE(ip("ff02::1").is_multicast());
  EXPECT_TRUE(ip("fe80::1").is_link_local());
  EXPECT_TRUE(ip("169.254.1.1").is_link_local());
  EXPECT_FALSE(ip("fec0::1").is_link_local());
  EXPECT_TRUE(ip("255.255.255.255").is_limited_broadcast());
  EXPECT_TRUE(ip("::").is_unspecified());
  EXPECT_FALSE(IpAddress());
  EXPECT_NE(ip("0.0.0.0"), ip("::")) << "families differ";
}

TEST(Cidr, ContainsAndBroadcast) {
  const auto net = Cidr::parse("10.77.5.1/20");
  ASSERT_TRUE(net);
  EXPECT_EQ(net->to_string(), "10.77.5.1/20");
  EXPECT_TRUE(net->contains(*IpAddress::parse("10.77.15.255")));
  EXPECT_FALSE(net->contains(*IpAddress::parse("10.77.16.0")));
  EXPECT_FALSE(net->contains(*IpAddress::parse("fd00::1")));
  EXPECT_EQ(net->broadcast(), *IpAddress::parse("10.77.15.255"));
  EXPECT_FALSE(Cidr::parse("10.0.0.1/31")->broadcast());
  EXPECT_TRUE(Cidr::parse("0.0.0.0/0")->contains(*IpAddress::parse("255.0.0.1")));
  EXPECT_EQ(Cidr::parse("fd00::1")->prefix, 128);
  for (const char* text : {"10.0.0.1/33", "10.0.0.1/", "10.0.0.1/-1", "fd00::/129", "x/1"})
    EXPECT_FALSE(Cidr::parse(text)) << text;
}

TEST(NodeId, TextRoundTrip) {
  NodeId id;
  for (std::size_t i = 0; i < 32; ++i) id.bytes[i] = static_cast<std::uint8_t>(i);
  EXPECT_EQ(id.to_string().size(), 52U);
  EXPECT_EQ(NodeId::parse(id.to_string()), id);
  EXPECT_FALSE(NodeId::parse(id.short_string()));
}

TEST(Secret, IsWipedWhenMovedFrom) {
  Secret<4> a(Block<4>{1, 2, 3, 4});
  const Secret<4> b(std::move(a));
  EXPECT_TRUE(all_zero(a.view()));  // NOLINT(bugprone-use-after-move): this is the point
  EXPECT_EQ(to_hex(b.view()), "01020304");
}

TEST(Drop, EveryReasonHasItsOwnName) {
  std::vector<std::string_view> names;
  for (std::size_t i = 0; i < static_cast<std::size_t>(Drop::count_); ++i)
    names.push_back(name(static_cast<Drop>(i)));
  std::sort(names.begin(), names.end());
  EXPECT_EQ(std::adjacent_find(names.begin(), names.end()), names.end());
  EXPECT_THAT(names, ::testing::Not(::testing::Contains("unknown")));
}

TEST(Result, CarriesEitherAndTheExitCode) {
  const Result<int> good = 7;
  EXPECT_EQ(*good, 7);
  const Result<int> bad = Error::usage("no");
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().exit_code(), 2);
}

TEST(Suggest, DistanceCountsSingleMistakes) {
  EXPECT_EQ(edit_distance("", ""), 0U);
  EXPECT_EQ(edit_distance("port", "port"), 0U);
  EXPECT_EQ(edit_distance("prot", "port"), 1U) << "neighbours swapped";
  EXPECT_EQ(edit_distance("ports", "port"), 1U);
  EXPECT_EQ(edit_distance("pot", "port"), 1U);
  EXPECT_EQ(edit_distance("sort", "port"), 1U);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
  EXPECT_EQ(edit_distance("ca", "abc"), 3U) << "no part is edited twice";
  EXPECT_EQ(edit_distance("abc", ""), 3U);
}

TEST(Suggest, NearIsAThirdAtMost) {
  constexpr std::string_view known[] = {"mtu", "port", "lan-port", "bootstrap"};
  EXPECT_EQ(nearest_word("bootstarp", known), "bootstrap");
  EXPECT_EQ(nearest_word("lan_port", known), "lan-port");
  EXPECT_EQ(nearest_word("mut", known), "mtu");
  EXPECT_EQ(nearest_word("xyz", known), "");
  EXPECT_EQ(nearest_word("pt", known), "") << "2 of 4 bytes";
  EXPECT_EQ(nearest_word("", known), "");
  EXPECT_EQ(nearest_word(std::string(65, 'p'), known), "");
  EXPECT_EQ(nearest_word("port", {}), "");
}

TEST(Earliest, IsTheFirstOfThoseThereAre) {
  const TimePoint soon(seconds(1)), later(seconds(2));
  EXPECT_EQ(earliest({later, soon, std::nullopt}), soon);
  EXPECT_EQ(earliest({std::nullopt, later}), later);
  EXPECT_EQ(earliest({TimePoint(seconds(-1)), TimePoint()}), TimePoint(seconds(-1)));
  EXPECT_EQ(earliest({std::nullopt, std::nullopt}), std::nullopt);
  EXPECT_EQ(earliest({}), std::nullopt);
}

TEST(Earliest, CountsWhatIsDueUnderAConditionOnlyWhereItHolds) {
  const TimePoint soon(seconds(1)), later(seconds(2));
  EXPECT_EQ(earliest({due_if(false, soon), due_if(true, later)}), later);
  EXPECT_EQ(earliest({due_if(true, soon), due_if(true, later)}), soon);
}

}  // namespace
}  // namespace meshnode
