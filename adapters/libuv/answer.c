/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * answer.c - a stack that any thread pushes to and the loop takes whole.
 *
 * The top is the first of the two words loop->wq, which libuv makes and, before it frees
 * a loop, checks for the queue of none: a word that points to itself.  So that is the
 * empty stack.  A request is linked by the first word of its own wq.
 *
 * The thread whose request is the first tells the loop, and only it may still touch the
 * loop: any other's request may be answered and the loop closed.  Not the first one's.  The
 * loop comes to take it only when it was told, and of as many firsts as it has taken all
 * have told it.  What a thread in uv_async_send() still touches libuv waits for.
 *
 * Edges: give | take, the request as its work has left it; take | give of the next first:
 * it sees that the loop is not told any more.
 */
#include "answer.h"
#include "base/atomic.h"

#if UV_VERSION_HEX < 0x012c00 /* 1.44; before, a loop may end beside uv_async_send() */
#error "libuv 1.44 or later is needed"
#endif

static void *_Atomic *word(void *const *wq)
{
	return (void *_Atomic *)(uintptr_t)wq;
}

void answer_give(struct uv__work *w)
{
	uv_loop_t *loop = w->loop;
	void *_Atomic *top = word((void **)&loop->wq);
	void *seen = load_relaxed(top);

	do {
		store_relaxed(word((void **)&w->wq), seen);
	} while (!cas_acq_rel(top, &seen, w));
	if (seen == top)
		uv_async_send(&loop->wq_async);
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
