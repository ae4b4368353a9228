#include "overlay/network.h"

#include "base/text.h"
#include "crypto/hash.h"

namespace meshnode::overlay {
namespace {

constexpr std::string_view kTokenPrefix = "mesh1";
constexpr std::size_t kChecksumSize = 4;

crypto::Hash token_checksum(ByteView body) {
  return crypto::sha256({as_bytes("meshnode token"), body});
}

}  // namespace

NetworkId NetworkSecret::id() const {
  return crypto::sha256({as_bytes("meshnode network"), seed});
}

std::string NetworkSecret::fingerprint() const {
  const auto hash = crypto::sha256({as_bytes("meshnode fingerprint"), id()});
  return to_hex(ByteView(hash).first(2)) + "-" + to_hex(ByteView(hash).subspan(2, 2));
}

std::string to_token(const NetworkSecret& network) {
  Bytes body;
  Writer writer(body);
  writer.bytes(network.seed);
  writer.u32(network.generation);
  writer.bytes(network.secret.view());
  writer.bytes(ByteView(token_checksum(body)).first(kChecksumSize));
  std::string text = std::string(kTokenPrefix) + to_base32(body);
  wipe(body);
  return text;
}

std::optional<NetworkSecret> parse_token(std::string_view text) {
  if (!text.starts_with(kTokenPrefix)) return std::nullopt;
  auto body = from_base32(text.substr(kTokenPrefix.size()));
  if (!body) return std::nullopt;
  Reader reader(*body);
  NetworkSecret network;
  network.seed = reader.block<16>();
  network.generation = reader.u32();
  network.secret = Secret32(reader.block<32>());
  const auto checksum = reader.block<kChecksumSize>();
  const bool complete = reader.done() && network.generation != 0;
  const bool typed_right =
      complete &&
      equal_constant_time(
          checksum, ByteView(token_checksum(ByteView(*body).first(body->size() - kChecksumSize)))
                        .first(kChecksumSize));
  wipe(*body);
  if (!typed_right) return std::nullopt;
  return network;
}

NetworkSecret from_passphrase(const Secret<48>& stretched) {
  NetworkSecret network;
  Reader reader(stretched.view());
  network.seed = reader.block<16>();
  network.secret = Secret32(reader.block<32>());
  return network;
}

NetworkKeys NetworkKeys::derive(const NetworkSecret& network) {
  NetworkKeys keys;
  keys.id = network.id();
  keys.generation = network.generation;
  const auto key = [&](std::string_view label) {
    return crypto::derive_key(keys.id, network.secret.view(), label);
  };
  keys.lan = key("meshnode lan");
  keys.record = key("meshnode record");
  keys.rendezvous = key("meshnode rendezvous");
  keys.mac = key("meshnode mac");
  keys.psk = key("meshnode psk");
  return keys;
}

Cidr overlay_prefix(const NetworkId& network) {
  Block<16> raw{};
  raw[0] = 0xfd;
  std::copy_n(network.begin(), 5, raw.begin() + 1);
  return {IpAddress::v6(raw), 48};
}

IpAddress overlay_address(const NetworkId& network, const NodeId& node) {
  Block<16> raw{};
  raw[0] = 0xfd;
  std::copy_n(network.begin(), 5, raw.begin() + 1);
  std::copy_n(node.bytes.begin(), 10, raw.begin() + 6);
  return IpAddress::v6(raw);
}

}  // namespace meshnode::overlay
