#!/bin/bash
# From the package to a mesh of three: each machine has a root of its own, where apt installs the
# package as anywhere else, and the node runs as its unit starts it: as its own user with one
# capability. Then the package is installed once more under the running node.
#
#     alpha, beta, gamma, hub ── br0
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

declare -A holder
# HOST: over the root of this machine, read-only below, its own above.
machine() {
  local name=$1 root="$work/$1/root"
  mkdir -p "$root"
  spawn "$name" "$work/$name/machine" unshare -m sh -ec '
    mount -t tmpfs none "$0"
    mkdir "$0/above" "$0/work" "$0/root"
    mount -t overlay none -o "lowerdir=/,upperdir=$0/above,workdir=$0/work" "$0/root"
    for name in proc dev sys; do mount --rbind "/$name" "$0/root/$name"; done
    mknod "$0/tun" c 10 200  # as udev makes it
    chmod 666 "$0/tun"
    mount --bind "$0/tun" "$0/root/dev/net/tun"
    mount -t tmpfs none "$0/root/run"
    mkdir -p "$0/root/deb"
    cp "$@" "$0/root/deb/"
    echo ready
    exec sleep infinity' "$root" "$deb" "$lib_dir/notify_socket.py" </dev/null
  holder[$name]=$spawned
  wait_for 10 "$name is a machine" grep -qx ready "$work/$name/machine"
}
enter() { as=(nsenter -t "${holder[$1]}" -m -n chroot "$work/$1/root/root"); }
on() {  # HOST COMMAND...
  local as
  enter "$1"
  shift
  "${as[@]}" "$@"
}
# As meshnode.service does. Sets pid[HOST].
service() {
  local name=$1 as
  on "$name" install -d -m 700 -o meshnode -g meshnode /var/lib/meshnode
  enter "$name"
  "${as[@]}" setpriv --pdeathsig KILL --reuid=meshnode --regid=meshnode --init-groups \
    --inh-caps=-all,+net_admin --ambient-caps=-all,+net_admin --bounding-set=-all,+net_admin \
    --no-new-privs env NOTIFY_SOCKET=/run/notify /usr/bin/meshnode \
    --config /etc/meshnode/meshnode.conf >>"$work/$name/log" 2>&1 </dev/null &
  pid[$name]=$! node_host[$name]=$name
  started+=("$!")
}
installs() {
  on "$1" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 install -y --reinstall \
    --no-install-recommends "/deb/${deb##*/}" >>"$work/$1/apt" 2>&1
}
pings() { on "$1" ping -n -q -c 1 -W 1 "$2"; }
address() { on "$1" meshctl status --json | jq -er '.node.addresses[] | select(contains(":"))'; }
sees_two() { on "$1" meshctl status --json | jq -e '[.peers[] | select(.state == "connected")] | length == 2'; }

