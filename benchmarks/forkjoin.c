/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * forkjoin.c - what a fork costs, ns each with its join and the work around it (an
 * addition), wall time by the number of forks.
 *
 * fib_1, fib_2	 fib(32), one fork a call, by 1 and 2 workers; quick: fib(27)
 * tree_1, tree_2  a tree of a million leaves; at each node one part is a sixteenth
 *
 * loop_1, loop_2  a hundred million empty iterations, grain 1, ns an iteration
 *
 * ward_call is the same with joins that name the function (WARD_FORKABLE).
 *
 * The floor is a stack of forks on one thread: no thieves, no group, nobody to wake,
 * nobody who looks on.
 */
#include "base/atomic.h"
#include "bench.h"
#include "forkjoin.h"

#include <string.h>
#include <ward/ward.h>

enum { ROUNDS = 5, LEAVES = 1000 * 1000, ITERATIONS = 100 * 1000 * 1000 };

/* ---- libward ------------------------------------------------------------- */

static struct ward_pool *pool;

struct part {
	struct ward_fork fork;
	uint32_t n;
	uint64_t result;
};

static uint64_t fib(unsigned n);
static uint64_t tree(uint32_t leaves);

static int fib_run(struct ward_fork *fork)
{
	struct part *part = ward_entry(fork, struct part, fork);

	part->result = fib(part->n);
	return 0;
}

static int tree_run(struct ward_fork *fork)
{
	struct part *part = ward_entry(fork, struct part, fork);

	part->result = tree(part->n);
	return 0;
}

static uint64_t fib(unsigned n)
{
	struct part left = { .fork.run = fib_run, .n = n - 1 };
	struct ward_group group = { { 0 } };
	uint64_t right;

	if (n < 2)
		return n;
	ward_fork(&group, &left.fork);
	right = fib(n - 2);
	ward_join(&group);
	return left.result + right;
}

static uint64_t tree(uint32_t leaves)
{
	struct part left = { .fork.run = tree_run, .n = small_part(leaves) };
	struct ward_group group = { { 0 } };
	uint64_t right;

	if (leaves == 1)
		return 1;
	ward_fork(&group, &left.fork);
	right = tree(leaves - left.n);
	ward_join(&group);
	return left.result + right;
}

WARD_FORKABLE(uint64_t, fib_call, unsigned, n)
{
	struct fib_call_part left;
	uint64_t right;

	if (n < 2)
		return n;
	fib_call_fork(&left, n - 1);
	right = fib_call(n - 2);
	return fib_call_join(&left) + right;
}

WARD_FORKABLE(uint64_t, tree_call, uint32_t, leaves)
{
	struct tree_call_part left;
	uint64_t right;

	if (leaves == 1)
		return 1;
	tree_call_fork(&left, small_part(leaves));
	right = tree_call(leaves - small_part(leaves));
	return tree_call_join(&left) + right;
}

struct whole {
	struct ward_task task;
	uint64_t (*of)(uint32_t n);
	uint32_t n;
	uint64_t result;
	_Atomic uint32_t over;
};

static int whole_run(struct ward_task *task)
{
	struct whole *whole = ward_entry(task, struct whole, task);

	whole->result = whole->of(whole->n);
	return 0;
}

static void whole_over(struct ward_task *task)
{
	struct whole *whole = ward_entry(task, struct whole, task);

	store_release(&whole->over, 1);
}

static uint64_t in_pool(uint64_t (*of)(uint32_t n), uint32_t n)
{
	struct whole whole = { .task = WARD_TASK_INIT(whole_run),
			       .of = of,
			       .n = n };

	whole.task.release = whole_over;
	if (ward_submit(pool, &whole.task, WARD_FOREVER))
		return 0;
	while (!load_acquire(&whole.over))
		os_sleep(100 * US);
	return whole.result;
}

static bool ward_up(unsigned workers)
{
	struct ward_pool_config config = WARD_POOL_CONFIG_INIT;

	config.workers = workers;
	config.flags = machine_flags();
	return !ward_pool_create(&pool, &config) && !ward_pool_start(pool);
}

