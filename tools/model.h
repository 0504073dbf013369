/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * model.h - a pool's page (ward/page.h), read and checked: whatever the file holds, what
 * is here is within bounds, and strings end.
 */
#ifndef WARD_TOOLS_MODEL_H
#define WARD_TOOLS_MODEL_H

#include <stdbool.h>
#include <ward/page.h>

struct model {
	struct ward_page page;
	ward_ns read_at; /* CLOCK_MONOTONIC */
	/* Each all zero where the part was never written. */
	struct ward_page_pool pool;
	struct ward_page_tree tree;
	struct ward_page_reports reports;
	struct ward_page_cells cells;
	struct ward_stats stats;
	/* As many as the table says; NULL: none. */
	struct ward_page_worker *worker;
	struct ward_page_zombie *zombie;
	struct ward_page_lane *lane;
	struct ward_page_limit *limit;
	struct ward_page_member *member;
	struct ward_page_report *report;
	struct ward_page_set *set;
	struct ward_page_cell *cell; /* of a set that there is */
};

/*
 * Reads the page in 'fd'.  0; or, with nothing in *model:
 *	-ENOMSG			it is no page
 *	-EAGAIN			it is not ready, or could not be had whole: again later
 *	-EPROTONOSUPPORT	of another version
 *	-ENOMEM, or what pread() says
 */
int model_read(struct model *model, int fd);
void model_free(struct model *model);

/* Names of what was read; of no known number "?". */
const char *doing_name(uint32_t doing);
const char *member_state_name(uint32_t state);
const char *cell_state_name(uint32_t state);

/* The upper end of the bucket with the share-th part (0 to 1) of all; 0: it is empty. */
ward_ns histogram_share(const uint64_t bucket[WARD_BUCKETS], double share);

#endif
