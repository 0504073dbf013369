/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fanout - see fanout.h; this one uses it.
 */
#include "fanout.h"
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum { WORKERS = 2, BUFFER = 1024 };

static struct ward_pool *pool;
static _Atomic int begun, over, gate;

static void say(const char *what, int err)
{
	printf("  %s: %s\n", what, strerror(-err));
}

static void wait_for(_Atomic int *count, int n)
{
	while (*count < n)
		ward_pause(ward_in(WARD_MS(1)));
}

/* ---- functions ---------------------------------------------------------------- */

static int counts(struct ward_cancel *ctx, void *arg)
{
	(void)ctx;
	(void)arg;
	begun++;
	while (!gate)
		ward_pause(ward_in(WARD_MS(1)));
	over++;
	return 0;
}

static int panics(struct ward_cancel *ctx, void *arg)
{
	(void)ctx;
	ward_raise(-EPROTO, "%s went wrong", (const char *)arg);
}

/* Something long that is given up when its caller has given up. */
static int takes_long(struct ward_cancel *ctx, void *arg)
{
	begun++;
	ward_cancel_wait(ctx, WARD_FOREVER);
	*(int *)arg = ward_cancel_cause(ctx);
	return -ECANCELED;
}

/* ---- what is told ------------------------------------------------------------- */

static uint64_t panic_id;
static _Atomic int panicked;

static void failed(const char *name, int error, uint64_t id)
{
	if (error == -ECANCELED)
		return; /* asked to */
	printf("  %s: a function ended with \"%s\"\n", name, strerror(-error));
	panic_id = id;
	panicked = 1;
}

/* ---- scenes ------------------------------------------------------------------- */

static void refused(void)
{
	struct fanout *f;

	say("no workers", fanout_open(&f, pool, "cache", 0, BUFFER, NULL));
	say("no buffer", fanout_open(&f, pool, "cache", WORKERS, 0, NULL));
	if (fanout_open(&f, pool, "", WORKERS, BUFFER, NULL))
		return;
	say("no function", fanout_do(f, NULL, NULL, NULL));
	printf("  no name: \"%s\"\n", fanout_name(f));
	fanout_close(f);
	fanout_free(f);
}

static void full(struct fanout *f)
{
	int taken = 0, err;

	while (!(err = fanout_do(f, NULL, counts, NULL)))
		taken++;
	printf("  %d taken, by %d workers and a buffer of %d; the next: %s\n",
	       taken, WORKERS, BUFFER, strerror(-err));
	wait_for(&begun, WORKERS);
	printf("  %d begun\n", begun);
	gate = 1;
	wait_for(&over, taken);
}

static void panic(struct fanout *f)
{
	char line[4096];

	fanout_do(f, NULL, panics, (void *)"a mail");
	wait_for(&panicked, 1);
	/* It is told by another thread, in its own time. */
	while (ward_report_find(panic_id, line, sizeof(line), false) < 0)
		ward_pause(ward_in(WARD_MS(1)));
	fprintf(stderr, "%s\n", line); /* who, when, and the whole stack */
	printf("  report #%llu has its words: %s; its stack: %s\n",
	       (unsigned long long)panic_id,
	       strstr(line, "a mail went wrong") ? "yes" : "no",
	       strstr(line, "trace=\"") ? "yes" : "no");
}

static void context(struct fanout *f)
{
	struct ward_cancel request = { { 0 } }, timed = { { 0 } };
	int why[2] = { 0, 0 };

	begun = 0;
	fanout_do(f, &request, takes_long, &why[0]);
	fanout_do(f, &timed, takes_long, &why[1]);
	wait_for(&begun, 2);
	ward_cancel_fire(&request, -ECONNRESET);
	ward_cancel_deadline(&timed, ward_in(WARD_MS(20)));
	say("a caller who is gone already",
	    fanout_do(f, &request, counts, NULL));
	/* Until both functions are done: then nobody knows the tokens. */
	while (ward_cancel_fini(&request) || ward_cancel_fini(&timed))
		ward_pause(ward_in(WARD_MS(1)));
	say("the caller hangs up, and the function hears", why[0]);
	say("the caller's time is over", why[1]);
}

static void closed(struct fanout *f)
{
	over = 0;
	for (int i = 0; i < 100; i++)
		fanout_do(f, NULL, counts, NULL);
	say("close", fanout_close(f));
	printf("  done by then: %d of 100\n", over);
	say("close again", fanout_close(f));
	say("do", fanout_do(f, NULL, counts, NULL));
	fanout_free(f);
}

int main(void)
{
	struct ward_pool_config config = WARD_POOL_CONFIG_INIT;
	struct fanout *f;

	setvbuf(stdout, NULL, _IOLBF, 0);
	config.workers = WORKERS;
	if (ward_pool_create(&pool, &config) || ward_pool_start(pool))
		return 1;
	puts("what makes no sense:");
	refused();
	if (fanout_open(&f, pool, "mails", WORKERS, BUFFER, failed))
		return 1;
	puts("full:");
	full(f);
	puts("a panic:");
	panic(f);
	puts("the caller's context:");
	context(f);
	puts("the end:");
	closed(f);
	return ward_pool_destroy(pool, WARD_FOREVER);
}
