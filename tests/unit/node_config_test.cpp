// node/config: command line over file over defaults, and the exact sentence for each mistake.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/config.h"
#include "node/config_inputs.h"
#include "support/temp_dir.h"
#include "wire/handshake_payload.h"

namespace meshnode::node {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kHostPort =
    "needs HOST:PORT, like hub.example.org:3731 or [2001:db8::1]:3731";

overlay::NetworkSecret some_network() {
  overlay::NetworkSecret out;
  out.seed.fill(7);
  return out;
}
std::string some_token() {
  return overlay::to_token(some_network());
}

class ConfigTest : public testing::Test {
 public:
  ConfigTest() { file_ = folder_ + "/mesh.toml"; }

 protected:
  Parsed parse_with(std::vector<std::string> arguments, int stdin_fd = -1) {
    arguments.insert(arguments.begin(), "meshnode");
    std::vector<char*> argv;
    argv.reserve(arguments.size());
    for (std::string& argument : arguments) argv.push_back(argument.data());
    return parse(static_cast<int>(argv.size()), argv.data(), {"alpha.example.org", stdin_fd});
  }
  Config config(const std::vector<std::string>& arguments) {
    auto parsed = parse_with(arguments);
    if (const auto* error = std::get_if<Error>(&parsed)) {
      ADD_FAILURE() << error->message;
      return {};
    }
    return std::get<Config>(parsed);
  }
  std::string printed(const std::vector<std::string>& arguments) {
    const auto parsed = parse_with(arguments);
    if (const auto* error = std::get_if<Error>(&parsed)) ADD_FAILURE() << error->message;
    const auto* text = std::get_if<Printed>(&parsed);
    return text == nullptr ? "nothing printed" : text->text;
  }
  // All problems, one per line; always exit code 2.
  std::string problems(const std::vector<std::string>& arguments, int stdin_fd = -1) {
    const auto parsed = parse_with(arguments, stdin_fd);
    const auto* error = std::get_if<Error>(&parsed);
    if (error == nullptr) return "no problem";
    EXPECT_EQ(error->exit_code(), 2);
    return error->message;
  }
  void put(const std::string& path, const std::string& text, mode_t mode = 0600) {
    std::ofstream(path) << text;
    ::chmod(path.c_str(), mode);
  }
  std::string with_file(const std::string& text) {
    put(file_, text);
    return problems({"--config", file_});
  }