static uint64_t ward_fib(unsigned n)
{
	return in_pool(fib, n);
}

static uint64_t ward_call_fib(unsigned n)
{
	return in_pool(fib_call, n);
}

static uint64_t ward_call_tree(uint32_t leaves)
{
	return in_pool(tree_call, leaves);
}

static uint64_t ward_tree(uint32_t leaves)
{
	return in_pool(tree, leaves);
}

static void ward_down(void)
{
	ward_pool_destroy(pool, WARD_FOREVER);
}

static int loop_body(uint64_t begin, uint64_t end, void *arg)
{
	(void)arg;
	empty_iterations(end - begin);
	return 0;
}

static uint64_t loop(uint32_t n)
{
	return ward_for(0, n, 1, loop_body, NULL) ? 0 : n;
}

static uint64_t ward_loop(uint32_t n)
{
	return in_pool(loop, n);
}

const struct forker forker_ward = { "ward",    ward_up,	  ward_fib,
				    ward_tree, ward_loop, ward_down };
static const struct forker forker_ward_call = {
	"ward_call", ward_up, ward_call_fib, ward_call_tree, NULL, ward_down
};

/* ---- the floor ------------------------------------------------------------ */

static struct ward_fork *stack[LEAVES], **top = stack;

static void fork_bare(struct part *part)
{
	*top++ = &part->fork;
}

static void join_bare(void)
{
	struct ward_fork *fork = *--top;

	fork->run(fork);
}

static uint64_t bare_fib(unsigned n);

static int bare_fib_run(struct ward_fork *fork)
{
	struct part *part = ward_entry(fork, struct part, fork);

	part->result = bare_fib(part->n);
	return 0;
}

static uint64_t bare_fib(unsigned n)
{
	struct part left = { .fork.run = bare_fib_run, .n = n - 1 };
	uint64_t right;

	if (n < 2)
		return n;
	fork_bare(&left);
	right = bare_fib(n - 2);
	join_bare();
	return left.result + right;
}

static uint64_t bare_tree(uint32_t leaves);

static int bare_tree_run(struct ward_fork *fork)
{
	struct part *part = ward_entry(fork, struct part, fork);

	part->result = bare_tree(part->n);
	return 0;
}

static uint64_t bare_tree(uint32_t leaves)
{
	struct part left = { .fork.run = bare_tree_run,
			     .n = small_part(leaves) };
	uint64_t right;

	if (leaves == 1)
		return 1;
	fork_bare(&left);
	right = bare_tree(leaves - left.n);
	join_bare();
	return left.result + right;
}

static bool bare_up(unsigned workers)
{
	return workers == 1;
}

static uint64_t bare_loop(uint32_t n)
{
	empty_iterations(n);
	return n;
}

static void bare_down(void)
{
}

const struct forker forker_floor = { "floor",	bare_up,   bare_fib,
				     bare_tree, bare_loop, bare_down };

/* ---- plan and report ---------------------------------------------------- */

/* An implementation that forks, and its pool, by which it is asked for. */
static const struct {
	const struct forker *forker;
	const struct rival *pool;
} forkers[] = {
	{ &forker_floor, &rival_floor },      { &forker_ward, &rival_ward },
	{ &forker_ward_call, &rival_ward },
#ifdef HAVE_TBB
	{ &forker_onetbb, &rival_tbb_group },
#endif
#ifdef HAVE_OPENMP
	{ &forker_openmp, &rival_openmp },
#endif
};
#define FORKERS (sizeof(forkers) / sizeof(*forkers))

static const struct forker *forker_find(const char *name)
{
	for (unsigned i = 0; i < FORKERS; i++)
		if (!strcmp(forkers[i].forker->name, name))
			return forkers[i].forker;
	return NULL;
}

