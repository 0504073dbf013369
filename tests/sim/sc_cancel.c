/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sc_cancel.c - tokens: a watch or a link is told exactly once, and not any more once
 * it was taken back, whatever fires, watches, links and ends meanwhile.
 *
 * A watch that was taken back is freed at once: a late touch is seen.
 */
#include "base/host.h"
#include "sim.h"
#include "task/cancel.h"
#include "run/run.h"
#include <errno.h>
#include <string.h>

#define WATCHES 4
#define TOKENS 4

static struct ward_cancel *token[TOKENS];
static struct ward_watch *link[TOKENS];
static struct seer {
	struct ward_watch watch;
	uint32_t i;
} *seer[WATCHES];
static uint32_t told[WATCHES], saved[WATCHES];
static bool over[WATCHES]; /* it must not be told any more */
static int cause[WATCHES];

static offstage void hears(uint32_t i, int why)
{
	told[i]++;
	cause[i] = why;
	check(told[i] == 1);
	check(!over[i]);
}

static offstage void has_it_back(uint32_t i, bool taken)
{
	saved[i] = taken;
	over[i] = true;
}

static offstage uint32_t index_of(const struct ward_watch *watch)
{
	return ((const struct seer *)(const void *)watch)->i;
}

static void is_told(struct ward_watch *watch, int why)
{
	uint32_t i = ((struct seer *)(void *)watch)->i;

	hears(i, why);
	host_relax(); /* it takes its time */
	check(index_of(watch) == i);
}

static struct ward_watch *new_watch(uint32_t i)
{
	seer[i] = host_alloc(sizeof(*seer[i]));
	seer[i]->i = i;
	seer[i]->watch.fn = is_told;
	return &seer[i]->watch;
}

static void free_watch(uint32_t i)
{
	host_free(seer[i], sizeof(*seer[i]));
	seer[i] = NULL;
}

static void set_up(uint32_t tokens)
{
	memset(told, 0, sizeof(told));
	memset(saved, 0, sizeof(saved));
	memset(over, 0, sizeof(over));
	memset(cause, 0, sizeof(cause));
	memset(seer, 0, sizeof(seer));
	sim_private(&ward_pulse_);
	for (uint32_t i = 0; i < TOKENS; i++) {
		struct token *t;

		token[i] = i < tokens ? host_alloc(sizeof(*token[i])) : NULL;
		link[i] = i < tokens ? host_alloc(sizeof(*link[i])) : NULL;
		if (!token[i])
			continue;
		t = token_of(token[i]);
		sim_name((void *)(uintptr_t)&t->state, "state[%u]", i);
		sim_name((void *)(uintptr_t)&t->sleeps, "sleeps[%u]", i);
		sim_name((void *)(uintptr_t)&t->list, "list[%u]", i);
		sim_name((void *)(uintptr_t)&t->running, "running[%u]", i);
		sim_name((void *)(uintptr_t)&t->teller, "teller[%u]", i);
	}
}

static void free_token(uint32_t i)
{
	host_free(token[i], sizeof(*token[i]));
	host_free(link[i], sizeof(*link[i]));
	token[i] = NULL;
	link[i] = NULL;
}

static void ends(uint32_t i)
{
	check(ward_cancel_fini(token[i]) == 0);
	free_token(i);
}

static void go(uint32_t n, void (*const *fn)(void *))
{
	host_thread t[4];

	for (uint32_t i = 0; i < n; i++)
		check(!host_spawn(&t[i], NULL, fn[i], NULL, NULL));
	for (uint32_t i = 0; i < n; i++)
		host_join(t[i], HOST_FOREVER);
}

/* Nothing is left on any list, and nobody is at it. */
static offstage void at_rest(uint32_t i)
{
	struct token *t = token_of(token[i]);

	check(!t->watches);
	check(!t->running && !t->teller);
	check((t->list & 3) == 0);
	check(t->state >= 0 || !t->links);
}

static void fires_0(void *arg)
{
	(void)arg;
	ward_cancel_fire(token[0], -EPIPE);
}

static void fires_0_too(void *arg)
{
	(void)arg;
	ward_cancel_fire(token[0], -EIO);
}

