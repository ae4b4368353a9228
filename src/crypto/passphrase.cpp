#include "crypto/passphrase.h"

#include <argon2.h>

namespace meshnode::crypto {
namespace {

// Part of the format: the same text must give the same network on every machine, for ever.
constexpr std::uint32_t kPasses = 3;
constexpr std::uint32_t kMemoryKib = 64 * 1024;
constexpr std::uint32_t kLanes = 1;

}  // namespace

Result<Secret<48>> stretch_passphrase(std::string_view text, std::string_view salt) {
  Secret<48> out;
  const int status = argon2id_hash_raw(kPasses, kMemoryKib, kLanes, text.data(), text.size(),
                                       salt.data(), salt.size(), out.data(), out.size());
  if (status == ARGON2_MEMORY_ALLOCATION_ERROR)
    return Error::world("not enough memory to stretch the passphrase (64 MiB are needed)");
  MESH_ASSERT(status == ARGON2_OK);  // anything else is a parameter of ours, e.g. a short salt
  return out;
}

}  // namespace meshnode::crypto
