#include "wire/trace.h"

#include <algorithm>

#include "wire/control.h"
#include "wire/endpoint.h"

namespace meshnode::wire {
namespace {

constexpr std::uint8_t kSettled = 1;

void append(Writer& out, const Trace::Change& change) {
  out.u32(change.age_s);
  out.u8(change.cause);
  append_endpoint(out, change.to);
}

void append(Writer& out, const Trace::Candidate& candidate) {
  out.u8(static_cast<std::uint8_t>(candidate.state));
  out.u32(candidate.probes);
  out.u32(candidate.answers);
  out.u32(candidate.rtt_us);
  append_endpoint(out, candidate.endpoint);
}

bool read_into(Reader& in, Endpoint& to) {
  const auto endpoint = read_endpoint(in);
  to = endpoint.value_or(Endpoint{});
  return endpoint.has_value();
}

bool read_into(Reader& in, Trace::Change& to) {
  to.age_s = in.u32();
  to.cause = in.u8();
  return read_into(in, to.to);
}

bool read_into(Reader& in, Trace::Candidate& to) {
  to.state = static_cast<Trace::CandidateState>(in.u8());
  to.probes = in.u32();
  to.answers = in.u32();
  to.rtt_us = in.u32();
  return to.state <= Trace::CandidateState::carries && read_into(in, to.endpoint);
}

template <typename T>
void append_list(Writer& out, const std::vector<T>& list, std::size_t most) {
  const std::size_t count = std::min(list.size(), most);
  out.u8(static_cast<std::uint8_t>(count));
  // Of more the newest: they come last.
  for (std::size_t i = list.size() - count; i < list.size(); ++i) append(out, list[i]);
}

template <typename T>
bool read_list(Reader& in, std::vector<T>& to, std::size_t most) {
  const std::size_t count = in.u8();
  if (count > most) return false;
  for (std::size_t i = 0; i < count; ++i) {
    to.emplace_back();
    if (!read_into(in, to.back())) return false;
  }
  return true;
}

}  // namespace

Bytes encode_trace_ask(std::uint32_t number) {
  Block<4> body;
  store_le(body.data(), number);
  return encode_control({ControlType::trace_ask, body});
}

Bytes encode_trace_answer(const Trace& trace) {
  Bytes body;
  Writer out(body);
  out.u32(trace.number);
  out.u8(static_cast<std::uint8_t>(trace.kind));
  out.u8(trace.mtu_settled ? kSettled : 0);
  out.u16(trace.cipher);
  out.u16(trace.datagram);
  out.u8(trace.probes_asked);
  out.u8(trace.probes_lost);
  out.u32(trace.rtt_us);
  out.u32(trace.jitter_us);
  out.u32(trace.keep_alive_s);
  out.u32(trace.path_changes);
  append_endpoint(out, trace.local);
  append_endpoint(out, trace.remote);
  append_list(out, trace.changes, Trace::kMaxChanges);
  append_list(out, trace.candidates, Trace::kMaxCandidates);
  return encode_control({ControlType::trace_answer, body});
}

std::optional<std::uint32_t> parse_trace_ask(ByteView body) {
  if (body.size() < sizeof(std::uint32_t)) return std::nullopt;
  return load_le<std::uint32_t>(body.data());
}

std::optional<Trace> parse_trace_answer(ByteView body) {
  Reader in(body);
  Trace out;
  out.number = in.u32();
  out.kind = static_cast<Trace::PathKind>(in.u8());
  out.mtu_settled = (in.u8() & kSettled) != 0;
  out.cipher = in.u16();
  out.datagram = in.u16();
  out.probes_asked = in.u8();
  out.probes_lost = in.u8();
  out.rtt_us = in.u32();
  out.jitter_us = in.u32();
  out.keep_alive_s = in.u32();
  out.path_changes = in.u32();
  const bool fits = out.kind <= Trace::PathKind::direct && read_into(in, out.local) &&
                    read_into(in, out.remote) && read_list(in, out.changes, Trace::kMaxChanges) &&
                    read_list(in, out.candidates, Trace::kMaxCandidates);
  if (!fits || !in.ok()) return std::nullopt;
  return out;
}

}  // namespace meshnode::wire
