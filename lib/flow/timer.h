/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * timer.h - something that a tree of stewards is to do at a point in time.
 *
 * A timer is one task, and is in the pool once at most, where it holds its owner.  A
 * timer that is unset is taken out, unless a worker has it just then.  A timer that comes
 * when nothing is due goes away again, and one that comes too early is set anew.  One
 * that is set to an earlier time than it waits for comes late: its owner sees to it that
 * this never matters.  So setting a timer needs no memory and cannot fail.
 *
 * All is L, tree->lock, fired() too.
 */
#ifndef WARD_LIB_FLOW_TIMER_H
#define WARD_LIB_FLOW_TIMER_H

#include <ward/task.h>

struct member;
struct tree;

struct timer {
	struct ward_task task;
	struct tree *tree;
	struct member *owner;
	ward_ns due; /* when it is wanted; WARD_FOREVER: not */
	bool armed;  /* in the pool: holds its owner */
	void (*fired)(struct timer *timer);
};

void timer_init(struct timer *timer, struct tree *tree, struct member *owner,
		void (*fired)(struct timer *timer), const char *name);
void timer_set(struct timer *timer, ward_ns due);
void timer_unset(struct timer *timer);

#endif
