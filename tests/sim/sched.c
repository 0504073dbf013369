/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sched.c - threads, choices, time.
 */
#undef _FORTIFY_SOURCE /* it does not know stacks like these */
#include "base/host_fault.h"
#include "core.h"
#include "lines.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#define STACK (64 * 1024)
#define CHOICES 4096
#define NAMES 128
#define NEVER UINT64_MAX

struct run run;
struct thread threads[SIM_THREADS];
int nthreads, current;
bool running;
uint32_t laziness;

static struct result result;
static jmp_buf out;
static uint32_t yielded; /* bit per thread: somebody else goes first */
static uint64_t clock_ns, next_due, random_state;
static uint32_t stickiness; /* one step in so many may go to another thread */
static uint32_t patience;   /* so many relaxes let the others go first */
static uint32_t spins;	    /* of all threads */
static void *private_word;  /* saved and restored with each thread */
static int64_t lowest;
static int stopped;	    /* the thread that was stopped for ever, or -1 */
static long forked_at;	    /* its steps at the fork */
static bool may_hang;
static long change_at[3]; /* pct */
static uint32_t preempted, odd_used;
static char stacks[SIM_THREADS][STACK] __attribute__((aligned(64)));

static struct {
	uint16_t taken, of;
} path[CHOICES];
static unsigned path_len, path_at;

static struct {
	const char *p;
	char name[28];
} names[NAMES];
static unsigned nnames;

/* ---- choices ------------------------------------------------------------- */

static uint64_t draw(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (random_state * 0x2545f4914f6cdd1dULL) >> 16;
}

static void draw_seed(uint64_t seed)
{
	uint64_t z = (seed + 1) * 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	random_state = (z ^ (z >> 31)) | 1;
}

uint32_t sim_choose(uint32_t n)
{
	if (n <= 1)
		return 0;
	if (run.sched != SIM_DFS)
		return (uint32_t)(draw() % n);
	if (path_at == path_len) {
		if (path_len == CHOICES)
			sim_fail(SIM_ENDLESS, "dfs: too many choices");
		path[path_len].taken = 0;
		path[path_len++].of = (uint16_t)n;
	}
	if (path[path_at].of != n) {
		fprintf(stderr, "sim: a run depends on more than its seed\n");
		abort();
	}
	return path[path_at++].taken;
}

bool dfs_next(bool fresh)
{
	path_at = 0;
	if (fresh) {
		path_len = 0;
		return true;
	}
	while (path_len &&
	       path[path_len - 1].taken + 1 == path[path_len - 1].of)
		path_len--;
	if (!path_len)
		return false;
	path[path_len - 1].taken++;
	return true;
}

bool chance(uint32_t one_in)
{
	return run.sched != SIM_DFS && draw() % one_in == 0;
}

uint32_t choose_odd(uint32_t n, uint32_t one_in)
{
	uint32_t k;

	if (n <= 1)
		return 0;
	if (run.sched != SIM_DFS)
		return draw() % one_in ? 0 : (uint32_t)(draw() % n);
	if (odd_used >= run.odd)
		return 0;
	k = sim_choose(n);
	odd_used += k != 0;
	return k;
}

/* ---- the end of a run ---------------------------------------------------- */

void sim_fail(enum sim_end end, const char *fmt, ...)
{
	va_list ap;

	result.end = end;
	va_start(ap, fmt);
	vsnprintf(result.why, sizeof(result.why), fmt, ap);
	va_end(ap);
	_longjmp(out, 1);
}

void sim_enough(void)
{
	result.end = SIM_OK;
	_longjmp(out, 1);
}

/* ---- switching ----------------------------------------------------------- */

static void enter(int i);

static void begin(void)
{
	me->fn(me->arg);
	step(); /* between its last step and its end others may run */
	end_thread();
}

