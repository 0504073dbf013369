/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cells_killed.c - cells are killed at random moments under load: on their way up, idle,
 * inside of a call, amid an answer; and then their parent is.
 *
 * Expected: each accepted call has one done() and one release(), with its own answer or
 * -EOWNERDEAD; the books are in order, and descriptors, processes, mappings and memory
 * are as before.  Of a parent that was killed no cell and no zygote is left.
 * 300 kills; 100,000 if STORY_LONG is set.
 */
#include "cells.h"
#include <pthread.h>
#include <sys/mman.h>
#include <sys/prctl.h>

enum { CELLS = 3, VISITS = 200, SEEN = 4096 };

/* Which cells have come to a call: all others are on their way up, or idle. */
static _Atomic int32_t *seen;

static int answers(struct ward_request *r)
{
	const uint32_t *in = r->in;
	uint32_t *out = r->out;
	int32_t pid = getpid();

	store_relaxed(&seen[pid % SEEN], pid);
	for (uint32_t i = 0; i < in[1] % 4096; i++)
		host_relax();
	for (int i = 0; i < 4; i++)
		out[i] = in[i] + 1;
	r->out_size = 4 * sizeof(*out);
	return 0;
}

static struct ward_cell_program program;

static void zygote_up(void)
{
	seen = mmap(NULL, SEEN * sizeof(*seen), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	expect(seen != MAP_FAILED);
	program = (struct ward_cell_program)WARD_CELL_PROGRAM_INIT;
	program.run = answers;
	expect_equal(ward_cell_zygote(), 0);
}

/* ---- who kills --------------------------------------------------------------------- */

struct killer {
	struct ward_cells *cells;
	pthread_t thread;
	uint32_t wanted, kills, early;
	uint64_t seed;
	int32_t last[64];
	_Atomic uint32_t over;
};

/* Now and then on its way up; more, and births would only wait longer and longer. */
static bool may_kill(struct killer *k, int32_t pid)
{
	if (load_relaxed(&seen[pid % SEEN]) == pid)
		return true;
	if (draw(&k->seed) % 65536)
		return false;
	k->early++;
	return true;
}

static void kill_one(struct killer *k)
{
	uint32_t i = (uint32_t)draw(&k->seed) % 64;
	int32_t pid = ward_cells_pid(k->cells, i);

	if (pid <= 0 || pid == k->last[i] || !may_kill(k, pid))
		return;
	for (uint64_t n = draw(&k->seed) % 2048; n--;)
		host_relax();
	if (ward_cells_pid(k->cells, i) == pid && kill(pid, SIGKILL) == 0) {
		k->kills++;
		k->last[i] = pid;
	}
}

static void *kills(void *arg)
{
	struct killer *k = arg;

	while (k->kills < k->wanted)
		kill_one(k);
	store_release(&k->over, 1);
	return NULL;
}

/* ---- who is served ------------------------------------------------------------------ */

static const struct ward_policy patient = { .size = sizeof(patient),
					    .busy_within = WARD_S(60),
					    .blocked_within = WARD_S(60) };
static const struct ward_policy again = { .size = sizeof(again),
					  .deaths = 1000,
					  .busy_within = WARD_S(60),
					  .blocked_within = WARD_S(60) };

static struct visit visit[VISITS];
static uint64_t sent, lost;

static void look_at(struct visit *v)
{
	if (!v->sent)
		return;
	if (v->status == -EOWNERDEAD) {
		expect(v->call.task.policy == &patient);
		lost++;
		return;
	}
	expect_equal(v->status, 0);
	expect_equal(v->out_size, sizeof(v->in));
	for (int i = 0; i < 4; i++)
		expect_equal(v->out[i], v->in[i] + 1);
}

static void send_anew(struct ward_cells *cells, struct visit *v, uint64_t *seed)
{
	look_at(v);
	for (int i = 0; i < 4; i++)
		v->in[i] = (uint32_t)draw(seed);
	v->call.task.policy = sent % 2 ? &again : &patient;
	visit_send(cells, v);
	sent++;
}

static void under_load(struct ward_cells *cells, struct killer *k)
{
	uint64_t seed = 1;

	while (!load_acquire(&k->over))
		for (int i = 0; i < VISITS; i++)
			if (visit_is_home(&visit[i]))
				send_anew(cells, &visit[i], &seed);
	for (int i = 0; i < VISITS; i++) {
		wait_until(visit_is_home(&visit[i]));
		look_at(&visit[i]);
		visit[i].sent = false;
	}
}

/* The pool counts for all sets that it ever had. */
static void known_to_the_pool(const struct ward_stats *was, struct ward_pool *pool,
			      const struct ward_cells_stats *s)
{
	struct ward_stats is = stats_of(pool);

	expect_equal(is.cells_working, CELLS);
	expect_equal(is.cells_born - was->cells_born, s->born);
	expect_equal(is.cells_unborn - was->cells_unborn, s->unborn);
	expect_equal(is.cells_died - was->cells_died, s->died);
	expect_equal(is.cells_killed + is.cells_garbled + is.cells_recycled, 0);
	expect_equal(is.calls_lost - was->calls_lost, s->lost);
	expect_equal(is.calls_moved - was->calls_moved, s->moved);
}

static void killed(struct ward_pool *pool, uint32_t times)
{
	struct ward_stats was = stats_of(pool);
	struct killer k = { .wanted = times, .seed = 7 };
	struct ward_cells_stats s;

	k.cells = cells_up(pool, CELLS, &program);
	sent = lost = 0;
	expect(!pthread_create(&k.thread, NULL, kills, &k));
	under_load(k.cells, &k);
	pthread_join(k.thread, NULL);
	cells_healed(k.cells, CELLS);
	s = cells_stats(k.cells);
	expect_equal(s.died + s.unborn, times);
	expect_equal(s.killed + s.garbled, 0);
	expect_equal(s.born, s.died + CELLS + 1);
	expect(s.lost >= lost && s.lost <= s.sent);
	known_to_the_pool(&was, pool, &s);
	printf("%u kills, %u of them early; %llu calls, %llu lost\n", k.kills,
	       k.early, (unsigned long long)sent, (unsigned long long)lost);
	cells_down(k.cells);
	expect_equal(stats_of(pool).cells_working, 0);
}

/* ---- what is left --------------------------------------------------------------------- */

struct things {
	unsigned descriptors, children, threads, mappings;
	uint64_t memory;
};

static struct things things_now(void)
{
	return (struct things){ .descriptors = descriptors_now(),
				.children = children_now(),
				.threads = threads_now(),
				.mappings = mappings_now(),
				.memory = host_process_memory(getpid()) };
}

static void same(const struct things *was)
{
	struct things is = things_now();

	expect_equal(is.descriptors, was->descriptors);
	expect_equal(is.children, was->children);
	wait_until(threads_now() == was->threads);
	if (UNDER_ASAN)
		return; /* it maps and keeps as it likes */
	expect_equal(is.mappings, was->mappings);
	expect(is.memory <= was->memory + (1 << 20));
}

/* ---- the parent is killed -------------------------------------------------------------- */

static int spins(struct ward_request *r)
{
	(void)r;
	store_relaxed(&seen[0], 1);
	while (load_relaxed(&seen[0]))
		host_relax();
	return 0;
}

/* Never returns: it is to be killed. */
static void be_parent(int tell)
{
	struct ward_pool_config config = story_config();
	struct ward_cells *cells;

	config.policy = &patient;
	zygote_up();
	program.run = spins;
	cells = cells_up(pool_up(&config), CELLS, &program);
	visit_send(cells, &visit[0]);
	wait_until(load_acquire(&seen[0]));
	wait_until(cells_stats(cells).spares == 1 &&
		   cells_stats(cells).working == CELLS);
	expect_equal(write(tell, "!", 1), 1);
	for (;;)
		pause();
}

/* Those that have no parent any more are this process's. */
static void parent_is_killed(void)
{
	unsigned ended = 0;
	pid_t parent, child;
	int fd[2], status;
	char c;

	expect_equal(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
	expect_equal(pipe(fd), 0);
	parent = fork();
	if (!parent)
		be_parent(fd[1]);
	close(fd[1]);
	expect_equal(read(fd[0], &c, 1), 1);
	close(fd[0]);
	expect_equal(kill(parent, SIGKILL), 0);
	do {
		wait_until((child = waitpid(-1, &status, WNOHANG | __WALL)) != 0);
		ended += child > 0;
	} while (child > 0);
	expect_equal(errno, ECHILD);
	/* It, the zygote, the cells at work and the one beside them. */
	expect_equal(ended, 2 + CELLS + 1);
}

int main(void)
{
	bool all = getenv("STORY_LONG");
	struct ward_pool_config config = story_config();
	struct ward_pool *pool;
	struct things was;

	parent_is_killed();
	zygote_up();
	pool = pool_up(&config);
	/* What is kept for the next time is there then, the story's own reports too. */
	killed(pool, all ? 1000 : 30);
	was = things_now();
	killed(pool, all ? 100000 : 300);
	same(&was);
	pool_down(pool);
	return 0;
}
