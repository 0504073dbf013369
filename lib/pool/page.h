/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * page.h - the page that a pool publishes: include/ward/page.h, and its memory.
 *
 * The steward, the scribe, the tree of wards and the sets of cells write a part each, which
 * they have gathered in memory of their own.  All sizes are decided as the page is made: rows that
 * find no room are counted.
 */
#ifndef WARD_LIB_POOL_PAGE_H
#define WARD_LIB_POOL_PAGE_H

#include "sync/page_part.h"

enum {
	PAGE_WORKERS = 256,
	PAGE_ZOMBIES = 64,
	PAGE_LANES = 64,
	PAGE_LIMITS = 32,
	PAGE_MEMBERS = 128,
	PAGE_SETS = 16,
	PAGE_CELLS = 128
};

struct page_pool {
	struct ward_page_pool head;
	struct ward_stats stats;
	struct ward_page_zombie zombie[PAGE_ZOMBIES];
	struct ward_page_lane lane[PAGE_LANES];
	struct ward_page_limit limit[PAGE_LIMITS];
	struct ward_page_worker worker[]; /* page->workers */
};

struct page_tree {
	struct ward_page_tree head;
	struct ward_page_member member[PAGE_MEMBERS];
};

/* Of all sets of the pool: by the holder of the claim. */
struct page_cells {
	struct ward_page_cells head;
	struct ward_page_set set[PAGE_SETS];
	struct ward_page_cell cell[PAGE_CELLS];
};

struct page {
	struct host_page host; /* I: mem NULL: there is no page */
	uint32_t workers;      /* I: rows: the seats, and the bench */
	struct {
		_Atomic uint32_t claim; /* X: only tried */
		uint32_t sets, rows;	/* P: of 'part' */
		const void *set[PAGE_SETS]; /* P: whose row it is */
		struct page_cells *part; /* P */
	} cells;
	struct snapshot part[WARD_PAGE_PARTS];
};

static inline bool page_is_made(const struct page *page)
{
	return page->host.mem;
}

static inline size_t page_pool_bytes(const struct page *page)
{
	return sizeof(struct page_pool) +
	       page->workers * sizeof(struct ward_page_worker);
}

/* For a pool of so many seats.  As host_page_make(). */
int page_make(struct page *page, const char *pool, uint32_t seats, int *why);
void page_free(struct page *page);
/* The pool was destroyed: no other process finds it any more; its memory stays. */
void page_end(struct page *page);

#endif
