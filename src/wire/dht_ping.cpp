#include "wire/dht_ping.h"

#include "wire/dht_message.h"
#include "wire/msgpack_writer.h"

namespace meshnode::wire {

Bytes dht_ping(const Block<20>& id, std::uint32_t transaction, std::uint32_t network) {
  Bytes out;
  MsgpackWriter pack(out);
  pack.map(6);
  pack.text("a");
  pack.map(1);
  pack.text("id");
  pack.bin(id);
  pack.text("q");
  pack.text("ping");
  pack.text("t");
  pack.uint(transaction);
  pack.text("y");
  pack.text("q");
  pack.text("v");
  pack.text("RNG1");
  pack.text("n");
  pack.uint(network);
  const auto message = inspect_dht(out);
  return message ? as_client(out, *message) : Bytes{};
}

bool answers_ping(ByteView datagram, std::uint32_t transaction, std::uint32_t network) {
  const auto message = inspect_dht(datagram);
  return message && message->kind == DhtMessage::Kind::reply && !message->client &&
         message->transaction == transaction && message->network == network;
}

}  // namespace meshnode::wire
