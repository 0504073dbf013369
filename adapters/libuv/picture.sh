#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The picture of docs/libuv.md, from what node answers, on libuv's own pool and on ours.
#
#	picture.sh DIR > PICTURE.svg	NODE: one that is linked against libuv.so.1
set -eu
dir=$(cd "$1" && pwd) here=$(cd "$(dirname "$0")" && pwd)
node=${NODE:-$(command -v node)}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export UV_WARD_LOG=none

timeout -s KILL 8 "$node" "$here/picture.js" >"$work/stock" 2>"$work/err" || :
"$dir/ward-uv-run" "$node" "$here/picture.js" >"$work/healed"
awk -v version="$("$node" -p process.version)" -f "$here/picture.awk" "$work/stock" "$work/healed"
