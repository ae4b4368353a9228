// Probes: request, answer and goodbye.
#include <gtest/gtest.h>

#include "base/text.h"
#include "wire/probe.h"

namespace meshnode::wire {
namespace {

constexpr BootId kBoot{0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7};
constexpr ProbeNonce kNonce{0xb0, 0xb1, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7};
constexpr Mac kMac{0xf0, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7,
                   0xf8, 0xf9, 0xfa, 0xfb, 0xfc, 0xfd, 0xfe, 0xff};

Probe request() {
  Probe probe;
  probe.tag = 0x0102030405060708;
  probe.number = 0x1112131415161718;
  probe.boot = kBoot;
  probe.nonce = kNonce;
  probe.mac = kMac;
  return probe;
}

Probe answer() {
  Probe probe = request();
  probe.kind = Probe::Kind::answer;
  probe.observed = {IpAddress::v4({192, 0, 2, 1}), 3731};
  return probe;
}

Probe goodbye() {
  Probe probe = request();
  probe.kind = Probe::Kind::goodbye;
  return probe;
}

Bytes datagram(const Probe& probe) {
  Bytes out = probe_body(probe);
  Writer(out).bytes(probe.mac);
  return out;
}

TEST(Probe, GoldenRequest) {
  EXPECT_EQ(to_hex(datagram(request())),
            "43000000"          // type, kind, zero
            "0807060504030201"  // tag
            "1817161514131211"  // number
            "a0a1a2a3a4a5a6a7"  // boot id
            "b0b1b2b3b4b5b6b7"  // nonce
            "000000000000000000000000"
            "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff");
}

TEST(Probe, GoldenAnswerDoesNotSendTheNonceBack) {
  EXPECT_EQ(to_hex(datagram(answer())),
            "43010000"
            "0807060504030201"
            "1817161514131211"
            "a0a1a2a3a4a5a6a7"
            "0400930ec0000201000000000000000000000000"  // observed 192.0.2.1:3731
            "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff");
}

TEST(Probe, GoldenGoodbye) {
  EXPECT_EQ(to_hex(datagram(goodbye())),
            "43020000"
            "0807060504030201"
            "1817161514131211"
            "a0a1a2a3a4a5a6a7"
            "0000000000000000000000000000000000000000"
            "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff");
}

TEST(Probe, GoldenAnswerOverIpv6) {
  Probe probe = answer();
  probe.observed = {*IpAddress::parse("fe80::1"), 1};
  EXPECT_EQ(to_hex(ByteView(probe_body(probe)).subspan(28)),
            "06000100fe800000000000000000000000000001");
}

TEST(Probe, RoundTrip) {
  for (const Probe& probe : {request(), answer(), goodbye()}) {
    const auto back = parse_probe(datagram(probe));
    ASSERT_TRUE(back);
    EXPECT_EQ(back->kind, probe.kind);
    EXPECT_EQ(back->tag, probe.tag);
    EXPECT_EQ(back->number, probe.number);
    EXPECT_EQ(back->boot, probe.boot);
    EXPECT_EQ(back->nonce, probe.kind == Probe::Kind::request ? kNonce : ProbeNonce{});
    EXPECT_EQ(back->observed, probe.observed);
    EXPECT_EQ(back->mac, probe.mac);
  }
}

TEST(Probe, AnAnswerIsNotLargerThanItsRequest) {
  EXPECT_EQ(datagram(request()).size(), kProbeSize);
  EXPECT_EQ(datagram(answer()).size(), kProbeSize);
  EXPECT_EQ(probe_body(request()).size(), kProbeMacOffset);
}

TEST(Probe, EveryOtherLengthIsRefused) {
  Bytes bytes = datagram(answer());
  bytes.resize(100);
  for (std::size_t size = 0; size <= bytes.size(); ++size)
    EXPECT_EQ(parse_probe(ByteView(bytes).first(size)).has_value(), size == kProbeSize) << size;
}

TEST(Probe, TypeKindAndZeroFieldAreChecked) {
  Probe plain = goodbye();
  plain.nonce = {};
  const Bytes good = datagram(plain);  // as any kind, it would be well-formed
  for (std::size_t at = 0; at < 4; ++at)
    for (unsigned value = 0; value < 256; ++value) {
      Bytes changed = good;
      changed[at] = static_cast<std::uint8_t>(value);
      const bool known_kind = at == 1 && value <= 2;
      EXPECT_EQ(parse_probe(changed).has_value(), known_kind || changed == good)
          << "byte " << at << " = " << value;
    }
}

TEST(Probe, WhatAKindDoesNotUseIsZero) {
  for (std::size_t at = 28; at < kProbeMacOffset; ++at) {
    Bytes changed = datagram(request());
    changed[at] ^= 1;
    EXPECT_EQ(parse_probe(changed).has_value(), at < 36) << "request, byte " << at;
    changed = datagram(goodbye());
    changed[at] ^= 1;
    EXPECT_FALSE(parse_probe(changed)) << "goodbye, byte " << at;
  }
}

TEST(Probe, AnImpossibleObservedEndpointIsRefused) {
  Bytes changed = datagram(answer());
  changed[28] = 5;
  EXPECT_FALSE(parse_probe(changed));
  changed = datagram(answer());
  changed[47] = 1;
  EXPECT_FALSE(parse_probe(changed)) << "padding behind an IPv4 address";
}

}  // namespace
}  // namespace meshnode::wire
