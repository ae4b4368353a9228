#include "dataplane/checksum.h"

#include <bit>

#include "base/gso.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace meshnode::dataplane {
namespace {

// Below this the wide loop does not pay for its beginning and end.
constexpr std::size_t kWorthWide = 128;

// One's complement sums do not care for byte order until the end (RFC 1071 §2 B), so words are
// added as the machine loads them.
std::uint64_t load_native(const std::uint8_t* from) {
  std::uint64_t word;
  std::memcpy(&word, from, sizeof word);
  return word;
}

std::uint64_t add_carrying(std::uint64_t sum, std::uint64_t word) {
  sum += word;
  return sum + (sum < word ? 1 : 0);
}

std::uint16_t swap(std::uint16_t value) {
  return static_cast<std::uint16_t>(value << 8 | value >> 8);
}

std::uint16_t from_native(std::uint16_t sum) {
  return std::endian::native == std::endian::little ? swap(sum) : sum;
}

std::uint16_t fold(std::uint64_t sum) {
  sum = (sum & 0xffffffffU) + (sum >> 32);
  sum = (sum & 0xffffffffU) + (sum >> 32);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>((sum & 0xffff) + (sum >> 16));
}

// Four chains, so that one addition need not wait for the other's carry.
std::uint64_t native_sum(const std::uint8_t* at, std::size_t size) {
  std::uint64_t sums[4] = {};
  for (; size >= 32; at += 32, size -= 32)
    for (std::size_t i = 0; i < 4; ++i) sums[i] = add_carrying(sums[i], load_native(at + 8 * i));
  for (; size >= 8; at += 8, size -= 8) sums[0] = add_carrying(sums[0], load_native(at));
  if (size > 0) {
    std::uint8_t last[8] = {};
    std::memcpy(last, at, size);
    sums[1] = add_carrying(sums[1], load_native(last));
  }
  return add_carrying(add_carrying(sums[0], sums[1]), add_carrying(sums[2], sums[3]));
}

#if defined(__x86_64__)
// 64 bytes a step; the 32-bit halves are added into 64-bit lanes, which cannot overflow below
// 2^32 steps.
__attribute__((target("avx2"))) std::uint64_t native_sum_avx2(const std::uint8_t* at,
                                                              std::size_t size) {
  const __m256i low = _mm256_set1_epi64x(0xffffffff);
  __m256i a = _mm256_setzero_si256();
  __m256i b = a;
  __m256i c = a;
  __m256i d = a;
  for (; size >= 64; at += 64, size -= 64) {
    const __m256i x = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
    const __m256i y = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at + 32));
    a = _mm256_add_epi64(a, _mm256_and_si256(x, low));
    b = _mm256_add_epi64(b, _mm256_srli_epi64(x, 32));
    c = _mm256_add_epi64(c, _mm256_and_si256(y, low));
    d = _mm256_add_epi64(d, _mm256_srli_epi64(y, 32));
  }
  alignas(32) std::uint64_t lanes[4];
  _mm256_store_si256(reinterpret_cast<__m256i*>(lanes),
                     _mm256_add_epi64(_mm256_add_epi64(a, b), _mm256_add_epi64(c, d)));
  std::uint64_t sum = lanes[0] + lanes[1] + lanes[2] + lanes[3];
  for (; size >= 8; at += 8, size -= 8) sum = add_carrying(sum, load_native(at));
  if (size > 0) {
    std::uint8_t last[8] = {};
    std::memcpy(last, at, size);
    sum = add_carrying(sum, load_native(last));
  }
  return sum;
}
#endif

bool cpu_has_avx2() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx2") != 0;
#else
  return false;
#endif
}

const bool kWide = cpu_has_avx2();

}  // namespace

bool has_wide_sum() {
  return kWide;
}

std::uint16_t sum_portable(ByteView bytes, std::uint16_t start) {
  return sum_add(start, from_native(fold(native_sum(bytes.data(), bytes.size()))));
}

std::uint16_t sum_wide(ByteView bytes, std::uint16_t start) {
#if defined(__x86_64__)
  if (kWide) return sum_add(start, from_native(fold(native_sum_avx2(bytes.data(), bytes.size()))));
#endif
  return sum_portable(bytes, start);
}

std::uint16_t sum_of(ByteView bytes, std::uint16_t start) {
  return bytes.size() < kWorthWide ? sum_portable(bytes, start) : sum_wide(bytes, start);
}

std::uint16_t pseudo_header_sum(ByteView ip, std::uint8_t protocol) {
  const bool v6 = ip[0] >> 4 == 6;
  return sum_of(v6 ? ip.subspan(8, 32) : ip.subspan(12, 8), protocol);
}

bool complete_checksum(MutableBytes packet, std::size_t start, std::size_t offset) {
  if (start >= packet.size() || offset + 2 > packet.size() - start) return false;
  std::uint16_t sum = complement(sum_of(packet.subspan(start)));
  // For UDP zero would mean that there is no checksum.
  if (sum == 0 && offset == kUdpChecksumOffset) sum = 0xffff;
  store_be(packet.data() + start + offset, sum);
  return true;
}

}  // namespace meshnode::dataplane
