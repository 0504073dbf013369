# SPDX-License-Identifier: BSD-2-Clause
# What can be told from the text, the header and what is installed.

lint_scripts = \
	tests/lint/circles.sh \
	tests/lint/exports.sh \
	tests/lint/header.sh \
	tests/lint/installed.sh \
	tests/lint/layers.sh \
	tests/lint/listed.sh \
	tests/lint/names.sh \
	tests/lint/planted.sh \
	tests/lint/style.sh

EXTRA_DIST += tests/lint/header.c
