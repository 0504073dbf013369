/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dedup.c - see dedup.h.
 *
 * The table has room for GROUPS hashes.  When it is full, the hash that was not told for
 * the longest time is forgotten: should it come again, it begins again at 1.
 */
#include "tell/dedup.h"
#include "base/host_lock.h"
#include <string.h>

/* ---- the hash: FNV-1a, 64 bits --------------------------------------------------- */

static uint64_t add_byte(uint64_t hash, uint64_t byte)
{
	return (hash ^ (byte & 0xff)) * UINT64_C(0x100000001b3);
}

/* By value, so that machines of either byte order agree. */
static uint64_t add_number(uint64_t hash, uint64_t n)
{
	for (int i = 0; i < 64; i += 8)
		hash = add_byte(hash, n >> i);
	return hash;
}

/* With its NUL, so that the next string is no part of it. */
static uint64_t add_string(uint64_t hash, const char *s)
{
	do {
		hash = add_byte(hash, (unsigned char)*s);
	} while (*s++);
	return hash;
}

static uint64_t add_frame(uint64_t hash, void *frame)
{
	uint64_t offset;
	const char *object = host_object(frame, &offset);

	hash = add_string(hash, basename(object));
	return add_number(hash, offset);
}

/* The linker's own; there is no floor in a program without workers. */
extern const char __start_ward_floor[]
	__attribute__((weak, visibility("hidden")));
extern const char __stop_ward_floor[]
	__attribute__((weak, visibility("hidden")));

bool dedup_is_floor(const void *frame)
{
	uintptr_t at = (uintptr_t)frame;

	return at > (uintptr_t)__start_ward_floor &&
	       at <= (uintptr_t)__stop_ward_floor;
}

uint64_t dedup_hash(const struct ward_report *report, bool interrupted)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	uint32_t first = interrupted, end = 0;

	while (end < report->nframes && !dedup_is_floor(report->frames[end]))
		end++;
	hash = add_number(hash, (uint64_t)report->kind);
	hash = add_number(hash, (uint32_t)report->err);
	for (uint32_t i = first; i < end; i++)
		hash = add_frame(hash, report->frames[i]);
	if (first >= end) {
		hash = add_string(hash, report->task);
		hash = add_string(hash, report->what);
	}
	return hash ? hash : 1;
}

/* ---- the count ------------------------------------------------------------------- */

enum { GROUPS = 512 };

static struct host_lock lock;
static uint64_t counted; /* under the lock, as all below */
static struct group {
	uint64_t hash, count; /* hash 0: free */
	uint64_t last;	      /* 'counted' when it came last */
} table[GROUPS];

/* The group of that hash, or the one to give up for it. */
static struct group *find(uint64_t hash)
{
	struct group *oldest = &table[0];

	for (uint32_t i = 0; i < GROUPS; i++) {
		if (table[i].hash == hash)
			return &table[i];
		if (table[i].last < oldest->last)
			oldest = &table[i];
	}
	return oldest;
}

uint64_t dedup_count(uint64_t hash)
{
	struct group *group;
	uint64_t count;

	host_lock_take(&lock);
	group = find(hash);
	if (group->hash != hash)
		*group = (struct group){ .hash = hash };
	count = ++group->count;
	group->last = ++counted;
	host_lock_give(&lock);
	return count;
}
