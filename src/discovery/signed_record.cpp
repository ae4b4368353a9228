#include "discovery/signed_record.h"

#include "crypto/node_id.h"

namespace meshnode::discovery {
namespace {

Bytes statement(ByteView network_id, ByteView text) {
  Bytes out = to_bytes(as_bytes("meshnode record v1"));
  Writer writer(out);
  writer.bytes(network_id);
  writer.bytes(text);
  return out;
}

}  // namespace

RecordPtr sign_record(const wire::Record& record, const crypto::Ed25519Seed& seed,
                      ByteView network_id, const crypto::Suite& suite) {
  auto out = std::make_shared<SignedRecord>();
  out->id = crypto::node_id(record.signing_key);
  out->record = record;
  out->bytes = wire::encode_record_text(record);
  const crypto::Signature signature = suite.sign(seed, statement(network_id, out->bytes));
  out->bytes.insert(out->bytes.end(), signature.begin(), signature.end());
  return out;
}

RecordPtr open_record(ByteView bytes, ByteView network_id, const crypto::Suite& suite) {
  return open_record_alone(bytes, network_id, suite);
}

std::unique_ptr<SignedRecord> open_record_alone(ByteView bytes, ByteView network_id,
                                                const crypto::Suite& suite) {
  auto parsed = wire::parse_record(bytes);
  if (!parsed || !suite.verify(parsed->record.signing_key, statement(network_id, parsed->text),
                               parsed->signature))
    return nullptr;
  auto out = std::make_unique<SignedRecord>();
  out->id = crypto::node_id(parsed->record.signing_key);
  out->record = std::move(parsed->record);
  // Thousands of them stay for long.
  out->record.candidates.shrink_to_fit();
  out->record.claims.shrink_to_fit();
  out->bytes = to_bytes(bytes);
  return out;
}

}  // namespace meshnode::discovery
