# `meshctl status --json`: prints one line for each field that is missing or has the wrong type.
# Fields may be added, never renamed; what is unknown is null, not absent.
def want($what; condition): (try condition catch false) as $ok | if $ok then empty else $what end;
def is($type): type == $type;
def count: is("number") and . >= 0 and . == floor;
def texts: is("array") and all(.[]; is("string"));
def endpoint: is("string") and test("^([0-9]+(\\.[0-9]+){3}|\\[[0-9a-f:.]+(%[^\\]]+)?\\]):[0-9]+$");
def either($texts): . as $text | any($texts[]; . == $text);

want("version: 1"; .version == 1),
want("node.id: base32, 52 characters"; .node.id | test("^[A-Za-z2-7]{52}$")),
want("node.name: text"; .node.name | is("string")),
want("node.addresses: texts"; .node.addresses | texts and length > 0),
want("node.interface: text"; .node.interface | is("string")),
want("node.port: 1-65535"; .node.port | count and . > 0 and . < 65536),
want("node.uptime_s: number"; .node.uptime_s | is("number") and . >= 0),
want("node.network: fingerprint"; .node.network | test("^[0-9a-f]{4}-[0-9a-f]{4}$")),
want("node.reflexive: endpoints"; .node.reflexive | is("array") and all(.[]; endpoint)),
want("node.known_members: count"; .node.known_members | count),
want("discovery.mode"; .discovery.mode | either(["dht", "lan-only"])),
want("discovery.dht: there"; .discovery | has("dht")),
want("discovery.dht: null or state and nodes";
  .discovery.dht | . == null
    or ((.state | either(["connected", "connecting", "disconnected"])) and (.nodes | count))),
want("discovery.bootstraps"; .discovery.bootstraps | is("array")
  and all(.[]; (.address | is("string")) and (.state | either(["up", "down"])))),
want("data_plane.threads: 1 or 2"; .data_plane.threads | either([1, 2])),
want("data_plane: rungs"; .data_plane | is("object") and length > 1 and all(del(.threads)[];
  (.active | is("boolean")) and has("reason") and ((.reason == null) == .active))),
want("names"; .names | has("server") and (.server | . == null or endpoint)
  and (.hosts | is("boolean")) and (.conflicts | texts)),
want("drops: reason and count"; .drops | is("object") and all(.[]; count)),
want("peers: a list"; .peers | is("array")),
(.peers[]? |
  want("peer.id: base32, 52 characters"; .id | test("^[A-Za-z2-7]{52}$")),
  want("peer.name: text or null"; has("name") and (.name | . == null or is("string"))),
  want("peer.addresses: texts"; .addresses | texts),
  want("peer.state"; .state | either(["connected", "connecting", "idle", "unreachable"])),
  want("peer.path: there"; has("path")),
  want("peer.path: null or kind, local, remote, rtt_ms";
    .path | . == null or ((.kind | either(["lan", "direct"])) and (.local | endpoint)
      and (.remote | endpoint) and has("rtt_ms") and (.rtt_ms | . == null or is("number")))),
  want("peer.edge: there with the path, and only then"; has("edge") and ((.edge == null) == (.path == null))),
  (select(.edge) | .edge |
    want("edge.observed: null or endpoint"; has("observed") and (.observed | . == null or endpoint)),
    (("rtt_last_ms", "rtt_min_ms", "rtt_avg_ms", "rtt_jitter_ms") as $name
      | want("edge.\($name): number"; .[$name] | is("number") and . >= 0)),
    (("probes", "lost", "heard_s", "keep_alive_s", "datagram", "handshakes", "path_changes") as $name
      | want("edge.\($name): count"; .[$name] | count)),
    want("edge.mtu_settled: boolean"; .mtu_settled | is("boolean")),
    want("edge.cipher: text or null"; has("cipher") and (.cipher | . == null or is("string")))),
  (("tx_bytes", "rx_bytes", "tx_packets", "rx_packets") as $name
    | want("peer.\($name): count"; .[$name] | count)),
  want("peer.handshake_age_s: number or null";
    has("handshake_age_s") and (.handshake_age_s | . == null or is("number"))),
  (("reason", "reason_text") as $name
    | want("peer.\($name): text or null"; has($name) and (.[$name] | . == null or is("string")))))
