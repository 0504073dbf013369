/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sc_uv.c - libuv's requests on the pool (adapters/libuv): answered once, cancelled or
 * done, to a loop that may be gone right after its last answer; and the process's end.
 */
#include "../../adapters/libuv/answer.h"
#include "../../adapters/libuv/end.h"
#include "../../adapters/libuv/pool.h"
#include "../../adapters/libuv/request.h"
#include "base/host.h"
#include "log.h"
#include "names.h"
#include "sim.h"
#include "uv-common.h"
#include <string.h>

enum { ASKED = 3, SCAN = 1000000 };

static uv_loop_t *loop;
static struct ward_pool *pool;
static struct ward_lane *lane[END_LANES];
static bool counts_senders; /* libuv from 1.45 on */

/* ---- libuv ------------------------------------------------------------------------- */

static void tell(uv_loop_t *told)
{
	add_acq_rel(&told->told, 1);
	host_wake(&told->told, 1);
}

/* 0: not told; 1: somebody is at it; 2: told. */
static void send_144(uv_async_t *handle)
{
	uint32_t none = 0, mine = 1;

	if (load_relaxed(&handle->pending) || !cas_acq_rel(&handle->pending, &none, 1))
		return;
	tell(loop);
	check(cas_acq_rel(&handle->pending, &mine, 2));
}

static void send_145(uv_async_t *handle)
{
	if (load_relaxed(&handle->pending))
		return;
	add_acq_rel(&handle->busy, 1);
	if (!swap_acq_rel(&handle->pending, 1))
		tell(loop);
	sub_acq_rel(&handle->busy, 1);
}

int uv_async_send(uv_async_t *handle)
{
	if (counts_senders)
		send_145(handle);
	else
		send_144(handle);
	return 0;
}

static bool was_told(uv_async_t *handle)
{
	uint32_t seen = 2;

	if (counts_senders)
		return swap_acq_rel(&handle->pending, 0);
	while (!cas_acq_rel(&handle->pending, &seen, 0) && seen == 1) {
		host_relax();
		seen = 2;
	}
	return seen;
}

struct chunk {
	line_aligned size_t size;
	line_aligned char memory[];
};

void *uv__malloc(size_t size)
{
	struct chunk *chunk = host_alloc(sizeof(*chunk) + size);

	chunk->size = sizeof(*chunk) + size;
	return chunk->memory;
}

void uv__free(void *memory)
{
	struct chunk *chunk = ward_entry((char (*)[])memory, struct chunk, memory);

	host_free(chunk, chunk->size);
}

/* ---- a loop and its requests ------------------------------------------------------- */

static struct asked {
	struct uv__work *w;
	/* offstage */
	unsigned worked, answered;
	bool wanted, leaves; /* nobody cancelled it; its thread ends in there */
	int status;
} asked[ASKED];
static unsigned answers;

static struct asked *asked_of(const struct uv__work *w)
{
	for (unsigned i = 0; i < ASKED; i++)
		if (asked[i].w == w)
			return &asked[i];
	return NULL;
}

static offstage struct asked *worked(const struct uv__work *w)
{
	struct asked *a = asked_of(w);

	check(a && a->wanted && !a->worked++ && !a->answered);
	return a;
}

static void work(struct uv__work *w)
{
	if (worked(w)->leaves)
		host_exit();
}

static offstage void answered(const struct uv__work *w, bool cancelled)
{
	struct asked *a = asked_of(w);

	check(a && !a->answered++);
	check(cancelled == (!a->wanted || a->leaves));
	check(a->wanted == a->worked);
	a->w = NULL;
	answers++;
}

/* The request is its user's. */
static void done(struct uv__work *w, bool cancelled)
{
	answered(w, cancelled);
	host_free(w, sizeof(*w));
}

static void ask(unsigned i)
{
	struct uv__work *w = host_alloc(sizeof(*w));

	w->work = work;
	w->loop = loop;
	asked[i] = (struct asked){ .w = w, .wanted = true };
	sim_name(w, "request[%u]", i);
}

static void loop_begin(void)
{
	loop = host_alloc(sizeof(*loop));
	atomic_init((void *_Atomic *)&loop->wq[0], (void *)&loop->wq[0]);
	sim_name(&loop->wq[0], "loop.top");
	sim_name((void *)(uintptr_t)&loop->wq_async.pending, "loop.pending");
	counts_senders = sim_choose(2);
	answers = 0;
	memset(asked, 0, sizeof(asked));
}

static void loop_turn(void)
{
	struct uv__work *w, *next;

	if (!was_told(&loop->wq_async))
		return;
	for (w = answer_take(loop); w; w = next) {
		next = answer_next(w);
		done(w, request_end(w));
	}
}

static void loop_run(unsigned n)
{
	while (answers < n) {
		uint32_t seen = load_acquire(&loop->told);

		loop_turn();
		if (answers < n)
			host_wait(&loop->told, seen, HOST_FOREVER);
	}
}

/* As libuv does: what still sends is waited for. */
static void loop_end(void)
{
	while (load_acquire(&loop->wq_async.busy))
		host_relax();
	host_free(loop, sizeof(*loop));
}

