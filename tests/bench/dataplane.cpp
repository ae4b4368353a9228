// What each step of the data plane costs: bench_dataplane [--benchmark_filter=REGEX]
//
// "packets" per second is per inner packet, so its inverse compares across segmenting, coalescing
// and sealing. Compare runs made side by side on one machine only.
#include <benchmark/benchmark.h>

#include "base/replay_window.h"
#include "crypto/providers.h"
#include "dataplane/checksum.h"
#include "dataplane/coalesce.h"
#include "dataplane/segment.h"
#include "dataplane/slots.h"
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
  for (const int size : {64, 256, 1420, 1424, 1440, 16384}) bench->Arg(size);
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
  crypto::FrameJob job{.ad = frame.data(),
                       .ad_size = kHeader,
                       .in = frame.data() + kHeader,
                       .out = frame.data() + kHeader,
                       .text_size = text};
  for (auto _ : state) {
    ++job.counter;
    sealer->seal({&job, 1});
  }
  count(state, 1, text);
}
// From one buffer into another, as the data plane does.
void open(benchmark::State& state, crypto::MakeFrameCipher make, crypto::Cipher cipher) {
  const auto text = static_cast<std::size_t>(state.range(0));
  Bytes sealed = filled(kHeader + text + crypto::kTagSize);
  const auto opener = make(cipher, Secret32(Block<32>{1}));
  crypto::FrameJob job{.ad = sealed.data(),
                       .ad_size = kHeader,
                       .in = sealed.data() + kHeader,
                       .out = sealed.data() + kHeader,
                       .text_size = text};
  opener->seal({&job, 1});
  Bytes opened(text);
  job.out = opened.data();
  for (auto _ : state) {
    opener->open({&job, 1});
    if (!job.ok) state.SkipWithError("the tag does not fit");
  }
  count(state, 1, text);
}
// What this machine can run. ChaCha20-Poly1305 is GnuTLS's with every provider.
bool register_ciphers() {
  const auto add = [](const crypto::CipherProvider& provider, const char* name,
                      crypto::Cipher cipher) {
    const std::string suffix = "/" + std::string(provider.name) + "/" + name;
    benchmark::RegisterBenchmark(("seal" + suffix).c_str(), seal, provider.make, cipher)
        ->Apply(sizes);
    benchmark::RegisterBenchmark(("open" + suffix).c_str(), open, provider.make, cipher)
        ->Apply(sizes);
  };
  for (const crypto::CipherProvider& provider : crypto::cipher_providers())
    add(provider, "aes_256_gcm", crypto::Cipher::aes_256_gcm);
  add(crypto::cipher_providers().back(), "chacha20_poly1305", crypto::Cipher::chacha20_poly1305);
  return true;
}
[[maybe_unused]] const bool ciphers_registered = register_ciphers();

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

// Where does a packet go? Members' addresses as they are: one prefix, the rest random.
void route(benchmark::State& state) {
  test::SeededRandom random(3);
  dataplane::RouteTable routes;
  std::vector<IpAddress> asked;
  for (std::int64_t i = 0; i < state.range(0); ++i) {
    Block<16> address{0xfd, 0x12, 0x34, 0x56, 0x78, 0x9a};
    random.fill(MutableBytes(address).subspan(8));
    asked.push_back(IpAddress::v6(address));
    routes.emplace(asked.back(), static_cast<PeerNumber>(i));
  }
  std::size_t next = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(routes.find(asked[next]));
    if (++next == asked.size()) next = 0;
  }
  count(state, 1, 0);
}
BENCHMARK(route)->Arg(1)->Arg(64)->Arg(1000);

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
