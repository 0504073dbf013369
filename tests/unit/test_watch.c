/* SPDX-License-Identifier: BSD-2-Clause */
#include "job.h"

struct seer {
	struct ward_watch watch;
	struct ward_cancel *token, *other;
	struct seer *victim;
	_Atomic int32_t cause;
	_Atomic uint32_t told, on, answer;
	uint32_t turn;
	struct gate gate;
};

static uint32_t turns;

static struct seer *seer_of(struct ward_watch *watch)
{
	return ward_entry(watch, struct seer, watch);
}

static void is_told(struct ward_watch *watch, int cause)
{
	struct seer *seer = seer_of(watch);

	store_relaxed(&seer->cause, cause);
	store_relaxed(&seer->on, (uint32_t)host_tid());
	seer->turn = ++turns;
	add_acq_rel(&seer->told, 1);
}

static void watches(struct ward_cancel *token, struct seer *seer)
{
	seer->watch.fn = seer->watch.fn ? seer->watch.fn : is_told;
	seer->token = token;
	cr_assert_eq(ward_cancel_watch(token, &seer->watch), 0);
}

static void was_told(const struct seer *seer, int cause)
{
	cr_assert_eq(seer->told, 1, "%u times", load_relaxed(&seer->told));
	cr_assert_eq(load_relaxed(&seer->cause), cause);
}

/* ---- watches --------------------------------------------------------- */

Test(watch, all_are_told_once_in_their_order)
{
	struct ward_cancel token = { { 0 } };
	struct seer seer[5] = { { .told = 0 } };

	for (int i = 0; i < 5; i++)
		watches(&token, &seer[i]);
	cr_assert(ward_cancel_fire(&token, -EPIPE));
	cr_assert_not(ward_cancel_fire(&token, -EIO));
	for (int i = 0; i < 5; i++) {
		was_told(&seer[i], -EPIPE);
		cr_assert_eq(seer[i].turn, i + 1);
		cr_assert_eq(seer[i].on, host_tid());
		cr_assert_not(ward_cancel_unwatch(&token, &seer[i].watch));
	}
	cr_assert_eq(ward_cancel_fini(&token), 0);
}

Test(watch, one_that_comes_late_is_told_at_once)
{
	struct ward_cancel token = { { 0 } };
	struct seer seer = { .told = 0 };

	ward_cancel_fire(&token, -EIO);
	watches(&token, &seer);
	was_told(&seer, -EIO);
	cr_assert_not(ward_cancel_unwatch(&token, &seer.watch));
	cr_assert_eq(ward_cancel_fini(&token), 0);
}

Test(watch, one_that_is_taken_back_is_not_told)
{
	struct ward_cancel token = { { 0 } };
	struct seer seer[3] = { { .told = 0 } };

	for (int i = 0; i < 3; i++)
		watches(&token, &seer[i]);
	cr_assert(ward_cancel_unwatch(&token, &seer[1].watch));
	cr_assert_not(ward_cancel_unwatch(&token, &seer[1].watch));
	ward_cancel_fire(&token, 0);
	was_told(&seer[0], -ECANCELED);
	cr_assert_eq(seer[1].told, 0);
	was_told(&seer[2], -ECANCELED);
}

Test(watch, the_same_may_watch_again)
{
	struct ward_cancel token[2] = { { { 0 } } };
	struct seer seer = { .told = 0 };

	watches(&token[0], &seer);
	cr_assert(ward_cancel_unwatch(&token[0], &seer.watch));
	watches(&token[0], &seer);
	ward_cancel_fire(&token[0], 0);
	was_told(&seer, -ECANCELED);
	watches(&token[1], &seer);
	ward_cancel_fire(&token[1], 0);
	cr_assert_eq(seer.told, 2);
}

Test(watch, the_first_look_after_the_deadline_tells)
{
	struct ward_cancel token = { { 0 } };
	struct seer seer = { .told = 0 };
	ward_ns soon = ward_in(WARD_MS(2));

	watches(&token, &seer);
	ward_cancel_deadline(&token, soon);
	while (ward_now() < soon)
		host_yield();
	cr_assert_eq(seer.told, 0, "nobody has looked");
	cr_assert_eq(ward_cancel_cause(&token), -ETIMEDOUT);
	was_told(&seer, -ETIMEDOUT);
}

/* ---- from inside a callback ------------------------------------------ */

static void frees_itself(struct ward_watch *watch, int cause)
{
	(void)cause;
	turns++;
	free(seer_of(watch));
}

