/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * json_read.h - the members of a JSON object that somebody else wrote.
 */
#ifndef WARD_TOOLS_JSON_READ_H
#define WARD_TOOLS_JSON_READ_H

#include <stdbool.h>
#include <stddef.h>

/* A member, "pid", or of an object in it, "pool.workers"; its value as text. */
typedef void (*json_take)(void *arg, const char *name, const char *value);

/*
 * Calls take() for each member that is a string, a number or a word; members in arrays,
 * or deeper, are passed over.  False: it is no such object; some may have been taken.
 */
bool json_read(const char *text, size_t size, json_take take, void *arg);

#endif
