// Both readers of a handshake get a message that is not theirs, then the genuine one: the first
// must change nothing, the second must still work.
//
// byte 0: 0 any bytes; 1 the genuine message with the input xored over it; 2 a piece of it
#include "crypto/noise.h"
#include "fuzz/fuzz.h"

namespace meshnode::fuzz {
namespace {

using crypto::Noise;

Secret32 secret(std::uint8_t byte) {
  Block<32> raw;
  raw.fill(byte);
  return Secret32(raw);
}

Noise machine(bool initiator) {
  const crypto::Suite& suite = crypto::real_suite();
  crypto::NoiseConfig config;
  config.initiator = initiator;
  config.prologue = {1, 2, 3};
  config.local_static = secret(initiator ? 1 : 2);
  if (initiator) config.remote_static = suite.x25519_public(secret(2));
  config.psk = secret(3);
  config.ephemeral = secret(initiator ? 4 : 5);
  return Noise(std::move(config), suite);
}

// Made once: the keys are fixed, and so are the messages.
struct Genuine {
  Bytes first;
  Bytes second;
};

const Genuine& genuine() {
  static const Genuine out = [] {
    Noise initiator = machine(true);
    Noise responder = machine(false);
    Genuine messages;
    messages.first = *initiator.write_message(as_bytes("first"));
    MESH_ASSERT(responder.read_message(messages.first).has_value());
    messages.second = *responder.write_message(as_bytes("second"));
    return messages;
  }();
  return out;
}

Bytes disturbed(ByteView input, Bytes message) {
  Script script(input);
  switch (script.u8() % 3) {
    case 0:
      return exact(script.rest());
    case 1: {
      const ByteView change = script.rest();
      for (std::size_t i = 0; i < std::min(change.size(), message.size()); ++i)
        message[i] ^= change[i];
      return message;
    }
    default: {
      const std::size_t from = std::min<std::size_t>(script.u8(), message.size());
      const ByteView part = ByteView(message).subspan(from);
      return exact(part.first(std::min<std::size_t>(script.u8(), part.size()))) + script.rest();
    }
  }
}

void check_read(Noise& reader, ByteView input, const Bytes& message, std::string_view payload) {
  const Bytes other = disturbed(input, message);
  const bool turn = !reader.write_message({}).has_value();
  MESH_ASSERT(turn);
  const auto read = reader.read_message(other);
  if (other == message) {
    MESH_ASSERT(read && as_text(*read) == payload);
    return;
  }
  MESH_ASSERT(!read);
  const auto real = reader.read_message(message);
  MESH_ASSERT(real && as_text(*real) == payload);
}

}  // namespace

void one_input(ByteView input) {
  Noise responder = machine(false);
  check_read(responder, input, genuine().first, "first");
  MESH_ASSERT(responder.remote_static() == crypto::real_suite().x25519_public(secret(1)));

  Noise initiator = machine(true);
  MESH_ASSERT(initiator.write_message(as_bytes("first")) == genuine().first);
  check_read(initiator, input, genuine().second, "second");
  MESH_ASSERT(initiator.finished());

  MESH_ASSERT(responder.write_message(as_bytes("second")) == genuine().second);
  MESH_ASSERT(responder.finished());
  MESH_ASSERT(responder.split().initiator_to_responder == initiator.split().initiator_to_responder);
  MESH_ASSERT(responder.split().responder_to_initiator == initiator.split().responder_to_initiator);
}

}  // namespace meshnode::fuzz
