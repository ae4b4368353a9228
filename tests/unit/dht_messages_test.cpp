#include <gtest/gtest.h>

#include "discovery/dht/messages.h"
#include "vectors/hex.h"

namespace meshnode::dht {
namespace {

using test::hex;

constexpr Key kKey{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20};
const std::string kKeyHex = "0102030405060708090a0b0c0d0e0f1011121314";
const Endpoint kNode = *Endpoint::parse("192.0.2.1:4222");
const std::string kNodeHex = "04007e10c0000201000000000000000000000000";
const Endpoint kNode6 = *Endpoint::parse("[2001:db8::1]:3731");
const std::string kNode6Hex = "0600930e20010db8000000000000000000000001";

Picture full_picture() {
  Picture out;
  out.v4 = {State::connected, 5, 6};
  out.v6 = {State::connecting, 7, 8};
  out.stored_values = 9;
  out.stored_bytes = 10;
  out.addresses.assign(Picture::kMaxAddresses, kNode6.ip);
  out.nodes.assign(Picture::kMaxNodes, kNode);
  return out;
}

struct ToCase {
  ToChild message;
  std::string golden;
};
std::vector<ToCase> to_cases() {
  return {
      {Open{1, 3731, kKey, 0x800000}, "0101930e0000" + kKeyHex + "0000800000000000"},
      {Datagram{kNode, {0x80, 1, 2}}, "02" + kNodeHex + "800102"},
      {Datagram{kNode6, {0x80}}, "02" + kNode6Hex + "80"},
      {Put{Ticket{7}, kKey, 9, {0xaa}}, "030700000000000000" + kKeyHex + "0900000000000000aa"},
      {TakeBack{kKey, 9}, "04" + kKeyHex + "0900000000000000"},
      {Get{Ticket{7}, kKey}, "050700000000000000" + kKeyHex},
      {Listen{Ticket{7}, kKey}, "060700000000000000" + kKeyHex},
      {Cancel{Ticket{0x0102}}, "070201000000000000"},
      {Ping{Ticket{7}, kNode}, "080700000000000000" + kNodeHex},
      {ConnectivityChanged{}, "09"},
      {Look{}, "0a"},
      {Refused{kNode, Sent::unreachable}, "0b" + kNodeHex + "02"},
      {Refused{kNode6, Sent::no_family}, "0b" + kNode6Hex + "03"},
  };
}

struct FromCase {
  FromChild message;
  std::string golden;
};
std::vector<FromCase> from_cases() {
  Picture small;
  small.v4 = {State::connected, 1, 2};
  small.stored_values = 3;
  small.addresses = {kNode.ip};
  small.nodes = {kNode};
  return {
      {Opened{1}, "8101"},
      {Datagram{kNode, {0x80}}, "82" + kNodeHex + "80"},
      {Ended{Ticket{7}, true}, "83070000000000000001"},
      {Found{Ticket{7}, 9, {0xaa}}, "8407000000000000000900000000000000aa"},
      {StateChanged{State::connected, State::connecting}, "850201"},
      {small,
       "86020100000002000000000000000000000000"
       "0300000000000000000000000000000001040000"
       "00c000020100000000000000000000000001" +
           kNodeHex},
  };
}

TEST(DhtMessages, KeepTheirBytes) {
  for (const auto& [message, golden] : to_cases()) {
    EXPECT_EQ(encode(message), hex(golden));
    EXPECT_EQ(parse_to_child(hex(golden)), message) << golden;
  }
  for (const auto& [message, golden] : from_cases()) {
    EXPECT_EQ(encode(message), hex(golden));
    EXPECT_EQ(parse_from_child(hex(golden)), message) << golden;
  }
}

// Datagrams and values may have any length, the rest exactly one.
TEST(DhtMessages, AreNothingWhenCutShortOrTooLong) {
  for (const auto& [message, golden] : to_cases()) {
    const Bytes whole = hex(golden);
    for (std::size_t size = 0; size < whole.size(); ++size)
      EXPECT_NE(parse_to_child(ByteView(whole).first(size)), message) << golden << " " << size;
    Bytes longer = whole;
    longer.push_back(0);
    EXPECT_NE(parse_to_child(longer), message);
  }
  for (const auto& [message, golden] : from_cases()) {
    const Bytes whole = hex(golden);
    for (std::size_t size = 0; size < whole.size(); ++size)
      EXPECT_NE(parse_from_child(ByteView(whole).first(size)), message) << golden << " " << size;
    Bytes longer = whole;
    longer.push_back(0);
    EXPECT_NE(parse_from_child(longer), message);
  }
}

TEST(DhtMessages, HaveBounds) {
  EXPECT_TRUE(parse_from_child(encode(FromChild{Datagram{kNode, Bytes(kMaxDatagram, 0x80)}})));
  EXPECT_FALSE(parse_from_child(encode(FromChild{Datagram{kNode, Bytes(kMaxDatagram + 1, 0x80)}})));
  EXPECT_FALSE(parse_from_child(encode(FromChild{Datagram{kNode, {}}})));
  EXPECT_TRUE(parse_from_child(encode(FromChild{Found{Ticket{1}, 1, Bytes(kMaxValue)}})));
  EXPECT_FALSE(parse_from_child(encode(FromChild{Found{Ticket{1}, 1, Bytes(kMaxValue + 1)}})));
  EXPECT_TRUE(parse_to_child(encode(ToChild{Put{Ticket{1}, kKey, 1, Bytes(kMaxPut)}})));
  EXPECT_FALSE(parse_to_child(encode(ToChild{Put{Ticket{1}, kKey, 1, Bytes(kMaxPut + 1)}})));
  const Bytes picture = encode(FromChild{full_picture()});
  EXPECT_LE(picture.size(), kMaxMessage);
  EXPECT_EQ(parse_from_child(picture), FromChild{full_picture()});
}

TEST(DhtMessages, AreNothingWithValuesThatCannotBe) {
  const std::string ticket = "0700000000000000";
  for (const std::string& bytes :
       {std::string(""), std::string("00"), std::string("ff"), std::string("01"),
        "83" + std::string(16, '0') + "01",                                 // no ticket
        "83" + ticket + "02",                                               // neither ok nor failed
        "84" + ticket + std::string(16, '0') + "aa",                        // no value id
        std::string("850300"),                                              // no such state
        "82" + ("05" + kNodeHex.substr(2)) + "80",                          // no such family
        "82" + ("0400" + std::string("0000") + kNodeHex.substr(8)) + "80",  // port 0
        "82" + std::string(40, '0') + "80",                                 // no address
        "860201000000020000000000000000000000" + std::string(34, '0') + "09"})
    EXPECT_FALSE(parse_from_child(hex(bytes))) << bytes;
  for (const std::string& bytes :
       {std::string("81"), "0b" + kNodeHex + "00", "0b" + kNodeHex + "01", "0b" + kNodeHex + "04",
        "05" + std::string(16, '0') + kKeyHex, "04" + kKeyHex + std::string(16, '0')})
    EXPECT_FALSE(parse_to_child(hex(bytes))) << bytes;
}

TEST(DhtMessages, OfAnotherVersionOnlyTheVersionIsRead) {
  const auto open = parse_to_child(hex("0102aabbcc"));
  ASSERT_TRUE(open);
  EXPECT_EQ(std::get<Open>(*open).version, 2);
  EXPECT_EQ(parse_from_child(hex("8102aabb")), FromChild{Opened{2}});
}

TEST(DhtMessages, SeveralShareAPacket) {
  Bytes packet;
  append_to_packet(packet, hex("0a"));
  append_to_packet(packet, hex("070201000000000000"));
  EXPECT_EQ(packet, hex("01000a0900070201000000000000"));
  ByteView rest = packet;
  EXPECT_EQ(to_bytes(*take_from_packet(rest)), hex("0a"));
  EXPECT_EQ(to_bytes(*take_from_packet(rest)), hex("070201000000000000"));
  EXPECT_FALSE(take_from_packet(rest));
  for (const Bytes& broken : {hex("01"), hex("0200aa"), hex("ffffaa")}) {
    rest = broken;
    EXPECT_FALSE(take_from_packet(rest));
    EXPECT_EQ(rest.size(), broken.size());
  }
}

}  // namespace
}  // namespace meshnode::dht
