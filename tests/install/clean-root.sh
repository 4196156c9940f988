#!/bin/sh
# SPDX-License-Identifier: MIT
# clean-root.sh FOLDER: make a clean Debian 12 in FOLDER, clone this repository into it, and run what the
# README promises: ./dev demo and ./dev test.  Needs root, debootstrap and git; takes many minutes.
# A root that is there already is used again, which is then no longer clean.
#
# The mirror and the proxy are those of this machine.
# shellcheck disable=SC2317 # functions are called by trap and timed
set -eu
[ $# = 1 ] || { printf 'usage: clean-root.sh FOLDER\n' >&2; exit 2; }
here=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$1"
root=$(cd "$1" && pwd)
mounted=

leave()
{
	for place in $mounted; do
		umount -R "$root/$place" || printf 'clean-root: %s is still mounted\n' "$root/$place" >&2
	done
}
trap leave EXIT
trap 'exit 130' INT TERM

# mirror: of the main archive, from either form of apt's sources
mirror()
{
	cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null |
		sed -n 's/^URIs:[[:space:]]*\([^[:space:]]*\).*/\1/p
			s/^deb[[:space:]]\{1,\}\(\[[^]]*\][[:space:]]*\)\{0,1\}\([^[:space:]]*\).*/\2/p' |
		grep '/debian/*$' | head -n 1
}

# timed WORDS...: run, and print how long it took
timed()
{
	start=$(date +%s)
	"$@" && status=0 || status=$?
	printf 'clean-root: %s: status %s, %s s\n' "$*" "$status" $(($(date +%s) - start))
	return "$status"
}

inside()
{
	chroot "$root" env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
		${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"} \
		sh -c "cd /root/gtrace && $1"
}

if [ ! -e "$root/etc/debian_version" ]; then
	timed debootstrap --variant=minbase bookworm "$root" "$(mirror)"
	# The archive's own sources and the machine's way to it; apt's lists are fetched by ./dev.
	cp /etc/resolv.conf "$root/etc/resolv.conf"
	for file in /etc/apt/apt.conf /etc/apt/apt.conf.d/*proxy*; do
		[ ! -f "$file" ] || cp "$file" "$root$file"
	done
fi
for place in proc dev sys; do
	mount --rbind "/$place" "$root/$place"
	mount --make-rslave "$root/$place"
	mounted="$place $mounted"
done
rm -rf "$root/root/gtrace"
git clone -q --no-hardlinks "$here" "$root/root/gtrace"

bad=0
timed inside './dev demo' || bad=1
timed inside './dev test' || bad=1
exit $bad
