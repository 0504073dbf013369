# SPDX-License-Identifier: BSD-2-Clause
# Parts that the stories of examples/httpd share.  Sourced, not run.

set -u
builddir=${top_builddir:-.}
storydir=${top_srcdir:-.}/tests/story
server=$builddir/examples/httpd/httpd
client=$builddir/tests/story/httpd_client
wrk=${WRK:-wrk}

[ -x "$server" ] || {
	echo "skipped: examples/httpd is not built (libevent-dev)"
	exit 77
}

dir=$(mktemp -d) || exit 99
pid=
bad=0

finish() {
	status=$?
	[ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null
	rm -rf "$dir"
	exit $status
}
trap finish EXIT
trap 'exit 130' INT TERM

need_wrk() {
	command -v "$wrk" >/dev/null || {
		echo "skipped: no wrk"
		exit 77
	}
}

say() {
	printf '%s\n' "$*"
}

# wrong WORDS: the story has failed, but goes on to tell the rest.
wrong() {
	say "WRONG: $*"
	bad=1
}

# Ends the story.
verdict() {
	[ $bad -eq 0 ] || {
		say "--- the server's last reports:"
		tail -n 20 "$dir/err" | cut -c 1-400
	}
	exit $bad
}

# A directory like one that is served: a page, text, something big.
make_root() {
	mkdir -p "$dir/www/sub" "$dir/www/empty"
	echo '<!doctype html><title>ward</title><p>It works.' \
		>"$dir/www/index.html"
	cp "$dir/www/index.html" "$dir/www/sub/"
	cp "$top_srcdir/LICENSE" "$dir/www/license.txt"
	dd if=/dev/urandom of="$dir/www/big.bin" bs=1024 count=700 2>/dev/null
}

# start OPTION...: a server, its port in $port, its process in $pid
start() {
	: >"$dir/out"
	"$server" --port 0 --root "$dir/www" "$@" >"$dir/out" 2>"$dir/err" &
	pid=$!
	port=
	while [ -z "$port" ]; do
		kill -0 $pid 2>/dev/null || {
			say "the server did not start:"
			cat "$dir/err"
			exit 1
		}
		port=$(sed -n 's|^httpd: http://.*:\([0-9]*\)/$|\1|p' \
			"$dir/out")
	done
}

# Waits for the server's end; its status in $ended.
reap() {
	wait $pid
	ended=$?
	pid=
	cat "$dir/out"
}

get() {
	"$client" get "$port" "$@"
}

# stat NAME: a number out of /stats, the first that has this name
stat() {
	get /stats | sed -n "s/^	\{0,1\}\"$1\": \([a-z0-9]*\),\{0,1\}\$/\1/p" |
		head -n 1
}

# is NAME VALUE: whether /stats says so
is() {
	[ "$(stat "$1")" = "$2" ]
}

threads() {
	sed -n 's/^Threads:[[:blank:]]*//p' "/proc/$pid/status"
}

memory_kb() {
	sed -n 's/^VmRSS:[[:blank:]]*\([0-9]*\) kB/\1/p' "/proc/$pid/status"
}

# within SECONDS COMMAND...: whether it comes true by then
within() {
	deadline=$(($(date +%s%N) + $1 * 1000000000))
	shift
	until "$@"; do
		[ "$(date +%s%N)" -lt $deadline ] || return 1
	done
}

# load SECONDS CONNECTIONS FILE: healthy requests; wrk's words go to FILE
load() {
	"$wrk" -t 2 -c "$2" -d "$1" --timeout 5s -s "$storydir/httpd.lua" \
		"http://127.0.0.1:$port/" >"$3" 2>&1
}

# told FILE NAME: a number that httpd.lua printed
told() {
	sed -n "s/^wrk: .*\b$2=\([0-9.]*\).*/\1/p" "$1"
}

# healthy FILE WHAT: says what wrk saw; wrong if any request failed
healthy() {
	errors=$(($(told "$1" connect) + $(told "$1" read) + \
		$(told "$1" write) + $(told "$1" timeout))) || errors=unknown
	say "$2: $(told "$1" requests) requests," \
		"$(told "$1" rate) a second, p99 $(told "$1" p99_ms) ms," \
		"non-2xx $(told "$1" status), socket errors $errors"
	[ "$(told "$1" status)" = 0 ] && [ "$errors" = 0 ] &&
		[ "$(told "$1" requests)" -gt 0 ] ||
		wrong "healthy requests failed"
}
