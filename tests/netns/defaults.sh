#!/bin/bash
# Without any path option: state in /var/lib/meshnode/INTERFACE, socket in /run/meshnode, and
# `--interface mesh1` alone is a second network. On a host whose /run and /var/lib are fresh.
#
#     a: mesh0 and mesh1, private /run and /var/lib
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

host a
# One process holds the private mounts; the nodes and meshctl enter them.
# shellcheck disable=SC2016
spawn a "$work/mounts" sh -c 'mount -t tmpfs none /run && mount -t tmpfs none /var/lib &&
  echo ready && exec sleep 100' </dev/null
holder=$spawned
wait_for 3 "private /run and /var/lib" grep -q ready "$work/mounts"
there() { nsenter --target "$holder" --mount --net "$@"; }
run_node() {  # LOG [OPTION...]
  setpriv --pdeathsig KILL nsenter --target "$holder" --mount --net -- "$meshnode" --lan-only \
    "${@:2}" >"$work/$1" 2>&1 </dev/null &
  started+=("$!")
}
only() { there timeout 3 "$meshctl" "$@"; }
exit_of() { local got=0; "$@" >/dev/null 2>"$work/err" || got=$?; echo $got; }

refute "no node, no status" only status
run_node log0
wait_for 5 "the only node needs no option" only status
check "its interface is mesh0" test "$(only status --json | jq -r .node.interface)" = mesh0
check "its socket" there test -S /run/meshnode/mesh0.sock
check "its state" there test -d /var/lib/meshnode/mesh0
check "state and socket are not for everybody" \
  test -z "$(there find /var/lib/meshnode /run/meshnode '(' -type f -o -type s ')' -perm /007)"

run_node log1 --interface mesh1
wait_for 5 "a second network by --interface alone" only --interface mesh1 status
fingerprint() { only --interface "$1" status --json | jq -er .node.network; }
check "they are two networks" test "$(fingerprint mesh0)" != "$(fingerprint mesh1)"
check "now a choice is asked for: exit 2" test "$(exit_of only status)" = 2
check "and both are listed" test "$(grep -oE 'mesh[01]' "$work/err" | sort -u | wc -l)" = 2

say "a configuration file instead of options"
printf 'lan-only = true\ninterface = "mesh2"\nname = "gamma"\nmtu = 1380\naddress = ["10.98.0.1/24"]\n' \
  >"$work/node.toml"
run_node log2 --config "$work/node.toml"
wait_for 5 "its interface is as configured" only --interface mesh2 status
check "so are name and address" test "$(only --interface mesh2 status --json | jq -r '.node.name,
  (.node.addresses | map(select(startswith("10.98.0.1"))) | length)' | xargs)" = "gamma 1"
check "and the MTU" test "$(inside a cat /sys/class/net/mesh2/mtu)" = 1380