static void enter(int i)
{
	ucontext_t start;

	current = i;
	if (private_word)
		memcpy(private_word, &me->private, sizeof(me->private));
	if (me->begun)
		_longjmp(me->at, 1);
	me->begun = true;
	getcontext(&start);
	start.uc_stack.ss_sp = me->stack;
	start.uc_stack.ss_size = STACK;
	start.uc_link = NULL;
	makecontext(&start, begin, 0);
	setcontext(&start);
	abort();
}

static unsigned ready_threads(int *list)
{
	unsigned n = 0;

	for (int i = 0; i < nthreads; i++)
		if (threads[i].state == READY && !(yielded >> i & 1))
			list[n++] = i;
	if (n || !yielded)
		return n;
	yielded = 0;
	return ready_threads(list);
}

static void set_state(struct thread *t, enum state state)
{
	if (t->state == READY)
		t->cpu += clock_ns - t->since;
	t->state = state;
	t->since = clock_ns;
}

uint64_t cpu_of(const struct thread *t)
{
	return t->cpu + (t->state == READY ? clock_ns - t->since : 0);
}

void unblock(struct thread *t, bool timed_out)
{
	set_state(t, READY);
	t->timed_out = timed_out;
	memset(t->futex, 0, sizeof(t->futex));
	t->joins = 0;
	t->ready = NULL;
	t->until = NEVER;
}

static struct thread *earliest(void)
{
	struct thread *first = NULL;

	for (int i = 0; i < nthreads; i++) {
		struct thread *t = &threads[i];

		if (t->state == BLOCKED && t->until != NEVER &&
		    (!first || t->until < first->until))
			first = t;
	}
	return first;
}

/* Virtual time goes on when nobody can run, and now and then before that. */
static bool let_time_pass(void)
{
	struct thread *first = earliest();

	if (!first)
		return false;
	if (clock_ns < first->until)
		clock_ns = first->until;
	unblock(first, true);
	return true;
}

static bool end_dawdling(void)
{
	for (int i = 0; i < nthreads; i++)
		if (threads[i].state == BLOCKED && threads[i].dawdles) {
			unblock(&threads[i], false);
			return true;
		}
	return false;
}

/* A thread that wanted to sleep until now is awake. */
static void ring_alarms(void)
{
	struct thread *first;

	while ((first = earliest()) && first->until <= clock_ns)
		unblock(first, true);
	next_due = first ? first->until : NEVER;
}

static void all_blocked(void)
{
	char list[120] = "";
	bool any = false;

	for (int i = 0; i < nthreads; i++)
		any |= threads[i].state == BLOCKED;
	if (!any)
		sim_enough();
	for (int i = 0; i < nthreads; i++) {
		struct thread *t = &threads[i];
		size_t len = strlen(list);

		if (t->state == BLOCKED && !t->joins)
			snprintf(list + len, sizeof(list) - len, " T%d on %s",
				 i,
				 t->futex[0] ? name_of(t->futex[0])
					     : "a condition");
	}
	sim_fail(SIM_DEADLOCK, "everybody waits:%s", list);
}

static int pick(void)
{
	int list[SIM_THREADS];
	unsigned n, at, best = 0;

	while (!(n = ready_threads(list)))
		if (!end_dawdling() && !let_time_pass())
			all_blocked();
	for (at = 0; at < n && list[at] != current; at++)
		;
	switch (run.sched) {
	case SIM_STICKY:
		if (at < n && draw() % stickiness)
			return current;
		break;
	case SIM_PCT:
		for (int i = 0; i < 3; i++)
			if (change_at[i] == result.steps && at < n)
				me->priority = i - 3;
		for (unsigned i = 1; i < n; i++)
			if (threads[list[i]].priority >
			    threads[list[best]].priority)
				best = i;
		return list[best];
	case SIM_DFS:
		if (at == n)
			break; /* not a preemption */
		if (preempted == run.bound)
			return current;
		best = sim_choose(n);
		if (!best)
			return current;
		preempted++;
		return list[best - 1 < at ? best - 1 : best];
	default:
		break;
	}
	return list[sim_choose(n)];
}

