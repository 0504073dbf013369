# SPDX-License-Identifier: BSD-2-Clause
# json.awk - field(NAME): what a line of wardbench's JSON says of it, as it stands
# there, without quotes; "" if nothing.

function field(name) {
	if (!match($0, "\"" name "\": (\"[^\"]*\"|[^,}]*)"))
		return ""
	return clean(substr($0, RSTART + length(name) + 4,
			    RLENGTH - length(name) - 4))
}

function clean(text) {
	gsub(/"/, "", text)
	return text
}