Test(watch, a_callback_may_free_its_watch)
{
	struct ward_cancel token = { { 0 } };

	for (int i = 0; i < 3; i++) {
		struct seer *seer = calloc(1, sizeof(*seer));

		seer->watch.fn = frees_itself;
		watches(&token, seer);
	}
	ward_cancel_fire(&token, 0);
	cr_assert_eq(turns, 3);
	cr_assert_eq(ward_cancel_fini(&token), 0);
}

static void meddles(struct ward_watch *watch, int cause)
{
	struct seer *seer = seer_of(watch);

	is_told(watch, cause);
	cr_assert_not(ward_cancel_unwatch(seer->token, watch));
	cr_assert_eq(ward_cancel_fini(seer->token), -EDEADLK);
	if (seer->victim)
		cr_assert(ward_cancel_unwatch(seer->token,
					      &seer->victim->watch));
	if (seer->other)
		cr_assert(ward_cancel_fire(seer->other, -EIO));
}

Test(watch, a_callback_may_do_what_anybody_may)
{
	struct ward_cancel token = { { 0 } }, other = { { 0 } };
	struct seer victim = { .told = 0 }, on_other = { .told = 0 };
	struct seer seer = { .watch = { .fn = meddles },
			     .victim = &victim,
			     .other = &other };

	watches(&token, &seer);
	watches(&token, &victim);
	watches(&other, &on_other);
	ward_cancel_fire(&token, -EPIPE);
	was_told(&seer, -EPIPE);
	was_told(&on_other, -EIO);
	cr_assert_eq(victim.told, 0);
	cr_assert_eq(ward_cancel_fini(&token), 0);
	cr_assert_eq(ward_cancel_fini(&other), 0);
}

static struct ward_pool *pool_told;

static void submits(struct ward_watch *watch, int cause)
{
	static struct job job;

	job = job_of_kind(job_run);
	is_told(watch, cause);
	submitted(pool_told, &job);
	job_had(&job, 0);
}

Test(watch, a_callback_may_submit)
{
	struct ward_cancel token = { { 0 } };
	struct seer seer = { .watch = { .fn = submits } };

	pool_told = pool_of(1);
	watches(&token, &seer);
	ward_cancel_fire(&token, 0);
	was_told(&seer, -ECANCELED);
	ended(pool_told);
}

/* ---- taking back while it is called ---------------------------------- */

static void at_the_gate(struct ward_watch *watch, int cause)
{
	gate_pass(&seer_of(watch)->gate);
	is_told(watch, cause);
}

static void *fires(void *arg)
{
	ward_cancel_fire(arg, -EPIPE);
	return NULL;
}

struct taker {
	struct seer *seer;
	_Atomic uint32_t tid;
	uint32_t told; /* when it was back */
	bool got;
};

static void *takes_back(void *arg)
{
	struct taker *taker = arg;

	store_release(&taker->tid, (uint32_t)host_tid());
	taker->got = ward_cancel_unwatch(taker->seer->token,
					 &taker->seer->watch);
	taker->told = load_relaxed(&taker->seer->told);
	return NULL;
}

Test(watch, who_takes_it_back_waits_for_the_callback)
{
	struct ward_cancel token = { { 0 } };
	struct seer seer = { .watch = { .fn = at_the_gate } };
	struct seer next = { .told = 0 };
	struct taker taker = { .seer = &seer };
	pthread_t thread[2];

	watches(&token, &seer);
	watches(&token, &next);
	pthread_create(&thread[0], NULL, fires, &token);
	cr_assert(gate_came(&seer.gate));
	pthread_create(&thread[1], NULL, takes_back, &taker);
	cr_assert(comes_true(load_acquire(&taker.tid) &&
			     sleeps_in_futex((int32_t)taker.tid)));
	/* The lists are nobody's meanwhile. */
	cr_assert(ward_cancel_unwatch(&token, &next.watch));
	gate_open(&seer.gate);
	pthread_join(thread[1], NULL);
	pthread_join(thread[0], NULL);
	cr_assert_not(taker.got);
	cr_assert_eq(taker.told, 1);
	cr_assert_eq(next.told, 0);
	cr_assert_eq(ward_cancel_fini(&token), 0);
}

/* ---- links ----------------------------------------------------------- */

static void linked(struct ward_cancel *child, struct ward_cancel *parent,
		   struct ward_watch *link)
{
	cr_assert_eq(ward_cancel_link(child, parent, link), 0);
}

