/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * request.c - a request has no room for a task, and is its owner's again before the task
 * is: so there is a record beside it, to which its second word of wq points.
 *
 * A record is held twice: by its loop until the request is given back, so that a cancel
 * finds it, and by the pool until the task's release.  The last to leave frees it.
 *
 * Edges: submit, or cancel | the worker, the request as it was; the first to leave | the
 * last, the record.
 */
#include "request.h"
#include "answer.h"
#include "base/atomic.h"
#include "pool.h"
#include "uv-common.h"
#ifdef EXERCISE
#include "exercise.h"
#endif

struct record {
	struct ward_task task;
	/* X: the request that waits for its turn; a worker or request_cancel() swaps
	 * it for NULL, and has it. */
	struct uv__work *_Atomic waits;
	struct uv__work *inside;  /* O: by 'waits': in a worker's hands */
	_Atomic uint32_t holders; /* M */
	_Atomic bool cancelled;	  /* O: by 'waits' */
};

static void **record_of(struct uv__work *w)
{
	return &((void **)&w->wq)[1];
}

static void record_drop(struct record *record)
{
	if (sub_acq_rel(&record->holders, 1) == 1)
		uv__free(record);
}

/* ---- on the pool's threads -------------------------------------------------------- */

static int work(struct ward_task *task)
{
	struct record *record = ward_entry(task, struct record, task);
	struct uv__work *w = swap_acq_rel(&record->waits, NULL);

	if (!w)
		return 0; /* it was cancelled, and may be no more */
	record->inside = w;
	w->work(w);
#ifdef EXERCISE
	exercise();
#endif
	record->inside = NULL;
	answer_give(w);
	return 0;
}

/* No thread is inside any more. */
static void leave(struct ward_task *task)
{
	struct record *record = ward_entry(task, struct record, task);

	if (record->inside) { /* its thread has ended in there */
		store_relaxed(&record->cancelled, true);
		answer_give(record->inside);
	}
	record_drop(record);
}

/* ---- on the loop's thread ------------------------------------------------------------ */

static struct record *record_make(struct uv__work *w, const char *name)
{
	struct record *record = uv__malloc(sizeof(*record));

	if (record) {
		*record = (struct record){ .task = { .run = work, .name = name } };
		record->task.release = leave;
		atomic_init(&record->waits, w);
		atomic_init(&record->holders, 2);
	}
	return record;
}

bool request_submit(struct uv__work *w, const char *name, bool slow)
{
	struct record *record = record_make(w, name);

	*record_of(w) = record;
	if (record && pool_submit(&record->task, slow))
		return true;
	*record_of(w) = NULL;
	uv__free(record);
	return false;
}

bool request_cancel(struct uv__work *w)
{
	struct record *record = *record_of(w);
	struct uv__work *waits = w;

	if (!record)
		return false;
	if (!cas_acq_rel(&record->waits, &waits, NULL))
		return load_relaxed(&record->cancelled);
	store_relaxed(&record->cancelled, true);
	answer_give(w);
	return true;
}

bool request_end(struct uv__work *w)
{
	struct record *record = *record_of(w);
	bool cancelled = record && load_relaxed(&record->cancelled);

	*record_of(w) = NULL;
	if (record)
		record_drop(record);
	return cancelled;
}
