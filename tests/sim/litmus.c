/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * litmus.c - tests of the tester: what each memory model lets programs of a few
 * lines observe, and what it must never let them.
 *
 * 'y' is looked for until it is seen; 'n' must stay unseen, also in the schedules
 * of dfs with up to four preemptions and three odd memory choices.
 */
#include "base/host.h"
#include "core.h"
#include "litmus.h"
#include <string.h>

#define RANDOM_RUNS 3000
#define DFS_RUNS 40000

static _Atomic uint32_t x, y;
static int32_t r[4];
static uint32_t plain;

#define get(p, order) (int32_t)atomic_load_explicit(p, memory_order_##order)
#define set(p, v, order) atomic_store_explicit(p, v, memory_order_##order)
#define add(p, v, order)                                                       \
	(void)atomic_fetch_add_explicit(p, v, memory_order_##order)
#define full barrier_seq_cst()
#define acq atomic_thread_fence(memory_order_acquire)
#define rel atomic_thread_fence(memory_order_release)
#define light host_barrier_light()
#define heavy host_barrier_heavy()

#define P(name, ...)                                                           \
	static void name(void *arg)                                            \
	{                                                                      \
		(void)arg;                                                     \
		__VA_ARGS__;                                                   \
	}

/* store buffering: a thread stores and then looks */
P(sb_x, set(&x, 1, relaxed); r[0] = get(&y, relaxed))
P(sb_y, set(&y, 1, relaxed); r[1] = get(&x, relaxed))
P(sb_xa, set(&x, 1, release); r[0] = get(&y, acquire))
P(sb_ya, set(&y, 1, release); r[1] = get(&x, acquire))
P(sb_xf, set(&x, 1, relaxed); full; r[0] = get(&y, relaxed))
P(sb_yf, set(&y, 1, relaxed); full; r[1] = get(&x, relaxed))
P(sb_xl, set(&x, 1, relaxed); light; r[0] = get(&y, relaxed))
P(sb_yl, set(&y, 1, relaxed); light; r[1] = get(&x, relaxed))
P(sb_yh, set(&y, 1, relaxed); heavy; r[1] = get(&x, relaxed))
P(sb_xh, set(&x, 1, relaxed); heavy; r[0] = get(&y, relaxed))
P(sb_xs, add(&x, 1, acq_rel); r[0] = get(&y, relaxed))
P(sb_ys, add(&y, 1, acq_rel); r[1] = get(&x, relaxed))
/* message passing */
P(mp_w, set(&x, 1, relaxed); set(&y, 1, relaxed))
P(mp_r, r[0] = get(&y, relaxed); r[1] = get(&x, relaxed))
P(mp_wr, set(&x, 1, relaxed); set(&y, 1, release))
P(mp_ra, r[0] = get(&y, acquire); r[1] = get(&x, relaxed))
P(mp_wf, set(&x, 1, relaxed); rel; set(&y, 1, relaxed))
P(mp_rf, r[0] = get(&y, relaxed); acq; r[1] = get(&x, relaxed))
P(mp_wl, set(&x, 1, relaxed); light; set(&y, 1, relaxed))
P(mp_rh, r[0] = get(&y, relaxed); heavy; r[1] = get(&x, relaxed))
P(mp_wh, set(&x, 1, relaxed); heavy; set(&y, 1, relaxed))
P(mp_rl, r[0] = get(&y, relaxed); light; r[1] = get(&x, relaxed))
/* load buffering: the one that stays out */
P(lb_x, r[0] = get(&x, relaxed); set(&y, 1, relaxed))
P(lb_y, r[1] = get(&y, relaxed); set(&x, 1, relaxed))
/* independent reads of independent writes */
P(iriw_x, set(&x, 1, release))
P(iriw_y, set(&y, 1, release))
P(iriw_ra, r[0] = get(&x, acquire); r[1] = get(&y, acquire))
P(iriw_rb, r[2] = get(&y, acquire); r[3] = get(&x, acquire))
P(iriw_fa, r[0] = get(&x, relaxed); full; r[1] = get(&y, relaxed))
P(iriw_fb, r[2] = get(&y, relaxed); full; r[3] = get(&x, relaxed))
/* coherence */
P(co_w, set(&x, 1, relaxed); set(&x, 2, relaxed))
P(co_r, r[0] = get(&x, relaxed); r[1] = get(&x, relaxed))
P(wrc_w, set(&x, 1, relaxed))
P(wrc_a, r[0] = get(&x, acquire); set(&y, 1, release))
P(wrc_b, r[1] = get(&y, acquire); r[2] = get(&x, relaxed))
/* which of two stores replaces the other */
P(w2_a, set(&x, 1, relaxed); set(&y, 2, relaxed))
P(w2_b, set(&y, 1, relaxed); set(&x, 2, relaxed))
P(w2_af, set(&x, 1, relaxed); full; set(&y, 2, relaxed))
P(w2_bf, set(&y, 1, relaxed); full; set(&x, 2, relaxed))
P(s_a, set(&x, 2, relaxed); set(&y, 1, relaxed))
P(s_b, r[0] = get(&y, relaxed); set(&x, 1, relaxed))
P(s_ar, set(&x, 2, relaxed); set(&y, 1, release))
P(s_ba, r[0] = get(&y, acquire); set(&x, 1, relaxed))
P(r_a, set(&x, 1, relaxed); full; set(&y, 1, relaxed))
P(r_b, set(&y, 2, relaxed); full; r[0] = get(&x, relaxed))
P(r_bx, set(&y, 2, relaxed); r[0] = get(&x, relaxed))
/* a swap goes on with the release sequence, a store ends it */
P(rs_w, set(&x, 1, relaxed); set(&y, 1, release))
P(rs_add, if (get(&y, relaxed) == 1) add(&y, 1, relaxed))
P(rs_wend, set(&x, 1, relaxed); set(&y, 1, release); set(&y, 2, relaxed))
P(rs_r, r[0] = get(&y, acquire); r[1] = get(&x, relaxed))
P(inc, add(&x, 1, relaxed))
/* a futex: set and wake against look and sleep */
P(fx_set, set(&x, 1, relaxed); host_wake(&x, 1); r[0] = 1)
P(fx_nowake, set(&x, 1, relaxed); r[0] = 1)
P(fx_wait, while (!get(&x, relaxed)) host_wait(&x, 0, HOST_FOREVER))
/* plain data: behind a flag, behind fences that nobody reads across */
P(pl_w, plain = 1; set(&y, 1, release))
P(pl_r, if (get(&y, acquire)) r[0] = (int32_t)plain)
P(pl_wx, plain = 1; set(&y, 1, relaxed))
P(pl_rx, if (get(&y, relaxed)) r[0] = (int32_t)plain)
P(pl_wf, plain = 1; full; set(&x, 1, relaxed))
P(pl_rf, set(&y, 1, relaxed); full; if (get(&x, relaxed)) r[0] = (int32_t)plain)
P(pl_rn, set(&y, 1, relaxed); full; r[0] = (int32_t)plain)

static bool both_zero(void) { return !r[0] && !r[1]; }
static bool no_message(void) { return r[0] == 1 && r[1] == 0; }
static bool both_one(void) { return r[0] == 1 && r[1] == 1; }
static bool disagree(void)
{
	return r[0] == 1 && !r[1] && r[2] == 1 && !r[3];
}
static bool backwards(void) { return r[0] == 2 && r[1] == 1; }
static bool lost_cause(void) { return r[0] == 1 && r[1] == 1 && !r[2]; }
static uint64_t end_of(_Atomic uint32_t *p)
{
	return memory_peek((const void *)(uintptr_t)p, 4);
}
static bool both_first(void) { return end_of(&x) == 1 && end_of(&y) == 1; }
static bool s_seen(void) { return r[0] == 1 && end_of(&x) == 2; }
static bool r_seen(void) { return end_of(&y) == 2 && !r[0]; }
static bool two_no_message(void) { return r[0] == 2 && r[1] == 0; }
static bool lost_count(void) { return end_of(&x) != 2; }
static bool never(void) { return false; }

static const struct litmus {
	const char *name;
	void (*thread[4])(void *arg);
	bool (*seen)(void);
	const char *want; /* sc, tso, weak */
} table[] = {
	{ "SB", { sb_x, sb_y }, both_zero, "nyy" },
	{ "SB release acquire", { sb_xa, sb_ya }, both_zero, "nyy" },
	{ "SB full fences", { sb_xf, sb_yf }, both_zero, "nnn" },
	{ "SB one full fence", { sb_xf, sb_y }, both_zero, "nyy" },
	{ "SB light light", { sb_xl, sb_yl }, both_zero, "nyy" },
	{ "SB light heavy", { sb_xl, sb_yh }, both_zero, "nnn" },
	{ "SB heavy heavy", { sb_xh, sb_yh }, both_zero, "nnn" },
	{ "SB heavy none", { sb_xh, sb_y }, both_zero, "nyy" },
	{ "SB swaps", { sb_xs, sb_ys }, both_zero, "nny" },
	{ "MP", { mp_w, mp_r }, no_message, "nny" },
	{ "MP release only", { mp_wr, mp_r }, no_message, "nny" },
	{ "MP acquire only", { mp_w, mp_ra }, no_message, "nny" },
	{ "MP release acquire", { mp_wr, mp_ra }, no_message, "nnn" },
	{ "MP fences", { mp_wf, mp_rf }, no_message, "nnn" },
	{ "MP light heavy", { mp_wl, mp_rh }, no_message, "nnn" },
	{ "MP heavy light", { mp_wh, mp_rl }, no_message, "nnn" },
	{ "LB", { lb_x, lb_y }, both_one, "nnn" },
	{ "IRIW release acquire",
	  { iriw_x, iriw_y, iriw_ra, iriw_rb },
	  disagree,
	  "nny" },
	{ "IRIW full fences",
	  { iriw_x, iriw_y, iriw_fa, iriw_fb },
	  disagree,
	  "nnn" },
	{ "CoRR", { co_w, co_r }, backwards, "nnn" },
	{ "WRC release acquire",
	  { wrc_w, wrc_a, wrc_b },
	  lost_cause,
	  "nnn" },
	{ "2+2W", { w2_a, w2_b }, both_first, "nny" },
	{ "2+2W full fences", { w2_af, w2_bf }, both_first, "nnn" },
	{ "S", { s_a, s_b }, s_seen, "nny" },
	{ "S release acquire", { s_ar, s_ba }, s_seen, "nnn" },
	{ "R full fences", { r_a, r_b }, r_seen, "nnn" },
	{ "R one full fence", { r_a, r_bx }, r_seen, "nyy" },
	{ "release, swap on", { rs_w, rs_add, rs_r }, two_no_message, "nnn" },
	{ "release, store on", { rs_wend, rs_r }, two_no_message, "nny" },
	{ "two increments", { inc, inc }, lost_count, "nnn" },
	{ "futex", { fx_set, fx_wait }, never, "nnn" },
	{ "futex, no wake", { fx_nowake, fx_wait }, never, "yyy" },
	{ "plain behind a flag", { pl_w, pl_r }, never, "nnn" },
	{ "plain, relaxed flag", { pl_wx, pl_rx }, never, "nny" },
	{ "plain, fences, read", { pl_wf, pl_rf }, never, "nny" },
	{ "plain, fences only", { pl_wf, pl_rn }, never, "nny" },
};

static const struct litmus *row;

static void body(void)
{
	host_thread thread[4];
	int n = 0;

	atomic_init(&x, 0);
	atomic_init(&y, 0);
	plain = 0;
	memset(r, 0, sizeof(r));
	sim_name((void *)(uintptr_t)&x, "x");
	sim_name((void *)(uintptr_t)&y, "y");
	sim_name(&plain, "plain");
	for (; n < 4 && row->thread[n]; n++)
		check(host_spawn(&thread[n], NULL, row->thread[n], NULL,
				 NULL) == 0);
	for (int i = 0; i < n; i++)
		host_join(thread[i], HOST_FOREVER);
	check(!row->seen());
}

unsigned litmus_count(void)
{
	return sizeof(table) / sizeof(table[0]);
}

const char *litmus_name(unsigned i)
{
	return table[i].name;
}

bool litmus_try(unsigned i, enum sim_model model, long parts, bool *whole, long *runs)
{
	struct run how = { .model = model, .stop_thread = -1 };
	bool want = table[i].want[model] == 'y', more = dfs_next(true);

	row = &table[i];
	for (int sched = SIM_RANDOM; sched < SIM_DFS; sched++)
		for (uint64_t k = 0; k < RANDOM_RUNS / (uint64_t)parts; k++) {
			how.sched = (enum sim_sched)sched;
			how.seed = k;
			++*runs;
			if (sim_run(&how, body).end != SIM_OK)
				return want;
		}
	how.sched = SIM_DFS;
	how.bound = 4;
	how.odd = 3;
	for (long k = 0; more && k < DFS_RUNS / parts; k++, more = dfs_next(false)) {
		++*runs;
		if (sim_run(&how, body).end != SIM_OK)
			return want;
	}
	*whole = !more;
	return !want;
}
