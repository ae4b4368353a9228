# shellcheck shell=bash disable=SC2034  # some variables are set for the scripts that source this
# Helpers for the tests in network namespaces: a host is a namespace, a LAN is a bridge in a
# namespace of its own, and nothing ever appears in the machine's own namespace. To be sourced.
#
#   lan lan0 a b                   two hosts on a LAN (options: see lan)
#   start_node a --lan-only        meshnode on host a, with its own state and control socket
#   up a                           waits until its control socket answers
#   wait_for 5 "edge" edge a b     polls a condition; after 5 s the test fails and shows every log
#
# All names carry the shell's pid, so runs can stand side by side. On any exit (also Ctrl-C) every
# process and namespace of this run is removed; MESHNODE_TEST_KEEP=1 keeps the logs.
# MESHNODE_BIN_DIR is the folder that holds meshnode and meshctl; MESHNODE_TEST_PATIENCE=5 makes
# every deadline five times as long, for slow builds and slow machines.
set -Eeuo pipefail
export LC_ALL=C PATH="$PATH:/usr/sbin:/sbin"

lib_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
bin_dir=${MESHNODE_BIN_DIR:-$lib_dir/../../build/release/bin}
meshnode=$bin_dir/meshnode
meshctl=$bin_dir/meshctl
prefix=mn$$-
patience=${MESHNODE_TEST_PATIENCE:-1}
work=
declare -A pid=() node_host=() ethernets=() members=() lan_number=()
started=()        # background processes of ours that may still run
node_wrapper=()   # put in front of the next nodes' command line
reported=

say() { printf '%s\n' "$@"; }
in_ci() { [[ -n ${CI:-} && ${CI:-} != false && ${CI:-} != 0 ]]; }
ms() { echo $((${EPOCHREALTIME/./} / 1000)); }
seconds_of() { printf '%d.%03d s' $(($1 / 1000)) $(($1 % 1000)); }  # 1234 -> 1.234 s

skip() {
  say "skipped: $1"
  reported=yes
  in_ci && { say "A skipped test is a failure in CI."; exit 1; }
  exit 77
}

fail() {
  local name
  {
    say "" "FAILED: $*"
    for name in "${!pid[@]}"; do
      say "--- node $name, pid ${pid[$name]}: last lines of its log"
      tail -n 60 "$work/$name/log" || true
      say "--- node $name: status"
      status "$name" 2>&1 | jq -c . || true
      say "--- node $name: addresses"
      inside "${node_host[$name]}" ip -br addr || true
    done
    say "--- end of FAILED: $*"
  } >&2
  reported=yes
  exit 1
}

# --- processes ---------------------------------------------------------------------------------

ended() { [[ ! -d /proc/$1 ]] || grep -q '^State:.[ZX]' "/proc/$1/status" 2>/dev/null; }

inside() { local host=$1; shift; ip netns exec "$prefix$host" "$@"; }  # HOST COMMAND...

# HOST LOG COMMAND...: in the background; it dies with this shell, even if that is killed.
# Standard input is the caller's. Sets $spawned to the pid.
spawn() {
  local host=$1 log=$2
  shift 2
  ip netns exec "$prefix$host" setpriv --pdeathsig KILL env --default-signal=INT,QUIT \
    "$@" >>"$log" 2>&1 <&0 &
  spawned=$!
  started+=("$spawned")
}

# PID [SIGNAL] [SECONDS]: ends one process of ours, by force when time is over. Sets $exit_code.
end() {
  local target=$1 deadline=$(($(ms) + ${3:-5} * 1000)) index
  exit_code=0
  {  # bash's own remark on a killed process is not wanted here
    kill -s "${2:-TERM}" "$target" || true
    until ended "$target"; do
      (($(ms) < deadline)) || { kill -s KILL "$target" || true; }
      sleep 0.02
    done
    wait "$target" || exit_code=$?
  } 2>/dev/null
  for index in "${!started[@]}"; do
    [[ ${started[index]} != "$target" ]] || unset "started[index]"
  done
}

