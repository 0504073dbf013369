/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lines.h - how often cache lines travel between threads.
 *
 * A line travels when a thread touches it that did not have it: it reads what
 * another has written since, or writes what others have read or written since.
 * Each thread is taken for a core with a cache without end.
 */
#ifndef SIM_LINES_H
#define SIM_LINES_H

#include <stdbool.h>
#include <stddef.h>

/* The owner of a line, by its address; a line of none is the last one's. */
enum lines_of { OF_TASK, OF_RING, OF_HAND, OF_INBOX, OF_REST, LINES_OF };

struct lines_count {
	unsigned long reads[LINES_OF], writes[LINES_OF];
};

/* By the scenario: what lies there is of that kind; then, from here to there. */
void lines_are(enum lines_of kind, const void *p, size_t size);
void lines_begin(void);
void lines_end(void);

/* By the memory: an access of the current thread. */
void lines_touch(const void *p, size_t size, bool writes);
/* Before a run. */
void lines_reset(void);

/* All that was counted in the runs of the scenario: true if it is as it should be. */
bool lines_tell(void);

/* sc_lines.c: so many tasks through an inbox with so many workers. */
enum { LINES_TASKS = 96 };
extern unsigned lines_workers;
void lines_body(void);

#endif
