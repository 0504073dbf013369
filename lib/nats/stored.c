/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stored.c - what the server answers: whether a message was stored, and what is.
 *
 * The answers are JSON of a known form, with few members: they are looked for by name.
 */
#include "nats/consumer.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where the value of a member begins.  The client library ends data with a NUL. */
static const char *member(const char *json, const char *name)
{
	char quoted[32];
	const char *at;

	snprintf(quoted, sizeof(quoted), "\"%s\":", name);
	at = strstr(json, quoted);
	return at ? at + strlen(quoted) + strspn(at + strlen(quoted), " ") : NULL;
}

static uint64_t number(const char *json, const char *name)
{
	const char *at = member(json, name);

	return at ? strtoull(at, NULL, 10) : 0;
}

/* A member that is a string, as it stands there; how long it is. */
static size_t string(const char *json, const char *name, const char **at)
{
	*at = member(json, name);
	if (!*at || **at != '"')
		return 0;
	++*at;
	return strcspn(*at, "\"");
}

static const char *json_of(natsMsg *answer)
{
	return natsMsg_GetDataLength(answer) ? natsMsg_GetData(answer) : "";
}

void stored_read(natsMsg *answer, struct stored *stored)
{
	const char *json = json_of(answer), *text;
	size_t size = string(json, "description", &text);

	*stored = (struct stored){ .again = natsMsg_IsNoResponders(answer) };
	stored->error = number(json, "err_code");
	stored->sequence = number(json, "seq");
	stored->duplicate = member(json, "duplicate") &&
			    !strncmp(member(json, "duplicate"), "true", 4);
	if (!stored->error && !stored->sequence)
		stored->again = true;
	snprintf(stored->text, sizeof(stored->text), "%.*s", (int)size,
		 size ? text : "");
}

/* ---- the last of a key ----------------------------------------------------------- */

static int sextet(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* Base64, to a text; as much as there is room for. */
static void decode(const char *from, size_t size, char *to, size_t room)
{
	uint32_t bits = 0, n = 0;
	size_t out = 0;

	for (size_t i = 0; i < size && out + 1 < room && sextet(from[i]) >= 0; i++) {
		bits = bits << 6 | (uint32_t)sextet(from[i]);
		n += 6;
		if (n >= 8)
			to[out++] = (char)(bits >> (n -= 8));
	}
	to[out] = 0;
}

/* The value of a header, in their text. */
static bool header(const char *headers, const char *name, char *value, size_t room)
{
	char line[64];
	const char *at;

	snprintf(line, sizeof(line), "\r\n%s:", name);
	at = strstr(headers, line);
	*value = 0;
	if (!at)
		return false;
	at += strlen(line) + strspn(at + strlen(line), " ");
	snprintf(value, room, "%.*s", (int)strcspn(at, "\r\n"), at);
	return true;
}

static void read_headers(const char *headers, const char *attempt, struct last *last)
{
	char value[ATTEMPT_ROOM];

	last->kind = header(headers, "KV-Operation", value, sizeof(value)) ?
			     LAST_CLAIM :
			     LAST_RESULT;
	if (!header(headers, "Ward-Attempt", value, sizeof(value)))
		return;
	last->delivery = strtoull(value, NULL, 10);
	last->mine = !strcmp(value, attempt);
}

bool last_read(natsMsg *answer, const char *attempt, struct last *last)
{
	const char *json = json_of(answer), *coded;
	size_t size = string(json, "hdrs", &coded);
	uint64_t error = number(json, "err_code");
	char headers[2048];

	*last = (struct last){ .kind = LAST_NONE };
	if (error || natsMsg_IsNoResponders(answer))
		return error == STORED_NOTHING;
	last->sequence = number(json, "seq");
	if (!last->sequence)
		return false;
	decode(coded, size, headers, sizeof(headers));
	read_headers(headers, attempt, last);
	return true;
}
