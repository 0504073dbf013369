-- SPDX-License-Identifier: BSD-2-Clause
-- What wrk asks of examples/httpd, and one line of what came of it.

local targets = {
	"/", "/license.txt", "/work?us=20", "/", "/sub/", "/license.txt",
	"/work?us=100", "/", "/stats", "/license.txt", "/big.bin", "/",
}
local at = 0

function request()
	at = at % #targets + 1
	return wrk.format("GET", targets[at])
end

-- wrk itself counts only codes above 399; here all but 200 is wrong.
local threads = {}

function setup(thread)
	threads[#threads + 1] = thread
end

other = 0

function response(status)
	if status ~= 200 then
		other = other + 1
	end
end

function done(summary, latency)
	local errors, wrong = summary.errors, 0

	for _, thread in ipairs(threads) do
		wrong = wrong + thread:get("other")
	end
	io.write(string.format("wrk: requests=%d rate=%.0f p50_ms=%.2f " ..
		"p99_ms=%.2f max_ms=%.2f status=%d connect=%d read=%d " ..
		"write=%d timeout=%d end\n",
		summary.requests,
		summary.requests / (summary.duration / 1e6),
		latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
		latency.max / 1e3, wrong, errors.connect, errors.read,
		errors.write, errors.timeout))
end
