/* SPDX-License-Identifier: BSD-2-Clause */
#include "job.h"

enum { MOST = 8 };

struct bet {
	_Atomic uint32_t runs[MOST], releases, dones;
	_Atomic int32_t winner, status, check[MOST], commit[MOST];
	int32_t answer[MOST];
	struct gate gate[MOST]; /* opened before: it does not wait */
	bool waits[MOST], pauses[MOST], commits[MOST];
};

static int try_it(void *arg, unsigned n)
{
	struct bet *bet = arg;

	add_acq_rel(&bet->runs[n], 1);
	if (bet->waits[n])
		gate_pass(&bet->gate[n]);
	if (bet->commits[n])
		store_relaxed(&bet->commit[n], ward_commit());
	if (bet->pauses[n])
		ward_pause(WARD_FOREVER);
	store_relaxed(&bet->check[n], ward_check());
	return bet->answer[n];
}

static void decided(void *arg, int winner, int status)
{
	struct bet *bet = arg;

	store_relaxed(&bet->winner, winner);
	store_relaxed(&bet->status, status);
	add_acq_rel(&bet->dones, 1);
}

static void over(void *arg)
{
	add_acq_rel(&((struct bet *)arg)->releases, 1);
}

static struct ward_hedge_config config_of(struct bet *bet, uint32_t tries)
{
	struct ward_hedge_config config = WARD_HEDGE_CONFIG_INIT;

	config.tries = tries;
	config.run = try_it;
	config.done = decided;
	config.release = over;
	config.arg = bet;
	return config;
}

static struct ward_hedge *hedged(struct ward_pool *pool,
				  const struct ward_hedge_config *config)
{
	struct ward_hedge *hedge = NULL;

	cr_assert_eq(ward_hedge_start(&hedge, pool, config), 0);
	return hedge;
}

static bool ran(struct bet *bet, int n)
{
	return comes_true(load_acquire(&bet->runs[n]) == 1);
}

static void ends(struct ward_pool *pool, struct ward_hedge *hedge,
		 struct bet *bet)
{
	ward_hedge_put(hedge);
	cr_assert(comes_true(load_acquire(&bet->releases) == 1));
	cr_assert_eq(bet->dones, 1);
	ended(pool);
	cr_assert_eq(bet->releases, 1);
}

Test(hedge, the_first_wins_and_the_rest_are_told)
{
	struct ward_pool *pool = pool_of(3);
	struct bet bet = { .waits = { false, true },
			   .pauses = { true, false, true } };
	struct ward_hedge_config config = config_of(&bet, 3);
	struct ward_hedge *hedge = hedged(pool, &config);

	for (int i = 0; i < 3; i++)
		cr_assert(ran(&bet, i));
	cr_assert_eq(ward_hedge_wait(hedge, ward_in(1)), -ETIMEDOUT);
	gate_open(&bet.gate[1]);
	cr_assert_eq(ward_hedge_wait(hedge, WARD_FOREVER), 1);
	ends(pool, hedge, &bet);
	cr_assert_eq(bet.winner, 1);
	cr_assert_eq(bet.status, 0);
	cr_assert_eq(bet.check[0], -ECANCELED);
	cr_assert_eq(bet.check[1], 0);
	cr_assert_eq(bet.check[2], -ECANCELED);
}

Test(hedge, what_has_not_begun_never_does)
{
	struct ward_pool *pool = pool_of(1);
	struct bet bet = { .answer = { 0 } };
	struct ward_hedge_config config = config_of(&bet, 5);
	struct ward_hedge *hedge = hedged(pool, &config);

	cr_assert_eq(ward_hedge_wait(hedge, WARD_FOREVER), 0);
	ends(pool, hedge, &bet);
	for (int i = 1; i < 5; i++)
		cr_assert_eq(bet.runs[i], 0);
}

Test(hedge, an_error_brings_the_next_one)
{
	struct ward_pool *pool = pool_of(2);
	struct bet bet = { .answer = { -EIO, -EIO, 0 } };
	struct ward_hedge_config config = config_of(&bet, 3);
	struct ward_hedge *hedge;

	config.delay = WARD_S(3600);
	hedge = hedged(pool, &config);
	cr_assert_eq(ward_hedge_wait(hedge, WARD_FOREVER), 2);
	ends(pool, hedge, &bet);
	cr_assert_eq(bet.runs[0] + bet.runs[1] + bet.runs[2], 3);
}

Test(hedge, all_fail)
{
	struct ward_pool *pool = pool_of(1);
	struct bet bet = { .answer = { -EIO, -EPIPE, -ENOENT } };
	struct ward_hedge_config config = config_of(&bet, 3);
	struct ward_hedge *hedge;

	config.delay = WARD_S(3600);
	hedge = hedged(pool, &config);
	cr_assert_eq(ward_hedge_wait(hedge, WARD_FOREVER), -ENOENT);
	ends(pool, hedge, &bet);
	cr_assert_eq(bet.winner, -1);
	cr_assert_eq(bet.status, -ENOENT);
}