/* ---- answers alone ------------------------------------------------------------------ */

static void gives(void *w)
{
	worked(w);
	answer_give(w);
}

/* The loop is told of each, and is gone when the last one is answered. */
static void uv_answers(void)
{
	host_thread thread[ASKED];

	loop_begin();
	for (unsigned i = 0; i < ASKED; i++) {
		ask(i);
		asked[i].w->wq[1] = NULL;
	}
	for (unsigned i = 0; i < ASKED; i++)
		check(!host_spawn(&thread[i], NULL, gives, NULL, asked[i].w));
	loop_run(ASKED);
	loop_end();
	for (unsigned i = 0; i < ASKED; i++)
		host_join(thread[i], HOST_FOREVER);
	check(sim_unfreed() == 0);
}
SCENARIO(uv_answers, "a loop is not told, or is touched after its end", .bound = 2,
	 .share = 2);

/* ---- on a pool ------------------------------------------------------------------------ */

static unsigned told;

uint64_t log_convictions(void)
{
	return told;
}

static offstage void convicted(void)
{
	told++;
}

static void report(void *arg, const struct ward_report *r)
{
	(void)arg;
	if (r->kind <= WARD_R_OVERDUE)
		convicted();
}

bool pool_submit(struct ward_task *task, bool slow)
{
	return !ward_lane_submit(lane[!slow], task, WARD_NOWAIT);
}

static void pool_begin(void)
{
	struct ward_policy policy = WARD_POLICY_INIT;
	struct ward_hooks hooks = { .report = report };
	struct ward_pool_config config = WARD_POOL_CONFIG_INIT;
	struct ward_lane_config wide = WARD_LANE_CONFIG_INIT;

	policy.busy_within = policy.blocked_within = 2 * SCAN;
	config.workers = config.spares = config.zombies = config.zombies_asleep = 1;
	config.ring = 4;
	config.scan = SCAN;
	config.stack = 64 << 10;
	config.trace_signo = WARD_TRACE_NONE;
	config.policy = &policy;
	config.hooks = &hooks;
	told = 0;
	sim_private(&ward_pulse_);
	check(!ward_pool_create(&pool, &config));
	name_pool((struct pool *)pool);
	for (int i = 0; i < END_LANES; i++) {
		wide.active = i == 0;
		check(!ward_lane_create(&lane[i], pool, &wide));
	}
	check(!ward_pool_start(pool));
}

static void lanes_end(void)
{
	for (int i = 0; i < END_LANES; i++)
		check(!ward_lane_destroy(lane[i]));
}

static offstage void unwanted(struct asked *a)
{
	check(!a->worked);
	a->wanted = false;
}

/* Some are cancelled, whatever has become of them; some threads end inside. */
static void uv_requests(void)
{
	pool_begin();
	loop_begin();
	for (unsigned i = 0; i < ASKED; i++) {
		ask(i);
		asked[i].leaves = i == 1 && sim_choose(2);
		check(request_submit(asked[i].w, "asked", sim_choose(2)));
	}
	for (unsigned i = 0; i < ASKED; i += 2)
		if (request_cancel(asked[i].w))
			unwanted(&asked[i]);
	loop_run(ASKED);
	loop_end();
	check(ward_pool_drain(pool, WARD_FOREVER) == 0);
	lanes_end();
	check(ward_pool_destroy(pool, WARD_FOREVER) == 0);
	check(sim_unfreed() == 0);
}
SCENARIO(uv_requests, "a request is answered twice, or not as it was", .steps = 200000,
	 .rare = 8);

/* ---- the end --------------------------------------------------------------------------- */

static struct ward_task last[ASKED];
static unsigned ended;
static _Atomic uint32_t gate;

static offstage void has_ended(void)
{
	ended++;
}

static int ends(struct ward_task *task)
{
	(void)task;
	has_ended();
	return 0;
}

static int hangs(struct ward_task *task)
{
	(void)task;
	while (!load_acquire(&gate))
		host_wait(&gate, 0, HOST_FOREVER);
	return 0;
}

/* What was asked for is done by then, or convicted and told of, in good health or not. */
static void uv_end(void)
{
	struct ward_stats stats = WARD_STATS_INIT;
	bool hung = sim_choose(2);

	pool_begin();
	memset(last, 0, sizeof(last));
	ended = 0;
	store_relaxed(&gate, 0);
	for (unsigned i = 0; i < ASKED; i++) {
		last[i].run = i == 0 && hung ? hangs : ends;
		check(pool_submit(&last[i], sim_choose(2)));
	}
	end_wait(pool, lane, WARD_FOREVER / 4);
	check(!ward_pool_stats(pool, &stats) && told >= stats.stalled);
	check(ended >= ASKED - stats.stalled);
	store_release(&gate, 1);
	host_wake(&gate, INT32_MAX);
	check(ward_pool_destroy(pool, WARD_FOREVER) == 0);
}
SCENARIO(uv_end, "a process ends before what it was asked for", .steps = 200000,
	 .rare = 8);
