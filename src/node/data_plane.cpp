#include "node/data_plane.h"

#include <algorithm>

#include "base/rung.h"
#include "crypto/ipsec_mb.h"
#include "crypto/providers.h"

namespace meshnode::node {
namespace {

control::RungStatus told(const char* name, const Rung& rung) {
  return {name, rung.active, rung.why_not};
}

// Of both families: there where it is there for both.
control::RungStatus told(const char* name, const PortSockets& sockets,
                         Rung io::UdpOffloads::*rung) {
  for (const auto* socket : {&sockets.v4, &sockets.v6})
    if (*socket && !((*socket)->offloads().*rung).active)
      return told(name, (*socket)->offloads().*rung);
  return told(name, Rung::on());
}

}  // namespace

crypto::MakeFrameCipher frame_ciphers(const DataPlane& settings) {
  // Who switched it off does not pay for its self-test either.
  return settings.ipsec_mb ? crypto::cipher_providers().front().make : crypto::make_gnutls_cipher;
}

Ladder ladder_of(const DataPlane& settings, const tun::Device& device, const PortSockets& sockets) {
  const tun::Offloads& tun = device.offloads();
  return {told("tun_offloads", tun.vnet),
          told("tun_tcp_coalescing", tun.tso),
          told("tun_udp_coalescing", tun.uso),
          told("udp_gso", sockets, &io::UdpOffloads::gso),
          told("udp_gro", sockets, &io::UdpOffloads::gro),
          told("udp_batches", sockets, &io::UdpOffloads::batches),
          told("ipsec_mb", settings.ipsec_mb ? crypto::ipsec_mb_rung() : Rung::off(kSwitchedOff))};
}

std::vector<std::string> lost_rungs(const Ladder& before, const Ladder& now) {
  std::vector<std::string> out;
  for (const control::RungStatus& rung : now) {
    const auto known = std::find_if(before.begin(), before.end(), [&](const auto& other) {
      return other.name == rung.name && !other.active;
    });
    if (!rung.active && known == before.end())
      out.push_back("data plane without " + rung.name + ": " + rung.why_not);
  }
  return out;
}

}  // namespace meshnode::node