Test(watch, a_child_fires_with_any_of_its_parents)
{
	for (int i = 0; i < 3; i++) {
		struct ward_cancel child = { { 0 } }, parent[3] = { { { 0 } } };
		struct ward_watch link[3] = { { 0 } };
		struct seer seer = { .told = 0 };

		watches(&child, &seer);
		for (int k = 0; k < 3; k++)
			linked(&child, &parent[k], &link[k]);
		ward_cancel_fire(&parent[i], -EPIPE);
		cr_assert_eq(ward_cancel_cause(&child), -EPIPE);
		was_told(&seer, -EPIPE);
		for (int k = 0; k < 3; k++) {
			ward_cancel_fire(&parent[k], -EIO);
			cr_assert_eq(ward_cancel_fini(&parent[k]), -EBUSY);
		}
		was_told(&seer, -EPIPE);
		cr_assert_eq(ward_cancel_fini(&child), 0);
		for (int k = 0; k < 3; k++)
			cr_assert_eq(ward_cancel_fini(&parent[k]), 0);
	}
}

Test(watch, a_parent_does_not_fire_with_its_child)
{
	struct ward_cancel child = { { 0 } }, parent = { { 0 } };
	struct ward_watch link = { 0 };

	linked(&child, &parent, &link);
	ward_cancel_fire(&child, -EIO);
	cr_assert_eq(ward_cancel_cause(&parent), 0);
	ward_cancel_fire(&parent, -EPIPE);
	cr_assert_eq(ward_cancel_cause(&child), -EIO);
	cr_assert_eq(ward_cancel_fini(&child), 0);
}

Test(watch, linked_late_a_child_fires_at_once)
{
	struct ward_cancel child = { { 0 } }, parent = { { 0 } };
	struct ward_watch link = { 0 };
	struct seer seer = { .told = 0 };

	watches(&child, &seer);
	ward_cancel_fire(&parent, -EPIPE);
	linked(&child, &parent, &link);
	was_told(&seer, -EPIPE);
	cr_assert_eq(ward_cancel_fini(&parent), -EBUSY);
	cr_assert_not(ward_cancel_unwatch(&parent, &link), "it was told");
	cr_assert_eq(ward_cancel_fini(&parent), 0);
	cr_assert_eq(ward_cancel_fini(&child), 0);
}

Test(watch, unlinked_it_is_not_told)
{
	struct ward_cancel child = { { 0 } }, parent = { { 0 } };
	struct ward_watch link = { 0 };

	linked(&child, &parent, &link);
	cr_assert(ward_cancel_unwatch(&parent, &link));
	linked(&child, &parent, &link); /* the same once more */
	cr_assert_eq(ward_cancel_fini(&child), 0);
	ward_cancel_fire(&parent, -EPIPE);
	cr_assert_eq(ward_cancel_cause(&child), 0);
	cr_assert_eq(ward_cancel_fini(&parent), 0);
}

enum { DEEP = 200000 };

static struct ward_cancel chain[DEEP];
static struct ward_watch link_of[DEEP];

/* Recursion would not come to its end on this stack. */
Test(watch, a_long_chain_fires_whole)
{
	struct seer seer = { .told = 0 };
	ward_ns soon = ward_in(WARD_S(3600));

	for (int i = 1; i < DEEP; i++)
		linked(&chain[i], &chain[i - 1], &link_of[i]);
	watches(&chain[DEEP - 1], &seer);
	ward_cancel_deadline(&chain[0], soon);
	ward_cancel_fire(&chain[0], -EPIPE);
	for (int i = 0; i < DEEP; i++)
		cr_assert_eq(ward_cancel_cause(&chain[i]), -EPIPE);
	was_told(&seer, -EPIPE);
	for (int i = DEEP - 1; i >= 0; i--)
		cr_assert_eq(ward_cancel_fini(&chain[i]), 0);
}

Test(watch, a_circle_fires_whole)
{
	struct ward_cancel token[3] = { { { 0 } } };
	struct ward_watch link[3] = { { 0 } };
	struct seer seer[3] = { { .told = 0 } };

	for (int i = 0; i < 3; i++) {
		linked(&token[(i + 1) % 3], &token[i], &link[i]);
		watches(&token[i], &seer[i]);
	}
	ward_cancel_deadline(&token[1], ward_in(WARD_S(3600)));
	ward_cancel_fire(&token[2], -EPIPE);
	for (int i = 0; i < 3; i++)
		was_told(&seer[i], -EPIPE);
	for (int i = 0; i < 3; i++)
		cr_assert_not(ward_cancel_unwatch(&token[i], &link[i]));
	for (int i = 0; i < 3; i++)
		cr_assert_eq(ward_cancel_fini(&token[i]), 0);
}

static void until_it_fires(struct ward_cancel *token)
{
	cr_assert_eq(ward_cancel_wait(token, ward_in(IN_TIME)), 0);
	cr_assert_eq(ward_cancel_cause(token), -ETIMEDOUT);
}

