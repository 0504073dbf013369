/* SPDX-License-Identifier: BSD-2-Clause */
#include "json_read.h"
#include <stdio.h>
#include <string.h>

enum { NAME = 64, VALUE = 128, DEEPEST = 16 };

struct reader {
	const char *at, *end;
	json_take take;
	void *arg;
};

/* The next character that is no blank; 0: the end. */
static char next(struct reader *r)
{
	while (r->at < r->end && strchr(" \t\r\n", *r->at) && *r->at)
		r->at++;
	return r->at < r->end ? *r->at : '\0';
}

static bool skip(struct reader *r, char c)
{
	if (next(r) != c)
		return false;
	r->at++;
	return true;
}

static void keep(char *text, size_t room, size_t n, char c)
{
	if (n + 1 < room) {
		text[n] = c;
		text[n + 1] = '\0';
	}
}

/* The meaning of an escape is not asked for: these names and values have none. */
static bool read_string(struct reader *r, char *text, size_t room)
{
	*text = '\0';
	if (!skip(r, '"'))
		return false;
	for (size_t n = 0; r->at < r->end && *r->at != '"'; n++) {
		if (*r->at == '\\' && ++r->at == r->end)
			return false;
		keep(text, room, n, *r->at++);
	}
	return skip(r, '"');
}

/* A number, true, false, null. */
static bool read_word(struct reader *r, char *text, size_t room)
{
	size_t n = 0;

	*text = '\0';
	next(r);
	for (; r->at < r->end && *r->at && !strchr(" \t\r\n,}]:[{\"", *r->at); n++)
		keep(text, room, n, *r->at++);
	return n;
}

static bool read_object(struct reader *r, const char *prefix, int depth);

static bool read_array(struct reader *r, int depth);

/* One that has no name is not taken. */
static bool read_value(struct reader *r, const char *name, int depth)
{
	char value[VALUE], c = next(r);
	bool ok;

	if (depth > DEEPEST)
		return false;
	if (c == '{')
		return read_object(r, name, depth);
	if (c == '[')
		return read_array(r, depth);
	ok = c == '"' ? read_string(r, value, sizeof(value)) :
			read_word(r, value, sizeof(value));
	if (ok && *name)
		r->take(r->arg, name, value);
	return ok;
}

static bool read_array(struct reader *r, int depth)
{
	skip(r, '[');
	if (skip(r, ']'))
		return true;
	do
		if (!read_value(r, "", depth + 1))
			return false;
	while (skip(r, ','));
	return skip(r, ']');
}

static bool read_member(struct reader *r, const char *prefix, int depth)
{
	char name[NAME], full[2 * NAME] = "";

	if (!read_string(r, name, sizeof(name)) || !skip(r, ':'))
		return false;
	if (depth == 0)
		snprintf(full, sizeof(full), "%s", name);
	else if (depth == 1 && *prefix)
		snprintf(full, sizeof(full), "%.*s.%s", NAME - 1, prefix, name);
	return read_value(r, full, depth + 1);
}

static bool read_object(struct reader *r, const char *prefix, int depth)
{
	skip(r, '{');
	if (skip(r, '}'))
		return true;
	do
		if (!read_member(r, prefix, depth))
			return false;
	while (skip(r, ','));
	return skip(r, '}');
}

bool json_read(const char *text, size_t size, json_take take, void *arg)
{
	struct reader r = { text, text + size, take, arg };

	return next(&r) == '{' && read_object(&r, "", 0) && next(&r) == '\0' &&
	       r.at == r.end;
}
