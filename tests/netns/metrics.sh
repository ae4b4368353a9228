#!/bin/bash
# Both programs tell Prometheus what meshctl tells people; a parser of another program reads it, and
# clients that hang, rave or are many change nothing, neither for a scrape nor for the tunnel.
#
#     hub, a, b on a LAN; each endpoint listens on its host's loopback only
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

meshhub=$bin_dir/meshhub
lan lan0 hub a b
mkdir "$work/hub"
spawn hub "$work/hub/log" "$meshhub" --metrics.listen 127.0.0.1:9732 </dev/null
hub=$spawned
wait_for 5 "the hub is ready" grep -q ' ready on ' "$work/hub/log"
start_node a --bootstrap "$(address4 hub):3731" --address 10.99.0.1/24 --metrics.listen 127.0.0.1:9731
up a
token=$(token_of a) || fail "no join token"
start_node --stdin "$token" b --bootstrap "$(address4 hub):3731" --key @- --address 10.99.0.2/24
wait_for 10 "edge between a and b" edge a b

scrape() { inside "$1" python3 -B "$lib_dir/scrape.py" "$2" >"$work/$1.metrics"; }
# HOST NAME [JQ CONDITION ON LABELS]
value() { jq -er --arg n "$2" "[.[] | select(.name == \$n and (.labels | ${3:-true})) | .value][0]" "$work/$1.metrics"; }

say "a node"
inside a ping -q -i 0.01 -c 100 10.99.0.2 >/dev/null || fail "no ping"
check "a scrape, and what is none" scrape a 9731
b=$(id_of b)
check "one edge" test "$(value a meshnode_peers '.state == "connected"')" = 1
check "it has name and id" test "$(value a meshnode_edge_connected ".id == \"$b\" and .peer == \"b\"")" = 1
check "at least the packets that were seen" test "$(value a meshnode_edge_sent_packets_total ".id == \"$b\"" | cut -d. -f1)" -ge 100
check "the sum is no less" test "$(value a meshnode_sent_packets_total | cut -d. -f1)" -ge 100
check "a round trip below a second" jq -en "$(value a meshnode_edge_rtt_average_seconds) | . > 0 and . < 1"
bootstrap_up() { scrape a 9731 && [[ $(value a meshnode_bootstrap_up) == 1 ]]; }
wait_for 10 "the bootstrap is up" bootstrap_up
before=$(value a meshnode_received_bytes_total)
inside a ping -q -i 0.01 -c 100 10.99.0.2 >/dev/null || fail "no ping"
grown() { scrape a 9731 && jq -en "$(value a meshnode_received_bytes_total) - $before >= 8400"; }
wait_for 3 "counters count" grown

say "the hub"
hub_knows() { scrape hub 9732 && jq -en "$(value hub meshhub_dht_received_datagrams_total) > 0"; }
wait_for 15 "datagrams of the DHT" hub_knows
nodes() { scrape hub 9732 && jq -en "$(value hub meshhub_stun_answers_total) > 0"; }
wait_for 15 "STUN answers" nodes

say "only on this host"
refute "from another host" inside b timeout 2 bash -c "exec 3<>/dev/tcp/$(address4 a)/9731"
refused b 2 'in use by another program' bash -c "\
  python3 -c 'import socket,subprocess,sys
s = socket.socket(); s.bind((\"127.0.0.1\", 9731)); s.listen()
sys.exit(subprocess.run(sys.argv[1:]).returncode)' '$meshhub' --port 4000 --metrics.listen 127.0.0.1:9731"
refused b 2 'metrics.listen.*ADDRESS:PORT' "$meshhub" --metrics.listen 9731
refused b 2 'metrics.listen.*ADDRESS:PORT' "$meshnode" --metrics.listen localhost:9731

say "clients that hang, rave and are many"
inside a ping -q -i 0.02 -c 300 10.99.0.2 >"$work/ping" &
pinging=$!
started+=("$pinging")
good=$(inside a python3 -B "$lib_dir/scrape.py" 9731 --hostile 6) || fail "the hostile ones failed"
say "  $good scrapes went well beside them"
check "scrapes go on" test "$good" -ge 5
wait "$pinging" || fail "the ping ended badly"
check "the tunnel lost nothing" grep -q ' 0% packet loss' "$work/ping"
check "the node answers" answers a
good=$(inside hub python3 -B "$lib_dir/scrape.py" 9732 --hostile 3) || fail "the hostile ones failed"
check "nor does the hub mind" test "$good" -ge 2
check "the hub lives" kill -0 "$hub"
descriptors() { (($(find "/proc/${pid[a]}/fd" | wc -l) < 60)); }
check "no descriptor is left behind" descriptors
