/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wards.h - what the stories of wards share: wards that do what they are told to, and a
 * diary of begins and ends.
 */
#ifndef WARD_TESTS_STORY_WARDS_H
#define WARD_TESTS_STORY_WARDS_H

#include "story.h"

#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- the diary: "+a +b -b" --------------------------------------------------- */

#define DIARY_MAX 4096u

static char diary_text[DIARY_MAX];
static _Atomic uint32_t diary_end;

static inline void diary(char what, char who)
{
	uint32_t at = add_acq_rel(&diary_end, 2);

	if (at + 2 >= DIARY_MAX)
		story_fail(__FILE__, __LINE__, "the diary is full");
	__atomic_store_n(&diary_text[at + 1], who, __ATOMIC_RELEASE);
	__atomic_store_n(&diary_text[at], what, __ATOMIC_RELEASE);
}

static inline void diary_clear(void)
{
	memset(diary_text, 0, sizeof(diary_text));
	store_release(&diary_end, 0);
}

/* Wards that begin one after the other write when they are given a CPU. */
static inline void diary_sort(char *text)
{
	for (char *at = text; at[0] && at[2];) {
		if (at[0] == '+' && at[2] == '+' && at[1] > at[3]) {
			char who = at[1];

			at[1] = at[3];
			at[3] = who;
			at = text;
		} else {
			at += 2;
		}
	}
}

/* The diary is that, or comes to be that. */
static inline void diary_says(const char *text)
{
	uint64_t end = host_now() + IN_TIME;

	while (load_acquire(&diary_end) < strlen(text) ||
	       !__atomic_load_n(&diary_text[strlen(text) - 2],
				__ATOMIC_ACQUIRE)) {
		if (host_now() > end)
			break;
		story_breathe();
	}
	diary_sort(diary_text);
	if (strcmp(diary_text, text))
		story_fail(__FILE__, __LINE__, "the diary says %s, not %s",
			   diary_text, text);
}

/* ---- wards that do what they are told ---------------------------------------- */

enum deed {
	DEED_WAIT, /* until it is told to stop; then returns 0 */
	DEED_RETURN_0,
	DEED_RETURN_7,
	DEED_RAISE,
	DEED_EXIT,
	DEED_CANCEL,
	DEED_RAW_EXIT,
	DEED_SPIN, /* deaf, until its gate is opened */
	DEED_SLEEP /* the same, asleep */
};

struct actor {
	const char *name; /* one letter; reports may be told when it has gone */
	struct ward *ward;
	_Atomic uint32_t deed; /* the next one; WAIT again after it */
	_Atomic uint32_t runs, ends, homes;
	_Atomic int32_t status; /* as 'ended' was told */
	_Atomic uint32_t gate;	/* futex: opens for the deaf */
	struct ward_spec spec;
};

static inline int actor_does(struct actor *actor, enum deed deed)
{
	switch (deed) {
	case DEED_RETURN_7:
		return 7;
	case DEED_RAISE:
		ward_raise(-EIO, "told to raise");
	case DEED_EXIT:
		pthread_exit(NULL);
	case DEED_CANCEL:
		pthread_cancel(pthread_self());
		leave_frames_open();
		pthread_testcancel();
		break;
	case DEED_RAW_EXIT:
		if (!UNDER_ASAN)
			syscall(SYS_exit, 0);
		pthread_exit(NULL);
	case DEED_SPIN:
		while (!load_acquire(&actor->gate))
			host_relax();
		break;
	case DEED_SLEEP:
		while (!load_acquire(&actor->gate))
			host_wait(&actor->gate, 0, HOST_FOREVER);
		break;
	default:
		break;
	}
	add_acq_rel(&actor->homes, 1);
	return 0;
}

static inline int actor_run(void *arg)
{
	struct actor *actor = arg;
	uint32_t deed = DEED_WAIT;

	diary('+', actor->name[0]);
	add_acq_rel(&actor->runs, 1);
	while (!ward_check()) {
		deed = swap_acq_rel(&actor->deed, DEED_WAIT);
		if (deed != DEED_WAIT)
			return actor_does(actor, (enum deed)deed);
		ward_pause(ward_in(MS));
	}
	return 0;
}

static inline void actor_ended(void *arg, int status)
{
	struct actor *actor = arg;

	diary('-', actor->name[0]);
	store_relaxed(&actor->status, status);
	add_acq_rel(&actor->ends, 1);
}

static inline void actor_init(struct actor *actor, char name)
{
	memset(actor, 0, sizeof(*actor));
	actor->name = &"a\0b\0c\0d"[2 * (name - 'a')];
	actor->spec = (struct ward_spec)WARD_SPEC_INIT;
	actor->spec.name = actor->name;
	actor->spec.run = actor_run;
	actor->spec.ended = actor_ended;
	actor->spec.arg = actor;
}

/* Started, and inside. */
static inline void actor_start(struct actor *actor, char name,
			       struct ward_steward *steward)
{
	actor_init(actor, name);
	expect_equal(ward_start(&actor->ward, steward, &actor->spec), 0);
	wait_until(load_acquire(&actor->runs) == 1);
}

static inline void actor_told(struct actor *actor, enum deed deed)
{
	store_release(&actor->deed, deed);
}

static inline struct ward_view view_of(struct ward *ward)
{
	struct ward_view view = WARD_VIEW_INIT;

	expect_equal(ward_view(ward, &view), 0);
	return view;
}

/* ---- stewards ------------------------------------------------------------------ */

/* On a pool as the stories have it, that keeps reports. */
static inline struct ward_steward *
supervisor_up(const struct ward_steward_config *config)
{
	struct ward_pool_config pool = story_config();
	struct ward_steward_config c = *config;
	struct ward_steward *steward;

	if (!c.parent && !c.pool)
		c.pool = &pool;
	expect_equal(ward_steward_create(&steward, &c), 0);
	return steward;
}

/* Nothing is left, and the books were right. */
static inline void steward_gone(struct ward_steward *root)
{
	expect_equal(ward_steward_stop(root, ward_in(IN_TIME)), 0);
	wait_healed(pool_under(root));
	audit_whole(pool_under(root));
	expect_equal(ward_steward_destroy(root, ward_in(IN_TIME)), 0);
}

#endif
