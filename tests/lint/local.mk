# SPDX-License-Identifier: BSD-2-Clause
# Rules that can be checked in the text, the header and the installed files.

lint_scripts = \
	tests/lint/abi.sh \
	tests/lint/circles.sh \
	tests/lint/exports.sh \
	tests/lint/header.sh \
	tests/lint/installed.sh \
	tests/lint/installed_cmake.sh \
	tests/lint/layers.sh \
	tests/lint/listed.sh \
	tests/lint/manual.sh \
	tests/lint/names.sh \
	tests/lint/planted.sh \
	tests/lint/programs.sh \
	tests/lint/style.sh \
	tests/lint/tutorial.sh

EXTRA_DIST += tests/lint/CMakeLists.txt tests/lint/first.sh tests/lint/header.c \
	tests/lint/programs.awk tests/lint/stage.sh tests/lint/user.sh tests/lint/user_nats.c \
	tests/lint/user_cmake.sh
