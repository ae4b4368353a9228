#!/bin/bash
# meshhub as a stranger sees it: a stock dhtnode puts and gets through it, STUN answers from the
# address that was asked, hostile datagrams change nothing, and it starts and ends as it should.
#
#     hub ──┐          hub has two IPv4 and two IPv6 addresses and no privileges
#     a   ──┼── br0
#     b   ──┘
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

meshhub=$bin_dir/meshhub
[[ -x $meshhub ]] || { say "no $meshhub: build first, or set MESHNODE_BIN_DIR" >&2; exit 1; }
command -v dhtnode >/dev/null || { say "dhtnode is missing: run scripts/setup" >&2; exit 1; }
# An infohash, and what is stored there.
key=5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a

lan lan0 hub a b
inside hub ip addr add 10.61.0.100/24 dev eth0
for last in 1 2; do inside hub ip -6 addr add "fd61::$last/64" dev eth0 nodad; done
inside a ip -6 addr add fd61::a/64 dev eth0 nodad
hub4=$(address4 hub)

start_hub() {  # [OPTION...]
  : >"$work/hub.out"
  spawn hub "$work/hub.out" setpriv --reuid 65534 --regid 65534 --clear-groups --no-new-privs \
    --inh-caps=-all --bounding-set=-all "$meshhub" "$@" </dev/null
  hub=$spawned
  wait_for 5 "hub is ready" grep -q ' ready on ' "$work/hub.out"
}
alive() { ! ended "$hub"; }

say "a stock dhtnode through the hub"
start_hub
check "it says where" grep -qxE \
  'meshhub [^ ]+ ready on 0\.0\.0\.0:3731, \[::\]:3731 \(DHT network 3731\)' "$work/hub.out"

# HOST PORT: a dhtnode that is told what to do by writing to descriptor $type.
open_dht() {
  local log=$work/dht-$1
  mkfifo "$log.in"
  exec {type}<>"$log.in"
  spawn "$1" "$log" dhtnode -b "$hub4:3731" -n 3731 -p "$2" <"$log.in"
  dht_pid=$spawned
  wait_for 5 "dhtnode on $1 runs" grep -q 'running on port' "$log"
}
# HOST COMMAND: typed again with every look, for the answer may come before the node has joined.
told() { echo "$2" >&"$type"; sleep 0.3; grep -q "$3" "$work/dht-$1"; }

open_dht a 4222
dht_a=$dht_pid
wait_for 15 "a's put succeeds" told a "p $key stored-by-a" 'Put: success'
open_dht b 4222
wait_for 15 "b gets it" told b "g $key" 'data(text/plain):"stored-by-a"'
end "$dht_a" KILL
: >"$work/dht-b"
wait_for 15 "b gets it from the hub when a is gone" told b "g $key" 'data(text/plain):"stored-by-a"'

say "STUN"
stun() { inside a timeout 30 python3 "$lib_dir/hub_stun.py" 3731 3733 "$@"; }
stun "$hub4" 10.61.0.100 fd61::1 fd61::2 || fail "STUN"

say "hostile datagrams"
for target in "$hub4" fd61::2; do
  inside a timeout 60 python3 "$lib_dir/hub_killers.py" "$target" 3731 2000 "$RANDOM" || fail sender
  check "the hub is alive" alive
done
inside a timeout 60 python3 "$lib_dir/hub_killers.py" "$hub4" 3733 200 "$RANDOM" || fail sender
wait_for 5 "STUN is answered" stun "$hub4"
: >"$work/dht-b"
wait_for 15 "and the DHT still serves b" told b "g $key" 'data(text/plain):"stored-by-a"'
check "the same process" alive
memory=$(rss_kib "$hub")
check "memory: $memory KiB, at most 30 MiB" test "$memory" -le $((30 * 1024))

say "starting and ending"
refused hub 1 'in use' "$meshhub"
refused hub 1 'no address of this machine' "$meshhub" -a 192.0.2.1 -p 4000
refused hub 2 'frobnicate' "$meshhub" --frobnicate
refused hub 2 '--port' "$meshhub" -p 65535
refused hub 2 '--bootstrap' "$meshhub" --bootstrap nonsense
end "$hub" TERM
check "SIGTERM: exit code 0" test "$exit_code" = 0

say "some addresses only, a memory, and a bootstrap that is no name yet"
mkdir -m 0777 "$work/shared"
start_hub -a "$hub4" -a fd61::2 --state-dir "$work/shared/state" --bootstrap nobody.invalid:3731
check "it says where" grep -qF "ready on $hub4:3731, [fd61::2]:3731 (" "$work/hub.out"
stun "$hub4" fd61::2 || fail "STUN"
refute "not elsewhere" inside a timeout 8 python3 "$lib_dir/hub_stun.py" 3731 3733 10.61.0.100
check "a node id is remembered" grep -qE '^id [0-9a-f]{40}$' "$work/shared/state/hub"
# What it remembers of other nodes may grow meanwhile.
hub_id() { grep '^id ' "$work/shared/state/hub"; }
before=$(hub_id)
end "$hub" INT
check "SIGINT: exit code 0" test "$exit_code" = 0
start_hub -a "$hub4" --state-dir "$work/shared/state"
end "$hub" TERM
check "the same node id after a restart" test "$before" = "$(hub_id)"
