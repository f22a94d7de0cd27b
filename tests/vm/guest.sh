#!/bin/sh
# Inside the machine, as its first program: guest.sh SHARED [shell]
#
# `machine.py` starts it.  Makes a copy-on-write view of the host's whole file system and, in it, runs
# SHARED/command: its output goes to SHARED/output, its status to SHARED/status.
# shellcheck disable=SC2016  # the inner shells' variables
set -eu
shared=$1
root=$(cd "$(dirname "$0")/../.." && pwd)
release=$(uname -r)
modules=$(readlink -f "/lib/modules/$release")

# The root that virtme-ng mounts asks the host at every single file operation.
# This one keeps what it has read: Python starts four times as fast.
base=/run/roamd-vm
mkdir -p $base/host $base/changes $base/work $base/view
mount -t 9p -o ro,trans=virtio,version=9p2000.L,access=any,msize=524288,cache=loose roamd $base/host
mount -t overlay -o lowerdir=$base/host,upperdir=$base/changes,workdir=$base/work overlay $base/view
for place in /proc /sys /dev "$shared"; do
    mount --rbind "$place" "$base/view$place"
done
mount -t tmpfs run $base/view/run
mkdir -p "$base/view/usr/lib/modules"
[ -e "$base/view/usr/lib/modules/$release" ] || ln -s "$modules" "$base/view/usr/lib/modules/$release"

modprobe tun
ip link set lo up
export ROAMD_VM=1 SHARED="$shared" HOME=/root LC_ALL=C.UTF-8 PYTHONUNBUFFERED=1
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
if [ "${2:-}" = shell ]; then
    exec chroot $base/view sh -c 'cd "$1" && exec bash -i' - "$root"
fi
set +e
chroot $base/view sh -c 'cd "$1" && exec sh "$2"' - "$root" "$shared/command" >"$shared/output" 2>&1
echo $? >"$shared/status.part"
mv "$shared/status.part" "$shared/status"
