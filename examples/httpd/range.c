/* SPDX-License-Identifier: BSD-2-Clause */
#include "range.h"

#include <string.h>

/* Digits at *text, which moves past them; -1: none, or too many. */
static off_t number(const char **text)
{
	size_t digits = strspn(*text, "0123456789");
	off_t n = 0;

	if (!digits || digits > 18)
		return -1;
	while (digits--)
		n = n * 10 + (*(*text)++ - '0');
	return n;
}

enum range range_parse(const char *text, off_t size, off_t *from, off_t *len)
{
	off_t first = -1, last = -1;

	if (!text || strncmp(text, "bytes=", 6))
		return RANGE_WHOLE;
	text += 6;
	if (*text != '-') {
		first = number(&text);
		if (first < 0)
			return RANGE_WHOLE;
	}
	if (*text++ != '-')
		return RANGE_WHOLE;
	if (*text) {
		last = number(&text);
		if (last < 0)
			return RANGE_WHOLE;
	}
	if (*text || (first < 0 && last < 0))
		return RANGE_WHOLE;

	if (first < 0) { /* the last so many bytes */
		if (!last || !size)
			return RANGE_OUTSIDE;
		first = last < size ? size - last : 0;
		last = size - 1;
	} else {
		if (last >= 0 && last < first)
			return RANGE_WHOLE;
		if (first >= size)
			return RANGE_OUTSIDE;
		if (last < 0 || last >= size)
			last = size - 1;
	}
	*from = first;
	*len = last - first + 1;
	return RANGE_PART;
}
