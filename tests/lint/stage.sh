#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# To be read by a test that needs an installed copy: staged COMMAND... installs into an
# empty folder by 'make install prefix= DESTDIR=', runs COMMAND where pkg-config and CMake
# look there, and uninstalls; nothing may be left.
set -eu

staged() {
	stage=$(mktemp -d)
	trap 'rm -rf "$stage"' EXIT
	made install
	PKG_CONFIG_SYSROOT_DIR=$stage
	PKG_CONFIG_PATH=$(dirname "$(find "$stage" -name ward.pc)")
	CMAKE_PREFIX_PATH=$stage/else/where
	LD_LIBRARY_PATH=$(dirname "$PKG_CONFIG_PATH")
	(
		export PKG_CONFIG_SYSROOT_DIR PKG_CONFIG_PATH CMAKE_PREFIX_PATH \
			LD_LIBRARY_PATH
		"$@"
	)
	made uninstall
	left=$(find "$stage" -mindepth 2 ! -type d)
	if [ -n "$left" ]; then
		echo "left behind by uninstall: $left"
		exit 1
	fi
}

made() { # TARGET
	"${MAKE:-make}" -s -C "$top_builddir" "$1" prefix=/else/where \
		DESTDIR="$stage" >"$stage/log" 2>&1 || {
		cat "$stage/log"
		exit 1
	}
}
