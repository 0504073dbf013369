/* SPDX-License-Identifier: BSD-2-Clause */
#include "job.h"

enum { ROOM = 16 };

/* The incarnations' doings, one after the other; the last one waits. */
struct keeper {
	int (*life[4])(struct keeper *keeper);
	_Atomic uint32_t starting;
	_Atomic uint32_t gate; /* opens for the one that waits deaf */
	int32_t got[16];       /* by the incarnation inside */
	char buf[ROOM];
	size_t len;
	uint64_t seq;
	_Atomic uint32_t done;
};

static int live(void *arg)
{
	struct keeper *keeper = arg;
	uint32_t turn = add_acq_rel(&keeper->starting, 1);

	return turn < 4 && keeper->life[turn] ? keeper->life[turn](keeper) : 0;
}

static struct ward_steward *steward;

static struct ward *ward_of(struct keeper *keeper, size_t state)
{
	struct ward_steward_config config = WARD_STEWARD_CONFIG_INIT;
	struct ward_pool_config pool = job_config(1);
	struct ward_spec spec = WARD_SPEC_INIT;
	struct ward *ward;

	config.pool = &pool;
	config.restarts = 10;
	cr_assert_eq(ward_steward_create(&steward, &config), 0);
	spec.name = "keeper";
	spec.run = live;
	spec.arg = keeper;
	spec.restart = WARD_ON_FAILURE;
	spec.blocked_within = WARD_MS(20);
	spec.state = state;
	cr_assert_eq(ward_start(&ward, steward, &spec), 0);
	return ward;
}

static void over(struct ward *ward)
{
	int status;

	cr_assert_eq(ward_wait(ward, ward_in(IN_TIME), &status), 0);
	cr_assert_eq(status, 0);
	ward_put(ward);
	cr_assert_eq(ward_steward_destroy(steward, ward_in(IN_TIME)), 0);
}

static int resume(struct keeper *keeper)
{
	keeper->len = ROOM;
	keeper->seq = 99;
	memset(keeper->buf, '#', ROOM);
	return ward_resume(keeper->buf, &keeper->len, &keeper->seq);
}

/* ---- bad input ------------------------------------------------------- */

static int asks_wrongly(struct keeper *keeper)
{
	char big[ROOM + 1] = "";
	size_t len = ROOM, small = 2;
	int *got = keeper->got;

	*got++ = ward_checkpoint(NULL, 1, 1);
	*got++ = ward_resume(NULL, &len, NULL);
	*got++ = ward_resume(big, NULL, NULL);
	*got++ = ward_resume(big, &len, NULL);
	*got++ = ward_checkpoint(big, ROOM + 1, 1);
	*got++ = ward_checkpoint(big, SIZE_MAX, 1);
	*got++ = ward_resume(big, &len, NULL);
	*got++ = (int)len;
	*got++ = ward_checkpoint("four", 4, 7);
	*got++ = ward_resume(big, &small, NULL);
	*got++ = (int)small;
	*got++ = ward_resume(big, &small, NULL);
	return 0;
}

Test(checkpoint, bad_input_is_named)
{
	static const int want[] = { -EINVAL,  -EINVAL,	 -EINVAL, -ENODATA,
				    -EMSGSIZE, -EMSGSIZE, -ENODATA, ROOM,
				    0,	       -EMSGSIZE, 4,	   0 };
	struct keeper keeper = { .life = { asks_wrongly } };

	over(ward_of(&keeper, ROOM));
	for (int i = 0; i < 12; i++)
		cr_assert_eq(keeper.got[i], want[i], "%d: %d", i,
			     keeper.got[i]);
}

static int keeps_nothing(struct keeper *keeper)
{
	keeper->got[0] = ward_checkpoint(keeper->buf, 0, 1);
	keeper->got[1] = resume(keeper);
	return 0;
}

