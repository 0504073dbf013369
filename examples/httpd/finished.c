/* SPDX-License-Identifier: BSD-2-Clause */
#include "finished.h"

#include "request.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

int finished_open(struct finished *list)
{
	atomic_init(&list->newest, NULL);
	list->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return list->bell < 0 ? -errno : 0;
}

void finished_close(struct finished *list)
{
	close(list->bell);
}

void finished_ring(struct finished *list)
{
	/* Fails only when the counter is full: the bell is ringing already. */
	(void)eventfd_write(list->bell, 1);
}

void finished_push(struct finished *list, struct request *req)
{
	struct request *top =
		atomic_load_explicit(&list->newest, memory_order_relaxed);

	do {
		req->next = top;
	} while (!atomic_compare_exchange_weak_explicit(
		&list->newest, &top, req, memory_order_release, /* [A] */
		memory_order_relaxed));
	/*
	 * Every push rings.  Only the one that found the list empty would need to, but
	 * then a worker that is stopped right here would hold up all later answers.
	 */
	finished_ring(list);
}

struct request *finished_take(struct finished *list)
{
	struct request *req, *next, *oldest = NULL;
	eventfd_t rings;

	/* First the bell, then the list: a push in between rings again. */
	(void)eventfd_read(list->bell, &rings);
	req = atomic_exchange_explicit(&list->newest, NULL,
				       memory_order_acquire); /* [A] */
	for (; req; req = next) {
		next = req->next;
		req->next = oldest;
		oldest = req;
	}
	return oldest;
}