static void switch_over(void)
{
	int next = pick();

	if (next == current && me->state == READY)
		return;
	if (private_word)
		memcpy(&me->private, private_word, sizeof(me->private));
	if (_setjmp(me->at) == 0)
		enter(next);
}

void kill_process(int process)
{
	for (int i = 0; i < nthreads; i++) {
		struct thread *t = &threads[i];

		if (t->process != process || t->state == ENDED)
			continue;
		t->killed = true;
		if (t->state != READY)
			unblock(t, false);
	}
}

static void end_if_killed(void)
{
	if (!me->killed)
		return;
	trace(SIM_HERE, "is killed");
	end_thread();
}

/* The other threads are not in the child, and what they had not stored is nowhere. */
static void fork_here(void)
{
	trace(SIM_HERE, "forks, and goes on as the child");
	for (int i = 0; i < nthreads; i++) {
		if (i == current)
			continue;
		if (sim_choose(2))
			memory_settle(i);
		threads[i].buffered = 0;
		threads[i].state = ENDED;
		memory_joined(i);
	}
	host_sim_forked();
	forked_at = me->steps;
}

static void stop_here(void)
{
	stopped = current;
	if (run.forks) {
		fork_here();
		return;
	}
	if (me->process && (!may_hang || sim_choose(2))) {
		kill_process(me->process);
		end_if_killed();
	}
	trace(SIM_HERE, "is stopped for ever");
	memory_settle(current);
	set_state(me, STOPPED);
	for (int i = 0; i < nthreads; i++)
		if (threads[i].state == BLOCKED &&
		    threads[i].joins == current + 1)
			unblock(&threads[i], false);
	switch_over();
	end_if_killed();
	trace(SIM_HERE, "goes on");
}

static void handle(void)
{
	void (*handler)(void) = me->handler;

	me->handler = NULL;
	trace(SIM_HERE, "a signal");
	handler();
	trace(SIM_HERE, "it is handled");
}

/* A step is about to be made: by this thread, or first by others. */
void step(void)
{
	if (++result.steps > run.steps)
		sim_fail(SIM_ENDLESS, "more than %ld steps", run.steps);
	if (++clock_ns >= next_due)
		ring_alarms();
	/* Once: its place may be the next thread's. */
	if (++me->steps == run.stop_step && current == run.stop_thread && stopped < 0)
		stop_here();
	if (run.model == SIM_TSO)
		memory_some_settle();
	if (chance(64))
		let_time_pass();
	switch_over();
	end_if_killed();
	yielded &= 1u << current;
	if (me->handler && chance(8))
		handle();
}

static void look_again(void)
{
	for (int i = 0; i < nthreads; i++)
		if (threads[i].state == BLOCKED && threads[i].ready &&
		    threads[i].ready(threads[i].ready_arg))
			unblock(&threads[i], false);
}

void sim_relax(SIM_WHERE)
{
	trace(func, line, "relaxes");
	spins++;
	look_again();
	if (run.sched != SIM_DFS && draw() % patience) {
		step(); /* as fast as the others */
		return;
	}
	yielded |= 1u << current;
	if (run.sched == SIM_PCT)
		me->priority = --lowest;
	memory_settle(current);
	step();
	yielded &= ~(1u << current);
}

/* ---- threads ------------------------------------------------------------- */

/* A place that was never used, or whose thread was joined. */
static int free_place(void)
{
	for (int i = 1; i < nthreads; i++)
		if (threads[i].state == ENDED && threads[i].joined)
			return i;
	return nthreads < SIM_THREADS ? nthreads++ : -1;
}

