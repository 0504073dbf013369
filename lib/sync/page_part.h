/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * page_part.h - one part of a pool's page (ward/page.h), as its writer gathers it: in
 * memory of its own, from which snapshot_put() copies it.
 */
#ifndef WARD_LIB_SYNC_PAGE_PART_H
#define WARD_LIB_SYNC_PAGE_PART_H

#include "base/host.h"
#include "sync/snapshot.h"
#include <string.h>
#include <ward/page.h>

/* The first field of what is gathered; 'size' is that of the public struct. */
static inline void page_head(struct ward_page_head *head, uint32_t size,
			     uint32_t bytes, ward_ns now)
{
	uint32_t ns;

	head->size = size;
	head->bytes = bytes;
	head->taken = now;
	host_utc(&head->taken_s, &ns);
}

/* A table whose first row lies at 'row'; it has room for 'room', and 'n' were there. */
#define page_table(part, first_row, room, n)                                    \
	((struct ward_page_table){                                             \
		.offset = (uint32_t)((const char *)(first_row) -               \
				     (const char *)(part)),                    \
		.stride = sizeof(*(first_row)),                                \
		.rows = (uint32_t)((n) < (room) ? (n) : (room)),               \
		.more = (uint32_t)((n) < (room) ? 0 : (n) - (room)) })

/* What fits, and the end.  NULL is "". */
static inline void page_text(char *to, size_t len, const char *from)
{
	size_t n = from ? strnlen(from, len - 1) : 0;

	if (n)
		memcpy(to, from, n);
	memset(to + n, 0, len - n);
}

#endif
