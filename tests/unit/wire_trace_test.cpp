// wire/trace: what one side of an edge tells the other about it.
#include <gtest/gtest.h>

#include "base/text.h"
#include "wire/control.h"
#include "wire/trace.h"

namespace meshnode::wire {
namespace {

Trace example() {
  Trace trace;
  trace.number = 0x80000007;
  trace.kind = Trace::PathKind::direct;
  trace.mtu_settled = true;
  trace.cipher = 1;
  trace.datagram = 1452;
  trace.rtt_us = 12345;
  trace.jitter_us = 77;
  trace.probes_asked = 64;
  trace.probes_lost = 3;
  trace.keep_alive_s = 110;
  trace.path_changes = 9;
  trace.local = *Endpoint::parse("10.0.0.7:41000");
  trace.remote = *Endpoint::parse("[2001:db8::7]:3725");
  trace.changes = {{3600, 0, trace.remote}, {5, 1, {}}};
  trace.candidates = {{trace.remote, Trace::CandidateState::carries, 20, 19, 12345},
                      {trace.local, Trace::CandidateState::sought, 5, 0, 0}};
  return trace;
}

Bytes body_of(const Bytes& control) {
  const auto parsed = parse_control(control);
  EXPECT_TRUE(parsed);
  EXPECT_EQ(parsed->type, ControlType::trace_answer);
  return to_bytes(parsed->body);
}

TEST(Trace, RoundTrip) {
  EXPECT_EQ(parse_trace_answer(body_of(encode_trace_answer(example()))), example());
  EXPECT_EQ(parse_trace_answer(body_of(encode_trace_answer({}))), Trace{});
}

TEST(Trace, IsGolden) {
  EXPECT_EQ(to_hex(encode_trace_ask(0x80000007)), "0a00040007000080");
  Trace trace = example();
  trace.changes.resize(1);
  trace.candidates.resize(1);
  const std::string remote = "06008d0e20010db8000000000000000000000007";
  EXPECT_EQ(to_hex(encode_trace_answer(trace)),
            "0b008000"  // type 11, 128 bytes
            "07000080"
            "02"
            "01"
            "0100"
            "ac05"  // number, direct, settled, cipher, 1452 bytes
            "40"
            "03"
            "39300000"
            "4d000000"  // 64 asked, 3 lost, RTT and jitter in µs
            "6e000000"
            "09000000"  // keep-alive, changes
            "040028a00a000007000000000000000000000000" +
                remote +
                "01"
                "100e0000"
                "00" +
                remote +
                "01"
                "02"
                "14000000"
                "13000000"
                "39300000" +
                remote);
}

TEST(Trace, WhatALaterVersionAppendsIsSkipped) {
  Bytes body = body_of(encode_trace_answer(example()));
  body.insert(body.end(), 40, 0xab);
  EXPECT_EQ(parse_trace_answer(body), example());
}

TEST(Trace, EveryTruncationIsRefused) {
  const Bytes body = body_of(encode_trace_answer(example()));
  for (std::size_t size = 0; size < body.size(); ++size)
    EXPECT_FALSE(parse_trace_answer(ByteView(body).first(size))) << size;
  EXPECT_FALSE(parse_trace_ask(ByteView(body).first(3)));
}

TEST(Trace, BoundsAreKeptBothWays) {
  Trace trace = example();
  for (std::uint32_t i = 0; i < 100; ++i) {
    trace.changes.push_back({i, 2, trace.remote});
    trace.candidates.push_back(trace.candidates[0]);
  }
  const Bytes control = encode_trace_answer(trace);
  EXPECT_LE(control.size(), 1000U) << "fits one frame";
  const auto parsed = parse_trace_answer(body_of(control));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->changes.size(), Trace::kMaxChanges);
  EXPECT_EQ(parsed->changes.back().age_s, 99U) << "the newest";

  Bytes body = body_of(control);
  const std::size_t count_at = 68;
  ASSERT_EQ(body[count_at], Trace::kMaxChanges);
  body[count_at] = 9;
  EXPECT_FALSE(parse_trace_answer(body));
}

TEST(Trace, UnknownKindsAreRefused) {
  Bytes body = body_of(encode_trace_answer(example()));
  body[4] = 3;  // path kind
  EXPECT_FALSE(parse_trace_answer(body));
}

}  // namespace
}  // namespace meshnode::wire