/* ---- watches --------------------------------------------------------------------- */

static void watches_two(uint32_t i)
{
	check(ward_cancel_watch(token[0], new_watch(i)) == 0);
	check(ward_cancel_watch(token[0], new_watch(i + 1)) == 0);
	has_it_back(i, ward_cancel_unwatch(token[0], &seer[i]->watch));
	free_watch(i);
}

static void watches_01(void *arg)
{
	(void)arg;
	watches_two(0);
}

static void watches_23(void *arg)
{
	(void)arg;
	watches_two(2);
}

static offstage void each_once(uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		check(told[i] + saved[i] == 1);
		check(!told[i] || cause[i] == (int)token_of(token[0])->state);
	}
}

static void cancel_watch(void)
{
	set_up(1);
	go(3, (void (*[])(void *)){ fires_0, watches_01, fires_0_too });
	each_once(2);
	at_rest(0);
	ends(0);
}
SCENARIO(cancel_watch, "a watch is told twice, never, or after it was taken back",
	 .bound = 2, .share = 2);

static void cancel_watches(void)
{
	set_up(1);
	go(3, (void (*[])(void *)){ watches_01, fires_0, watches_23 });
	each_once(4);
	at_rest(0);
	ends(0);
}
SCENARIO(cancel_watches, "of two that watch one has the other's telling on its hands",
	 .share = 3);

/* Taken back by another thread than the one that put it there, while it is told. */
static void takes_back(void *arg)
{
	(void)arg;
	for (uint32_t i = 0; i < 2; i++) {
		has_it_back(i, ward_cancel_unwatch(token[0], &seer[i]->watch));
		free_watch(i);
	}
}

static void cancel_taken(void)
{
	set_up(1);
	for (uint32_t i = 0; i < 2; i++)
		check(ward_cancel_watch(token[0], new_watch(i)) == 0);
	go(2, (void (*[])(void *)){ fires_0, takes_back });
	each_once(2);
	at_rest(0);
	ends(0);
}
SCENARIO(cancel_taken, "a watch is given back while its callback runs", .bound = 3,
	 .share = 2);

/* As a steward that knows of a task with its token, and nothing else. */
static struct pool knows;
static _Atomic uint32_t rung;

static void sleeps_until_told(void *arg)
{
	uint32_t moves;

	(void)arg;
	for (;;) {
		moves = sweep_moves();
		if (later_has_come(cancel_by(token[0])))
			return;
		sweep_wait(&knows, moves, &rung, 0, HOST_FOREVER);
	}
}

static void cancel_moved(void)
{
	set_up(1);
	atomic_init(&knows.inbox.later.waiting, 1);
	go(2, (void (*[])(void *)){ fires_0, sleeps_until_told });
	ends(0);
}
SCENARIO(cancel_moved, "a steward sleeps on though a task was told to stop",
	 .bound = 3);

/* A thread held anywhere in a watch or an unwatch holds up no other that fires. */
static void cancel_held(void)
{
	set_up(1);
	go(3, (void (*[])(void *)){ fires_0, watches_01, fires_0_too });
	check(ward_cancel_cause(token[0]));
}
SCENARIO(cancel_held, "who fires waits for who watches", .stop = 0x4);

/* ---- links ------------------------------------------------------------------------ */

/* A child comes and goes, of one that fires. */
static void links_1(void *arg)
{
	(void)arg;
	check(ward_cancel_watch(token[1], new_watch(0)) == 0);
	check(ward_cancel_link(token[1], token[0], link[1]) == 0);
	check(ward_cancel_unwatch(token[0], link[1]) ||
	      ward_cancel_cause(token[1]) == -EPIPE);
	has_it_back(0, ward_cancel_unwatch(token[1], &seer[0]->watch));
	free_watch(0);
	ends(1);
}

static void links_2(void *arg)
{
	(void)arg;
	check(ward_cancel_watch(token[2], new_watch(1)) == 0);
	check(ward_cancel_link(token[2], token[0], link[2]) == 0);
	while (!ward_cancel_cause(token[2]))
		ward_cancel_wait(token[2], HOST_FOREVER);
	check(ward_cancel_fini(token[2]) == 0);
	check(ward_cancel_cause(token[2]) == -EPIPE);
	free_token(2);
	has_it_back(1, false);
	free_watch(1);
}

