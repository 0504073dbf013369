/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sc_pause.c - a pause inside a task against all that may end it: a token, a
 * fence, the end of the pool.  Each of them alone must, and none may touch the
 * token's words once the pause is over.
 */
#include "base/host.h"
#include "sim.h"
#include "pool/pool.h"
#include <errno.h>
#include <string.h>
#include <ward/ward.h>

static struct pool pool; /* of which little is used */
static struct slot slot;
static struct ward_task task;
static struct ward_cancel *token;
static bool lent; /* the token is given back only in the end */

static void set_up(bool with_token)
{
	memset(&pool, 0, sizeof(pool));
	memset(&slot, 0, sizeof(slot));
	memset(&task, 0, sizeof(task));
	slot.pool = &pool;
	lent = false;
	token = with_token ? host_alloc(sizeof(*token)) : NULL;
	task.cancel = token;
	sim_private(&ward_pulse_);
	sim_name((void *)(uintptr_t)&slot.fence, "slot.fence");
	sim_name((void *)(uintptr_t)&slot.wait.on, "slot.wait.on");
	sim_name((void *)(uintptr_t)&slot.wait.wakers, "slot.wait.wakers");
	sim_name((void *)(uintptr_t)&slot.wait.pause, "slot.wait.pause");
	sim_name((void *)(uintptr_t)&pool.stopping, "pool.stopping");
	sim_name(token, "token");
}

static int why; /* plain: looked at when it was joined */

static void pauser(void *arg)
{
	(void)arg;
	host_set_self(&slot);
	slot_begin(&slot, &task, SLOT_RUN);
	why = ward_pause(HOST_FOREVER);
	slot_end(&slot);
	if (token && !lent)
		host_free(token, sizeof(*token)); /* release() may */
}

static void fires(void *arg)
{
	(void)arg;
	check(ward_cancel_fire(token, -EINTR));
}

/* As the steward, when it has found somebody inside. */
static void fences(void *arg)
{
	uint64_t word, none = 0;

	(void)arg;
	while (!slot_inside(word = load_acquire(&slot.word))) {
		if (word)
			return; /* it has left */
		host_relax();
	}
	check(cas_acq_rel(&slot.fence, &none, FENCE_TAKEN(word)));
	slot_wake_waiter(&slot);
}

/* As destroy. */
static void stops(void *arg)
{
	(void)arg;
	store_release(&pool.stopping, 1);
	host_barrier_heavy();
	slot_wake_waiter(&slot);
}

static void go(uint32_t n, void (*const *fn)(void *))
{
	host_thread t[4];

	check(!host_spawn(&t[0], NULL, pauser, NULL, NULL));
	for (uint32_t i = 0; i < n; i++)
		check(!host_spawn(&t[1 + i], NULL, fn[i], NULL, NULL));
	for (uint32_t i = 0; i <= n; i++)
		host_join(t[i], HOST_FOREVER);
	if (token && lent)
		host_free(token, sizeof(*token));
	check(sim_unfreed() == 0);
}

static void pause_fired(void)
{
	set_up(true);
	lent = true;
	go(1, (void (*[])(void *)){ fires });
	check(why == -EINTR);
}
SCENARIO(pause_fired, "a pause sleeps on though its token was fired",
	 .bound = 2, .share = 2);

static void pause_fenced(void)
{
	set_up(sim_choose(2));
	go(1, (void (*[])(void *)){ fences });
	check(why == -ESTALE);
}
SCENARIO(pause_fenced, "a pause sleeps on though it was fenced", .bound = 2,
	 .share = 2);

static void pause_stopped(void)
{
	set_up(sim_choose(2));
	go(1, (void (*[])(void *)){ stops });
	check(why == -ESHUTDOWN);
}
SCENARIO(pause_stopped, "a pause sleeps on though the pool stops", .bound = 2,
	 .share = 2);

/* The second thread must not touch what the first one made the pauser leave. */
static void pause_freed(void)
{
	set_up(true);
	go(2, (void (*[])(void *)){ stops, fences });
	check(why == -ESHUTDOWN || why == -ESTALE);
}
SCENARIO(pause_freed, "a token is moved after its task was given back",
	 .bound = 2, .share = 2);

static void pause_all(void)
{
	set_up(true);
	lent = true;
	go(3, (void (*[])(void *)){ fires, stops, fences });
	check(why == -EINTR || why == -ESHUTDOWN || why == -ESTALE);
}
SCENARIO(pause_all, "of three that end a pause one keeps another from it");