Test(hedge, a_delay_starts_the_next_one)
{
	struct ward_pool *pool = pool_of(2);
	struct bet bet = { .pauses = { true } };
	struct ward_hedge_config config = config_of(&bet, 8);
	struct ward_hedge *hedge;
	ward_ns began = ward_now();

	config.delay = WARD_MS(5);
	hedge = hedged(pool, &config);
	cr_assert_eq(ward_hedge_wait(hedge, WARD_FOREVER), 1);
	cr_assert_geq(ward_now() - began, WARD_MS(5));
	ends(pool, hedge, &bet);
	cr_assert_eq(bet.runs[2], 0);
}

Test(hedge, a_budget_stops_more)
{
	struct ward_pool *pool = pool_of(3);
	struct ward_limit budget;
	struct bet bet = { .pauses = { true, true },
			   .answer = { -EIO, -EIO } };
	struct ward_cancel token = { { 0 } };
	struct ward_hedge_config config = config_of(&bet, 5);
	struct ward_hedge *hedge;

	cr_assert_eq(ward_limit_init(&budget, 1 / 3600.0, 1), 0);
	config.budget = &budget;
	config.cancel = &token;
	hedge = hedged(pool, &config);
	cr_assert(ran(&bet, 0));
	cr_assert(ran(&bet, 1));
	cr_assert(ward_cancel_fire(&token, -EINTR));
	cr_assert_eq(ward_hedge_wait(hedge, WARD_FOREVER), -EIO);
	ends(pool, hedge, &bet);
	cr_assert_eq(bet.check[0], -EINTR);
	for (int i = 2; i < 5; i++)
		cr_assert_eq(bet.runs[i], 0);
}

/* Scenario 27. */
Test(hedge, one_commit_of_several)
{
	struct ward_pool *pool = pool_of(4);

	for (int round = 0; round < 200; round++) {
		struct bet bet = { .commits = { true, true, true, true } };
		struct ward_hedge_config config = config_of(&bet, 4);
		struct ward_hedge *hedge;
		int won = 0, winner;

		for (int i = 0; i < 4; i++)
			store_relaxed(&bet.commit[i], 1);
		hedge = hedged(pool, &config);
		winner = ward_hedge_wait(hedge, WARD_FOREVER);
		cr_assert_geq(winner, 0);
		ward_hedge_put(hedge);
		cr_assert(comes_true(load_acquire(&bet.releases) == 1));
		for (int i = 0; i < 4; i++) {
			won += bet.commit[i] == 0;
			cr_assert(bet.commit[i] == 0 || bet.commit[i] == 1 ||
				  bet.commit[i] == -ESTALE);
		}
		cr_assert_eq(won, 1);
		cr_assert_eq(bet.commit[winner], 0);
		cr_assert_eq(bet.check[winner], 0, "its own commit is no news");
	}
	ended(pool);
}

Test(hedge, a_lost_try_makes_way)
{
	static const struct ward_policy quick = { .size = sizeof(quick),
						  .busy_within = WARD_MS(20),
						  .blocked_within =
							  WARD_MS(20) };
	struct ward_pool *pool = pool_of(2);
	struct bet bet = { .waits = { true } };
	struct ward_hedge_config config = config_of(&bet, 2);
	struct ward_hedge *hedge;

	config.delay = WARD_S(3600);
	config.policy = &quick;
	hedge = hedged(pool, &config);
	cr_assert_eq(ward_hedge_wait(hedge, WARD_FOREVER), 1);
	cr_assert_eq(load_acquire(&bet.releases), 0, "one is still inside");
	gate_open(&bet.gate[0]);
	ends(pool, hedge, &bet);
}

Test(hedge, nobody_waits_for_it)
{
	struct ward_pool *pool = pool_of(2);
	struct bet bet = { .answer = { 0 } };
	struct ward_hedge_config config = config_of(&bet, 3);

	cr_assert_eq(ward_hedge_start(NULL, pool, &config), 0);
	cr_assert(comes_true(load_acquire(&bet.releases) == 1));
	cr_assert_eq(bet.dones, 1);
	ended(pool);
}

struct request {
	struct ward_cancel token;
	_Atomic int32_t fini;
	_Atomic uint32_t releases;
};

static int succeeds(void *arg, unsigned n)
{
	(void)arg;
	(void)n;
	return 0;
}

static void is_mine_again(void *arg)
{
	struct request *request = arg;

	store_relaxed(&request->fini, ward_cancel_fini(&request->token));
	memset(&request->token, 0x5a, sizeof(request->token));
	add_acq_rel(&request->releases, 1);
}