cleanup() {
  local status=$? target name
  trap '' INT TERM HUP
  trap - ERR
  set +e
  [[ $status -eq 0 || -n $reported ]] || (fail "ended with exit code $status")
  for target in "${started[@]}"; do kill -s TERM "$target" 2>/dev/null; done
  for target in "${started[@]}"; do end "$target" TERM 3; done
  for name in $(ip netns list 2>/dev/null | awk -v p="$prefix" 'index($1, p) == 1 {print $1}'); do
    ip netns del "$name"
  done
  if [[ -n ${MESHNODE_TEST_KEEP:-} ]]; then
    mv "$work" "${work/netns-/kept-}" && say "kept: ${work/netns-/kept-}"
  elif [[ -n $work ]]; then
    rm -rf "$work"
  fi
  exit "$status"
}

# What a killed run may have left: namespaces and folders named after a shell that is gone. (Its
# processes ended with it.)
sweep() {
  local name owner
  for name in "${TMPDIR:-/tmp}"/meshnode-netns-*; do
    [[ $name =~ /meshnode-netns-([0-9]+)-[^/]+$ && -d $name && -O $name ]] || continue
    [[ -d /proc/${BASH_REMATCH[1]} ]] || rm -rf "$name"
  done
  for name in $(ip netns list 2>/dev/null | awk '$1 ~ /^mn[0-9]+-/ {print $1}'); do
    owner=${name#mn}
    [[ -d /proc/${owner%%-*} ]] || ip netns del "$name" 2>/dev/null || true
  done
}

begin() {
  [[ $EUID -eq 0 ]] || skip "needs root: network namespaces and TUN devices"
  local tool
  for tool in ip jq ping tcpdump nft setpriv python3; do
    command -v "$tool" >/dev/null || { say "$tool is missing: run scripts/setup" >&2; exit 1; }
  done
  for tool in "$meshnode" "$meshctl"; do
    [[ -x $tool ]] || { say "no $tool: build first, or set MESHNODE_BIN_DIR" >&2; exit 1; }
  done
  trap cleanup EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  trap 'exit 129' HUP
  trap 'say "line $LINENO: \"$BASH_COMMAND\" failed" >&2' ERR
  sweep
  ip netns add "${prefix}probe" 2>/dev/null || skip "cannot make network namespaces here"
  ip netns del "${prefix}probe"
  [[ -c /dev/net/tun ]] || skip "no /dev/net/tun here"
  work=$(mktemp -d "${TMPDIR:-/tmp}/meshnode-netns-$$-XXXXXX")
  chmod 0755 "$work"  # tests with an unprivileged user look inside
}

# --- hosts and LANs ----------------------------------------------------------------------------

host() {  # NAME: a namespace with nothing but lo
  ip netns add "$prefix$1"
  ethernets[$1]=0
  inside "$1" ip link set lo up
}

# [--no-default-route] [--no-ipv4] [--no-ipv6] [--dad] NAME HOST...: a bridge with one cable to each
# host. The n-th host has 10.L.0.n/24, L counts LANs from 61; the bridge is the gateway, .254.
# Without --dad IPv6 addresses are usable at once.
lan() {
  local options=()
  while [[ $1 == --* ]]; do options+=("$1"); shift; done
  local name=$1 member
  shift
  lan_number[$name]=$((61 + ${#lan_number[@]}))
  members[$name]=0
  host "$name"
  inside "$name" ip link add br0 type bridge stp_state 0 forward_delay 0 mcast_snooping 0
  inside "$name" ip addr add "10.${lan_number[$name]}.0.254/24" dev br0
  inside "$name" ip link set br0 up
  for member; do attach "${options[@]}" "$member" "$name"; done
}

# [options of lan] HOST LAN: one more cable; the host is made when it is new. Sets $device.
attach() {
  local wanted=" "
  while [[ $1 == --* ]]; do wanted+="$1 "; shift; done
  local name=$1 lan=$2 number=${lan_number[$2]}
  [[ -n ${ethernets[$name]:-} ]] || host "$name"
  device=eth${ethernets[$name]}
  ethernets[$name]=$((ethernets[$name] + 1))
  members[$lan]=$((members[$lan] + 1))
  ip link add "$device" netns "$prefix$name" \
    type veth peer name "$name-$device" netns "$prefix$lan"
  inside "$lan" ip link set "$name-$device" master br0 up
  if [[ $wanted == *" --no-ipv6 "* ]]; then
    inside "$name" sysctl -qw "net.ipv6.conf.$device.disable_ipv6=1"
  elif [[ $wanted != *" --dad "* ]]; then
    inside "$name" sysctl -qw "net.ipv6.conf.$device.accept_dad=0"
  fi
  [[ $wanted == *" --no-ipv4 "* ]] ||
    inside "$name" ip addr add "10.$number.0.${members[$lan]}/24" brd + dev "$device"
  inside "$name" ip link set "$device" up
  [[ $wanted == *" --no-ipv4 "* || $wanted == *" --no-default-route "* ]] ||
    inside "$name" ip route replace default via "10.$number.0.254"
}

address4() { inside "$1" ip -j -4 addr show dev "${2:-eth0}" | jq -er '.[0].addr_info[0].local'; }
address6() {
  inside "$1" ip -j -6 addr show dev "${2:-eth0}" scope link | jq -er '.[0].addr_info[0].local'
}
mac() { inside "$1" cat "/sys/class/net/${2:-eth0}/address"; }

# --- nodes -------------------------------------------------------------------------------------

# [--in HOST] [--stdin TEXT] NAME [OPTION...]: starts meshnode; the host has the node's name unless
# said. State, socket and log are in $work/NAME; starting again goes on from that state.
start_node() {
  local host='' text=''
  while [[ $1 == --* ]]; do
    case $1 in
      --in) host=$2 ;;
      --stdin) text=$2 ;;
      *) fail "start_node: unknown option $1" ;;
    esac
    shift 2
  done
  local name=$1
  shift
  [[ -n $host ]] || host=$name
  mkdir -p "$work/$name"
  spawn "$host" "$work/$name/log" "${node_wrapper[@]}" "$meshnode" --name "$name" \
    --state-dir "$work/$name/state" --control "$work/$name/control.sock" "$@" <<<"$text"
  pid[$name]=$spawned
  node_host[$name]=$host
}

stop_node() {  # NAME [SIGNAL]: sets $exit_code
  local target=${pid[$1]}
  unset "pid[$1]"
  end "$target" "${2:-TERM}"
}

ctl() { local name=$1; shift; timeout 3 "$meshctl" --control "$work/$name/control.sock" "$@"; }
status() { ctl "$1" status --json; }
js() { status "$1" | jq -er "${@:2}"; }          # NODE [JQ OPTION...] FILTER: prints, fails on null
holds() { status "$1" | jq -e "${@:2}"; }        # the same, for wait_for and check
answers() { status "$1" | jq -e '.version == 1' >/dev/null; }
up() { local name; for name; do wait_for 10 "$name is up" answers "$name"; done; }
token_of() { ctl "$1" join-line 2>/dev/null | grep -oE 'mesh1[A-Za-z2-7]{20,}' | head -n 1; }

id_of() { js "$1" .node.id; }
overlay6() { js "$1" '[.node.addresses[] | select(contains(":"))][0] | split("/")[0]'; }
overlay4() { js "$1" '[.node.addresses[] | select(contains(":") | not)][0] | split("/")[0]'; }
drops() { js "$1" '[.drops[]] | add // 0'; }

# A B FILTER: a jq filter on B's entry among A's peers.
peer() { js "$1" --arg id "$(id_of "$2")" ".peers[] | select(.id == \$id) | $3"; }
sees() { [[ $(peer "$1" "$2" .state) == connected && $(peer "$1" "$2" .path) != null ]]; }
edge() { sees "$1" "$2" && sees "$2" "$1"; }     # both ends say so

# --- conditions --------------------------------------------------------------------------------

# SECONDS DESCRIPTION COMMAND...: sets $took to milliseconds.
wait_for() {
  local seconds=$1 what=$2 begin name
  shift 2
  begin=$(ms)
  until "$@" >/dev/null 2>&1; do
    for name in "${!pid[@]}"; do
      ended "${pid[$name]}" && fail "$what: node $name ended by itself"
    done
    (($(ms) - begin < seconds * 1000 * patience)) || fail "not within $seconds s: $what"
    sleep 0.02
  done
  took=$(($(ms) - begin))
  say "  ok   $what ($(seconds_of "$took"))"
}

# SECONDS DESCRIPTION COMMAND...: the command has to go on succeeding.
stays() {
  local deadline=$(($(ms) + $1 * 1000)) what=$2
  shift 2
  while (($(ms) < deadline)); do
    "$@" >/dev/null 2>&1 || fail "did not stay: $what"
    sleep 0.1
  done
  say "  ok   $what"
}

check() {  # DESCRIPTION COMMAND...
  local what=$1
  shift
  "$@" >/dev/null 2>&1 || fail "$what  [$*]"
  say "  ok   $what"
}
refute() { local what=$1; shift; check "$what" not "$@"; }
not() { ! "$@"; }

# HOST CODE PATTERN COMMAND...: it has to end within 5 s with that exit code and one line on stderr
# that matches. Leaves its output in $work/out and $work/err.
refused() {
  local host=$1 code=$2 pattern=$3 got=0
  shift 3
  inside "$host" timeout 5 "$@" </dev/null >"$work/out" 2>"$work/err" || got=$?
  [[ $got == "$code" ]] || fail "exit $got, not $code: $* said: $(cat "$work/err" "$work/out")"
  [[ $(grep -c . "$work/err") == 1 ]] || fail "not one line on stderr: $* said: $(<"$work/err")"
  grep -qiE -- "$pattern" "$work/err" || fail "no /$pattern/ in: $(<"$work/err") [$*]"
  say "  ok   exit $code: $(<"$work/err")"
}

# HOST ADDRESS -c COUNT [PING OPTION...]: how many of the echo requests were lost. Ping waits for the
# last answer no longer than one interval, or twice the longest answer so far: on a busy machine it
# would call it lost. So some more follow that are not counted.
ping_loss() {
  local host=$1 address=$2 count=$4
  [[ $3 == -c ]] || fail "ping_loss without -c"
  shift 4
  inside "$host" timeout 30 ping -n -W 1 -c $((count + 10)) "$@" "$address" | awk -v count="$count" '
    / bytes from / && match($0, /icmp_seq=[0-9]+/) { seen[substr($0, RSTART + 9, RLENGTH - 9)] = 1 }
    /packets transmitted/ { found = 1 }
    END { for (i = 1; i <= count; ++i) lost += !(i in seen); print lost + 0; exit !found }'
}
lost_in() { awk '/packets transmitted/ {print $1 - $4; found = 1} END {exit !found}' "$1"; }
none_lost() {  # COUNT: by each of the flights of pings that left their words in $work/flood-*
  local file lost
  for file in "$work"/flood-*; do
    lost=$(lost_in "$file") || fail "no result in $file: $(<"$file")"
    ((lost == 0)) || fail "$lost of $1 pings lost: ${file##*/}"
  done
}
# Of a ping that was interrupted, and not quiet: the answer that was under way then is not missed.
holes_in() {
  awk 'match($0, /icmp_seq=[0-9]+/) && / bytes from / {
         n = substr($0, RSTART + 9, RLENGTH - 9) + 0; ++heard; if (n > last) last = n }
       END { print last - heard; exit !heard }' "$1"
}
# HOST ADDRESS: first answer within 3 s, then ten echo requests and none lost.
ping_well() {
  wait_for 3 "$1 pings $2" inside "$1" ping -n -q -c 1 -W 1 "$2"
  [[ $(ping_loss "$1" "$2" -c 10 -i 0.02 || true) == 0 ]] || fail "$1 lost pings to $2"
}