  test::TempDir temp_;
  const std::string folder_ = temp_.path();
  std::string file_;
};

TEST_F(ConfigTest, DefaultsFollowTheInterface) {
  const Config plain = config({});
  EXPECT_EQ(plain.interface, "mesh0");
  EXPECT_EQ(plain.state_dir, "/var/lib/meshnode/mesh0");
  EXPECT_EQ(plain.control, "/run/meshnode/mesh0.sock");
  EXPECT_EQ(plain.name, "alpha");
  EXPECT_EQ(plain.port, std::nullopt);
  EXPECT_EQ(plain.lan_port, 3732);
  EXPECT_EQ(plain.mtu, 1420);
  EXPECT_EQ(plain.dht_network, 3731U);
  EXPECT_EQ(plain.log.levels, LogLevels());
  EXPECT_FALSE(plain.lan_only || plain.key || plain.seed);
  EXPECT_THAT(plain.notices, IsEmpty());
  const Config second = config({"--interface", "mesh1", "--lan-only"});
  EXPECT_EQ(second.state_dir, "/var/lib/meshnode/mesh1");
  EXPECT_EQ(second.control, "/run/meshnode/mesh1.sock");
  EXPECT_THAT(second.notices, IsEmpty());
}

TEST_F(ConfigTest, EveryOptionArrives) {
  const Config all = config({"--lan-only",    "--key",
                             some_token(),    "--name",
                             "büro",          "--port",
                             "4000",          "--lan-port",
                             "4001",          "--interface",
                             "home",          "--address",
                             "10.77.0.1/24",  "--address=10.78.0.1",
                             "--mtu",         "1280",
                             "--dht-network", "0",
                             "--stun",        "stun.example.org:3478",
                             "--state-dir",   "s",
                             "--control",     "c",
                             "--log-level",   "debug"});
  EXPECT_TRUE(all.lan_only);
  EXPECT_EQ(all.key, some_network());
  EXPECT_EQ(all.name, "büro");
  EXPECT_EQ(all.port, 4000);
  EXPECT_EQ(all.lan_port, 4001);
  EXPECT_EQ(all.interface, "home");
  EXPECT_THAT(all.addresses,
              ElementsAre(*Cidr::parse("10.77.0.1/24"), *Cidr::parse("10.78.0.1/32")));
  EXPECT_EQ(all.mtu, 1280);
  EXPECT_EQ(all.dht_network, 0U);
  EXPECT_THAT(all.stuns, ElementsAre(HostPort{"stun.example.org", 3478}));
  EXPECT_EQ(all.state_dir, "s");
  EXPECT_EQ(all.control, "c");
  EXPECT_EQ(all.log.levels, LogLevels(LogLevel::debug));
  EXPECT_THAT(all.notices, IsEmpty());
}

TEST_F(ConfigTest, LogAndMetrics) {
  const Config plain = config({});
  EXPECT_EQ(plain.log, io::LogSettings());
  EXPECT_FALSE(plain.metrics);
  const Config given = config({"--log-level", "warn,dht=debug", "--log.format", "key=value",
                               "--log.addresses", "on", "--metrics.listen", "[::1]:9731"});
  EXPECT_EQ(given.log.levels.to_string(), "warn,dht=debug");
  EXPECT_EQ(given.log.format, io::LogFormat::key_value);
  EXPECT_TRUE(given.log.addresses);
  EXPECT_EQ(given.metrics, Endpoint::parse("[::1]:9731"));
  put(file_, "[log]\nformat = \"json\"\naddresses = true\n[metrics]\nlisten = \"127.0.0.1:1\"\n");
  EXPECT_EQ(config({"--config", file_}).log.format, io::LogFormat::json);
  EXPECT_EQ(config({"--config", file_}).metrics, Endpoint::parse("127.0.0.1:1"));
  EXPECT_EQ(problems({"--log.format", "xml"}), "--log.format xml: is text, key=value or json");
  for (const char* wrong : {"9731", "localhost:9731", "127.0.0.1:0", "127.0.0.1"})
    EXPECT_THAT(problems({"--metrics.listen", wrong}), HasSubstr("needs ADDRESS:PORT")) << wrong;
}

TEST_F(ConfigTest, Bootstraps) {
  const Config read = config(
      {"--bootstrap", "hub:3731", "--bootstrap", "[2001:db8::1]:1", "--bootstrap", "hub:3731"});
  EXPECT_THAT(read.bootstraps, ElementsAre(HostPort{"hub", 3731}, HostPort{"2001:db8::1", 1}))
      << "each once";
  std::vector<std::string> many;
  for (int i = 1; i <= 17; ++i) {
    many.push_back("--bootstrap");
    many.push_back("hub:" + std::to_string(i));
  }
  EXPECT_THAT(problems(many), HasSubstr("at most 16"));
}

TEST_F(ConfigTest, TheDataPlaneIsAllOnButDscp) {
  const DataPlane plain = config({}).data_plane;
  EXPECT_TRUE(plain.tun_offloads && plain.tun_tcp_coalescing && plain.tun_udp_coalescing);
  EXPECT_TRUE(plain.udp_gso && plain.udp_gro && plain.ipsec_mb);
  EXPECT_FALSE(plain.copy_dscp);
}

// Each switch moves its own and no other: bit i is the i-th of the list.
unsigned as_bits(const DataPlane& data_plane) {
  unsigned out = 0;
  unsigned bit = 1;
  for (const bool on :
       {data_plane.tun_offloads, data_plane.tun_tcp_coalescing, data_plane.tun_udp_coalescing,
        data_plane.udp_gso, data_plane.udp_gro, data_plane.ipsec_mb, data_plane.copy_dscp}) {
    if (on) out |= bit;
    bit <<= 1;
  }
  return out;
}
constexpr const char* kSwitches[] = {
    "tun_offloads", "tun_tcp_coalescing", "tun_udp_coalescing", "udp_gso",
    "udp_gro",      "ipsec_mb",           "copy_dscp"};

TEST_F(ConfigTest, EachPartOfTheDataPlaneHasASwitch) {
  const unsigned standard = as_bits(DataPlane{});
  unsigned bit = 1;
  for (const std::string name : kSwitches) {
    const bool on = (standard & bit) != 0;
    const std::string option = "--data_plane." + name;
    EXPECT_EQ(as_bits(config({option, on ? "off" : "on"}).data_plane), standard ^ bit) << name;
    EXPECT_EQ(as_bits(config({option, on ? "on" : "off"}).data_plane), standard) << name;
    put(file_, "[data_plane]\n" + name + " = " + (on ? "false" : "true") + "\n");
    EXPECT_EQ(as_bits(config({"--config", file_}).data_plane), standard ^ bit) << name;
    EXPECT_EQ(as_bits(config({"--config", file_, option, on ? "on" : "off"}).data_plane), standard)
        << "a flag hides the file's " << name;
    put(file_, "data_plane." + name + " = " + (on ? "false" : "true") + "\n");
    EXPECT_EQ(as_bits(config({"--config", file_}).data_plane), standard ^ bit) << name;
    bit <<= 1;
  }
}

TEST_F(ConfigTest, WrongSwitchesOfTheDataPlaneAreExplained) {
  EXPECT_EQ(problems({"--data_plane.udp_gso", "maybe"}),
            "--data_plane.udp_gso maybe: is on or off");
  EXPECT_EQ(with_file("[data_plane]\nudp_gso = \"off\"\n"),
            file_ + ":2: data_plane.udp_gso: needs true or false");
  EXPECT_THAT(with_file("[data_plane]\nfrob = true\n"),
              HasSubstr(":2: data_plane.frob: no such key"));
  EXPECT_THAT(with_file("data_plane = true\n"), HasSubstr(":1: data_plane: no such key"));
  EXPECT_THAT(with_file("[frob]\nudp_gso = true\n"), HasSubstr("frob: no such key"));
}

TEST_F(ConfigTest, ThreadsOfTheDataPlane) {
  EXPECT_EQ(config({}).data_plane.threads, std::nullopt);
  EXPECT_EQ(config({"--data_plane.threads", "auto"}).data_plane.threads, std::nullopt);
  EXPECT_EQ(config({"--data_plane.threads", "1"}).data_plane.threads, 1U);
  EXPECT_EQ(config({"--data_plane.threads", "2"}).data_plane.threads, 2U);
  for (const char* wrong : {"0", "3", "two", "2 ", "-1", "\xff", "99999999999"})
    EXPECT_THAT(problems({std::string("--data_plane.threads=") + wrong}),
                HasSubstr("is auto, 1 or 2"))
        << wrong;
  put(file_, "[data_plane]\nthreads = 2\n");
  EXPECT_EQ(config({"--config", file_}).data_plane.threads, 2U);
  EXPECT_EQ(config({"--config", file_, "--data_plane.threads", "auto"}).data_plane.threads,
            std::nullopt)
      << "a flag hides the file's";
  put(file_, "[data_plane]\nthreads = \"auto\"\n");
  EXPECT_EQ(config({"--config", file_}).data_plane.threads, std::nullopt);
  EXPECT_EQ(with_file("[data_plane]\nthreads = 3\n"),
            file_ + ":2: data_plane.threads = 3: is auto, 1 or 2");
  EXPECT_EQ(with_file("[data_plane]\nthreads = true\n"),
            file_ + ":2: data_plane.threads: needs a whole number or a text in quotes");
}

TEST_F(ConfigTest, Serving) {
  EXPECT_EQ(config({}).serve_dht, std::nullopt);
  EXPECT_EQ(config({"--serve-dht", "auto"}).serve_dht, std::nullopt);
  EXPECT_EQ(config({"--serve-dht", "on"}).serve_dht, true);
  EXPECT_EQ(config({"--serve-dht", "off"}).serve_dht, false);
  EXPECT_THAT(problems({"--serve-dht", "yes"}), HasSubstr("is auto, on or off"));
}

TEST_F(ConfigTest, TheMapIsSharedUnlessToldOtherwise) {
  EXPECT_TRUE(config({}).share_map);
  EXPECT_FALSE(config({"--share-map", "off"}).share_map);
  put(file_, "share-map = false\n");
  EXPECT_FALSE(config({"--config", file_}).share_map);
}

TEST_F(ConfigTest, Edges) {
  EXPECT_FALSE(config({}).full_mesh);
  EXPECT_FALSE(config({"--edges", "auto"}).full_mesh);
  EXPECT_TRUE(config({"--edges", "all"}).full_mesh);
  EXPECT_THAT(problems({"--edges", "64"}), HasSubstr("is auto or all"));
}

TEST_F(ConfigTest, AVectorOptionDoesNotSwallowWhatFollows) {
  EXPECT_EQ(problems({"--bootstrap", "hub:3731", "other:3731"}),
            "other:3731: meshnode knows no such argument (see meshnode --help)");
}

TEST_F(ConfigTest, HelpAndVersionAreForStdout) {
  const auto help = parse_with({"--help"});
  ASSERT_TRUE(std::holds_alternative<Printed>(help));
  const std::string text = std::get<Printed>(help).text;
  for (const char* option :
       {"--config", "--bootstrap", "--lan-only", "--key", "--seed", "--name", "--port",
        "--lan-port", "--interface", "--address", "--mtu", "--dht-network", "--stun", "--state-dir",
        "--control", "--log-level", "--help", "--version"})
    EXPECT_THAT(text, HasSubstr(option));
  const auto version = parse_with({"--version"});
  ASSERT_TRUE(std::holds_alternative<Printed>(version));
  EXPECT_THAT(std::get<Printed>(version).text,
              testing::MatchesRegex("meshnode [0-9.]+(\\+git[0-9]+\\.[0-9a-f]+)?(\\+dirty)?\n"));
}

TEST_F(ConfigTest, BadCommandLinesAreOneSentenceEach) {
  const std::string port = ": a port is a number from 1 to 65535";
  const std::string interface =
      ": an interface's name has 1 to 15 of A-Z a-z 0-9 _ . - (no - first)";
  const std::string single = ": is no address of a single machine; give one, like 10.77.0.1/24";
  const std::string name = ": a name has 1 to 32 bytes of printable UTF-8";
  const std::string mtu = ": an MTU is 1280 (the smallest that IPv6 allows) to 9000";
  const std::string long_text(40, 'x');
  const std::pair<std::vector<std::string>, std::string> cases[] = {
      {{"--port", "0"}, "--port 0" + port},
      {{"--port", "65536"}, "--port 65536" + port},
      {{"--port", "4294967297"}, "--port 4294967297" + port},
      {{"--port", "12x"}, "--port 12x" + port},
      {{"--port", ""}, "--port \"\"" + port},
      {{"--port=-1"}, "--port -1" + port},
      {{"--lan-port", "0x10"}, "--lan-port 0x10" + port},
      {{"--port", "3732"},
       "--port and --lan-port are both 3732: the LAN beacon needs a port of its own"},
      {{"--mtu", "1279"}, "--mtu 1279" + mtu},
      {{"--mtu", "9001"}, "--mtu 9001" + mtu},
      {{"--dht-network", "4294967296"},
       "--dht-network 4294967296: a DHT network is a number from 0 to 4294967295"},
      {{"--interface", ""}, "--interface \"\"" + interface},
      {{"--interface", "sixteen-letters-"}, "--interface sixteen-letters-" + interface},
      {{"--interface", "a/b"}, "--interface a/b" + interface},
      {{"--interface", "a b"}, "--interface a b" + interface},
      {{"--interface", ".."}, "--interface .." + interface},
      {{"--interface=-a"}, "--interface -a" + interface},
      {{"--interface", "all"},
       "--interface all: the kernel keeps this name for itself; take another one, like mesh1"},
      {{"--name", ""}, "--name \"\"" + name},
      {{"--name", long_text}, "--name " + long_text + name},
      {{"--name", "a\nb"}, "--name a?b" + name},
      {{"--name", "a\xff"}, "--name a?" + name},
      {{"--name", "x⁷"}, "--name x⁷" + name},  // the others would not take it
      {{"--address", "nonsense"},
       "--address nonsense: needs an IPv4 address with a prefix length, like 10.77.0.1/24"},
      {{"--address", "10.0.0.1/33"},
       "--address 10.0.0.1/33: needs an IPv4 address with a prefix length, like 10.77.0.1/24"},
      {{"--address", "fd00::1/64"},
       "--address fd00::1/64: IPv6 addresses cannot be chosen (every member has one of its own); "
       "give an IPv4 address, like 10.77.0.1/24"},
      {{"--address", "10.0.0.1/7"},
       "--address 10.0.0.1/7: a prefix length is 8 to 32, like 10.77.0.1/24"},
      {{"--address", "10.77.0.0/24"}, "--address 10.77.0.0/24" + single},
      {{"--address", "10.77.0.255/24"}, "--address 10.77.0.255/24" + single},
      {{"--address", "127.0.0.1/8"}, "--address 127.0.0.1/8" + single},
      {{"--address", "224.0.0.1/24"}, "--address 224.0.0.1/24" + single},
      {{"--address", "0.0.0.1/8"}, "--address 0.0.0.1/8" + single},
      {{"--address", "169.254.1.1/16"}, "--address 169.254.1.1/16" + single},
      {{"--address", "10.0.0.1/24", "--address", "10.0.0.1/16"},
       "--address 10.0.0.1/16: is given twice"},
      {{"--address", "10.0.0.1/24", "--address", "10.0.1.1/24", "--address", "10.0.2.1/24"},
       "--address 10.0.2.1/24: one too many: a node has at most 2 addresses of its own choice"},
      {{"--bootstrap", "hub"}, std::string("--bootstrap hub: ") + kHostPort},
      {{"--bootstrap", "hub:"}, std::string("--bootstrap hub:: ") + kHostPort},
      {{"--bootstrap", ":3731"}, std::string("--bootstrap :3731: ") + kHostPort},
      {{"--bootstrap", "hub:0"}, std::string("--bootstrap hub:0: ") + kHostPort},
      {{"--bootstrap", "2001:db8::1:3731"},
       std::string("--bootstrap 2001:db8::1:3731: ") + kHostPort},
      {{"--bootstrap", "[10.0.0.1]:1"}, std::string("--bootstrap [10.0.0.1]:1: ") + kHostPort},
      {{"--bootstrap", "10.0.0.300:1"}, std::string("--bootstrap 10.0.0.300:1: ") + kHostPort},
      {{"--stun", "a b:1"}, std::string("--stun a b:1: ") + kHostPort},
      {{"--state-dir", ""}, "--state-dir \"\": needs the path of a folder"},
      {{"--control", ""}, "--control \"\": a socket's path has 1 to 107 bytes"},
      {{"--log-level", "loud"},
       "--log-level loud: no log level \"loud\": a log level is trace, debug, info, warn, error or "
       "off"},
      {{"--key", some_token(), "--seed", "a b"},
       "--key and --seed both name the network: give one of them"},
      {{"--lan-only", "--bootstrap", "hub:1"},
       "--lan-only leaves the DHT out and --bootstrap leads into it: give one"},
      {{"--seed", ""}, "--seed: a text of 1 to 1024 bytes is needed"},
      {{"--seed", std::string(1025, 's')}, "--seed: a text of 1 to 1024 bytes is needed"},
      {{"--frob"}, "--frob: meshnode knows no such option (see meshnode --help)"},
      {{"start"}, "start: meshnode knows no such argument (see meshnode --help)"},
      {{"--port"}, "--port needs a value (see meshnode --help)"},
      {{"--port", "5000", "--port", "5001"},
       "--port is given more than once (see meshnode --help)"},
      {{"--config", folder_ + "/none"},
       "--config " + folder_ + "/none: cannot be read: No such file or directory"},
      {{"--config", folder_}, "--config " + folder_ + ": cannot be read: Is a directory"},
      {{"--config", ""}, "--config : cannot be read: No such file or directory"},
  };
  for (const auto& [arguments, sentence] : cases) EXPECT_EQ(problems(arguments), sentence);
}

TEST_F(ConfigTest, MistypedNamesAreSetRight) {
  EXPECT_EQ(problems({"--bootstarp", "hub:3731"}),
            "--bootstarp: meshnode knows no such option; did you mean --bootstrap? (see meshnode "
            "--help)\nhub:3731: meshnode knows no such argument (see meshnode --help)");
  EXPECT_EQ(problems({"--prot=7"}),
            "--prot: meshnode knows no such option; did you mean --port? (see meshnode --help)");
  put(file_, "adress = [\"10.77.0.1/24\"]\n[data_plane]\nudp-gso = true\n");
  EXPECT_EQ(problems({"--config", file_}),
            file_ + ":1: adress: no such key; did you mean address?\n" + file_ +
                ":3: data_plane.udp-gso: no such key; did you mean data_plane.udp_gso?");
}

TEST_F(ConfigTest, ChecksWithoutStarting) {
  put(file_, "mtu = 1400\n");
  EXPECT_EQ(printed({"--config", file_, "--check-config"}), "the configuration is right\n");
  put(file_, "mtu = 14\n");
  EXPECT_THAT(problems({"--config", file_, "--check-config"}), HasSubstr(":1: mtu = 14: "));
  EXPECT_THAT(printed({"--seed", "abc", "--check-config"}),
              HasSubstr("right\nnote: the text of --seed is easy to guess"));
}

TEST_F(ConfigTest, TheExampleNamesEveryOptionAndIsRight) {
  const std::string example = printed({"--example-config"});
  put(file_, example);
  EXPECT_EQ(printed({"--config", file_, "--check-config"}), "the configuration is right\n")
      << "all in comments";
  // "#key = value" is an option, "# text" is not. What contradicts another one stays a comment.
  std::string all;
  std::istringstream lines(example);
  std::size_t options = 0;
  for (std::string line; std::getline(lines, line);) {
    const bool option = line.size() > 1 && line[0] == '#' && line[1] != ' ';
    options += option ? 1 : 0;
    const bool left = !option || line.starts_with("#key") || line.starts_with("#lan-only");
    all += (left ? line : line.substr(1)) + "\n";
  }
  EXPECT_EQ(options, kOptions.size());
  put(file_, all);
  EXPECT_THAT(printed({"--config", file_, "--check-config"}), HasSubstr("configuration is right"));
}

TEST_F(ConfigTest, TwiceTheSameOptionIsSaid) {
  const std::string text = problems({"--port", "1", "--port", "2"});
  EXPECT_THAT(text, HasSubstr("--port"));
  EXPECT_THAT(problems({"--key", some_token(), "--key", some_token()}),
              testing::Not(HasSubstr(some_token())));
}

TEST_F(ConfigTest, AllProblemsComeAtOnce) {
  put(file_, "mtu = 1\nfrob = 2\nname = 7\n");
  EXPECT_EQ(problems({"--config", file_, "--frob", "--port", "0", "--log-level", "loud"}),
            "--frob: meshnode knows no such option (see meshnode --help)\n" + file_ +
                ":2: frob: no such key; the keys are key, seed, lan-only, bootstrap, serve-dht, "
                "edges, share-map, name, "
                "address, interface, mtu, port, lan-port, dht-network, stun, state-dir, control, "
                "log-level, names.dns, names.hosts, data_plane.tun_offloads, "
                "data_plane.tun_tcp_coalescing, "
                "data_plane.tun_udp_coalescing, data_plane.udp_gso, data_plane.udp_gro, "
                "data_plane.ipsec_mb, data_plane.copy_dscp, data_plane.threads, "
                "log.format, log.addresses, metrics.listen, hooks.interface-up, "
                "hooks.interface-down, hooks.peer-up, hooks.peer-down\n" +
                file_ + ":3: name: needs a text in quotes\n" + file_ +
                ":1: mtu = 1: an MTU is 1280 (the smallest that IPv6 allows) to 9000\n"
                "--port 0: a port is a number from 1 to 65535\n"
                "--log-level loud: no log level \"loud\": a log level is trace, debug, info, warn, "
                "error or off");
}

// ---- keys and seeds

TEST_F(ConfigTest, AHookIsAWholePath) {
  EXPECT_EQ(problems({"--hooks.peer-up", "notify.sh"}),
            "--hooks.peer-up notify.sh: is the path of a program, from / on");
  EXPECT_EQ(config({"--hooks.peer-down", "/bin/true"}).hooks[3], "/bin/true");
}

TEST_F(ConfigTest, BadKeysSayWhatIsWrongAndNeverShowTheKey) {
  std::string typo = some_token();
  typo[50] = typo[50] == 'a' ? 'b' : 'a';
  EXPECT_EQ(problems({"--key", typo}),
            "--key: the key has a typing error: its checksum does not fit");
  EXPECT_EQ(problems({"--key", some_token().substr(0, 94)}),
            "--key: the key is not whole: it has 94 characters instead of 95");
  EXPECT_EQ(problems({"--key", "swordfish"}),
            "--key: no join token: those begin with mesh1 (meshctl genkey makes one, a text of "
            "your own goes to --seed)");
  EXPECT_EQ(problems({"--key", ""}), "--key: no key there");
  EXPECT_THAT(problems({"--kye", some_token()}), testing::Not(HasSubstr(some_token())));
  EXPECT_THAT(problems({"--kye=" + some_token()}), testing::Not(HasSubstr(some_token())));
}

TEST_F(ConfigTest, KeyFromAFile) {
  const std::string path = folder_ + "/key";
  put(path, "  " + some_token() + "\n\n");
  EXPECT_EQ(config({"--key", "@" + path}).key, some_network());
  EXPECT_THAT(config({"--lan-only", "--key", "@" + path}).notices, IsEmpty());
  put(path, some_token(), 0644);
  EXPECT_THAT(config({"--lan-only", "--key", "@" + path}).notices,
              ElementsAre("other users of this machine can read the secret in " + path +
                          ": chmod 600 " + path));
  put(path, "mesh1x");
  EXPECT_EQ(problems({"--key", "@" + path}),
            "--key: @" + path + ": the key is not whole: it has 6 characters instead of 95");
  put(path, std::string(5000, 'm'));
  EXPECT_EQ(problems({"--key", "@" + path}), "--key: " + path + " is longer than 4096 bytes");
  EXPECT_EQ(problems({"--key", "@" + folder_ + "/none"}),
            "--key: " + folder_ + "/none cannot be read: No such file or directory");
  EXPECT_EQ(problems({"--key", "@"}), "--key:  cannot be read: No such file or directory");
}

class Pipe {
 public:
  explicit Pipe(const std::string& content) {
    if (::pipe(ends_) != 0) std::abort();
    if (::write(ends_[1], content.data(), content.size()) < 0) std::abort();
    ::close(ends_[1]);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() { ::close(ends_[0]); }
  int fd() const { return ends_[0]; }
  std::string rest() const {
    char buffer[100];
    const ssize_t got = ::read(ends_[0], buffer, sizeof buffer);
    return {buffer, static_cast<std::size_t>(std::max<ssize_t>(got, 0))};
  }

 private:
  int ends_[2];
};

TEST_F(ConfigTest, KeyFromStandardInputIsOneLine) {
  const Pipe pipe(some_token() + "\nwhat follows");
  const auto parsed = parse_with({"--key", "@-"}, pipe.fd());
  ASSERT_TRUE(std::holds_alternative<Config>(parsed));
  EXPECT_EQ(std::get<Config>(parsed).key, some_network());
  EXPECT_EQ(pipe.rest(), "what follows");
  EXPECT_EQ(problems({"--key", "@-"}, Pipe("").fd()), "--key: @-: no key there");
  EXPECT_EQ(problems({"--key", "@-"}, Pipe(std::string(5000, 'm')).fd()),
            "--key: standard input is longer than 4096 bytes");
  EXPECT_EQ(problems({"--key", "@-"}, -1),
            "--key: standard input cannot be read: Bad file descriptor");
}

TEST_F(ConfigTest, SecretsInArgvAreOverwrittenEvenOnErrors) {
  std::string program = "meshnode", key = "--key", token = some_token(), bad = "--frob";
  char* argv[] = {program.data(), key.data(), token.data(), bad.data()};
  EXPECT_TRUE(std::holds_alternative<Error>(parse(4, argv, {"a", -1})));
  EXPECT_EQ(token, std::string(95, '*'));
}

TEST_F(ConfigTest, AWeakSeedIsWarnedAbout) {
  EXPECT_THAT(config({"--lan-only", "--seed", "correct horse battery"}).notices, IsEmpty());
  EXPECT_EQ(config({"--seed", "correct horse battery"}).seed, "correct horse battery");
  for (const char* weak : {"short one", "onelongword1234"})
    EXPECT_THAT(config({"--lan-only", "--seed", weak}).notices,
                ElementsAre("the text of --seed is easy to guess, and who guesses it is in: for "
                            "anything but play take a key from meshctl genkey"));
}

// ---- the file

TEST_F(ConfigTest, TheFileSaysTheSameAsTheOptions) {
  put(file_, R"(# a comment
lan-only = true
key = ")" + some_token() +
                 R"("
name = "beta"
address = ["10.77.0.1/24", "10.78.0.1/24"]
stun = ["a:1"]
mtu = 1300
port = 4000
log-level = "warn"
)");
  const Config read = config({"--config", file_});
  EXPECT_TRUE(read.lan_only);
  EXPECT_EQ(read.key, some_network());
  EXPECT_EQ(read.name, "beta");
  EXPECT_EQ(read.addresses.size(), 2U);
  EXPECT_THAT(read.stuns, ElementsAre(HostPort{"a", 1}));
  EXPECT_EQ(read.mtu, 1300);
  EXPECT_EQ(read.port, 4000);
  EXPECT_EQ(read.log.levels, LogLevels(LogLevel::warn));
}

TEST_F(ConfigTest, FlagsOverrideTheFile) {
  put(file_,
      "name = \"beta\"\nmtu = 1300\naddress = [\"10.77.0.1/24\"]\nbootstrap = [\"hub:1\"]\n"
      "seed = \"some words of mine\"\n");
  const Config read = config({"--config", file_, "--name", "gamma", "--address", "10.9.0.1/24",
                              "--lan-only", "--key", some_token()});
  EXPECT_EQ(read.name, "gamma");
  EXPECT_EQ(read.mtu, 1300);
  EXPECT_THAT(read.addresses, ElementsAre(*Cidr::parse("10.9.0.1/24")));
  EXPECT_TRUE(read.lan_only);
  EXPECT_THAT(read.bootstraps, IsEmpty()) << "a flag also pushes its opposite out";
  EXPECT_EQ(read.seed, std::nullopt);
  EXPECT_EQ(read.key, some_network());
}

TEST_F(ConfigTest, AFileWithASecretShouldBePrivate) {
  put(file_, "lan-only = true\nkey = \"" + some_token() + "\"\n", 0640);
  EXPECT_THAT(config({"--config", file_}).notices,
              ElementsAre("other users of this machine can read the secret in " + file_ +
                          ": chmod 600 " + file_));
  put(file_, "lan-only = true\nname = \"x\"\n", 0644);
  EXPECT_THAT(config({"--config", file_}).notices, IsEmpty());
}

TEST_F(ConfigTest, BadFilesAreNamedWithLineAndKey) {
  const std::pair<std::string, std::string> cases[] = {
      {"\n\nport = 0\n", ":3: port = 0: a port is a number from 1 to 65535"},
      {"port = \"4000\"", ":1: port: needs a whole number, without quotes"},
      {"port = 4.5", ":1: port: needs a whole number, without quotes"},
      {"port = -4", ":1: port = -4: a port is a number from 1 to 65535"},
      {"name = 7", ":1: name: needs a text in quotes"},
      {"lan-only = \"yes\"", ":1: lan-only: needs true or false"},
      {"bootstrap = \"hub:1\"", ":1: bootstrap: needs a list of texts, like [\"a\", \"b\"]"},
      {"bootstrap = [\"hub:1\", 7]", ":1: bootstrap: needs a list of texts, like [\"a\", \"b\"]"},
      {"bootstrap = [\n\"hub:1\",\n\"hub\"]", std::string(":3: bootstrap = hub: ") + kHostPort},
      {"key = \"swordfish\"",
       ":1: key: no join token: those begin with mesh1 (meshctl genkey makes one, a text of your "
       "own goes to --seed)"},
      {"lan-only = true\nbootstrap = [\"hub:1\"]",
       ":1: lan-only: --lan-only leaves the DHT out and --bootstrap leads into it: give one"},
      {"key = \"a\"\nseed = \"b\"",
       ":1: key: --key and --seed both name the network: give one of them"},
  };
  for (const auto& [text, sentence] : cases) EXPECT_EQ(with_file(text), file_ + sentence) << text;
  EXPECT_THAT(with_file("a = 1\n[node]\nname = \"x\"\n"),
              HasSubstr(file_ + ":2: node: no such key"));
  EXPECT_THAT(with_file("config = \"x\""), HasSubstr(file_ + ":1: config: no such key"));
}

TEST_F(ConfigTest, WhatIsNoTomlIsNamedWithItsLine) {
  EXPECT_THAT(with_file("name = \"x\"\nport =\n"), HasSubstr(file_ + ":2: "));
  EXPECT_THAT(with_file("name = \"x\"\nname = \"y\"\n"), HasSubstr(file_ + ":2: "));
  EXPECT_THAT(with_file("\xff\xfe"), HasSubstr(file_ + ":1: "));
  EXPECT_EQ(with_file(std::string(70000, '#')),
            "--config " + file_ + ": is longer than 65536 bytes");
}

TEST_F(ConfigTest, TruncatedFilesNeverCrash) {
  const std::string whole =
      "lan-only = true\naddress = [\"10.77.0.1/24\"]\nname = \"b\\u00fcro\"\n";
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_NE(with_file(whole.substr(0, size)), "");
}

TEST(DefaultName, ComesFromTheMachine) {
  EXPECT_EQ(default_name("alpha.example.org"), "alpha");
  EXPECT_EQ(default_name("my_host-2"), "my_host-2");
  EXPECT_EQ(default_name("b\xc3\xbcro"), "b--ro");
  EXPECT_EQ(default_name(""), "node");
  EXPECT_EQ(default_name(".x"), "node");
  EXPECT_EQ(default_name(std::string(64, 'a')), std::string(32, 'a'));
  for (const char* host : {"alpha", "b\xc3\xbcro", "", "\033[2J"})
    EXPECT_TRUE(wire::is_valid_name(default_name(host))) << "or no handshake would carry it";
}

}  // namespace
}  // namespace meshnode::node