static void cancel_link(void)
{
	set_up(3);
	go(3, (void (*[])(void *)){ fires_0, links_1, links_2 });
	each_once(2);
	at_rest(0);
	ends(0);
}
SCENARIO(cancel_link, "a child is not told, or touched after its end", .share = 3);

/* The thread that ends a child may have the telling of another to do. */
static void ends_2(void *arg)
{
	(void)arg;
	ends(2);
}

static void cancel_sibling(void)
{
	set_up(3);
	check(ward_cancel_link(token[1], token[0], link[1]) == 0);
	check(ward_cancel_link(token[2], token[0], link[2]) == 0);
	go(2, (void (*[])(void *)){ fires_0, ends_2 });
	check(ward_cancel_cause(token[1]) == -EPIPE);
	at_rest(0);
	ends(1);
	ends(0);
}
SCENARIO(cancel_sibling, "a child is not told, as another ends", .bound = 2);

static void watches_1(void *arg)
{
	(void)arg;
	check(ward_cancel_watch(token[1], new_watch(0)) == 0);
	ward_cancel_unwatch(token[1], &seer[0]->watch);
}

static void cancel_held_below(void)
{
	set_up(2);
	check(ward_cancel_link(token[1], token[0], link[1]) == 0);
	go(2, (void (*[])(void *)){ fires_0, watches_1 });
	check(ward_cancel_cause(token[1]) == -EPIPE);
}
SCENARIO(cancel_held_below, "who fires waits for who watches a child", .stop = 0x4);

/* 0 > 1 > 2, a watch at the end; the parts go while it is told. */
static void ends_2_then_1(void *arg)
{
	(void)arg;
	has_it_back(0, ward_cancel_unwatch(token[2], &seer[0]->watch));
	free_watch(0);
	ends(2);
	ends(1);
}

static void cancel_chain(void)
{
	set_up(3);
	check(ward_cancel_link(token[1], token[0], link[1]) == 0);
	check(ward_cancel_link(token[2], token[1], link[2]) == 0);
	check(ward_cancel_watch(token[2], new_watch(0)) == 0);
	go(2, (void (*[])(void *)){ fires_0, ends_2_then_1 });
	each_once(1);
	at_rest(0);
	ends(0);
}
SCENARIO(cancel_chain, "a child ends while its parent is inside", .bound = 2,
	 .share = 2);

/* Two parents, two that fire, one child with two watches. */
static void fires_1(void *arg)
{
	(void)arg;
	ward_cancel_fire(token[1], -EIO);
}

static void joins_both(void *arg)
{
	(void)arg;
	check(ward_cancel_watch(token[2], new_watch(0)) == 0);
	check(ward_cancel_link(token[2], token[0], link[2]) == 0);
	check(ward_cancel_link(token[2], token[1], link[3]) == 0);
	while (!ward_cancel_cause(token[2]))
		ward_cancel_wait(token[2], HOST_FOREVER);
	check(ward_cancel_watch(token[2], new_watch(1)) == 0);
	check(ward_cancel_fini(token[2]) == 0);
}

static offstage void both_same(void)
{
	check(told[0] == 1 && told[1] == 1);
	check(cause[0] == cause[1]);
	check(cause[0] == (int)token_of(token[2])->state);
}

static void cancel_or(void)
{
	set_up(4);
	go(3, (void (*[])(void *)){ fires_0, joins_both, fires_1 });
	both_same();
	for (uint32_t i = 0; i < 3; i++) {
		at_rest(i);
		ends(i);
	}
}
SCENARIO(cancel_or, "of two parents none is heard, or both are", .share = 2);

