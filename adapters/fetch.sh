#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# What apt-get has, with lists and a line of its own: the machine's stay as they are.
#
#	fetch.sh deb-src source PACKAGE		its sources, unpacked here
#	fetch.sh deb download PACKAGE		the package as it is
set -eu
line=$1 command=$2 package=$3

fail() {
	echo "$package: $*" >&2
	exit 1
}

command -v apt-get >/dev/null || fail "no apt-get here"
command -v dpkg-source >/dev/null || fail "apt-get install dpkg-dev"
. /etc/os-release
[ "${ID-}" = debian ] || fail "only Debian's packages are known here"
apt=$(pwd)/apt
rm -rf apt
mkdir -p apt/lists/partial apt/cache/archives/partial
trap 'rm -rf "$apt"' EXIT
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' |
	grep -m 1 '/debian/*$') || mirror=http://deb.debian.org/debian
echo "$line $mirror $VERSION_CODENAME main" >apt/sources.list
set -- -qq -o APT::Sandbox::User="$(id -un)" -o Dir::Cache="$apt/cache" \
	-o Dir::Etc::SourceList="$apt/sources.list" \
	-o Dir::Etc::SourceParts=/dev/null -o Dir::State::Lists="$apt/lists"
apt-get "$@" update && apt-get "$@" "$command" "$package" >apt/log 2>&1 || {
	cat apt/log >&2
	fail "apt-get does not have it"
}
