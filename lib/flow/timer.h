/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * timer.h - something that a ward is to do at a point in time.
 *
 * A timer is one task, and is in the pool once at most, where it holds its ward.  A timer
 * that is unset is taken out, unless a worker has it just then.  A timer that comes when
 * nothing is due goes away again, and one that comes too early is set anew.  One that is
 * set to an earlier time than it waits for comes late: the ward sees to it that this
 * never matters.  So setting a timer needs no memory and cannot fail.
 *
 * All is L, tree->lock, fired() too.
 */
#ifndef WARD_LIB_FLOW_TIMER_H
#define WARD_LIB_FLOW_TIMER_H

#include <ward/task.h>

struct ward;

struct timer {
	struct ward_task task;
	struct ward *ward;
	ward_ns due; /* when it is wanted; WARD_FOREVER: not */
	bool armed;  /* in the pool */
	void (*fired)(struct ward *ward);
};

/* In zeroed memory. */
void timer_init(struct timer *timer, struct ward *ward,
		void (*fired)(struct ward *ward));
void timer_set(struct timer *timer, ward_ns due);
void timer_unset(struct timer *timer);

#endif
