/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * or_done - the first of several reasons to stop ends the work.
 *
 * In Go, or(a, b, c) is a channel that closes when any of its arguments does, at
 * the price of a goroutine; orDone(done, stream) reads until either ends.  Here
 * "or" is a token that is linked to several, and a reader that carries it stops
 * when its stream ends or when it is told to.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <ward/ward.h>

enum { REASONS = 3, ITEMS = 5 };

/* ---- or ---------------------------------------------------------------------- */

static void any_of_them(int first)
{
	struct ward_cancel reason[REASONS] = { { { 0 } } }, any = { { 0 } };
	struct ward_watch link[REASONS] = { { 0 } };
	static const int cause[REASONS] = { -EINTR, -EPIPE, -ENOSPC };

	for (int i = 0; i < REASONS; i++)
		ward_cancel_link(&any, &reason[i], &link[i]);
	ward_cancel_fire(&reason[first], cause[first]);
	ward_cancel_wait(&any, WARD_FOREVER);
	for (int i = 0; i < REASONS; i++)
		ward_cancel_fire(&reason[i], cause[i]); /* it is decided */
	printf("first was %d: %s\n", first, strerror(-ward_cancel_cause(&any)));
	ward_cancel_fini(&any); /* takes the links back */
}

/* ---- or done ----------------------------------------------------------------- */

struct reader {
	struct ward_task task;
	struct ward_bridge *stream;
	struct ward_cancel *stop; /* fired by the reader, when it has enough */
	int got, why;
};

static int number[ITEMS] = { 1, 2, 3, 4, 5 };

static int read_on(struct ward_task *task)
{
	struct reader *reader = ward_entry(task, struct reader, task);
	void *item;

	/* Ends with the stream, or with the task's token: no second look. */
	while (!(reader->why = ward_bridge_get(reader->stream, &item, NULL,
					       WARD_FOREVER))) {
		reader->got++;
		printf("  %d\n", *(int *)item);
		if (reader->stop && reader->got == 2)
			ward_cancel_fire(reader->stop, -EINTR);
	}
	return 0;
}

static void read_stream(struct ward_pool *pool, bool enough)
{
	struct ward_cancel stop = { { 0 } }, done = { { 0 } };
	struct ward_watch link = { 0 };
	struct reader reader = { .task = { .run = read_on, .cancel = &done } };

	reader.stop = enough ? &stop : NULL;
	ward_cancel_link(&done, &stop, &link);
	if (ward_bridge_create(&reader.stream, ITEMS, NULL) ||
	    ward_submit(pool, &reader.task, WARD_FOREVER))
		return;
	for (int i = 0; i < (enough ? 2 : ITEMS); i++)
		ward_bridge_put(reader.stream, 0, &number[i], WARD_FOREVER);
	if (!enough)
		ward_bridge_close(reader.stream, 0);
	ward_pool_drain(pool, WARD_FOREVER);
	printf("%d read, then: %s\n", reader.got, strerror(-reader.why));
	ward_bridge_close(reader.stream, 0);
	ward_bridge_destroy(reader.stream);
	ward_cancel_fini(&done);
	ward_cancel_fini(&stop);
}

static bool with_pool(bool enough)
{
	struct ward_pool_config config = WARD_POOL_CONFIG_INIT;
	struct ward_pool *pool;

	config.workers = 1;
	if (ward_pool_create(&pool, &config) || ward_pool_start(pool))
		return false;
	read_stream(pool, enough);
	return ward_pool_destroy(pool, ward_in(WARD_S(10))) == 0;
}

int main(void)
{
	for (int i = 0; i < REASONS; i++)
		any_of_them(i);
	puts("a stream that ends:");
	if (!with_pool(false))
		return 1;
	puts("a reader that has enough, of one that does not:");
	return !with_pool(true);
}