# NAME: the process that does the work; pid[NAME] is its parent, which keeps the rights.
worker_of() { pgrep -P "${pid[$1]}" -x meshnode; }
# PID: this process and those that it started.
family_of() { echo "$1"; pgrep -P "$1" || true; }
# PID: what it and its children have in memory, pages that they share counted once.
rss_kib() {
  local each
  for each in $(family_of "$1"); do cat "/proc/$each/smaps_rollup"; done | awk '
    / \[rollup\]/ { if (shared > most) most = shared; shared = 0 }
    /^Private_/ { alone += $2 }
    /^Shared_/ { shared += $2 }
    END { print alone + (shared > most ? shared : most) }'
}

# --- captures ----------------------------------------------------------------------------------

# HOST DEVICE NAME [FILTER]: records into $work/NAME.pcap from the moment it returns.
# Sets $capture_pid; `end "$capture_pid" INT` completes the file.
capture() {
  local host=$1 device=$2 name=$3
  shift 3
  spawn "$host" "$work/$name.tcpdump" tcpdump -Z root -n -U --immediate-mode -s 0 -i "$device" \
    -w "$work/$name.pcap" "$@" </dev/null
  capture_pid=$spawned
  wait_for 5 "capture $name runs" grep -q 'listening on' "$work/$name.tcpdump"
}
captured() { tcpdump -n -r "$work/$1.pcap" "${@:2}" 2>/dev/null | wc -l; }  # NAME [FILTER]
captured_at_least() { (($(captured "$2" "${@:3}") >= $1)); }               # COUNT NAME [FILTER]

begin
