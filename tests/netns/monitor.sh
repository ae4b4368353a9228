#!/bin/bash
# Two processes: a small parent with the rights, and a worker without any. The worker is replaced
# while a connection through the tunnel goes on, it crashes, and a successor that cannot start does
# no harm.
#
#     a ── br0 ── b (its worker changes)
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

field() { awk -v name="$2:" '$1 == name {print $2}' "/proc/$1/status"; }
changed() { local now; now=$(worker_of b) && [[ $now != "$before" ]]; }
index() { inside b cat /sys/class/net/mesh0/ifindex; }
in_log() { grep -qE -- "$2" "$work/$1/log"; }

lan lan0 a b
# Its own copy, so that it can be replaced by another program.
install -d "$work/bin"
cp "$meshnode" "$work/bin/meshnode"
cp "${meshnode%/*}"/meshnode-* "$work/bin/" 2>/dev/null || true
start_node a --lan-only
up a
token=$(token_of a)
meshnode="$work/bin/meshnode" start_node --stdin "$token" b --lan-only --key @-
wait_for 3 "edge between a and b" edge a b
address=$(overlay6 b)

say "what the worker can do"
worker=$(worker_of b)
check "no capability" test "$(field "$worker" CapEff)$(field "$worker" CapPrm)" = "$(printf '%032d' 0)"
check "no way back" test "$(field "$worker" NoNewPrivs)" = 1
grep -qa __asan_init "$meshnode" ||
  check "system calls are filtered" test "$(field "$worker" Seccomp)" = 2
check "the parent has them" test "$(field "${pid[b]}" CapEff)" != "$(printf '%016d' 0)"

say "replaced, with a connection through the tunnel"
spawn b "$work/echo.log" python3 "$lib_dir/tcp_echo.py" "$address" 7 </dev/null
spawn a "$work/tcp" python3 -u "$lib_dir/tcp_pulse.py" "$address" 7 </dev/null
pulse=$spawned
wait_for 5 "it pulses" test -s "$work/tcp"
interface=$(index)
for round in 1 2 3; do
  before=$(worker_of b)
  kill -s USR2 "${pid[b]}"
  wait_for 5 "$round: another worker" changed
  wait_for 5 "$round: that answers" answers b
  wait_for 5 "$round: and has the edge" edge a b
  check "$round: the same parent" test -d "/proc/${pid[b]}"
  check "$round: the same interface" test "$(index)" = "$interface"
done
refute "a heard no goodbye" in_log a goodbye
refute "a did not lose it" in_log a "does not answer"
pulses=$(wc -l <"$work/tcp")
more() { (($(wc -l <"$work/tcp") > pulses + 20)); }
wait_for 5 "the connection is alive" more
end "$pulse" INT
say "  the longest pause of the connection: $(sort -n "$work/tcp" | tail -n 1) ms"
check "it was none that a person would call an outage" \
  test "$(sort -n "$work/tcp" | tail -n 1 | cut -d. -f1)" -lt 2000

say "a successor that cannot start"
before=$(worker_of b)
mv "$work/bin/meshnode" "$work/bin/meshnode.good"
printf '#!/bin/sh\nexit 1\n' >"$work/bin/meshnode"
chmod 755 "$work/bin/meshnode"
kill -s USR2 "${pid[b]}"
wait_for 5 "it is said" in_log b "cannot take over: it ended before it was ready"
check "the old one works on" test "$(worker_of b)" = "$before"
ping_well a "$address"
mv "$work/bin/meshnode.good" "$work/bin/meshnode"

say "a worker that crashes"
before=$(worker_of b)
kill -s ABRT "$before"
wait_for 5 "another worker" changed
wait_for 5 "that answers" answers b
check "the same interface" test "$(index)" = "$interface"
check "it is said" in_log b "the worker crashed \(killed by SIGABRT\)"
wait_for 5 "the edge is back" edge a b
ping_well a "$address"

say "the end"
worker=$(worker_of b)
stop_node b
check "exit 0" test "$exit_code" = 0
check "with its worker" test ! -d "/proc/$worker"
refute "the interface is gone" inside b ip link show mesh0
start_node b --lan-only
up b
worker=$(worker_of b)
stop_node b KILL
wait_for 2 "who kills the parent kills the worker" ended "$worker"
refute "and the interface" inside b ip link show mesh0

say "with a user of its own"
install -d "$work/etc"
printf 'root:x:0:0::/root:/bin/sh\nmeshnode:x:977:977::/:/bin/false\n' >"$work/etc/passwd"
printf 'root:x:0:\nmeshnode:x:977:\n' >"$work/etc/group"
chmod 711 "$work" "$work/b" "$work/etc"
chmod 644 "$work"/etc/*
node_wrapper=(unshare -m sh -c 'mount --bind "$0/passwd" /etc/passwd &&
  mount --bind "$0/group" /etc/group && exec "$@"' "$work/etc")
start_node b --lan-only
up b
worker=$(worker_of b)
check "the worker runs as it" test "$(field "$worker" Uid)" = 977
check "so does its state" test "$(stat -c %u "$work/b/state" "$work/b/state/identity" | sort -u)" = 977
wait_for 5 "the edge is there" edge a b
ping_well a "$address"
before=$worker
kill -s USR2 "${pid[b]}"
wait_for 5 "another worker" changed
check "it runs as that user, too" test "$(field "$(worker_of b)" Uid)" = 977
wait_for 5 "the edge is there" edge a b
stop_node b
check "exit 0" test "$exit_code" = 0

say "where that user cannot go, and where there is more than ours"
chmod 700 "$work/b"
: >"$work/b/log"
start_node b --lan-only
up b
check "root stays, and says so" in_log b "cannot use .*state: staying root, without its capabilities"
wait_for 5 "the edge is there" edge a b
ping_well a "$address"
refute "nothing is denied to it" in_log b "[Pp]ermission denied"
check "the state is root's again" test "$(stat -c %u "$work/b/state" "$work/b/state/identity" | sort -u)" = 0
check "without capabilities" test "$(field "$(worker_of b)" CapEff)" = "$(printf '%016d' 0)"
stop_node b
chmod 711 "$work/b"
chown -R 0:0 "$work/b/state"
touch "$work/b/state/thesis.txt"
: >"$work/b/log"
start_node b --lan-only
up b
refute "nothing is denied to root" in_log b "[Pp]ermission denied"
check "nobody's files are given away" test "$(stat -c %u "$work/b/state/thesis.txt" "$work/b/state")" = "0
0"
stop_node b
