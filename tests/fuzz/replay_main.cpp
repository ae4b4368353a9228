// The corpus as an ordinary test: fuzz_NAME EXECUTIONS FOLDER-OR-FILE…
//
// Each file runs as it is; then with single bytes flipped, then cut at every length, then with
// random changes, all from a fixed seed. EXECUTIONS is shared among the files.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "fuzz/fuzz.h"
#include "support/seeded_random.h"

namespace meshnode::fuzz {
namespace {

struct Seed {
  std::string path;
  Bytes bytes;
};

// What is being run, for the message when it breaks.
const Seed* running = nullptr;
Bytes input;

void run(const Seed& seed, ByteView bytes) {
  running = &seed;
  input = exact(bytes);
  one_input(exact(bytes));
}

// The input that broke it goes next to the program, for the debugger.
void keep_input(int) {
  std::fprintf(stderr, "broken by a mutation of %s; kept as fuzz-broken-input\n",
               running != nullptr ? running->path.c_str() : "nothing");
  std::ofstream("fuzz-broken-input", std::ios::binary)
      .write(reinterpret_cast<const char*>(input.data()),
             static_cast<std::streamsize>(input.size()));
  std::_Exit(1);
}

Seed load(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  return {path.string(), to_bytes(as_bytes(text))};
}

std::vector<Seed> load_all(const std::filesystem::path& path) {
  if (!std::filesystem::is_directory(path)) return {load(path)};
  std::vector<Seed> out;
  for (const auto& entry : std::filesystem::directory_iterator(path))
    if (entry.is_regular_file()) out.push_back(load(entry.path()));
  // The order of a folder is the file system's; the test's is not.
  std::sort(out.begin(), out.end(), [](const Seed& a, const Seed& b) { return a.path < b.path; });
  return out;
}

Bytes mutated(Bytes bytes, Random& random, const std::vector<Seed>& all) {
  for (std::uint64_t changes = 1 + random.below(4); changes > 0; --changes) {
    const auto at = static_cast<std::ptrdiff_t>(random.below(bytes.size() + 1));
    const auto length = static_cast<std::ptrdiff_t>(
        std::min<std::uint64_t>(1 + random.below(16), bytes.size() - static_cast<std::size_t>(at)));
    const auto value = static_cast<std::uint8_t>(random.u64());
    constexpr std::uint8_t kEdges[] = {0, 1, 0x7f, 0x80, 0xfe, 0xff, 0x40, 0x44};
    switch (random.below(7)) {
      case 0:
        if (length > 0) bytes[static_cast<std::size_t>(at)] = value;
        break;
      case 1:
        if (length > 0) bytes[static_cast<std::size_t>(at)] = kEdges[value % std::size(kEdges)];
        break;
      case 2:
        if (length > 0)
          bytes[static_cast<std::size_t>(at)] ^= static_cast<std::uint8_t>(1 << value % 8);
        break;
      case 3:
        bytes.insert(bytes.begin() + at, 1 + value % 16, value);
        break;
      case 4:
        bytes.erase(bytes.begin() + at, bytes.begin() + at + length);
        break;
      case 5: {
        const Bytes piece(bytes.begin() + at, bytes.begin() + at + length);
        bytes.insert(bytes.end(), piece.begin(), piece.end());
        break;
      }
      default: {
        const Bytes& other = all[random.below(all.size())].bytes;
        const auto from = std::min<std::size_t>(static_cast<std::size_t>(at), other.size());
        bytes.resize(static_cast<std::size_t>(at));
        bytes.insert(bytes.end(), other.begin() + static_cast<std::ptrdiff_t>(from), other.end());
      }
    }
  }
  return bytes;
}

// A quarter of the budget each for flips and cuts, evenly spread where there are more places.
void replay(const Seed& seed, std::size_t executions, Random& random,
            const std::vector<Seed>& all) {
  run(seed, seed.bytes);
  const std::size_t size = seed.bytes.size();
  const std::size_t step =
      std::max<std::size_t>(1, size * 4 / std::max<std::size_t>(1, executions));
  std::size_t used = 0;
  for (std::size_t at = 0; at < size; at += step, used += 2) {
    Bytes changed = seed.bytes;
    changed[at] ^= static_cast<std::uint8_t>(1 + random.below(255));
    run(seed, changed);
    run(seed, ByteView(seed.bytes).first(at));
  }
  for (; used < executions; ++used) run(seed, mutated(seed.bytes, random, all));
}

}  // namespace
}  // namespace meshnode::fuzz

int main(int argc, char** argv) {
  using namespace meshnode;
  if (argc < 3) {
    std::fprintf(stderr, "usage: %s EXECUTIONS FOLDER-OR-FILE...\n", argv[0]);
    return 2;
  }
  std::vector<fuzz::Seed> seeds;
  for (int i = 2; i < argc; ++i) {
    if (!std::filesystem::exists(argv[i])) {
      std::fprintf(stderr, "no %s: a lost corpus tests nothing\n", argv[i]);
      return 1;
    }
    for (auto& seed : fuzz::load_all(argv[i])) seeds.push_back(std::move(seed));
  }
  if (seeds.empty()) {
    std::fprintf(stderr, "no inputs there\n");
    return 1;
  }
  std::signal(SIGABRT, fuzz::keep_input);
  test::SeededRandom random(1);
  const std::size_t share = std::strtoul(argv[1], nullptr, 10) / seeds.size();
  for (const fuzz::Seed& seed : seeds) fuzz::replay(seed, share, random, seeds);
  std::printf("%zu inputs, %zu mutations of each\n", seeds.size(), share);
  return 0;
}
