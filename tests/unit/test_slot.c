/* SPDX-License-Identifier: BSD-2-Clause */
#include "task/slot.h"
#include "wait.h"
#include <criterion/criterion.h>
#include <pthread.h>
#include <string.h>

static struct slot slot;
static struct ward_task task;

/* The first epoch of a fresh slot, inside run(). */
#define FIRST (SLOT_PHASES + SLOT_RUN)

static uint64_t word(void)
{
	return load_relaxed(&slot.word);
}

static uint64_t fence(void)
{
	return load_relaxed(&slot.fence);
}

static void fresh(uint64_t epoch)
{
	memset(&slot, 0, sizeof(slot));
	store_relaxed(&slot.word, epoch);
}

/* From the start; and from where the epoch, or its ASK, has its highest bits. */
static const uint64_t start_of[] = { 0, (UINT64_C(1) << 59) - 4 * SLOT_PHASES };
#define EACH_START(start)                                                      \
	for (const uint64_t *start = start_of; start < start_of + 2; start++)

Test(slot, an_epoch_is_inside_of_its_phase_or_out)
{
	EACH_START(start)
	{
		fresh(*start);
		for (uint64_t i = 0; i < 3; i++) {
			cr_assert_not(slot_inside(word()));
			slot_begin(&slot, &task, SLOT_DONE);
			cr_assert(slot_inside(word()));
			cr_assert_eq(word(), *start +
						     (2 * i + 1) * SLOT_PHASES +
						     SLOT_DONE);
			cr_assert_eq(load_relaxed(&slot.task), &task);
			cr_assert_eq(slot_phase(word()), SLOT_DONE);
			cr_assert(slot_end(&slot), "the answer is its own");
		}
		cr_assert_eq(word(), *start + 6 * SLOT_PHASES);
	}
}

Test(slot, fenced_inside_it_has_no_answer)
{
	EACH_START(start)
	{
		fresh(*start);
		slot_begin(&slot, &task, SLOT_RUN);
		cr_assert_not(slot_taken(&slot));
		cr_assert(slot_fence(&slot, word(), 0));
		cr_assert(slot_taken(&slot));
		cr_assert_eq(fence(), FENCE_TAKEN(slot_next(*start, SLOT_RUN)));
		cr_assert_not(slot_end(&slot));
		cr_assert_eq(word(), *start + 2 * SLOT_PHASES);
		cr_assert(slot_taken(&slot), "until it is home");
	}
}

Test(slot, who_has_moved_is_acquitted)
{
	EACH_START(start)
	{
		uint64_t judged;

		fresh(*start);
		slot_begin(&slot, &task, SLOT_RUN);
		judged = word();
		cr_assert(slot_end(&slot));
		cr_assert_not(slot_fence(&slot, judged, 0));
		cr_assert_eq(fence(), 0);
		slot_begin(&slot, &task, SLOT_RUN);
		cr_assert_not(slot_fence(&slot, judged, 0));
		cr_assert_eq(fence(), 0);
		cr_assert(slot_end(&slot));
	}
}

Test(slot, an_attempt_is_taken_once)
{
	fresh(0);
	slot_begin(&slot, &task, SLOT_RUN);
	cr_assert(slot_fence(&slot, FIRST, 0));
	cr_assert_not(slot_fence(&slot, FIRST, 0));
	cr_assert_eq(fence(), FENCE_TAKEN(FIRST));
}

/* The first one is held between its question and its second look. */
Test(slot, who_asks_later_takes_it)
{
	uint64_t first = FENCE_ASK(FIRST, 1);

	fresh(0);
	slot_begin(&slot, &task, SLOT_RUN);
	store_relaxed(&slot.fence, first);
	cr_assert(slot_fence(&slot, FIRST, 2));
	cr_assert_eq(fence(), FENCE_TAKEN(FIRST));
	cr_assert_not(cas_acq_rel(&slot.fence, &first, FENCE_TAKEN(FIRST)));
}

