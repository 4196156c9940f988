#!/bin/sh
# SPDX-License-Identifier: MIT
# root.sh FOLDER: Debian's AArch64 libraries that the cross build links, unpacked into FOLDER.
#
# They are fetched with lists of their own, so that nothing outside FOLDER changes and nobody needs to
# be root: no foreign architecture is added to the system, whose libraries would have to be of the very
# same version.
set -eu
packages='libzstd1 libzstd-dev libxxhash0 libxxhash-dev libcmocka0 libcmocka-dev'
mkdir -p "$1"
root=$(cd "$1" && pwd)
[ ! -e "$root/complete" ] || exit 0
command -v apt-get >/dev/null || { echo 'root.sh: no apt-get' >&2; exit 1; }

fetch=$root/fetch
mkdir -p "$fetch/state/lists/partial" "$fetch/cache/archives/partial"
: >"$fetch/status"
cd "$fetch"
apt()
{
	apt-get -q -o Dir::State="$fetch/state" -o Dir::State::status="$fetch/status" \
		-o Dir::Cache="$fetch/cache" -o APT::Sandbox::User= \
		-o APT::Architecture=arm64 -o APT::Architectures=arm64 "$@"
}
apt update
# shellcheck disable=SC2086 # a list of words
apt download $packages
for package in *.deb; do
	dpkg-deb -x "$package" "$root"
done
rm -r "$fetch"
: >"$root/complete"
