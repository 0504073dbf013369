# SPDX-License-Identifier: BSD-2-Clause
# Rules that can be checked in the text, the header and the installed files.

lint_scripts = \
	tests/lint/circles.sh \
	tests/lint/exports.sh \
	tests/lint/header.sh \
	tests/lint/installed.sh \
	tests/lint/layers.sh \
	tests/lint/listed.sh \
	tests/lint/manual.sh \
	tests/lint/names.sh \
	tests/lint/planted.sh \
	tests/lint/programs.sh \
	tests/lint/style.sh \
	tests/lint/tutorial.sh

EXTRA_DIST += tests/lint/header.c tests/lint/programs.awk