/* Linked before, linked after; and below, and below that. */
Test(watch, a_child_has_its_parents_deadline)
{
	struct ward_cancel top = { { 0 } }, child[4] = { { { 0 } } };
	struct ward_watch link[4] = { { 0 } };

	linked(&child[0], &top, &link[0]);
	linked(&child[1], &child[0], &link[1]);
	ward_cancel_deadline(&child[1], ward_in(WARD_S(3600)));
	ward_cancel_deadline(&top, ward_in(WARD_S(1800)));
	linked(&child[3], &child[2], &link[3]);
	linked(&child[2], &top, &link[2]);
	ward_cancel_deadline(&top, ward_in(WARD_MS(5)));
	for (int i = 3; i >= 0; i--)
		until_it_fires(&child[i]);
	for (int i = 3; i >= 0; i--)
		cr_assert_eq(ward_cancel_fini(&child[i]), 0);
	cr_assert_eq(ward_cancel_fini(&top), 0);
}

Test(watch, a_childs_own_deadline_is_its_own)
{
	struct ward_cancel parent = { { 0 } }, child = { { 0 } };
	struct ward_watch link = { 0 };

	linked(&child, &parent, &link);
	ward_cancel_deadline(&parent, ward_in(WARD_S(3600)));
	ward_cancel_deadline(&child, ward_in(WARD_MS(2)));
	until_it_fires(&child);
	cr_assert_eq(ward_cancel_cause(&parent), 0);
	cr_assert_eq(ward_cancel_fini(&child), 0);
	cr_assert_eq(ward_cancel_fini(&parent), 0);
}

/* ---- the end --------------------------------------------------------- */

struct ender {
	struct ward_cancel *token;
	_Atomic uint32_t tid;
	int answer;
};

static void *ends(void *arg)
{
	struct ender *ender = arg;

	store_release(&ender->tid, (uint32_t)host_tid());
	ender->answer = ward_cancel_fini(ender->token);
	return NULL;
}

/* The parent's walk is inside of the child. */
Test(watch, fini_waits_until_all_was_told)
{
	struct ward_cancel child = { { 0 } }, parent = { { 0 } };
	struct ward_watch link = { 0 };
	struct seer seer[2] = { { .watch = { .fn = at_the_gate } } };
	struct ender ender = { .token = &child };
	pthread_t thread[2];

	linked(&child, &parent, &link);
	watches(&child, &seer[0]);
	watches(&child, &seer[1]);
	pthread_create(&thread[0], NULL, fires, &parent);
	cr_assert(gate_came(&seer[0].gate));
	pthread_create(&thread[1], NULL, ends, &ender);
	cr_assert(comes_true(load_acquire(&ender.tid) &&
			     sleeps_in_futex((int32_t)ender.tid)));
	gate_open(&seer[0].gate);
	pthread_join(thread[1], NULL);
	memset(&child, 0xff, sizeof(child)); /* nobody knows it any more */
	pthread_join(thread[0], NULL);
	cr_assert_eq(ender.answer, 0);
	was_told(&seer[0], -EPIPE);
	was_told(&seer[1], -EPIPE);
	cr_assert_eq(ward_cancel_fini(&parent), 0);
}

/* ---- told while another thread has the lists -------------------------- */

enum { THREADS = 3, ROUNDS = 3000 };

static struct ward_cancel storm;
static struct seer of_thread[THREADS][4];
static pthread_barrier_t line;

static void *races(void *arg)
{
	uintptr_t n = (uintptr_t)arg;

	for (int round = 0; round < ROUNDS; round++) {
		uint32_t heard = 0, kept = 0;

		pthread_barrier_wait(&line);
		for (int i = 0; i < 4; i++) {
			of_thread[n][i] = (struct seer){ .told = 0 };
			watches(&storm, &of_thread[n][i]);
		}
		if (n == (uintptr_t)round % THREADS)
			ward_cancel_fire(&storm, -EPIPE);
		for (int i = 0; i < 2; i++)
			kept += ward_cancel_unwatch(&storm,
						    &of_thread[n][i].watch);
		pthread_barrier_wait(&line);
		for (int i = 0; i < 4; i++)
			heard += load_relaxed(&of_thread[n][i].told);
		cr_assert_eq(heard + kept, 4);
		cr_assert_eq(ward_cancel_cause(&storm), -EPIPE);
		pthread_barrier_wait(&line);
		if (n == 0)
			ward_cancel_init(&storm);
	}
	return NULL;
}

Test(watch, each_is_told_or_taken_back_whoever_fires)
{
	pthread_t thread[THREADS];

	pthread_barrier_init(&line, NULL, THREADS);
	for (uintptr_t i = 0; i < THREADS; i++)
		pthread_create(&thread[i], NULL, races, (void *)i);
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
}