int spawn(void (*fn)(void *), void (*last)(void *), void *arg)
{
	int i = free_place();
	struct thread *t = &threads[i], old = { 0 };

	if (i < 0)
		return -1;
	if (t->turn) /* others may know of what it did before */
		old = *t;
	memset(t, 0, sizeof(*t));
	t->turn = old.turn + 1;
	t->tick = old.tick;
	t->stack = stacks[i];
	t->fn = fn;
	t->last = last;
	t->arg = arg;
	t->until = NEVER;
	t->since = clock_ns;
	t->priority = (int64_t)(draw() % 1000000);
	t->process = me->process;
	if (running && i)
		memory_spawn(i);
	return i;
}

void end_thread(void)
{
	memory_settle(current);
	set_state(me, ENDED);
	host_sim_vanished(me);
	for (int i = 0; i < nthreads; i++)
		if (threads[i].state == BLOCKED &&
		    threads[i].joins == current + 1)
			unblock(&threads[i], false);
	for (int i = 1; current == 0 && i < nthreads; i++)
		if (threads[i].state < ENDED && !threads[i].detached)
			sim_fail(SIM_WRONG, "T%d is left behind", i);
	switch_over();
	abort();
}

void sim_vanish(void)
{
	step();
	trace(SIM_HERE, "vanishes");
	end_thread();
}

bool block(const void *futex, const void *another, int joins,
	   bool (*ready)(void *), void *arg, uint64_t until)
{
	if (until <= clock_ns)
		return false;
	if (until > NEVER / 64) /* no healing is to hide what was slept over */
		until = NEVER;
	me->futex[0] = futex;
	me->futex[1] = another;
	me->joins = joins;
	me->ready = ready;
	me->ready_arg = arg;
	me->until = until;
	me->timed_out = false;
	next_due = next_due < until ? next_due : until;
	set_state(me, BLOCKED);
	look_again();
	switch_over();
	memset(me->queued, 0, sizeof(me->queued));
	end_if_killed();
	return !me->timed_out;
}

bool was_ended(int thread)
{
	return threads[thread].state >= ENDED;
}

static bool sleeps_on(const struct thread *t, const void *futex)
{
	for (int i = 0; i < HOST_WAITV_MAX; i++)
		if (t->futex[i] == futex || t->queued[i] == futex)
			return true;
	return false;
}

/* A thread that slept on several words leaves the queue of this one alone. */
static void wake_one(struct thread *t, const void *futex)
{
	if (t->state == BLOCKED) {
		memcpy(t->queued, t->futex, sizeof(t->queued));
		unblock(t, false);
	}
	for (int i = 0; i < HOST_WAITV_MAX; i++)
		if (t->queued[i] == futex)
			t->queued[i] = NULL;
}

/* Which of the sleepers is woken is anybody's guess. */
int wake(const void *futex, int n)
{
	int list[SIM_THREADS], m = 0, woken = 0;

	for (int i = 0; i < nthreads; i++)
		if (threads[i].state <= BLOCKED && sleeps_on(&threads[i], futex))
			list[m++] = i;
	while (m && woken < n) {
		unsigned k = sim_choose((uint32_t)m);

		wake_one(&threads[list[k]], futex);
		list[k] = list[--m];
		woken++;
	}
	look_again();
	return woken;
}

static bool spun_enough(void *arg)
{
	return spins >= (uint32_t)(uintptr_t)arg;
}

void sim_dawdle(uint32_t n)
{
	step();
	me->dawdles = true;
	block(NULL, NULL, 0, spun_enough, (void *)(uintptr_t)(spins + n),
	      NEVER);
	me->dawdles = false;
}

void sim_private(void *word)
{
	private_word = word;
}

bool is_private(const void *p)
{
	/* The second is a count that only a fault's handler reads: none here. */
	return p == private_word || p == &host_holds;
}

void sim_on_signal(void (*handler)(void))
{
	me->handler = handler;
}

void sim_go_on(void)
{
	if (stopped >= 0 && threads[stopped].state == STOPPED)
		set_state(&threads[stopped], READY);
}

