/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * key.c - keys have letters, digits and -/_ as they are; any other byte is =XX.  (A dot
 * would part a subject's tokens, which may not be empty.)
 */
#include "fleet.h"
#include <ctype.h>
#include <string.h>

static int stands_for_itself(unsigned char c)
{
	return isalnum(c) || c == '-' || c == '/' || c == '_';
}

int key_of(const char *path, char key[KEY_MOST + 1])
{
	size_t n = 0;

	for (; *path; path++) {
		unsigned char c = (unsigned char)*path;
		size_t more = stands_for_itself(c) ? 1 : 3;

		if (n + more > KEY_MOST)
			return 0;
		snprintf(key + n, more + 1, more == 1 ? "%c" : "=%02X", c);
		n += more;
	}
	key[n] = '\0';
	return n > 0;
}

void path_of(const char *key, char path[KEY_MOST + 1])
{
	unsigned byte;

	while (*key) {
		if (*key == '=' && sscanf(key + 1, "%2X", &byte) == 1) {
			*path++ = (char)byte;
			key += strnlen(key, 3);
		} else {
			*path++ = *key++;
		}
	}
	*path = '\0';
}