/* So, too, when the worker has won its answer in between, and begun anew. */
Test(slot, a_late_asker_takes_nothing_that_another_asked_for)
{
	uint64_t first = FENCE_ASK(FIRST, 1), next;

	fresh(0);
	slot_begin(&slot, &task, SLOT_RUN);
	store_relaxed(&slot.fence, first);
	cr_assert(slot_end(&slot));
	slot_begin(&slot, &task, SLOT_RUN);
	next = FENCE_ASK(word(), 2);
	store_relaxed(&slot.fence, next);
	cr_assert_not(cas_acq_rel(&slot.fence, &first, FENCE_TAKEN(FIRST)));
	cr_assert(slot_end(&slot));
	cr_assert_eq(fence(), 0);
}

/* The steward is stopped between its question and its second look. */
Test(slot, who_ends_while_asked_keeps_the_answer)
{
	uint64_t asked = FENCE_ASK(FIRST, 0);

	fresh(0);
	slot_begin(&slot, &task, SLOT_RUN);
	store_relaxed(&slot.fence, asked);
	cr_assert(slot_end(&slot));
	cr_assert_eq(fence(), 0);
	cr_assert_not(cas_acq_rel(&slot.fence, &asked, FENCE_TAKEN(FIRST)),
		      "the steward finds it gone");
}

Test(slot, a_question_about_an_earlier_epoch_is_swept_away)
{
	fresh(2 * SLOT_PHASES);
	slot_begin(&slot, &task, SLOT_RUN);
	store_relaxed(&slot.fence, FENCE_ASK(FIRST, 0));
	cr_assert(slot_end(&slot));
	cr_assert_eq(fence(), 0);
}

Test(slot, a_copy_in_a_child_has_no_answer)
{
	fresh(0);
	slot_begin(&slot, &task, SLOT_RUN);
	store_relaxed(&slot.fence, FENCE_FORKED);
	cr_assert(slot_taken(&slot));
	cr_assert_not(slot_fence(&slot, FIRST, 0));
	cr_assert_not(slot_end(&slot));
	cr_assert_eq(fence(), FENCE_FORKED);
}

/* ---- threads --------------------------------------------------------- */

enum { ATTEMPTS = 10000 };

static _Atomic uint32_t answer_of[ATTEMPTS];
static _Atomic uint32_t over, rounds; /* the steward's looks at the slot */

static void *steward(void *arg)
{
	uintptr_t taken = 0;

	while (!load_acquire(&over)) {
		uint64_t seen = load_acquire(&slot.word);

		if (slot_inside(seen) && slot_fence(&slot, seen, 0)) {
			add_relaxed(&answer_of[seen / SLOT_PHASES / 2], 1);
			taken++;
		}
		add_acq_rel(&rounds, 1);
	}
	(void)arg;
	return (void *)taken;
}

/* Inside for as long as it takes to be fenced. */
static void lingers(void)
{
	uint32_t seen;

	barrier_seq_cst(); /* the epoch, before the rounds that shall see it */
	seen = load_acquire(&rounds);
	cr_assert(comes_true(load_acquire(&rounds) - seen >= 2));
}

static void race(void)
{
	uintptr_t own = 0;
	pthread_t thread;
	void *taken;

	fresh(0);
	pthread_create(&thread, NULL, steward, NULL);
	for (uint32_t i = 0; i < ATTEMPTS; i++) {
		slot_begin(&slot, &task, SLOT_RUN);
		if (i % 64 == 0)
			lingers();
		else if (i % 8 == 0)
			host_yield();
		if (slot_end(&slot)) {
			cr_assert_neq(i % 64, 0, "it was seen, and not fenced");
			add_relaxed(&answer_of[i], 1);
			own++;
		} else {
			cr_assert_eq(fence(), FENCE_TAKEN(word() - SLOT_PHASES + SLOT_RUN));
			store_release(&slot.fence, 0); /* home */
		}
	}
	store_release(&over, 1);
	pthread_join(thread, &taken);
	for (uint32_t i = 0; i < ATTEMPTS; i++)
		cr_assert_eq(answer_of[i], 1, "attempt %u", i);
	cr_assert_eq(own + (uintptr_t)taken, ATTEMPTS);
	cr_assert_gt(own, 0);
}

/* Without membarrier both halves are fences. */
Test(slot, each_attempt_has_one_answer_by_plain_fences)
{
	cr_assert_not(host_asymmetric);
	race();
}

static void set_up(void)
{
	cr_assert_eq(host_init(), 0);
}

Test(slot, each_attempt_has_one_answer_by_membarrier, .init = set_up)
{
	race();
}
