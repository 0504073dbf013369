#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# What each page of the manual is about: a line "PAGE NAME" for each of its names, as its
# section NAME has them, its own name among them or not.
#
#	calls.sh PAGE...
exec awk '
FNR == 1 { page = FILENAME; sub(/.*\//, "", page); on = 0 }
/^\.Sh / { on = $2 == "NAME" }
on && /^\.Nm / { print page, $2 }' "$@"
