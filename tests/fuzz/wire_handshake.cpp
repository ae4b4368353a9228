#include "fuzz/fuzz.h"
#include "wire/handshake.h"

namespace meshnode::fuzz {
namespace {

void init(ByteView input) {
  const auto message = wire::parse_init(input);
  if (!message) return;
  MESH_ASSERT(input.size() <= wire::kMaxHandshakeSize);
  MESH_ASSERT(same(message->header, wire::init_header(message->sender)));
  MESH_ASSERT(same(to_bytes(message->header) + message->noise, message->before_mac1));
  MESH_ASSERT(same(to_bytes(message->before_mac1) + message->mac1, message->before_mac2));
  MESH_ASSERT(same(to_bytes(message->before_mac2) + message->mac2, input));
}

void response(ByteView input) {
  const auto message = wire::parse_response(input);
  if (!message) return;
  MESH_ASSERT(input.size() <= wire::kMaxHandshakeSize);
  const Bytes header = wire::response_header(message->sender, message->receiver);
  MESH_ASSERT(same(header + message->noise, message->before_mac1));
  MESH_ASSERT(same(to_bytes(message->before_mac1) + message->mac1, input));
}

void challenge(ByteView input) {
  const auto message = wire::parse_challenge(input);
  if (message) MESH_ASSERT(same(wire::challenge_body(*message) + message->mac, input));
}

}  // namespace

void one_input(ByteView input) {
  init(input);
  response(input);
  challenge(input);
}

}  // namespace meshnode::fuzz
