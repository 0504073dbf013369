#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The fear: the example serves what it must not, or HTTP in a way that real
# clients stumble over.
. "${top_srcdir:-.}/tests/story/httpd.sh"

make_root
echo "secret of the host" >"$dir/secret"
mkdir "$dir/www-not"
cp "$dir/secret" "$dir/www-not/secret"
ln -s ../secret "$dir/www/link-out"
ln -s "$dir/secret" "$dir/www/link-absolute"
ln -s ../www-not "$dir/www/dir-out"
ln -s license.txt "$dir/www/link-in"
ln -s /proc/self/exe "$dir/www/magic"
mkfifo "$dir/www/fifo"
: >"$dir/www/nothing.css"
cp "$dir/www/index.html" "$dir/www/a b+c.html"
printf 0123456789 >"$dir/www/digits"
start --workers 2

cases=0
# expect CODE TARGET [METHOD [HEADER]]: the answer is left in $dir/answer
expect() {
	code=$1
	shift
	cases=$((cases + 1))
	get "$@" >"$dir/answer" || wrong "$*: no answer"
	head -n 1 "$dir/answer" | grep -q "^HTTP/1.1 $code " ||
		wrong "$*: $(head -n 1 "$dir/answer"), not $code"
	! grep -q "secret of the host" "$dir/answer" || wrong "$*: escaped"
}
has() {
	cases=$((cases + 1))
	tr -d '\r' <"$dir/answer" | grep -qxF "$1" || wrong "no line '$1'"
}
body() {
	sed '1,/^\r$/d' "$dir/answer"
}
# Exactly these bytes.
body_is() {
	cases=$((cases + 1))
	body >"$dir/body"
	printf "$1" | cmp -s - "$dir/body" || wrong "the body is not '$1'"
}

# what is there
expect 200 /
has 'Content-Type: text/html; charset=utf-8'
expect 200 '/?query=is&not=looked=at'
expect 200 /sub/
expect 200 /license.txt
has 'Content-Type: text/plain; charset=utf-8'
cases=$((cases + 1))
body | cmp -s - "$dir/www/license.txt" || wrong "license.txt is another"
expect 200 /big.bin
has 'Content-Type: application/octet-stream'
cases=$((cases + 1))
body | cmp -s - "$dir/www/big.bin" || wrong "big.bin is another"
expect 200 /nothing.css
has 'Content-Length: 0'
expect 200 /a%20b%2bc.html
expect 200 /link-in
expect 200 /sub/../license.txt
expect 200 /%6cicense.txt
expect 301 /sub
has 'Location: /sub/'
expect 301 '//sub?a=b'
has 'Location: /sub/?a=b'

# what is not, and what is not for all
expect 404 /nowhere
expect 404 /sub/nowhere
expect 404 /license.txt/
expect 404 /empty/
for target in /link-out /link-absolute /dir-out/secret /magic /fifo \
	/../secret /sub/../../secret /%2e%2e/secret /..%2fsecret \
	/%2e%2e%2fsecret //../secret /sub/%2e%2e/%2e%2e/secret \
	/../www-not/secret /../www/license.txt; do
	expect 403 $target
done
expect 404 "/$dir/secret"
expect 404 //etc/passwd
expect 404 /..%5csecret
expect 400 /a%00b
expect 400 /%zz
expect 400 /%2
long=$(printf '%05000d' 0)
expect 414 "/$long"
expect 403 /%2e%2e/$(basename "$dir")/secret

expect 200 http://localhost/license.txt
expect 400 http://localhost
expect 400 license.txt

# methods
expect 200 /license.txt HEAD
has "Content-Length: $(wc -c <"$dir/www/license.txt")"
body_is ''
expect 404 /nowhere HEAD
body_is ''
for method in POST PUT DELETE OPTIONS PATCH; do
	expect 405 / $method
	has 'Allow: GET, HEAD'
done

# conditions
modified=$(LC_ALL=C date -u -r "$dir/www/license.txt" \
	'+%a, %d %b %Y %H:%M:%S GMT')
expect 200 /license.txt
has "Last-Modified: $modified"
expect 304 /license.txt GET "If-Modified-Since: $modified"
body_is ''
expect 200 /license.txt GET \
	'If-Modified-Since: Sat, 01 Jan 2000 00:00:00 GMT'
expect 200 /license.txt GET 'If-Modified-Since: yesterday'

# ranges
expect 206 /digits GET 'Range: bytes=2-4'
has 'Content-Range: bytes 2-4/10'
has 'Content-Length: 3'
body_is 234
expect 206 /digits GET 'Range: bytes=7-'
body_is 789
expect 206 /digits GET 'Range: bytes=-1'
body_is 9
expect 206 /digits GET 'Range: bytes=-99'
body_is 0123456789
expect 206 /digits GET 'Range: bytes=9-99'
body_is 9
expect 206 /digits HEAD 'Range: bytes=2-4'
has 'Content-Length: 3'
expect 206 /big.bin GET 'Range: bytes=1000-600999'
cases=$((cases + 1))
tail -c +1001 "$dir/www/big.bin" | head -c 600000 >"$dir/part"
body | cmp -s - "$dir/part" || wrong "another part of big.bin"
for range in 10- 10-11 -0; do
	expect 416 /digits GET "Range: bytes=$range"
	has 'Content-Range: bytes */10'
done
for range in 5-4 a-b 1-2,4-5 - '' 1--2 99999999999999999999-; do
	expect 200 /digits GET "Range: bytes=$range"
	body_is 0123456789
done
expect 200 /digits GET 'If-Range: "x"
Range: bytes=2-4'

# work and its bounds
expect 200 '/work?us=10'
expect 200 /work
for us in -1 x '' 2000001 99999999999999999999; do
	expect 400 "/work?us=$us"
done

# faults are not offered unless asked for
expect 404 /fault/spin
expect 404 '/fault/gate?open=1'

# figures
expect 200 /stats
has 'Content-Type: application/json'
expect 200 /metrics
cases=$((cases + 1))
[ "$(tail -n 1 "$dir/answer")" = '# EOF' ] || wrong "metrics without an end"
body | awk '
	/^# (TYPE|HELP|UNIT) / { if ($2 == "TYPE") type[$3] = $4; next }
	/^# EOF$/ { next }
	{
		name = $1; sub(/\{.*/, "", name); base = name
		sub(/_(total|bucket)$/, "", base)
		if (NF != 2 || $2 !~ /^[0-9.]+$/ || !(base in type) ||
		    (type[base] == "counter") != (name ~ /_total$/) ||
		    (type[base] == "histogram") != (name ~ /_bucket$/)) {
			print "bad metric: " $0; bad = 1
		}
		if (name ~ /_bucket$/) {
			if (base == last && $2 < count) {
				print "falling: " $0; bad = 1
			}
			last = base; count = $2
		}
		n++
	}
	END { exit bad || n < 50 }' >"$dir/metrics" ||
	wrong "metrics: $(cat "$dir/metrics")"

kill -TERM $pid
reap
grep -q '^httpd: audit ok' "$dir/out" || wrong "audit"
[ $ended -eq 0 ] || wrong "the server ended with $ended"
say "$cases expectations"
verdict
