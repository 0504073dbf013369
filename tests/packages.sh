#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The packages, as a new user meets them: built from the tarball, found clean by lintian,
# and installed with apt in a Debian 12 that has nothing else.  There the README's program,
# the examples and what the headers promise are tried by a user without rights.
#
#	packages.sh TARBALL	root, a mirror of Debian and some minutes
set -eu

# ---- inside ---------------------------------------------------------------------

# All that is there of libward comes from the packages, but for what says what to expect.
inside() {
	install_packages
	useradd --create-home somebody
	cp -r /expected /usr/share/doc/libward-dev/examples /home/somebody
	mkdir /home/somebody/expected/include
	cp -r /usr/include/ward /home/somebody/expected/include
	chown -R somebody: /home/somebody
	runuser -u somebody -- sh "$0" user
}

install_packages() {
	export DEBIAN_FRONTEND=noninteractive
	apt-get -q update
	apt-get -q install -y --no-install-recommends /packages/*.deb
	took "libward and what it depends on"
	apt-get -q install -y --no-install-recommends gcc g++ make pkg-config \
		cmake clang libevent-dev liblua5.4-dev libpng-dev libuv1-dev
	took "compilers"
}

user() {
	cd ~/expected
	sh debian/tests/user
	sh debian/tests/user-cmake
	took "the README's program, and one in C++"
	ln -s "$(pkg-config --variable=libdir ward)" .libs
	export top_srcdir=$PWD CC=gcc CXX=g++
	sh tests/lint/programs.sh
	took "programs of all documents"
	sh tests/lint/header.sh
	took "headers, by each standard"
	cd
	make -s -C examples CFLAGS='-O2 -Wall -Wextra -Werror'
	top_srcdir=$HOME top_builddir=$HOME sh expected/tests/story/examples.sh
	took "examples"
	wardbench throughput --quick --runs 1 --only ward >/dev/null
	took "wardbench"
}

took() { # WHAT
	now=$(date +%s)
	echo "packages: $1: $((now - ${then:-$began})) s"
	then=$now
}

# ---- outside --------------------------------------------------------------------

skip() {
	echo "skipped: $*"
	exit 77
}

fit() {
	[ "$(id -u)" -eq 0 ] || skip "a Debian root is made by root"
	for tool in debootstrap dh lintian dpkg-buildpackage; do
		command -v $tool >/dev/null || skip "$tool is missing:" \
			"apt-get install debhelper debootstrap dpkg-dev lintian"
	done
	unshare --mount true || skip "nothing can be mounted here"
}

build() {
	mkdir "$scratch/source"
	tar -xf "$tarball" -C "$scratch/source" --strip-components=1
	(cd "$scratch/source" && DEB_BUILD_OPTIONS="nocheck parallel=$(nproc)" \
		dpkg-buildpackage -b -us -uc) >"$scratch/log" 2>&1 || {
		tail -n 40 "$scratch/log"
		exit 1
	}
	version=${tarball##*-} version=${version%.tar.gz}
	[ -e "$scratch"/libward-doc_"$version"_all.deb ] || {
		echo "debian/changelog does not begin with $version"
		exit 1
	}
	took "packages built"
	lintian --allow-root --fail-on error,warning --info --display-info \
		"$scratch"/*.changes
	took "lintian"
}

make_root() {
	root=$scratch/root
	debootstrap --variant=minbase bookworm "$root" \
		"${DEBIAN_MIRROR:-http://deb.debian.org/debian}" >"$scratch/log" || {
		tail -n 20 "$scratch/log"
		exit 1
	}
	mkdir "$root/packages" "$root/expected"
	cp "$scratch"/*.deb "$root/packages"
	rm -f "$root"/packages/*-dbgsym_*
	(cd "$scratch/source" && cp -r --parents tests README.md configure.ac docs \
		man debian/tests "$root/expected")
	cp /etc/resolv.conf "$root/etc/resolv.conf"
	took "a root"
}

began=${began:-$(date +%s)}
case ${1-} in
inside) inside ;;
user) user ;;
*)
	tarball=$1
	fit
	scratch=$(mktemp -d)
	trap 'rm -rf "$scratch"' EXIT
	build
	make_root
	unshare --mount --pid --fork --mount-proc="$root/proc" chroot "$root" \
		sh /expected/tests/packages.sh inside
	echo "packages: $(($(date +%s) - began)) s in all"
	;;
esac
