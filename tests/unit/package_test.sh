#!/bin/bash
# package_test.sh SOURCE BUILD: the Debian package of this build holds what it should, needs what it
# uses, and installs, upgrades, is removed and purged in a root of its own; the units are hardened.
# Skipped (77) where dpkg cannot be used, i.e. without root or not on Debian.
set -euo pipefail
source=$1 build=$2
[[ $EUID -eq 0 ]] && command -v dpkg-deb >/dev/null && command -v dpkg-shlibdeps >/dev/null || exit 77
export LC_ALL=C PATH="$PATH:/usr/sbin:/sbin"
work=$(mktemp -d "${TMPDIR:-/tmp}/meshnode-package-XXXXXX")
trap 'rm -rf "$work"' EXIT
failed=0
check() { local what=$1; shift; if "$@"; then echo "  ok   $what"; else echo "  FAIL $what"; failed=1; fi; }
refute() { local what=$1; shift; if "$@"; then echo "  FAIL $what"; failed=1; else echo "  ok   $what"; fi; }

(cd "$build" && cpack -G DEB -B "$work/out" >"$work/cpack.log" 2>&1) || { cat "$work/cpack.log"; exit 1; }
deb=$(echo "$work"/out/*.deb)
check "one package" test -f "$deb"
depends=$(dpkg-deb -f "$deb" Depends)
for library in libopendht libgnutls30 libhogweed libargon2 libseccomp2 libc6; do
  check "depends on $library" grep -q "$library" <<<"$depends"
done
dpkg-deb -c "$deb" >"$work/list"
for file in usr/bin/meshnode usr/bin/meshhub usr/bin/meshctl usr/libexec/meshnode/meshnode-dht lib/systemd/system/meshnode.service \
  lib/systemd/system/meshnode@.service lib/systemd/system/meshhub.service \
  lib/sysusers.d/meshnode.conf lib/tmpfiles.d/meshnode.conf usr/share/man/man8/meshnode.8 \
  usr/share/man/man5/meshnode.conf.5 usr/share/man/man1/meshctl.1 usr/share/man/man8/meshhub.8 \
  usr/share/bash-completion/completions/meshctl usr/share/meshnode/grafana/meshnode.json \
  usr/share/polkit-1/rules.d/meshnode.rules; do
  check "has $file" grep -qE " \./(usr/)?${file#usr/}(\.gz)?$" "$work/list"
done

# A root with dpkg's database and what the scripts call, as recorders.
root=$work/root
mkdir -p "$root"/{bin,usr/bin,usr/sbin,etc,var/lib/dpkg/{info,updates},var/lib/meshnode,run}
mkdir "$root/dev"
touch "$root/var/lib/dpkg/status" "$root/dev/null"
copy() {  # PROGRAM…: with its libraries
  local file
  for file in $(ldd "$@" | grep -oE '/[^ ):]+' | sort -u) "$@"; do
    mkdir -p "$root$(dirname "$file")"
    cp -Ln "$file" "$root$file"
  done
}
copy /bin/sh /bin/rm /bin/rmdir /usr/bin/env
for name in systemd-sysusers systemd-tmpfiles systemctl; do
  printf '#!/bin/sh\necho %s "$@" >>/calls\n' $name >"$root/usr/bin/$name"
  chmod 755 "$root/usr/bin/$name"
done
in_root() { dpkg --root="$root" --force-depends --force-not-root "$@" >>"$work/dpkg.log" 2>&1; }
check "installs" in_root -i "$deb"
check "the programs are there" test -x "$root/usr/bin/meshnode" -a -x "$root/usr/libexec/meshnode/meshnode-dht"
found_it() {  # as installed: beside it, it is not
  timeout 2 "$root/usr/bin/meshhub" -a 127.0.0.1 -p 45731 >"$work/hub.log" 2>&1 || true
  grep -q " ready on " "$work/hub.log"
}
check "meshhub finds it there" found_it
check "the user is made" grep -q '^systemd-sysusers meshnode.conf' "$root/calls"
check "the folders are made" grep -q '^systemd-tmpfiles --create meshnode.conf' "$root/calls"
echo key >"$root/var/lib/meshnode/key"
check "upgrades" in_root -i "$deb"
check "what a node remembers is still there" test -f "$root/var/lib/meshnode/key"
check "is removed" in_root -r meshnode
refute "the programs are gone" test -e "$root/usr/bin/meshnode"
check "keys stay" test -f "$root/var/lib/meshnode/key"
check "is purged" in_root -P meshnode
refute "keys are gone" test -e "$root/var/lib/meshnode"

# OpenDHT's node and a bug in it are what the sandbox is for.
if command -v systemd-analyze >/dev/null; then
  exposure() { systemd-analyze security --offline=true --no-pager "$1" 2>/dev/null | sed -nE 's/.*exposure level.*: ([0-9.]+) .*/\1/p'; }
  at_most() { awk -v is="$(exposure "$1")" -v most="$2" 'BEGIN { exit !(is != "" && is <= most) }'; }
  check "meshhub.service: exposure at most 1.2" at_most "$source/packaging/systemd/meshhub.service" 1.2
  for unit in meshnode meshnode@; do
    check "$unit.service: exposure at most 2.1" at_most "$build/systemd/$unit.service" 2.1
  done
fi
((failed == 0)) || cat "$work/dpkg.log"
exit "$failed"
