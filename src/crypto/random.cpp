#include "crypto/random.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

#include "base/result.h"

namespace meshnode::crypto {

void SystemRandom::fill(MutableBytes out) {
  // RND_KEY, the strongest level, for everything: what is drawn here may become a long-lived key.
  MESH_ASSERT(gnutls_rnd(GNUTLS_RND_KEY, out.data(), out.size()) == 0);
}

}  // namespace meshnode::crypto
