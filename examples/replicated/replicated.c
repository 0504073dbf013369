/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * replicated - the same request to ten handlers; the first answer counts.
 *
 * Each handler takes a time of its own, as servers do.  The first one that returns 0
 * has won; the others see it in ward_check() and leave, and say how long they took
 * until then, and how long they would have taken.
 *
 * Then the same with patience: one handler is asked, the next only after a while, and
 * at once if one fails; and a budget that allows no more than one request in ten to
 * be asked twice.
 */
#include <errno.h>
#include <stdio.h>
#include <ward/ward.h>

enum { HANDLERS = 10 };

/* Milliseconds; drawn by lot once, so that the output is always the same. */
static const unsigned load[HANDLERS] = { 480, 310, 920, 270, 650,
					 540, 20,  390, 770, 230 };

struct request {
	_Atomic int begun;
	struct {
		ward_ns took;
		int why; /* it ended */
	} handler[HANDLERS];
};

static int handle(void *arg, unsigned n)
{
	struct request *request = arg;
	ward_ns began;
	int why;

	/* All or none: else one could answer before another was asked. */
	request->begun++;
	while (request->begun < HANDLERS)
		ward_pause(ward_in(WARD_MS(1)));
	began = ward_now();
	why = ward_pause(began + WARD_MS(load[n]));
	request->handler[n].took = ward_now() - began;
	request->handler[n].why = why;
	return why;
}

static void tell(const struct request *request, int winner)
{
	printf("handler %d answered first\n", winner);
	for (int i = 0; i < HANDLERS; i++) {
		ward_ns took = request->handler[i].took;

		if (i == winner)
			printf("handler %d took %llu ms\n", i,
			       (unsigned long long)(took / 1000000));
		else if (request->handler[i].why == -ECANCELED &&
			 took < WARD_MS(load[i]))
			printf("handler %d was cancelled after %llu ms\n", i,
			       (unsigned long long)(took / 1000000));
		else
			printf("handler %d was not stopped\n", i);
	}
}

static void all_at_once(struct ward_pool *pool)
{
	struct ward_hedge_config config = WARD_HEDGE_CONFIG_INIT;
	struct ward_hedge *hedge;
	static struct request request;
	int winner;

	config.tries = HANDLERS;
	config.run = handle;
	config.arg = &request;
	config.name = "handler";
	if (ward_hedge_start(&hedge, pool, &config))
		return;
	winner = ward_hedge_wait(hedge, WARD_FOREVER);
	ward_hedge_put(hedge);
	/* Others may still be inside: they have left when the pool is empty. */
	ward_pool_drain(pool, WARD_FOREVER);
	tell(&request, winner);
}

/* ---- with patience ---------------------------------------------------------- */

static int fails_then_answers(void *arg, unsigned n)
{
	(void)arg;
	printf("try %u: %s\n", n, n ? "answers" : "fails");
	return n ? 0 : -EIO;
}

static int never_answers(void *arg, unsigned n)
{
	(void)arg;
	(void)n;
	return ward_pause(ward_in(WARD_MS(20))) ? -ECANCELED : -EIO;
}

static int ask(struct ward_pool *pool, int (*run)(void *arg, unsigned n),
	       struct ward_limit *budget, ward_ns delay)
{
	struct ward_hedge_config config = WARD_HEDGE_CONFIG_INIT;
	struct ward_hedge *hedge;
	int winner;

	config.tries = 3;
	config.run = run;
	config.delay = delay;
	config.budget = budget;
	winner = ward_hedge_start(&hedge, pool, &config);
	if (!winner) {
		winner = ward_hedge_wait(hedge, WARD_FOREVER);
		ward_hedge_put(hedge);
	}
	return winner;
}

static void with_patience(struct ward_pool *pool)
{
	struct ward_limit budget;
	int winner;

	winner = ask(pool, fails_then_answers, NULL, WARD_S(60));
	printf("an error brings the next try at once: try %d won\n", winner);
	if (ward_limit_init(&budget, 0.001, 1))
		return;
	winner = ask(pool, never_answers, &budget, WARD_MS(1));
	printf("the budget allowed one try more: %s\n",
	       winner == -EIO ? "all failed" : "?");
	winner = ask(pool, never_answers, &budget, WARD_MS(1));
	printf("and then none: %s\n", winner == -EIO ? "all failed" : "?");
}

static void ignore(void *arg, const struct ward_report *report)
{
	(void)arg;
	(void)report; /* tries that fail are no news here */
}

static struct ward_pool *pool_up(void)
{
	static const struct ward_hooks hooks = { .report = ignore };
	struct ward_pool_config config = WARD_POOL_CONFIG_INIT;
	struct ward_pool *pool;

	config.workers = HANDLERS;
	config.hooks = &hooks;
	if (ward_pool_create(&pool, &config))
		return NULL;
	if (!ward_pool_start(pool))
		return pool;
	ward_pool_destroy(pool, WARD_NOWAIT);
	return NULL;
}

int main(void)
{
	void (*const part[])(struct ward_pool *pool) = { all_at_once,
							 with_patience };

	for (int i = 0; i < 2; i++) {
		struct ward_pool *pool = pool_up();

		if (!pool)
			return 1;
		part[i](pool);
		ward_pool_destroy(pool, WARD_FOREVER);
	}
	return 0;
}