Test(checkpoint, a_ward_without_state_keeps_nothing)
{
	struct keeper keeper = { .life = { keeps_nothing } };

	over(ward_of(&keeper, 0));
	cr_assert_eq(keeper.got[0], -EPERM);
	cr_assert_eq(keeper.got[1], -EPERM);
}

static int in_a_task(struct ward_task *task)
{
	char buf[4] = "";
	size_t len = 4;

	job_begins(job_of(task));
	cr_assert_eq(ward_checkpoint(buf, 4, 1), -EPERM);
	cr_assert_eq(ward_resume(buf, &len, NULL), -EPERM);
	return job_ends(job_of(task));
}

Test(checkpoint, only_wards_keep)
{
	struct ward_pool *pool = pool_of(1);
	struct job job = job_of_kind(in_a_task);
	char buf[4] = "";
	size_t len = 4;

	cr_assert_eq(ward_checkpoint(buf, 4, 1), -EPERM);
	cr_assert_eq(ward_resume(buf, &len, NULL), -EPERM);
	cr_assert_eq(ward_checkpoint(NULL, 4, 1), -EINVAL);
	cr_assert_eq(ward_resume(NULL, NULL, NULL), -EINVAL);
	submitted(pool, &job);
	job_had(&job, 0);
	ended(pool);
}

/* ---- from one incarnation to the next -------------------------------- */

static int keeps_and_raises(struct keeper *keeper)
{
	keeper->got[0] = ward_checkpoint("first", 5, 5);
	ward_raise(-EIO, "the end of the first");
}

static int resumes_and_leaves(struct keeper *keeper)
{
	keeper->got[1] = resume(keeper);
	keeper->got[2] = keeper->len == 5 && keeper->seq == 5 &&
			 !memcmp(keeper->buf, "first#", 6);
	keeper->got[3] = ward_checkpoint("second one", 10, 2);
	pthread_exit(NULL);
}

static int resumes(struct keeper *keeper)
{
	keeper->got[4] = resume(keeper);
	keeper->got[5] = keeper->len == 10 && keeper->seq == 2 &&
			 !memcmp(keeper->buf, "second one#", 11);
	return 0;
}

Test(checkpoint, the_next_one_finds_it)
{
	struct keeper keeper = { .life = { keeps_and_raises,
					   resumes_and_leaves, resumes } };
	static const int want[] = { 0, 0, true, 0, 0, true };

	over(ward_of(&keeper, ROOM));
	for (int i = 0; i < 6; i++)
		cr_assert_eq(keeper.got[i], want[i], "%d: %d", i,
			     keeper.got[i]);
}

/* Taken for blocked and fenced, it comes back and would keep what it has. */
static int keeps_late(struct keeper *keeper)
{
	size_t len = ROOM;
	char buf[ROOM];

	keeper->got[0] = ward_checkpoint("early", 5, 1);
	while (!load_acquire(&keeper->gate))
		host_wait(&keeper->gate, 0, HOST_FOREVER);
	keeper->got[1] = ward_checkpoint("late", 4, 2);
	keeper->got[2] = ward_resume(buf, &len, NULL);
	add_acq_rel(&keeper->done, 1);
	return 0;
}

static int lets_it_go_first(struct keeper *keeper)
{
	store_release(&keeper->gate, 1);
	host_wake(&keeper->gate, 1);
	while (!load_acquire(&keeper->done)) {
		ward_beat();
		ward_pause(ward_in(WARD_MS(1)));
	}
	keeper->got[3] = resume(keeper);
	keeper->got[4] = keeper->len == 5 && keeper->seq == 1 &&
			 !memcmp(keeper->buf, "early#", 6);
	return 0;
}

Test(checkpoint, one_that_was_fenced_keeps_nothing)
{
	struct keeper keeper = { .life = { keeps_late, lets_it_go_first } };
	static const int want[] = { 0, -ESTALE, -ESTALE, 0, true };

	over(ward_of(&keeper, ROOM));
	for (int i = 0; i < 5; i++)
		cr_assert_eq(keeper.got[i], want[i], "%d: %d", i,
			     keeper.got[i]);
}
