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

// There where it is there for all that send.
control::RungStatus told(const char* name, const Rung& rung, const Rung* elsewhere) {
  return told(name, rung.active && elsewhere != nullptr ? *elsewhere : rung);
}

}  // namespace

crypto::MakeFrameCipher frame_ciphers(const DataPlane& settings) {
  // Who switched it off does not pay for its self-test either.
  return settings.ipsec_mb ? crypto::cipher_providers().front().make : crypto::make_gnutls_cipher;
}

Ladder ladder_of(const DataPlane& settings, const tun::Device& device, const PortSockets& sockets,
                 const SealingReport* sealing) {
  const tun::Offloads& tun = device.offloads();
  return {
      told("tun_offloads", tun.vnet),
      told("tun_tcp_coalescing", tun.tso),
      told("tun_udp_coalescing", tun.uso),
      told("udp_gso", of_both(sockets, &io::UdpOffloads::gso), sealing ? &sealing->gso : nullptr),
      told("udp_gro", of_both(sockets, &io::UdpOffloads::gro)),
      told("udp_batches", of_both(sockets, &io::UdpOffloads::batches),
           sealing ? &sealing->batches : nullptr),
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
