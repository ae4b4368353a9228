// TCP and UDP packets field by field, and a slow reference for what becomes of super-frames. It
// shares no code with src/dataplane: bytes are walked one by one, checksums made from nothing.
#pragma once

#include <vector>

#include "base/bytes.h"
#include "base/gso.h"
#include "base/runs.h"

namespace meshnode::test {

inline constexpr std::uint8_t kFin = 1, kSyn = 2, kRst = 4, kPsh = 8, kAck = 16, kUrg = 32,
                              kEce = 64, kCwr = 128;

struct InnerPacket {
  bool v6 = false;
  bool tcp = true;
  std::uint8_t from = 1, to = 2;  // last byte of the addresses
  std::uint16_t source_port = 40000, destination_port = 443;
  std::uint8_t tos = 0;  // or traffic class
  std::uint8_t hops = 64;
  std::uint32_t label = 0;          // IPv6
  std::uint16_t id = 1;             // IPv4
  std::uint16_t fragment = 0x4000;  // IPv4: flags and offset
  Bytes ip_options{};               // IPv4, or IPv6 extension headers; a multiple of 4, or of 8
  std::uint8_t first_extension = 60;
  std::uint32_t sequence = 1000, ack = 2000;
  std::uint8_t flags = kAck;
  std::uint8_t reserved = 0;  // low half of the data offset's byte
  std::uint16_t window = 500, urgent = 0;
  Bytes tcp_options{};         // a multiple of 4
  bool zero_checksum = false;  // UDP
  Bytes payload{};

