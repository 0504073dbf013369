/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * answer.c - a stack that any thread pushes to and the loop takes whole.
 *
 * The top is the first of the two words loop->wq, which libuv makes and, before it frees
 * a loop, checks for the queue of none: a word that points to itself.  So that is the
 * empty stack.  A request is linked by the first word of its own wq.
 *
 * The thread whose request is the first tells the loop.  By then the loop may have it, and
 * be closed by its callback: what keeps the loop's memory is its wq_mutex, which
 * uv_loop_close() locks.  The thread of another request touches nothing after its push.
 *
 * Edge: give | take, the request as its work has left it.
 */
#include "answer.h"
#include "base/atomic.h"

static void *_Atomic *word(void *const *wq)
{
	return (void *_Atomic *)(uintptr_t)wq;
}

static bool push(struct uv__work *w, void *_Atomic *top, void *seen)
{
	store_relaxed(word((void **)&w->wq), seen);
	return cas_acq_rel(top, &seen, w);
}

static void push_and_tell(struct uv__work *w, uv_loop_t *loop, void *_Atomic *top)
{
	void *seen;

	uv_mutex_lock(&loop->wq_mutex);
	do {
		seen = load_relaxed(top);
	} while (!push(w, top, seen));
	if (seen == top)
		uv_async_send(&loop->wq_async);
	uv_mutex_unlock(&loop->wq_mutex);
}

void answer_give(struct uv__work *w)
{
	uv_loop_t *loop = w->loop;
	void *_Atomic *top = word((void **)&loop->wq);
	void *seen = load_relaxed(top);

	while (seen != top) {
		if (push(w, top, seen))
			return;
		seen = load_relaxed(top);
	}
	push_and_tell(w, loop, top);
}

struct uv__work *answer_next(const struct uv__work *w)
{
	return load_relaxed(word((void **)(uintptr_t)&w->wq));
}

struct uv__work *answer_take(uv_loop_t *loop)
{
	void *_Atomic *top = word((void **)&loop->wq);
	struct uv__work *w, *below, *first = NULL;

	for (w = swap_acq_rel(top, (void *)top); w != (void *)top; w = below) {
		below = answer_next(w);
		store_relaxed(word((void **)&w->wq), (void *)first);
		first = w;
	}
	return first;
}
