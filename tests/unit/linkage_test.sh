#!/bin/bash
# linkage_test.sh BIN: meshnode-dht links OpenDHT; meshnode, meshhub and meshctl do not, not even by
# way of another library.
set -euo pipefail
export LC_ALL=C
# No pipe to grep -q: who is still writing when it has seen enough fails, and with it the pipe.
links() { grep -q libopendht <<<"$(ldd "$1/$2")"; }
failed=0
links "$1" meshnode-dht || { echo "meshnode-dht does not link OpenDHT: what does this test see?"; failed=1; }
for program in meshnode meshhub meshctl; do
  ! links "$1" "$program" || { echo "$program links OpenDHT"; failed=1; }
done
exit "$failed"