/* Each the other's child: it fires whole, whichever comes first. */
static void cancel_circle(void)
{
	set_up(2);
	check(ward_cancel_link(token[1], token[0], link[1]) == 0);
	check(ward_cancel_link(token[0], token[1], link[0]) == 0);
	check(ward_cancel_watch(token[0], new_watch(0)) == 0);
	check(ward_cancel_watch(token[1], new_watch(1)) == 0);
	go(2, (void (*[])(void *)){ fires_0, fires_1 });
	check(told[0] == 1 && told[1] == 1);
	at_rest(0);
	at_rest(1);
	check(!ward_cancel_unwatch(token[0], link[1]));
	check(!ward_cancel_unwatch(token[1], link[0]));
	ends(0);
	ends(1);
}
SCENARIO(cancel_circle, "two that tell in a circle wait for each other", .bound = 2);

/* ---- from inside a callback ------------------------------------------------------- */

/* Takes another one back, and fires a child of its own token. */
static void meddles(struct ward_watch *watch, int why)
{
	is_told(watch, why);
	check(ward_cancel_fini(token[0]) == -EDEADLK);
	check(!ward_cancel_unwatch(token[0], watch));
	has_it_back(1, ward_cancel_unwatch(token[0], &seer[1]->watch));
	ward_cancel_fire(token[1], -EIO);
}

static void cancel_inside(void)
{
	set_up(2);
	check(ward_cancel_link(token[1], token[0], link[1]) == 0);
	new_watch(0)->fn = meddles;
	check(ward_cancel_watch(token[0], &seer[0]->watch) == 0);
	check(ward_cancel_watch(token[0], new_watch(1)) == 0);
	check(ward_cancel_watch(token[1], new_watch(2)) == 0);
	go(3, (void (*[])(void *)){ fires_0, fires_1, fires_0_too });
	check(told[0] == 1 && told[1] + saved[1] == 1 && told[2] == 1);
	at_rest(0);
	at_rest(1);
	ends(1);
	ends(0);
}
SCENARIO(cancel_inside, "a callback waits for its own thread", .bound = 2);

/* ---- deadlines ------------------------------------------------------------------------ */

#define FAR 1000000000

static void sets_far(void *arg)
{
	(void)arg;
	check(ward_cancel_deadline(token[0], host_now() + FAR) == 0);
	check(ward_cancel_deadline(token[0], 2 * FAR) == 0);
}

static void sets_near(void *arg)
{
	(void)arg;
	check(ward_cancel_deadline(token[0], FAR) == 0);
}

static void links_down(void *arg)
{
	(void)arg;
	check(ward_cancel_link(token[2], token[1], link[2]) == 0);
	check(ward_cancel_link(token[1], token[0], link[1]) == 0);
	check(ward_cancel_link(token[3], token[0], link[3]) == 0);
}

static offstage void all_until_of(uint32_t n, int64_t at)
{
	for (uint32_t i = 0; i < n; i++)
		check(token_of(token[i])->state == at);
}

static offstage void all_until(int64_t at)
{
	all_until_of(TOKENS, at);
}

static void cancel_deadline(void)
{
	set_up(4);
	go(3, (void (*[])(void *)){ sets_far, sets_near, links_down });
	all_until(FAR);
	for (uint32_t i = TOKENS; i-- > 0;) {
		at_rest(i);
		ends(i);
	}
}
SCENARIO(cancel_deadline, "a child does not have its parent's earliest deadline",
	 .share = 3);

static void moves(void *arg)
{
	(void)arg;
	check(ward_cancel_move(token[1], host_now() + (ward_ns)2 * FAR) == 0);
}

/* Beside a parent's deadline that comes down: no later than that. */
static void cancel_put_off(void)
{
	set_up(2);
	check(ward_cancel_deadline(token[1], (ward_ns)4 * FAR) == 0);
	check(ward_cancel_link(token[1], token[0], link[1]) == 0);
	go(2, (void (*[])(void *)){ moves, sets_near });
	all_until_of(2, FAR);
	for (uint32_t i = 2; i-- > 0;) {
		at_rest(i);
		ends(i);
	}
}
SCENARIO(cancel_put_off, "a deadline is moved beyond what the parent has", .bound = 1,
	 .share = 2);

/* Beside its link to a parent that has one. */
static void comes_under(void *arg)
{
	(void)arg;
	check(ward_cancel_link(token[1], token[0], link[1]) == 0);
}

