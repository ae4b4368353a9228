#include "wire/edges.h"

#include <algorithm>

#include "wire/control.h"

namespace meshnode::wire {
namespace {

constexpr std::uint8_t kMore = 1;
constexpr std::uint8_t kRefused = 2;

NodeId read_id(Reader& in) {
  NodeId out;
  const ByteView raw = in.bytes(out.bytes.size());
  std::copy(raw.begin(), raw.end(), out.bytes.begin());
  return out;
}

}  // namespace

Bytes encode_edges_ask(const EdgesAsk& ask) {
  Bytes body;
  Writer out(body);
  out.u32(ask.number);
  out.bytes(ask.after.bytes);
  return encode_control({ControlType::edges_ask, body});
}

Bytes encode_edges_answer(const EdgePage& page) {
  const std::size_t count = page.refused ? 0 : std::min(page.edges.size(), EdgePage::kMost);
  const bool more = !page.refused && (page.more || count < page.edges.size());
  Bytes body;
  Writer out(body);
  out.u32(page.number);
  out.u8(static_cast<std::uint8_t>((more ? kMore : 0) | (page.refused ? kRefused : 0)));
  out.u8(static_cast<std::uint8_t>(count));
  for (std::size_t i = 0; i < count; ++i) {
    out.bytes(page.edges[i].id.bytes);
    out.u8(static_cast<std::uint8_t>(page.edges[i].kind));
    out.u32(page.edges[i].rtt_us);
  }
  return encode_control({ControlType::edges_answer, body});
}

std::optional<EdgesAsk> parse_edges_ask(ByteView body) {
  Reader in(body);
  EdgesAsk out;
  out.number = in.u32();
  out.after = read_id(in);
  if (!in.ok()) return std::nullopt;
  return out;
}

std::optional<EdgePage> parse_edges_answer(ByteView body) {
  Reader in(body);
  EdgePage out;
  out.number = in.u32();
  const std::uint8_t flags = in.u8();
  out.more = (flags & kMore) != 0;
  out.refused = (flags & kRefused) != 0;
  const std::size_t count = in.u8();
  // More pages behind an empty one would never end.
  if (count > EdgePage::kMost || (count == 0 && out.more) || (out.refused && count > 0))
    return std::nullopt;
  for (std::size_t i = 0; i < count; ++i) {
    EdgeTo edge;
    edge.id = read_id(in);
    edge.kind = static_cast<EdgeTo::PathKind>(in.u8());
    edge.rtt_us = in.u32();
    const bool known = edge.kind == EdgeTo::PathKind::lan || edge.kind == EdgeTo::PathKind::direct;
    if (!in.ok() || !known || (i > 0 && edge.id <= out.edges.back().id)) return std::nullopt;
    out.edges.push_back(edge);
  }
  if (!in.ok()) return std::nullopt;
  return out;
}

}  // namespace meshnode::wire
