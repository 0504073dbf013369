/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * later.h - tasks that wait for their time.
 *
 * Whoever has such a task pushes it; the steward takes what arrived into a heap,
 * sleeps no longer than until the first is due, and puts what is due on the
 * inbox's owed list.  So there is one clock in a pool, and a wait costs no memory
 * and no thread.
 *
 *              put  due
 *   put         *    *    any number of threads at once, lock-free
 *   due              *    the steward, or who comes after its end; a second one
 *                         that comes while the first is held finds nothing
 *
 * Edge [w]: put | taken by the steward; also for what the task shows.
 */
#ifndef WARD_LIB_WORK_LATER_H
#define WARD_LIB_WORK_LATER_H

#include "sync/heap.h"
#include "work/inbox.h"

struct later {
	struct ward_task *_Atomic arrived; /* by their books' links */
	_Atomic uint64_t waiting;	   /* arrived, or in the heap */
	_Atomic uint32_t hurry;		   /* some that wait need not any more */
	_Atomic uint32_t busy;		   /* X: somebody has the heap */
	struct heap heap;
};

/* The caller owns the task's state; its book's second line is in use. */
void later_put(struct later *later, struct inbox *inbox,
	       struct ward_task *task, uint64_t at);
/* Some that wait were cancelled, or the inbox was closed: then ring the steward. */
void later_hurry(struct later *later);
/* Hands on what is due.  When the next one is: HOST_FOREVER if there is none. */
uint64_t later_due(struct later *later, struct inbox *inbox, uint64_t now);

#endif