static void cancel_put_off_linked(void)
{
	set_up(2);
	check(ward_cancel_deadline(token[0], FAR) == 0);
	check(ward_cancel_deadline(token[1], (ward_ns)4 * FAR) == 0);
	go(2, (void (*[])(void *)){ moves, comes_under });
	all_until_of(2, FAR);
	for (uint32_t i = 2; i-- > 0;) {
		at_rest(i);
		ends(i);
	}
}
SCENARIO(cancel_put_off_linked, "a deadline is moved past a parent that comes",
	 .bound = 1, .share = 2);

/* A deadline is on its way down when it fires, and the child goes. */
static void links_and_ends(void *arg)
{
	(void)arg;
	check(ward_cancel_link(token[1], token[0], link[1]) == 0);
	check(ward_cancel_watch(token[1], new_watch(0)) == 0);
	host_relax();
	has_it_back(0, ward_cancel_unwatch(token[1], &seer[0]->watch));
	free_watch(0);
	ends(1);
}

static void cancel_deadline_fired(void)
{
	set_up(2);
	go(3, (void (*[])(void *)){ sets_near, fires_0, links_and_ends });
	each_once(1);
	at_rest(0);
	ends(0);
}
SCENARIO(cancel_deadline_fired, "a child that has gone gets a deadline", .bound = 1,
	 .share = 2);

/* The deadline passes: all look, and the first one tells. */
static void waits_0(void *arg)
{
	(void)arg;
	check(ward_cancel_wait(token[0], HOST_FOREVER) == 0);
	check(ward_cancel_cause(token[0]) == -ETIMEDOUT);
}

static void cancel_passes(void)
{
	set_up(1);
	check(ward_cancel_watch(token[0], new_watch(0)) == 0);
	go(3, (void (*[])(void *)){ waits_0, sets_near, waits_0 });
	check(told[0] == 1 && cause[0] == -ETIMEDOUT);
	at_rest(0);
	ends(0);
}
SCENARIO(cancel_passes, "a deadline is slept over, or told twice", .bound = 2);

/* ---- waiting for a token ------------------------------------------------------- */

static void waits_fired(void *arg)
{
	(void)arg;
	check(ward_cancel_wait(token[0], HOST_FOREVER) == 0);
	check(ward_cancel_cause(token[0]) == -EPIPE);
}

static void cancel_wait(void)
{
	set_up(1);
	go(3, (void (*[])(void *)){ waits_fired, fires_0, waits_fired });
	ends(0);
}
SCENARIO(cancel_wait, "a wait sleeps on though its token was fired", .bound = 2);

/* The thread that was woken ends the token, and its memory is used for something else. */
static void waits_and_ends(void *arg)
{
	(void)arg;
	check(ward_cancel_wait(token[0], HOST_FOREVER) == 0);
	ends(0);
}

static void cancel_wait_ends(void)
{
	set_up(1);
	go(2, (void (*[])(void *)){ waits_and_ends, fires_0 });
}
SCENARIO(cancel_wait_ends, "who fires touches a token that has gone", .bound = 3);

/* For room, which nobody makes. */
static struct pool pool; /* of which little is used */
static struct ward_task task[2];

static int no_run(struct ward_task *t)
{
	(void)t;
	return 0;
}

static void submits(void *arg)
{
	(void)arg;
	check(ward_submit((struct ward_pool *)&pool, &task[1], HOST_FOREVER) ==
	      -EPIPE);
}

static void cancel_room(void)
{
	set_up(1);
	memset(&pool, 0, sizeof(pool));
	pool.magic = handle_magic(HANDLE_POOL);
	memset(task, 0, sizeof(task));
	check(inbox_init(&pool.inbox, 1, 2, 1, 1, NULL, NULL) == 0);
	task[0].run = task[1].run = no_run;
	task[1].cancel = token[0];
	check(ward_submit((struct ward_pool *)&pool, &task[0], 0) == 0);
	go(2, (void (*[])(void *)){ submits, fires_0 });
	check(inbox_accepted(&pool.inbox) == 1);
	check(inbox_count(&pool.inbox) == 1);
}
SCENARIO(cancel_room, "who waits for room sleeps on though the token was fired",
	 .bound = 2);