void sim_may_hang(void)
{
	may_hang = true;
}

bool sim_is_weak(void)
{
	return run.model == SIM_WEAK;
}

unsigned sim_me(void)
{
	return (unsigned)current;
}

int sim_stopped(void)
{
	return stopped;
}

bool sim_forked(void)
{
	return run.forks && stopped >= 0;
}

long sim_since_fork(void)
{
	return me->steps - forked_at;
}

uint64_t now(void)
{
	return clock_ns;
}

long step_count(void)
{
	return result.steps;
}

bool on_stack(const void *p)
{
	return (const char *)p >= stacks[0] &&
	       (const char *)p < stacks[SIM_THREADS - 1] + STACK;
}

/* ---- traces -------------------------------------------------------------- */

void trace(SIM_WHERE, const char *fmt, ...)
{
	va_list ap;

	if (!run.trace)
		return;
	printf("%5ld  T%d  %*s%-22s ", result.steps, current, current * 2, "",
	       func);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("  :%d\n", line);
}

void sim_note(const char *fmt, ...)
{
	va_list ap;

	if (!run.trace)
		return;
	printf("%5ld  T%d  %*s-- ", result.steps, current, current * 2, "");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
}

void sim_name(const void *p, const char *fmt, ...)
{
	va_list ap;

	if (!run.named || nnames == NAMES)
		return;
	names[nnames].p = p;
	va_start(ap, fmt);
	vsnprintf(names[nnames].name, sizeof(names[0].name), fmt, ap);
	va_end(ap);
	nnames++;
}

const char *name_of(const void *p)
{
	static char text[4][48];
	static unsigned turn;
	char *out_text = text[turn++ % 4];
	unsigned best = NAMES;

	for (unsigned i = 0; i < nnames; i++)
		if (names[i].p <= (const char *)p &&
		    (best == NAMES || names[i].p > names[best].p))
			best = i;
	if (best == NAMES || (const char *)p - names[best].p > 4096)
		snprintf(out_text, 48, "%p", p);
	else if (names[best].p == p)
		snprintf(out_text, 48, "%s", names[best].name);
	else
		snprintf(out_text, 48, "%s+%d", names[best].name,
			 (int)((const char *)p - names[best].p));
	return out_text;
}

/* ---- a run --------------------------------------------------------------- */

static void body_main(void *arg)
{
	(*(void (**)(void))arg)();
}

struct result sim_run(const struct run *how, void (*body)(void))
{
	static void (*the_body)(void);
	long span;

	the_body = body;
	run = *how;
	if (!run.steps)
		run.steps = STEPS_MAX;
	result = (struct result){ .end = SIM_OK };
	for (int i = 0; i < SIM_THREADS; i++)
		threads[i].turn = 0;
	nthreads = 1;
	current = 0;
	stopped = -1;
	may_hang = false;
	private_word = NULL;
	yielded = 0;
	clock_ns = 1000;
	next_due = NEVER;
	lowest = -10;
	preempted = odd_used = 0;
	path_at = 0;
	nnames = 0;
	draw_seed(run.seed);
	span = 16l << draw() % 6;
	stickiness = 4u << 2 * (draw() % 3);
	laziness = 2u << 2 * (draw() % 3);
	patience = 1u << 2 * (draw() % 3);
	spins = 0;
	for (int i = 0; i < 3; i++)
		change_at[i] = 1 + (long)(draw() % (uint64_t)span);
	memory_reset();
	race_reset();
	lines_reset();
	host_sim_reset();
	if (!_setjmp(out)) {
		threads[0] = (struct thread){
			.stack = stacks[0],
			.fn = body_main,
			.arg = &the_body,
			.until = NEVER,
			.since = clock_ns,
			.priority = (int64_t)(draw() % 1000000),
			.turn = 1,
		};
		running = true;
		enter(0);
	}
	running = false;
	return result;
}