(cd "$bin_dir/.." && cpack -G DEB -B "$work/deb" >"$work/cpack.log" 2>&1) || fail "$(<"$work/cpack.log")"
deb=$(echo "$work"/deb/*.deb)
lan lan0 alpha beta gamma hub
key=$("$meshctl" genkey)
for name in alpha beta gamma hub; do machine $name; done

say "installing"
for name in alpha beta gamma hub; do
  check "apt installs it on $name" installs $name
done
check "it made the user" on alpha id meshnode
check "the programs are there" on alpha meshnode --version

say "a hub, and a service on three machines"
on hub setpriv --pdeathsig KILL --reuid=meshnode --regid=meshnode --clear-groups --inh-caps=-all \
  --bounding-set=-all --no-new-privs meshhub >"$work/hub/log" 2>&1 </dev/null &
started+=("$!")
for name in alpha beta gamma; do
  on $name sh -c 'install -m 600 -o meshnode /dev/stdin /etc/meshnode/key' <<<"$key" ||
    fail "no /etc/meshnode on $name"
  printf '%s\n' 'key = "@/etc/meshnode/key"' "bootstrap = [\"$(address4 hub):3731\"]" "name = \"$name\"" |
    on $name tee /etc/meshnode/meshnode.conf >/dev/null
  on $name python3 -u /deb/notify_socket.py /run/notify >"$work/$name/notify" 2>&1 </dev/null &
  started+=("$!")
  wait_for 5 "somebody listens on $name" grep -qx listening "$work/$name/notify"
  service $name
done
for name in alpha beta gamma; do
  wait_for 5 "$name is ready" grep -qx "${pid[$name]} READY=1" "$work/$name/notify"
done
check "only the parent speaks to the manager" \
  test "$(grep -v listening "$work/alpha/notify" | cut -d' ' -f1 | sort -u)" = "${pid[alpha]}"
for name in alpha beta gamma; do
  wait_for 10 "$name sees the two others" sees_two $name
done
check "alpha pings beta" pings alpha "$(address beta)"
check "gamma pings alpha" pings gamma "$(address alpha)"

say "with which rights"
worker=$(worker_of alpha)
status_of() { awk -v name="$2:" '$1 == name {print $2}' "/proc/$1/status"; }
check "the parent has one capability" test "$(status_of "${pid[alpha]}" CapEff)" = 0000000000001000
check "the worker none" test "$(status_of "$worker" CapEff)" = 0000000000000000
check "both are the service's user" \
  test "$(stat -c %u "/proc/${pid[alpha]}" "/proc/$worker" | sort -u)" = "$(on alpha id -u meshnode)"

say "installed anew under the running node"
check "apt installs it" installs alpha
running() { [[ $(readlink "/proc/$(worker_of alpha)/exe") != *deleted* ]]; }
refute "the old program still runs" running
on gamma ping -n -i 0.02 "$(address alpha)" >"$work/ping" 2>&1 </dev/null &
ping=$!
started+=("$ping")
pinging() { (($(grep -c "bytes from" "$work/ping") > 10)); }
wait_for 5 "pings run" pinging
check "meshctl reload --exec" on alpha meshctl reload --exec
check "the new one does" running
wait_for 10 "alpha sees the two others" sees_two alpha
check "beta pings alpha" pings beta "$(address alpha)"
pkill -INT -P "$ping" -x ping || kill -s INT "$ping"
say "  pings lost meanwhile, one each 20 ms: $(holes_in "$work/ping")"

say "started by hand, as root, on a machine that has the user"
on beta rm -rf /var/lib/meshnode/mesh1
enter beta
"${as[@]}" setpriv --pdeathsig KILL meshnode --interface mesh1 --lan-only >"$work/beta/by_hand" 2>&1 </dev/null &
by_hand=$!
started+=("$by_hand")
there() { on beta meshctl --interface mesh1 id; }
wait_for 5 "it runs" there
check "the worker is that user" \
  test "$(stat -c %u "/proc/$(pgrep -P "$by_hand" -x meshnode)")" = "$(on beta id -u meshnode)"
end "$by_hand"
refute "nothing was denied" grep -qiE 'denied|cannot' "$work/beta/by_hand"
on beta mv /var/lib/meshnode /var/lib/meshnode.service
enter beta
"${as[@]}" setpriv --pdeathsig KILL meshnode --interface mesh1 --lan-only >"$work/beta/by_hand" 2>&1 </dev/null &
by_hand=$!
started+=("$by_hand")
wait_for 5 "nor where no folder was" there
check "the worker is that user" \
  test "$(stat -c %u "/proc/$(pgrep -P "$by_hand" -x meshnode)")" = "$(on beta id -u meshnode)"
end "$by_hand"
refute "nothing was denied" grep -qiE 'denied|cannot' "$work/beta/by_hand"

say "removed"
for name in alpha beta gamma; do stop_node $name; done
check "apt removes it" on beta env DEBIAN_FRONTEND=noninteractive apt-get -qq remove -y meshnode
refute "the program is gone" on beta test -e /usr/bin/meshnode
check "the key is not" on beta test -f /etc/meshnode/key
check "apt purges it" on beta env DEBIAN_FRONTEND=noninteractive apt-get -qq purge -y meshnode
