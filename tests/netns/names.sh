#!/bin/bash
# Names of members: asked for by DNS, in /etc/hosts, and as systemd-resolved is told; two that want one
# name; a member that leaves; and a worker that is replaced while names are asked for.
#
#     a ── br0 ── b, c      each with an /etc of its own, and a with a system bus of its own
#
# With systemd-resolved on the machine (or MESHNODE_RESOLVED, its path) the real one is asked, too.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

resolve1=$bin_dir/resolve1
for tool in dig dbus-daemon; do
  command -v "$tool" >/dev/null || { say "$tool is missing: run scripts/setup" >&2; exit 1; }
done

# NODE: an /etc for it, in which only files and no other service knows names.
make_etc() {
  local etc=$work/$1/etc
  mkdir -p "$etc"
  cp -a /etc/passwd /etc/group /etc/host.conf /etc/ld.so.cache "$etc" 2>/dev/null || true
  grep -q '^systemd-resolve:' "$etc/passwd" ||
    echo 'systemd-resolve:x:65534:65534::/:/usr/sbin/nologin' >>"$etc/passwd"
  grep -q '^systemd-resolve:' "$etc/group" || echo 'systemd-resolve:x:65534:' >>"$etc/group"
  echo 'hosts: files' >"$etc/nsswitch.conf"
  printf '127.0.0.1\tlocalhost \n# theirs\n::1 localhost %s' "$1" >"$etc/hosts"  # no end of line
  cp "$etc/hosts" "$work/$1/hosts.before"
  node_wrapper=(env DBUS_SYSTEM_BUS_ADDRESS="unix:path=$work/$1/bus"
    bash -c 'mount --bind "$0" /etc && exec "$@"' "$etc")
}
at() { local node=$1; shift; nsenter -t "${pid[$node]}" -m -n "$@"; }  # where the node runs
ask_at() {  # NODE SERVER DIG-ARGUMENT...
  local node=$1 server=${2#[}
  shift 2
  inside "${node_host[$node]}" dig "@${server%]:*}" -p "${server##*]:}" +tries=1 +timeout=2 "$@"
}
ask() {  # NODE DIG-ARGUMENT...: of its own responder
  local node=$1
  shift
  ask_at "$node" "$(js "$node" .names.server)" "$@"
}
answer_is() { [[ $(ask "$1" +short "${@:3}") == "$2" ]]; }
state_is() { grep -q "status: $2," <(ask "$1" "${@:3}"); }
in_hosts() { [[ " $(at "$1" getent ahostsv6 "$2" | awk '{print $1}' | sort -u | xargs) " == *" $3 "* ]]; }
no_host() { ! at "$1" getent hosts "$2"; }
in_log() { grep -qE -- "$2" "$work/$1/log"; }

lan lan0 a b c
make_etc a
start_node a --lan-only --names.hosts on --address 10.77.0.1/24
up a
token=$(token_of a)
make_etc b
start_node --stdin "$token" b --lan-only --key @- --names.hosts on --address 10.77.0.2/24
# Somebody else has port 53 on c.
node_wrapper=()
spawn c "$work/holder" python3 "$lib_dir/hold_port.py" 53 </dev/null
wait_for 5 "port 53 of c is taken" grep -q held "$work/holder"
make_etc c
start_node --stdin "$token" c --lan-only --key @- --names.hosts on
wait_for 5 "edge between a and b" edge a b
wait_for 5 "edge between b and c" edge b c
wait_for 5 "edge between a and c" edge a c

say "by DNS"
for node in a b c; do
  for whom in a b c; do
    wait_for 5 "$node knows $whom.mesh" answer_is "$node" "$(overlay6 "$whom")" "$whom.mesh" AAAA
  done
done
check "port 53 where it is free" test "$(js a .names.server)" = "[$(overlay6 a)]:53"
check "another one where it is not" test "$(js c .names.server)" = "[$(overlay6 c)]:3733"
check "IPv4 addresses" answer_is a 10.77.0.2 b.mesh A
check "of whom has one" state_is a NOERROR c.mesh A
check "no such name" state_is a NXDOMAIN nobody.mesh AAAA
check "by id" answer_is c "$(overlay6 b)" "$(id_of b | cut -c1-8).id.mesh" AAAA
check "by address" answer_is b c.mesh. -x "$(overlay6 c)"
check "nothing else" state_is a REFUSED example.org A
check "with and without EDNS" answer_is a "$(overlay6 b)" +noedns b.mesh AAAA

say "who is foreign gets no answer"
refute "b asks a" inside b dig "@$(overlay6 a)" +tries=1 +timeout=1 b.mesh AAAA
check "it was counted" holds a '.drops["foreign-query"] > 0'

say "in /etc/hosts"
for node in a b c; do
  for whom in a b c; do
    wait_for 5 "$node knows $whom.mesh" in_hosts "$node" "$whom.mesh" "$(overlay6 "$whom")"
  done
done
check "IPv4 addresses, too" grep -q "^10.77.0.2 b.mesh " "$work/a/etc/hosts"
check "what was there is there" cmp "$work/a/hosts.before" \
  <(sed '/^# BEGIN meshnode mesh0/,/^# END meshnode mesh0$/d' "$work/a/etc/hosts")
check "nothing else is left there" test ! -e "$work/a/etc/hosts.meshnode-mesh0"

say "a new worker"
first=$(worker_of a)
server=$(js a .names.server)  # its status may be away for a moment, its responder may not
(while :; do ask_at a "$server" +short b.mesh AAAA; done >"$work/asked" 2>&1) & asker=$!
started+=("$asker")
kill -s USR2 "${pid[a]}"
replaced() { local now; now=$(worker_of a) && [[ -n $now && $now != *"$first"* ]]; }
wait_for 10 "it took over" replaced
wait_for 5 "it answers" answers a
wait_for 5 "and knows names" answer_is a "$(overlay6 b)" b.mesh AAAA
end "$asker"
check "no question was lost" test "$(sort -u "$work/asked")" = "$(overlay6 b)"
check "/etc/hosts is as it was" in_hosts a b.mesh "$(overlay6 b)"

say "two with one name"
attach d lan0
make_etc B
start_node --in d --stdin "$token" B --lan-only --key @-
wait_for 5 "edge between a and the new one" edge a B
for node in a b c B; do
  wait_for 5 "b.mesh is nobody's on $node" state_is "$node" NXDOMAIN b.mesh AAAA
  check "$node tells" holds "$node" '.names.conflicts | length == 1 and (.[0] | test("^b.mesh is nobody"))'
done
check "it is in status" grep -q "names      b.mesh is nobody's: " <(ctl a status)
check "and once in the log" test "$(grep -c "b.mesh is nobody's" "$work/a/log")" = 1
check "by id it goes on" answer_is a "$(overlay6 b)" "$(id_of b | cut -c1-8).id.mesh" AAAA
wait_for 5 "it is not in /etc/hosts" no_host a b.mesh
stop_node B
wait_for 5 "when one of them leaves it is the other one's" answer_is a "$(overlay6 b)" b.mesh AAAA
wait_for 5 "in /etc/hosts, too" in_hosts a b.mesh "$(overlay6 b)"
check "the conflict is over" holds a '.names.conflicts == []'

say "as systemd-resolved is told"
printf '%s\n' '<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"' \
  ' "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">' '<busconfig><type>system</type>' \
  "<listen>unix:path=$work/b/bus</listen><auth>EXTERNAL</auth><policy context=\"default\">" \
  '<allow own="*"/><allow send_destination="*"/><allow receive_sender="*"/><allow user="*"/>' \
  '</policy></busconfig>' >"$work/bus.conf"
spawn b "$work/bus.log" dbus-daemon --nofork --nopidfile --config-file="$work/bus.conf" </dev/null
wait_for 5 "a bus" test -S "$work/b/bus"
stop_node b
check "the file is as it was" cmp "$work/b/hosts.before" "$work/b/etc/hosts"
calls=$work/calls
told() { grep -qxF -- "$1" "$calls"; }
bus=(env DBUS_SYSTEM_BUS_ADDRESS="unix:path=$work/b/bus")
spawn b "$calls" "${bus[@]}" "$resolve1" refuse </dev/null
refusing=$spawned
wait_for 5 "a stand-in that refuses" told ready
make_etc b
start_node b --lan-only --names.hosts on
wait_for 5 "that is told" in_log b "systemd-resolved does not take the names of the mesh: not for you"
end "$refusing"
: >"$calls"
spawn b "$calls" "${bus[@]}" "$resolve1" </dev/null
standing_in=$spawned
wait_for 5 "another one is there later" told ready
link=$(inside b cat /sys/class/net/mesh0/ifindex)
server=$(overlay6 b)
reverse=$(python3 -c 'import ipaddress, sys
print(ipaddress.ip_address(sys.argv[1]).reverse_pointer[40:])' "$server")
wait_for 5 "it is told whom to ask" told "SetLinkDNSEx $link [$server]:53"
wait_for 5 "for what" told "SetLinkDomains $link ~mesh ~$reverse"
wait_for 5 "for nothing else" told "SetLinkDefaultRoute $link no"
wait_for 5 "and to say nothing there by itself" told "SetLinkMulticastDNS $link no"
check "all went well" in_log b "systemd-resolved asks us for names of the mesh"
count=$(grep -c . "$calls")
check "a new worker" ctl b reload --exec
wait_for 5 "that knows names" answer_is b "$(overlay6 c)" c.mesh AAAA
check "changes nothing" test "$(grep -c . "$calls")" = "$count"
stop_node b
check "at the end it is taken back" told "RevertLink $link"
check "exit 0" test "$exit_code" = 0
end "$standing_in"

real=${MESHNODE_RESOLVED:-/lib/systemd/systemd-resolved}
if [[ -x $real ]]; then
  say "the real systemd-resolved"
  make_etc b
  start_node b --lan-only
  up b
  spawn b "$work/resolved.log" "${bus[@]}" ${MESHNODE_RESOLVED_LIBRARIES:+LD_LIBRARY_PATH="$MESHNODE_RESOLVED_LIBRARIES"} \
    bash -c 'mount --bind "$0" /etc && mount -t tmpfs none /run && mkdir -p /run/systemd/resolve &&
      chown systemd-resolve:systemd-resolve /run/systemd/resolve && exec "$@"' "$work/b/etc" "$real" </dev/null
  resolved=$spawned
  knows() { [[ $(inside b dig @127.0.0.53 +tries=1 +timeout=2 +short "$@") == "$expected" ]]; }
  expected=$(overlay6 c)
  wait_for 10 "it knows c.mesh" knows c.mesh AAAA
  expected=c.mesh.
  wait_for 5 "and whose the address is" knows -x "$(overlay6 c)"
  check "no such name" grep -q "status: NXDOMAIN" \
    <(inside b dig @127.0.0.53 +tries=1 +timeout=2 nobody.mesh AAAA)
  stop_node b
  expected=
  wait_for 5 "nothing afterwards" knows c.mesh AAAA
  end "$resolved"
fi

say "who leaves"
stop_node a
check "exit 0" test "$exit_code" = 0
check "the file is as it was" cmp "$work/a/hosts.before" "$work/a/etc/hosts"