Test(hedge, its_token_is_the_users_again_in_release)
{
	struct ward_pool *pool = pool_of(1);
	struct request request = { .fini = 1 };
	struct ward_hedge_config config = WARD_HEDGE_CONFIG_INIT;

	config.tries = 1;
	config.run = succeeds;
	config.release = is_mine_again;
	config.arg = &request;
	config.cancel = &request.token;
	cr_assert_eq(ward_hedge_start(NULL, pool, &config), 0);
	cr_assert(comes_true(load_acquire(&request.releases) == 1));
	cr_assert_eq(request.fini, 0);
	ended(pool);
	for (size_t i = 0; i < sizeof(request.token); i++)
		cr_assert_eq(((char *)&request.token)[i], 0x5a);
}

Test(hedge, a_delay_without_an_end_starts_none)
{
	struct ward_pool *pool = pool_of(2);
	struct bet bet = { .waits = { true }, .answer = { -EIO } };
	struct job job = job_of_kind(job_run);
	struct ward_hedge_config config = config_of(&bet, 2);
	struct ward_hedge *hedge;

	config.delay = WARD_FOREVER;
	hedge = hedged(pool, &config);
	cr_assert(ran(&bet, 0));
	/* Work that came after it is done: so would be the other try. */
	cr_assert_eq(ward_submit(pool, &job.task, WARD_NOWAIT), 0);
	cr_assert(comes_true(load_acquire(&job.releases) == 1));
	cr_assert_eq(load_acquire(&bet.runs[1]), 0);
	gate_open(&bet.gate[0]);
	cr_assert_eq(ward_hedge_wait(hedge, WARD_FOREVER), 1);
	ends(pool, hedge, &bet);
}

/* The try under way ends, and no other may begin. */
Test(hedge, who_is_cancelled_waits_for_no_delay)
{
	struct ward_pool *pool = pool_of(2);
	struct bet bet = { .pauses = { true }, .answer = { -EINTR } };
	struct ward_cancel token = { { 0 } };
	struct ward_hedge_config config = config_of(&bet, 4);
	struct ward_hedge *hedge;

	config.delay = WARD_S(3600);
	config.cancel = &token;
	hedge = hedged(pool, &config);
	cr_assert(ran(&bet, 0));
	cr_assert(ward_cancel_fire(&token, -EINTR));
	cr_assert_eq(ward_hedge_wait(hedge, WARD_FOREVER), -EINTR);
	ends(pool, hedge, &bet);
	cr_assert_eq(bet.runs[1] + bet.runs[2] + bet.runs[3], 0);
}

Test(hedge, a_pool_drains_under_it)
{
	struct ward_pool *pool = pool_of(2);
	struct bet bet = { .answer = { -EIO }, .waits = { true } };
	struct ward_hedge_config config = config_of(&bet, 3);
	struct ward_hedge *hedge;
	int err;

	config.delay = WARD_S(3600);
	hedge = hedged(pool, &config);
	cr_assert(ran(&bet, 0));
	cr_assert_eq(ward_pool_drain(pool, ward_in(1)), -ETIMEDOUT);
	gate_open(&bet.gate[0]);
	err = ward_hedge_wait(hedge, WARD_FOREVER);
	cr_assert(err == -ESHUTDOWN || err == -EIO, "%d", err);
	cr_assert_eq(ward_pool_drain(pool, WARD_FOREVER), 0);
	ends(pool, hedge, &bet);
}

Test(hedge, refuses_what_makes_no_sense)
{
	struct ward_pool *pool = pool_of(1);
	struct bet bet = { .answer = { 0 } };
	struct ward_hedge_config good = config_of(&bet, 1), bad;
	static const struct ward_policy odd = { .size = 1 };
	struct ward_hedge *hedge = NULL;
	struct ward_cancel token = { { 0 } };

#define REFUSED(member, value)                                                 \
	(bad = good, bad.member = (value),                                     \
	 ward_hedge_start(&hedge, pool, &bad) == -EINVAL)
	cr_assert(REFUSED(size, 1));
	cr_assert(REFUSED(tries, 0));
	cr_assert(REFUSED(tries, 65));
	cr_assert(REFUSED(run, NULL));
	cr_assert(REFUSED(policy, &odd));
	cr_assert_eq(ward_hedge_start(&hedge, NULL, &good), -EINVAL);
	cr_assert_eq(ward_hedge_start(&hedge, pool, NULL), -EINVAL);
	ward_cancel_fire(&token, -EINTR);
	good.cancel = &token;
	cr_assert_eq(ward_hedge_start(&hedge, pool, &good), -EINTR);
	cr_assert_null(hedge);
	cr_assert_eq(ward_hedge_wait(NULL, 0), -EINVAL);
	ward_hedge_put(NULL);
	cr_assert_eq(bet.dones + bet.releases + bet.runs[0], 0);
	ended(pool);
}
