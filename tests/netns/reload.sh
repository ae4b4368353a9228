#!/bin/bash
# A configuration that changes under a running node: what applies at once, what needs a new worker,
# what is wrong and changes nothing; and programs that run when something happens.
#
#     a ── br0 ── b (its configuration changes)
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

configuration="$work/b.toml"
events="$work/events"
in_log() { grep -qE -- "$2" "$work/$1/log"; }
said() { grep -qxF -- "$1" "$events"; }
write() { printf '%s\n' "$@" '[hooks]' "interface-up = \"$work/hook\"" \
  "interface-down = \"$work/hook\"" "peer-up = \"$work/hook\"" >"$configuration"; }

cat >"$work/hook" <<E2
#!/bin/sh
echo "\$MESHNODE_EVENT \$MESHNODE_INTERFACE \$MESHNODE_MTU \${MESHNODE_PEER_NAME:-nobody}" >>"$events"
env >>"$work/environment"
[ "\$MESHNODE_EVENT" != interface-down ] || ip -o link show "\$MESHNODE_INTERFACE" >>"$work/last"
E2
chmod 755 "$work/hook"
touch "$events"

lan lan0 a b
start_node a --lan-only
up a
write 'log-level = "info"'
start_node --stdin "$(token_of a)" b --lan-only --key @- --config "$configuration"
wait_for 3 "edge between a and b" edge a b

say "hooks"
wait_for 3 "the interface came up" said "interface-up mesh0 1420 nobody"
wait_for 3 "the peer came up" said "peer-up mesh0 1420 a"
check "they know who" grep -qx "MESHNODE_PEER_ID=$(id_of a)" "$work/environment"
check "and where" grep -qx "MESHNODE_PEER_ADDRESS=$(overlay6 a)" "$work/environment"
refute "nothing of ours is inherited" grep -qE '^(NOTIFY_SOCKET|MESHNODE_MONITOR_FD|SHLVL=[^1]|LC_ALL)' \
  "$work/environment"

say "nothing has changed"
check "that is said" test "$(ctl b reload)" = "nothing has changed"

say "what applies at once"
write 'log-level = "debug"'
check "it is said" test "$(ctl b reload)" = "applied: log-level"
check "and true" test "$(ctl b log-level --json)" = '"debug"'
write 'log-level = "info"'
kill -s HUP "${pid[b]}"
level_is() { [[ $(ctl b log-level --json) == "\"$1\"" ]]; }
wait_for 3 "SIGHUP does the same" level_is info
check "and says so" in_log b "applied: log-level"
ping_well a "$(overlay6 b)"

say "what is wrong"
write 'log-level = "loud"' 'mtu = 12'
code=0
ctl b reload 2>"$work/err" || code=$?
check "exit code 2" test "$code" = 2
check "both are named, with their lines" \
  test "$(grep -cE 'b.toml:(1: log-level|2: mtu)' "$work/err")" = 2
check "nothing was applied" test "$(ctl b log-level --json)" = '"info"'

say "what needs a new worker"
write 'mtu = 1300' 'address = ["10.99.0.2/24"]'
check "it is said" grep -q "reload --exec): address, mtu" <(ctl b reload)
check "nothing was applied" test "$(inside b cat /sys/class/net/mesh0/mtu)" = 1420
interface=$(inside b cat /sys/class/net/mesh0/ifindex)
check "with --exec" grep -q "a new worker takes over" <(timeout 20 "$meshctl" \
  --control "$work/b/control.sock" reload --exec)
check "it is done when meshctl ends" answers b
check "the MTU is there" test "$(inside b cat /sys/class/net/mesh0/mtu)" = 1300
check "the address, too" test "$(overlay4 b)" = 10.99.0.2
check "on the same interface" test "$(inside b cat /sys/class/net/mesh0/ifindex)" = "$interface"
check "which did not come up again" test "$(grep -c ^interface-up "$events")" = 1
wait_for 3 "edge between a and b" edge a b
write 'mtu = 1300' 'address = ["10.99.0.3/24"]'
check "again" ctl b reload --exec
check "the old address is gone" \
  test "$(inside b ip -j -4 addr show dev mesh0 | jq -r '[.[0].addr_info[].local] | join(" ")')" = 10.99.0.3

say "a hook that hangs does not delay the rest"
printf '#!/bin/sh\nexec sleep 1000\n' >"$work/hook.new"
chmod 755 "$work/hook.new"
mv "$work/hook" "$work/hook.good"
mv "$work/hook.new" "$work/hook"
stop_node a
start_node a --lan-only
wait_for 5 "edge between a and b" edge a b
ping_well a "$(overlay6 b)"
hung() { pgrep -P "${pid[b]}" -x sleep; }
wait_for 5 "it hangs" hung
kill -s KILL "$(hung)"
mv "$work/hook.good" "$work/hook"
wait_for 5 "that it ended so is told" in_log b "hook .* was killed by SIGKILL"

say "the end"
stop_node b
check "exit 0" test "$exit_code" = 0
check "the interface goes down" said "interface-down mesh0 1420 nobody"
check "after the hook saw it" grep -q mesh0 "$work/last"