/* As many calls as are no leaves. */
static uint64_t fib_forks(unsigned n)
{
	uint64_t a = 0, b = 1;

	for (unsigned i = 0; i <= n; i++) {
		uint64_t next = a + b;

		a = b;
		b = next;
	}
	return a - 1;
}

static bool best_of(const struct forker *forker, const char *metric,
		    uint64_t (*of)(uint32_t n), uint32_t n, uint64_t expected,
		    uint64_t forks)
{
	double best = 1e9;

	for (int round = 0; round < ROUNDS; round++) {
		uint64_t from = os_now(), result = of(n);
		double took = (double)(os_now() - from) / (double)forks;

		if (result != expected) {
			fprintf(stderr, "forkjoin: %s: %s: %lu, not %lu\n",
				forker->name, metric, (unsigned long)result,
				(unsigned long)expected);
			return false;
		}
		best = took < best ? took : best;
	}
	tell(metric, "ns", best);
	return true;
}

static bool forkjoin_trial(const struct trial *t)
{
	const struct forker *f = forker_find(t->impl);
	uint32_t n = (uint32_t)t->tasks;
	bool right;

	if (!f || !f->up(t->workers))
		return false;
	right = best_of(f, "fib", f->fib, n, fib_forks(n - 1) + 1,
			fib_forks(n)) &&
		best_of(f, "tree", f->tree, LEAVES, LEAVES, LEAVES - 1) &&
		(!f->loop || best_of(f, "loop", f->loop, ITERATIONS, ITERATIONS,
				     ITERATIONS));
	f->down();
	return right;
}

static const unsigned usual[] = { 1, 2, 0 };

static bool wanted(const struct options *o, unsigned forker, unsigned workers)
{
	if (forkers[forker].forker == &forker_floor && workers > 1)
		return false;
	for (unsigned i = 0; i < o->impls; i++)
		if (o->impl[i] == forkers[forker].pool)
			return true;
	return false;
}

static void one_run(const struct options *o, struct book *book)
{
	struct trial t = { .bench = "forkjoin",
			   .mode = "-",
			   .producers = 1,
			   .tasks = o->quick ? 27 : 32,
			   .ring = o->ring,
			   .window = o->window };

	for (unsigned i = 0; i < FORKERS; i++)
		for (unsigned k = 0; (t.workers = size_at(o, usual, k)); k++) {
			t.impl = forkers[i].forker->name;
			if (wanted(o, i, t.workers))
				trial_book(book, &t, TRIAL_LIMIT_S);
		}
}

static void forkjoin_run(const struct options *o, struct book *book)
{
	for (unsigned run = 0; run < o->runs; run++)
		one_run(o, book);
	progress_end();
}

static void forkjoin_report(const struct options *o, const struct book *book)
{
	static const char *const metric[] = { "fib", "tree", "loop" };
	enum { METRICS = sizeof(metric) / sizeof(*metric) };
	static struct table table;
	unsigned n = 0;

	while (n < TABLE_COLUMNS / METRICS && size_at(o, usual, n))
		n++;
	table_start(&table, "forkjoin: ns a fork, or an iteration");
	for (unsigned c = 0; c < METRICS * n; c++)
		table_column(&table, "%s_%u", metric[c / n],
			     size_at(o, usual, c % n));
	for (unsigned i = 0; i < FORKERS; i++) {
		unsigned row;

		if (!wanted(o, i, 1))
			continue;
		row = table_row(&table, forkers[i].forker->name);
		for (unsigned c = 0; c < METRICS * n; c++) {
			struct key key = { "forkjoin",
					   forkers[i].forker->name,
					   metric[c / n],
					   "",
					   size_at(o, usual, c % n),
					   1,
					   NULL };

			table_cell(&table, row, c, book_find(book, &key));
		}
	}
	table_print(&table, stdout);
}

const struct bench bench_forkjoin = {
	.name = "forkjoin",
	.what = "a fork and its join: fib, and a tree that leans",
	.run = forkjoin_run,
	.trial = forkjoin_trial,
	.report = forkjoin_report,
};