  std::size_t ip_size() const { return (v6 ? 40U : 20U) + ip_options.size(); }
  std::size_t transport_size() const { return tcp ? 20U + tcp_options.size() : 8U; }
};

inline std::uint16_t slow_sum(ByteView bytes, std::uint64_t sum = 0) {
  for (std::size_t i = 0; i < bytes.size(); ++i)
    sum += i % 2 == 0 ? std::uint64_t{bytes[i]} << 8 : std::uint64_t{bytes[i]};
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(sum);
}

inline void put16(Bytes& out, std::size_t at, std::size_t value) {
  out[at] = static_cast<std::uint8_t>(value >> 8);
  out[at + 1] = static_cast<std::uint8_t>(value);
}
inline void put32(Bytes& out, std::size_t at, std::uint32_t value) {
  put16(out, at, value >> 16);
  put16(out, at + 2, value & 0xffff);
}

inline std::uint64_t slow_pseudo(ByteView packet, std::uint8_t protocol, std::size_t covered) {
  const bool v6 = packet[0] >> 4 == 6;
  return std::uint64_t{slow_sum(v6 ? packet.subspan(8, 32) : packet.subspan(12, 8))} + protocol +
         covered;
}

// Lengths and checksums of a packet whose other fields stand. `partial`: the transport's field gets
// the pseudo header only.
inline void slow_finish(Bytes& packet, std::size_t ip_size, bool tcp, bool partial = false) {
  const bool v6 = packet[0] >> 4 == 6;
  const std::size_t covered = packet.size() - ip_size;
  if (v6) {
    put16(packet, 4, packet.size() - 40);
  } else {
    put16(packet, 2, packet.size());
    put16(packet, 10, 0);
    put16(packet, 10, static_cast<std::uint16_t>(~slow_sum(ByteView(packet).first(ip_size))));
  }
  if (!tcp) put16(packet, ip_size + 4, covered);
  const std::size_t field = ip_size + (tcp ? 16 : 6);
  const std::uint64_t pseudo = slow_pseudo(packet, tcp ? 6 : 17, covered);
  put16(packet, field, 0);
  if (partial) return put16(packet, field, slow_sum({}, pseudo));
  auto sum = static_cast<std::uint16_t>(~slow_sum(ByteView(packet).subspan(ip_size), pseudo));
  put16(packet, field, sum == 0 && !tcp ? 0xffff : sum);
}

inline void write_inner_v4(Bytes& out, const InnerPacket& p) {
  out[0] = static_cast<std::uint8_t>(0x40 | (p.ip_size() / 4));
  out[1] = p.tos;
  put16(out, 4, p.id);
  put16(out, 6, p.fragment);
  out[8] = p.hops;
  out[9] = p.tcp ? 6 : 17;
  put32(out, 12, 0x0a4d0000U + p.from);
  put32(out, 16, 0x0a4d0000U + p.to);
  std::copy(p.ip_options.begin(), p.ip_options.end(), out.begin() + 20);
}

inline void write_inner_v6(Bytes& out, const InnerPacket& p) {
  put32(out, 0, 0x60000000U | static_cast<std::uint32_t>(p.tos) << 20 | p.label);
  out[6] = !p.ip_options.empty() ? p.first_extension : p.tcp ? 6 : 17;
  out[7] = p.hops;
  out[8] = out[24] = 0xfd;
  out[23] = p.from;
  out[39] = p.to;
  std::copy(p.ip_options.begin(), p.ip_options.end(), out.begin() + 40);
}

inline Bytes build(const InnerPacket& p, bool partial = false) {
  const std::size_t ip = p.ip_size();
  Bytes out(ip + p.transport_size());
  p.v6 ? write_inner_v6(out, p) : write_inner_v4(out, p);
  put16(out, ip, p.source_port);
  put16(out, ip + 2, p.destination_port);
  if (p.tcp) {
    put32(out, ip + 4, p.sequence);
    put32(out, ip + 8, p.ack);
    out[ip + 12] = static_cast<std::uint8_t>(p.transport_size() / 4 << 4 | p.reserved);
    out[ip + 13] = p.flags;
    put16(out, ip + 14, p.window);
    put16(out, ip + 18, p.urgent);
    std::copy(p.tcp_options.begin(), p.tcp_options.end(),
              out.begin() + static_cast<std::ptrdiff_t>(ip) + 20);
  }
  out.insert(out.end(), p.payload.begin(), p.payload.end());
  slow_finish(out, ip, p.tcp, partial);
  if (!p.tcp && p.zero_checksum) put16(out, ip + 6, 0);
  return out;
}

// An IPv6 destination options header of 8 bytes, or a routing header with the same layout.
inline Bytes extension_before(bool tcp) {
  return {static_cast<std::uint8_t>(tcp ? 6 : 17), 0, 1, 4, 0, 0, 0, 0};
}

// What a machine without offloads would have sent instead of a super-frame.
inline std::vector<Bytes> slow_segments(ByteView frame, std::size_t ip_size, bool tcp,
                                        std::size_t gso_size) {
  const bool v6 = frame[0] >> 4 == 6;
  const std::size_t header =
      ip_size + (tcp ? static_cast<std::size_t>(frame[ip_size + 12] >> 4) * 4 : std::size_t{8});
  std::vector<Bytes> out;
  for (std::size_t at = header; at < frame.size() || out.empty(); at += gso_size) {
    const std::size_t i = out.size();
    const bool last = at + gso_size >= frame.size();
    Bytes packet = to_bytes(frame.first(header));
    const ByteView payload = frame.subspan(at, std::min(gso_size, frame.size() - at));
    packet.insert(packet.end(), payload.begin(), payload.end());
    if (!v6) put16(packet, 4, (std::size_t{frame[4]} << 8) + frame[5] + i);
    if (tcp) {
      const std::size_t before = at - header;
      put32(
          packet, ip_size + 4,
          load_be<std::uint32_t>(frame.data() + ip_size + 4) + static_cast<std::uint32_t>(before));
      auto& flags = packet[ip_size + 13];
      if (i > 0) flags = static_cast<std::uint8_t>(flags & ~kCwr);
      if (!last) flags = static_cast<std::uint8_t>(flags & ~(kFin | kPsh));
    }
    slow_finish(packet, ip_size, tcp);
    out.push_back(std::move(packet));
  }
  return out;
}

inline std::vector<Bytes> slow_segments(const TunFrame& frame) {
  if (frame.gso_type == kGsoNone) return {to_bytes(frame.packet)};
  return slow_segments(frame.packet, frame.csum_start, frame.gso_type != kGsoUdpL4, frame.gso_size);
}

}  // namespace meshnode::test
