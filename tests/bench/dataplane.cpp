// What each step of the data plane costs: bench_dataplane [--benchmark_filter=REGEX]
//
// "packets" per second is per inner packet, so its inverse compares across segmenting, coalescing
// and sealing. Compare runs made side by side on one machine only.
#include <benchmark/benchmark.h>

#include "base/replay_window.h"
#include "crypto/aead.h"
#include "dataplane/checksum.h"
#include "dataplane/coalesce.h"
#include "dataplane/segment.h"
#include "tests/support/inner_packets.h"
#include "tests/support/seeded_random.h"

namespace meshnode {
namespace {

constexpr std::size_t kHeader = 16;
constexpr std::size_t kSegment = 1368;  // of an inner MTU of 1420 with TCP timestamps

Bytes filled(std::size_t size) {
  test::SeededRandom random(1);
  Bytes out(size);
  random.fill(out);
  return out;
}

void count(benchmark::State& state, std::size_t packets, std::size_t bytes) {
  const auto rounds = static_cast<std::int64_t>(state.iterations());
  state.SetItemsProcessed(rounds * static_cast<std::int64_t>(packets));
  state.SetBytesProcessed(rounds * static_cast<std::int64_t>(bytes));
}

void sizes(benchmark::internal::Benchmark* bench) {
  for (const int size : {64, 256, 1420, 1440, 16384}) bench->Arg(size);
}

using Sum = std::uint16_t (*)(ByteView, std::uint16_t);
void checksum(benchmark::State& state, Sum sum) {
  const Bytes bytes = filled(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(sum(bytes, 0));
  count(state, 1, bytes.size());
}
BENCHMARK_CAPTURE(checksum, portable, dataplane::sum_portable)->Apply(sizes);
BENCHMARK_CAPTURE(checksum, wide, dataplane::sum_wide)->Apply(sizes);
BENCHMARK_CAPTURE(checksum, chosen, dataplane::sum_of)->Apply(sizes);

void seal(benchmark::State& state, crypto::MakeFrameCipher make, crypto::Cipher cipher) {
  const auto text = static_cast<std::size_t>(state.range(0));
  Bytes frame = filled(kHeader + text + crypto::kTagSize);
  const auto sealer = make(cipher, Secret32(Block<32>{1}));
  crypto::FrameJob job{.frame = frame.data(), .ad_size = kHeader, .text_size = text};
  for (auto _ : state) {
    ++job.counter;
    sealer->seal({&job, 1});
  }
  count(state, 1, text);
}
BENCHMARK_CAPTURE(seal, gnutls_aes_256_gcm, crypto::make_gnutls_cipher, crypto::Cipher::aes_256_gcm)
    ->Apply(sizes);
BENCHMARK_CAPTURE(seal, gnutls_chacha20_poly1305, crypto::make_gnutls_cipher,
                  crypto::Cipher::chacha20_poly1305)
    ->Apply(sizes);

// Opening replaces the text, so each round opens a fresh copy; the copy is in the time.
void open(benchmark::State& state, crypto::MakeFrameCipher make, crypto::Cipher cipher) {
  const auto text = static_cast<std::size_t>(state.range(0));
  Bytes sealed = filled(kHeader + text + crypto::kTagSize);
  const auto opener = make(cipher, Secret32(Block<32>{1}));
  crypto::FrameJob job{.frame = sealed.data(), .ad_size = kHeader, .text_size = text};
  opener->seal({&job, 1});
  Bytes frame(sealed.size());
  job.frame = frame.data();
  for (auto _ : state) {
    std::copy(sealed.begin(), sealed.end(), frame.begin());
    opener->open({&job, 1});
    if (!job.ok) state.SkipWithError("the tag does not fit");
  }
  count(state, 1, text);
}
BENCHMARK_CAPTURE(open, gnutls_aes_256_gcm, crypto::make_gnutls_cipher, crypto::Cipher::aes_256_gcm)
    ->Apply(sizes);
BENCHMARK_CAPTURE(open, gnutls_chacha20_poly1305, crypto::make_gnutls_cipher,
                  crypto::Cipher::chacha20_poly1305)
    ->Apply(sizes);

void replay_window(benchmark::State& state) {
  ReplayWindow<8192> window;
  std::uint64_t number = 0;
  for (auto _ : state) {
    // In the order 1 0 3 2 …
    const std::uint64_t next = number++ ^ 1;
    benchmark::DoNotOptimize(window.would_accept(next) && window.mark(next));
  }
  count(state, 1, 0);
}
BENCHMARK(replay_window);

test::InnerPacket flow(bool tcp, std::size_t payload) {
  test::InnerPacket out{.tcp = tcp, .payload = filled(payload)};
  if (tcp) out.tcp_options = Bytes(12, 1);
  return out;
}

// A full super-frame. Each round finds the last one's headers among the payload, which costs
// nothing and changes nothing; only the first header is put back.
void segment(benchmark::State& state, bool tcp, std::size_t size) {
  const std::size_t segments = std::min<std::size_t>(64, 65000 / size);
  const auto packet = flow(tcp, size * segments);
  const Bytes original = build(packet, true);
  Bytes buffer(kFrameHeadroom + original.size() + kFrameTailroom);
  TunFrame frame{.packet = MutableBytes(buffer).subspan(kFrameHeadroom, original.size()),
                 .gso_type = tcp ? kGsoTcpV4 : kGsoUdpL4,
                 .gso_size = static_cast<std::uint16_t>(size),
                 .csum_start = 20,
                 .csum_offset = tcp ? kTcpChecksumOffset : kUdpChecksumOffset,
                 .needs_csum = true};
  dataplane::Segmenter segmenter;
  for (auto _ : state) {
    std::copy(original.begin(), original.begin() + 64, frame.packet.begin());
    segmenter.begin(frame);
    for (MutableBytes out = segmenter.next(); !out.empty(); out = segmenter.next())
      benchmark::DoNotOptimize(out.data());
  }
  count(state, segments, original.size());
}
BENCHMARK_CAPTURE(segment, tcp_1368, true, kSegment);
BENCHMARK_CAPTURE(segment, udp_64, false, 64);

// `flows` packets in turn; the copy into the place stands for decryption.
void coalesce(benchmark::State& state, bool tcp, std::size_t size) {
  const auto flows = static_cast<std::size_t>(state.range(0));
  std::vector<Bytes> memory(64, Bytes(dataplane::Coalescer::kSlotSize));
  const std::vector<MutableBytes> slots(memory.begin(), memory.end());
  dataplane::Coalescer coalescer(slots, {});
  std::vector<Bytes> packets;
  for (std::size_t i = 0; i < 40; ++i)
    for (std::size_t f = 0; f < flows; ++f) {
      auto packet = flow(tcp, size);
      packet.source_port = static_cast<std::uint16_t>(1000 + f);
      packet.sequence += static_cast<std::uint32_t>(i * size);
      packet.id = static_cast<std::uint16_t>(i);
      packets.push_back(build(packet));
    }
  std::size_t frames = 0;
  for (auto _ : state) {
    for (const Bytes& packet : packets) {
      const MutableBytes place = coalescer.place_for(packet.size());
      std::memcpy(place.data(), packet.data(), packet.size());
      coalescer.accept(packet.size());
    }
    frames = coalescer.flush().size();
  }
  if (frames != flows) state.SkipWithError("not one frame for each flow");
  count(state, packets.size(), packets.size() * packets[0].size());
}
BENCHMARK_CAPTURE(coalesce, tcp_1368, true, kSegment)->Arg(1)->Arg(4)->Arg(32);
BENCHMARK_CAPTURE(coalesce, udp_64, false, 64)->Arg(1)->Arg(32);

}  // namespace
}  // namespace meshnode
