/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * json.h - whether a text is one JSON value by RFC 8259, and what it says under
 * a name.  A reader of its own, so that the writer is not its own judge.
 */
#ifndef WARD_TESTS_UNIT_JSON_H
#define WARD_TESTS_UNIT_JSON_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Each takes the place where something begins and gives its end, NULL: wrong. */
static inline const char *json_value(const char *s);

static inline const char *json_blank(const char *s)
{
	return s + strspn(s, " \t\r\n");
}

static inline bool json_hex(const char *s)
{
	return strspn(s, "0123456789abcdefABCDEF") >= 4;
}

/* The rest of a UTF-8 character: decoded, so that no short cut is believed. */
static inline const char *json_utf8(const char *s)
{
	const unsigned char *u = (const unsigned char *)s;
	int more = u[0] >= 0xf0 ? 3 : u[0] >= 0xe0 ? 2 : 1;
	unsigned long code = u[0] & (0x3fu >> more);

	if (u[0] < 0xc0 || u[0] > 0xf7)
		return NULL;
	for (int i = 1; i <= more; i++) {
		if ((u[i] & 0xc0) != 0x80)
			return NULL;
		code = code << 6 | (u[i] & 0x3f);
	}
	if (code < 0x80 || (more == 2 && code < 0x800) ||
	    (more == 3 && code < 0x10000) || code > 0x10ffff ||
	    (code >= 0xd800 && code <= 0xdfff))
		return NULL;
	return s + more + 1;
}

static inline const char *json_string(const char *s)
{
	if (*s++ != '"')
		return NULL;
	while (s && *s != '"') {
		if ((unsigned char)*s < 0x20)
			return NULL;
		if ((unsigned char)*s >= 0x80)
			s = json_utf8(s);
		else if (*s != '\\')
			s++;
		else if (s[1] == 'u')
			s = json_hex(s + 2) ? s + 6 : NULL;
		else
			s = s[1] && strchr("\"\\/bfnrt", s[1]) ? s + 2 : NULL;
	}
	return s ? s + 1 : NULL;
}

static inline const char *json_number(const char *s)
{
	size_t digits;

	s += *s == '-';
	digits = strspn(s, "0123456789");
	if (digits == 0 || (digits > 1 && *s == '0'))
		return NULL;
	return s + digits; /* no fractions are written here */
}

static inline const char *json_list(const char *s, char end, bool named)
{
	s = json_blank(s + 1);
	if (*s == end)
		return s + 1;
	for (;;) {
		if (named) {
			s = json_string(json_blank(s));
			if (!s || *(s = json_blank(s)) != ':')
				return NULL;
			s++;
		}
		s = json_value(s);
		if (!s)
			return NULL;
		s = json_blank(s);
		if (*s == end)
			return s + 1;
		if (*s++ != ',')
			return NULL;
	}
}

static inline const char *json_value(const char *s)
{
	s = json_blank(s);
	if (*s == '{')
		return json_list(s, '}', true);
	if (*s == '[')
		return json_list(s, ']', false);
	if (*s == '"')
		return json_string(s);
	if (strncmp(s, "null", 4) == 0)
		return s + 4;
	if (strncmp(s, "true", 4) == 0)
		return s + 4;
	if (strncmp(s, "false", 5) == 0)
		return s + 5;
	return json_number(s);
}

static inline bool json_is_one(const char *s)
{
	s = json_value(s);
	return s && *json_blank(s) == '\0';
}

/* The value under that name in an object, ended by NUL in 'out'; or false. */
static inline bool json_get(const char *s, const char *name, char *out,
			    size_t len)
{
	s = json_blank(s) + 1;
	for (;;) {
		const char *key = json_blank(s), *value, *end;

		end = json_string(key);
		value = end ? json_blank(json_blank(end) + 1) : NULL;
		s = value ? json_value(value) : NULL;
		if (!s)
			return false;
		if ((size_t)(end - key) == strlen(name) + 2 &&
		    strncmp(key + 1, name, strlen(name)) == 0) {
			if ((size_t)(s - value) >= len)
				return false;
			memcpy(out, value, (size_t)(s - value));
			out[s - value] = '\0';
			return true;
		}
		s = json_blank(s);
		if (*s++ != ',')
			return false;
	}
}

#endif
