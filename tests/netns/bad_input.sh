#!/bin/bash
# What people type wrong: one clear sentence on stderr that names it, exit code 2; what the world
# lacks: exit code 1; and nothing is written before.
#
#     a (no LAN needed)
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

host a
mkdir "$work/run"
state=$work/run/state
places=(--state-dir "$state" --control "$work/run/control.sock")
token=$("$meshctl" genkey)
printf 'lan-only = true\nportt = 7\n' >"$work/unknown.toml"
printf 'port = "many"\n' >"$work/type.toml"
printf 'port = = 7\n' >"$work/broken.toml"

# CODE PATTERN COMMAND...: refused, and besides: nothing on stdout, nothing written, no secret told.
refused_cleanly() {
  refused a "$@"
  [[ ! -s $work/out ]] || fail "stdout is not empty: $(<"$work/out")"
  [[ -z $(ls -A "$work/run") ]] || fail "something was written: $(ls -A "$work/run")"
  not grep -qF "${token:20:40}" "$work/err" || fail "the secret is in the message"
}
node() { refused_cleanly "$1" "$2" "$meshnode" "${places[@]}" --lan-only "${@:3}"; }

say "meshnode"
node 2 'no-such-option'             --no-such-option
node 2 'extra'                      extra
node 2 'port.*seventy|seventy.*port' --port seventy
node 2 'port.*70000|70000.*port'    --port 70000
node 2 'lan-port'                   --lan-port -1
node 2 'mtu'                        --mtu 12
node 2 'key'                        --key
node 2 'key'                        --key mesh1notatoken
node 2 'key'                        --key "${token:0:-1}"
node 2 'key'                        --key @-
node 2 "$work/missing"              --key "@$work/missing"
node 2 'seed.*key|key.*seed'        --key "$token" --seed "correct horse"
node 2 '10\.77\.0\.300'             --address 10.77.0.300/24
node 2 '10\.77\.0\.1/33'            --address 10.77.0.1/33
node 2 'interface|sixteen'          --interface sixteencharacters
node 2 'interface|name'             --interface 'a/b'
node 2 'name'                       --name "$(printf 'x%.0s' {1..64})"
node 2 'log-level.*loud|loud.*log-level' --log-level loud
node 2 "$work/missing.toml"         --config "$work/missing.toml"
node 2 "$work/unknown.toml.*portt"  --config "$work/unknown.toml"
node 2 "$work/type.toml.*port"      --config "$work/type.toml"
node 2 "$work/broken.toml"          --config "$work/broken.toml"

say "meshctl"
refused_cleanly 2 'no-such-command' "$meshctl" no-such-command
refused_cleanly 1 "$work/run/nobody.sock" "$meshctl" --control "$work/run/nobody.sock" status
refused_cleanly 2 'interface.*control|control.*interface' \
  "$meshctl" --interface mesh0 --control "$work/run/x.sock" status

say "help and version, on stdout, for everybody"
for program in "$meshnode" "$meshctl"; do
  for option in --help --version; do
    "$program" $option >"$work/out" 2>"$work/err" || fail "${program##*/} $option: exit $?"
    check "${program##*/} $option" test -s "$work/out" -a ! -s "$work/err"
  done
done

say "without privileges"
mkdir "$work/bin"
cp "$meshnode" "$meshctl" "$work/bin"
chmod 1777 "$work/run"
nobody=(setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all "$work/bin/meshnode")
refused_cleanly 1 'root|sudo|CAP_NET_ADMIN' "${nobody[@]}" "${places[@]}" --lan-only
refused_cleanly 2 'no-such-option' "${nobody[@]}" "${places[@]}" --no-such-option

say "no TUN device"
# shellcheck disable=SC2016
refused a 1 '/dev/net/tun' unshare -m sh -c 'mount -t tmpfs none /dev/net && exec "$@"' sh \
  "$meshnode" "${places[@]}" --lan-only

say "the secret on the command line"
start_node a --lan-only --key "$token"
up a
refute "the key is overwritten in argv" grep -qaF "${token:20:40}" "/proc/${pid[a]}/cmdline" "/proc/$(worker_of a)/cmdline"
refute "and not in the log" grep -qF "${token:20:40}" "$work/a/log"
refused a 1 'root|sudo|group' setpriv --reuid 65534 --regid 65534 --clear-groups \
  "$work/bin/meshctl" --control "$work/a/control.sock" status
stop_node a
rm -r "$work/a/state"
start_node a --lan-only --seed "weak words"
up a
refute "the seed is overwritten in argv" grep -qaF "weak words" "/proc/${pid[a]}/cmdline" "/proc/$(worker_of a)/cmdline"
check "a weak seed is warned about" grep -qiE 'weak|guess|short' "$work/a/log"
