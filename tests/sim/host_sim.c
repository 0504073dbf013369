/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host_sim.c - lib/base/host.h for the simulator: virtual time, futexes that
 * return for no reason, a membarrier that takes its time, memory that is
 * poisoned when it is given back.
 */
#include "../host_absent.h"
#include "base/check.h"
#include "core.h"
#include <errno.h>
#include <string.h>

#define LINE 64
/* lib/task/token.c: of the whole process. */
extern _Atomic uint32_t cancel_moves, cancel_sleepers;

/* A steward that is given no turn looks as if it hung: it may be replaced often. */
#define ARENA (1024 * 1024)

uint32_t sim_rush_after;
uint32_t sim_looks;

static char arena[ARENA] __attribute__((aligned(LINE)));
static bool gone[ARENA / LINE];
static size_t arena_used;
static bool lowered[SIM_THREADS];
static unsigned spurious;	  /* returns for no reason so far */
static int nsegments;		  /* ever made */
static struct knows last_words;	  /* what lost threads knew */

unsigned sim_unfreed(void)
{
	unsigned lines = 0;

	for (size_t i = 0; i < arena_used / LINE; i++)
		lines += !gone[i];
	return lines;
}

void host_sim_reset(void)
{
	memset(arena, 0, arena_used);
	memset(gone, 0, arena_used / LINE);
	arena_used = 0;
	spurious = 0;
	nsegments = 0;
	memset(lowered, 0, sizeof(lowered));
	memset(&last_words, 0, sizeof(last_words));
	/* A run depends on none before it; the seed says if tokens have moved. */
	atomic_init(&cancel_moves, chance(2));
	atomic_init(&cancel_sleepers, 0);
	/* With and without membarrier: the seed says which. */
	host_asymmetric = sim_choose(2) == 0;
	atomic_init(&host_generation, 0);
	forked = NULL;
	/* Fences in a row until a rush: at once, soon, never. */
	/* Time is so jerky that there would be nothing but takeovers. */
	sim_looks = 12;
	sim_rush_after = (const uint32_t[]){ 1, 2, 255 }[sim_choose(3)];
}

void host_sim_forked(void)
{
	memory_full_fence(current);
	atomic_init(&host_generation, 1);
	if (forked)
		forked(me->self);
}

/* ---- time ---------------------------------------------------------------- */

uint64_t host_now(void)
{
	return now();
}

void host_utc(int64_t *s, uint32_t *ns)
{
	*s = 0;
	*ns = (uint32_t)now();
}

static uint64_t last_ticket;

uint64_t host_ticket(void)
{
	step();
	return ++last_ticket;
}

/* ---- futex --------------------------------------------------------------- */

static bool for_no_reason(void)
{
	bool yes = spurious < 6 && chance(16);

	spurious += yes;
	return yes;
}

int host_wait(_Atomic uint32_t *word, uint32_t seen, uint64_t until)
{
	void *p = (void *)(uintptr_t)word;

	step();
	arena_check(p);
	memory_full_fence(current);
	if (memory_kernel_load(p, 4) != seen) {
		trace(SIM_HERE, "%s has moved", name_of(p));
		return 0;
	}
	if (for_no_reason()) {
		trace(SIM_HERE, "%s: back for no reason", name_of(p));
		return 0;
	}
	trace(SIM_HERE, "%s: sleeps", name_of(p));
	if (!block(p, NULL, 0, NULL, NULL, until)) {
		trace(SIM_HERE, "%s: timed out", name_of(p));
		return -ETIMEDOUT;
	}
	trace(SIM_HERE, "%s: awake", name_of(p));
	return 0;
}

int host_wait_any(const struct host_waitv *watch, unsigned n, uint64_t until)
{
	const void *word[HOST_WAITV_MAX] = { NULL };

	step();
	check(n <= HOST_WAITV_MAX);
	memory_full_fence(current);
	for (unsigned i = 0; i < n; i++) {
		void *p = (void *)(uintptr_t)watch[i].word;

		arena_check(p);
		word[i] = p;
		if (memory_kernel_load(p, 4) != watch[i].seen)
			return 0;
	}
	if (for_no_reason())
		return 0;
	trace(SIM_HERE, "%s, ...: sleeps", name_of(word[0]));
	threads[current].futex[2] = word[2];
	threads[current].futex[3] = word[3];
	threads[current].futex[4] = word[4];
	if (!block(word[0], word[1], 0, NULL, NULL, until))
		return -ETIMEDOUT;
	trace(SIM_HERE, "%s, ...: awake", name_of(word[0]));
	return 0;
}

/* The kernel never looks into the word: it may have been given back by now. */
void host_wake(_Atomic uint32_t *word, int n)
{
	int woken;

	step();
	memory_full_fence(current);
	woken = wake((void *)(uintptr_t)word, n);
	trace(SIM_HERE, "%s: wakes %d", name_of((void *)(uintptr_t)word),
	      woken);
}

/* ---- fences -------------------------------------------------------------- */

/*
 * membarrier: a fence here, then one on each other thread, one after another
 * and with others running between, then one here.
 */
bool host_barrier_heavy(void)
{
	step();
	trace(SIM_HERE, "begins");
	memory_full_fence(current);
	if (!host_asymmetric || run.model == SIM_SC)
		return host_asymmetric;
	for (int i = 0; i < nthreads; i++) {
		if (i == current)
			continue;
		if (threads[i].state < ENDED)
			step();
		memory_full_fence(i);
	}
	memory_full_fence(current);
	trace(SIM_HERE, "ends");
	return true;
}

void host_relax(void)
{
	sim_relax(SIM_HERE);
}

void host_yield(void)
{
	sim_relax(SIM_HERE);
}

/* ---- memory -------------------------------------------------------------- */

void arena_check(const void *p)
{
	uintptr_t at = (uintptr_t)p - (uintptr_t)arena;

	if (at < ARENA && gone[at / LINE])
		sim_fail(SIM_FREED, "T%d uses %s, which was given back",
			 current, name_of(p));
}

/* Nobody debugs a run with a list that would outlive it. */
void host_list(struct host_listed *it)
{
	(void)it;
}

void host_unlist(const struct host_listed *it)
{
	(void)it;
}

void *host_alloc(size_t size)
{
	size_t at = arena_used;

	size = (size + LINE - 1) / LINE * LINE;
	if (at + size > ARENA)
		sim_fail(SIM_WRONG, "the simulator's memory is used up");
	arena_used += size;
	return arena + at;
}

void host_free(void *mem, size_t size)
{
	size_t at;

	if (!mem)
		return;
	at = (size_t)((char *)mem - arena);
	size = (size + LINE - 1) / LINE * LINE;
	step();
	if (at % LINE || at + size > arena_used || gone[at / LINE])
		sim_fail(SIM_FREED, "given back twice, or never given");
	for (size_t i = 0; i < size; i += 8)
		race_plain((uintptr_t)mem + i, 8, true);
	memset(mem, 0xdd, size);
	memset(&gone[at / LINE], 1, size / LINE);
}

void host_populate(void *mem, size_t size)
{
	(void)mem;
	(void)size;
}

/* ---- threads ------------------------------------------------------------- */

/* A handle names one use of its place, so that a stale one is noticed. */
static host_thread handle_of(int i)
{
	return (host_thread)threads[i].turn << 8 | (host_thread)i;
}

static int place_of(host_thread thread)
{
	int i = (int)(thread & 0xff);

	if (i >= nthreads || threads[i].turn != thread >> 8)
		sim_fail(SIM_WRONG, "a handle of a thread that was joined");
	return i;
}

int host_spawn(host_thread *out, const struct host_spawn *how,
	       void (*fn)(void *arg), void (*last)(void *arg), void *arg)
{
	int i;

	(void)how;
	step();
	i = spawn(fn, last, arg);
	if (i < 0)
		return -EAGAIN;
	*out = handle_of(i);
	trace(SIM_HERE, "T%d", i);
	return 0;
}

int host_join(host_thread thread, uint64_t until)
{
	int i = place_of(thread);

	step();
	if (!was_ended(i) && !block(NULL, NULL, i + 1, NULL, NULL, until))
		return -ETIMEDOUT;
	memory_joined(i);
	return 0;
}

void host_detach(host_thread thread)
{
	threads[place_of(thread)].detached = true;
}

void host_exit(void)
{
	trace(SIM_HERE, "leaves");
	if (me->last)
		me->last(me->arg);
	step();
	end_thread();
}

/* Not used again with the place. */
int32_t host_tid(void)
{
	return (int32_t)me->turn * SIM_THREADS + current;
}

void *host_self(void)
{
	return me->self;
}

void host_set_self(void *self)
{
	me->self = self;
}

const void *host_mine(void)
{
	return me->note;
}

void host_set_mine(const void *note)
{
	me->note = note;
}

uint32_t host_home(void)
{
	return (uint32_t)current;
}

uint32_t host_home_first(void)
{
	return host_home();
}

uint32_t host_home_among(uint64_t those, uint32_t n)
{
	(void)those;
	(void)n;
	return host_home();
}

/* ---- lives --------------------------------------------------------------- */

/*
 * A life's first word: its holder, plus one, or LOST.  The kernel moves it, so no
 * memory model applies; finding it lost is an edge [z].
 */
#define LOST UINT64_MAX

void host_life_init(struct host_life *life)
{
	memset(life, 0, sizeof(*life));
}

void host_life_hold(struct host_life *life)
{
	step();
	life->mutex[0] = (uint64_t)current + 1;
	life->works = true;
	me->life = life;
	trace(SIM_HERE, "%s", name_of(life));
}

void host_life_leave(struct host_life *life)
{
	step();
	life->mutex[0] = 0;
	me->life = NULL;
	trace(SIM_HERE, "%s", name_of(life));
}

bool host_life_lost(const struct host_life *life)
{
	bool lost;

	step();
	lost = life->mutex[0] == LOST;
	if (lost)
		know(&me->knows, &last_words);
	return lost;
}

static bool watches(const struct thread *t, const struct host_life *life)
{
	for (unsigned i = 0; t->state == BLOCKED && i < t->watches; i++)
		if (t->watched[i] == life)
			return true;
	return false;
}

bool host_life_marked(const struct host_life *life)
{
	return host_life_lost(life);
}

/*
 * The kernel marks the life, if that says what it did, and wakes one of those that watch
 * it.
 */
void host_sim_vanished(struct thread *thread)
{
	int list[SIM_THREADS];
	uint32_t n = 0;

	if (!thread->life ||
	    thread->life->mutex[0] != (uint64_t)(thread - threads) + 1)
		return;
	thread->life->mutex[0] = LOST;
	know(&last_words, &thread->knows);
	for (int i = 0; i < nthreads; i++)
		if (watches(&threads[i], thread->life))
			list[n++] = i;
	if (n)
		unblock(&threads[list[sim_choose(n)]], false);
}

void host_wait_lives(_Atomic uint32_t *word, uint32_t seen,
		     _Atomic uint32_t *gen, uint32_t gen_seen,
		     struct host_life *const *lives, unsigned n)
{
	void *p = (void *)(uintptr_t)word, *g = (void *)(uintptr_t)gen;
	bool lost = false;

	step();
	me->watches = 0;
	for (unsigned i = 0; i < n; i++) {
		if (!lives[i] || !lives[i]->mutex[0])
			continue;
		if (me->watches < sizeof(me->watched) / sizeof(me->watched[0]))
			me->watched[me->watches++] = lives[i];
	}
	/* A thread that comes up from here on is not among them: only 'gen' says so. */
	step();
	memory_full_fence(current);
	for (unsigned i = 0; i < me->watches; i++)
		lost |= !me->watched[i]->mutex[0] ||
			me->watched[i]->mutex[0] == LOST;
	if (!lost && memory_kernel_load(p, 4) == seen &&
	    memory_kernel_load(g, 4) == gen_seen && !for_no_reason()) {
		trace(SIM_HERE, "%s, %s: sleeps", name_of(p), name_of(g));
		block(p, g, 0, NULL, NULL, HOST_FOREVER);
	}
	me->watches = 0;
	trace(SIM_HERE, "%s, %s: awake", name_of(p), name_of(g));
}

/* ---- other processes: threads that may be killed ------------------------------------ */

#define SEGMENTS 64

static struct host_segment segments[SEGMENTS];
static struct {
	int fd;
	char message[HOST_MESSAGE];
} birth[SIM_THREADS];
static void (*zygote)(int fd, const void *message);

int host_segment_make(struct host_segment *segment, const char *name, size_t size)
{
	(void)name;
	step();
	if (nsegments == SEGMENTS)
		sim_fail(SIM_WRONG, "the simulator has no room for more segments");
	if (!segment->mem)
		segment->mem = host_alloc(size);
	segment->size = size;
	segment->fd = nsegments;
	segments[nsegments++] = *segment;
	return 0;
}

int host_segment_take(struct host_segment *segment, int fd)
{
	*segment = segments[fd];
	return 0;
}

void host_segment_close(struct host_segment *segment)
{
	segment->fd = -1;
}

void host_segment_empty(struct host_segment *segment)
{
	step();
	memset(segment->mem, 0, segment->size);
	memory_anew(segment->mem, segment->size);
}

void host_segment_free(struct host_segment *segment)
{
	host_free(segment->mem, segment->size);
	segment->mem = NULL;
}

int host_wait_shared(_Atomic uint32_t *word, uint32_t seen, uint64_t until)
{
	return host_wait(word, seen, until);
}

void host_wake_shared(_Atomic uint32_t *word, int n)
{
	host_wake(word, n);
}

/* Is what it would sleep on as it was seen?  Then the thread is where wakers find it. */
static bool listen_shared(_Atomic uint32_t *word, uint32_t seen,
			  const struct host_waitv *shared, unsigned n,
			  struct host_life *const *lives, unsigned m)
{
	check(n < HOST_WAITV_MAX && m <= sizeof(me->watched) / sizeof(me->watched[0]));
	me->watches = m;
	for (unsigned i = 0; i < m; i++) {
		me->watched[i] = lives[i];
		if (lives[i]->mutex[0] == LOST)
			return false;
	}
	for (unsigned i = 0; i < n; i++) {
		void *p = (void *)(uintptr_t)shared[i].word;

		arena_check(p);
		me->futex[i + 1] = p;
		if (memory_kernel_load(p, 4) != shared[i].seen)
			return false;
	}
	return memory_kernel_load((void *)(uintptr_t)word, 4) == seen;
}

void host_wait_shared_any(_Atomic uint32_t *word, uint32_t seen,
			  const struct host_waitv *shared, unsigned n,
			  struct host_life *const *lives, unsigned m, uint64_t until)
{
	void *p = (void *)(uintptr_t)word;

	step();
	memory_full_fence(current);
	if (listen_shared(word, seen, shared, n, lives, m) && !for_no_reason()) {
		trace(SIM_HERE, "%s, ...: sleeps", name_of(p));
		block(p, me->futex[1], 0, NULL, NULL, until);
	}
	me->watches = 0;
	memset(me->futex, 0, sizeof(me->futex));
	trace(SIM_HERE, "%s, ...: awake", name_of(p));
}

int host_zygote_start(void (*born)(int fd, const void *message))
{
	zygote = born;
	return 0;
}

int host_zygote_refuse(void)
{
	return 0;
}

static void live(void *arg)
{
	int i = current;

	(void)arg;
	zygote(birth[i].fd, birth[i].message);
	host_process_exit(0);
}

int host_zygote_ask(int fd, const void *message, struct host_process *process)
{
	int i;

	step();
	i = spawn(live, NULL, NULL);
	if (i < 0)
		return -EAGAIN;
	threads[i].process = i + 1;
	birth[i].fd = fd;
	memcpy(birth[i].message, message, HOST_MESSAGE);
	store_relaxed(&process->pid, (int32_t)threads[i].turn * SIM_THREADS + i);
	process->fd = -1;
	trace(SIM_HERE, "T%d", i);
	return 0;
}

int host_process_exec(const char *path, char *const *argv, const char *variable,
		      int fd, struct host_process *process)
{
	(void)path;
	(void)argv;
	(void)variable;
	(void)fd;
	(void)process;
	return -ENOENT;
}

/* Its first thread; NULL: all of them have ended. */
static const struct thread *first_of(const struct host_process *process)
{
	int32_t pid = load_relaxed(&process->pid);
	int i = pid % SIM_THREADS;

	if (!pid || (int32_t)threads[i].turn != pid / SIM_THREADS)
		return NULL;
	for (int k = 0; k < nthreads; k++)
		if (threads[k].process == i + 1 && threads[k].state != ENDED)
			return &threads[i];
	return NULL;
}

/* As asked of it, which it ignores. */
bool host_process_signal(const struct host_process *process, int signo)
{
	(void)signo;
	step();
	return first_of(process);
}

bool host_process_kill(const struct host_process *process)
{
	const struct thread *first;

	step();
	first = first_of(process);
	if (first)
		kill_process(first->process);
	return first;
}

bool host_process_ended(struct host_process *process, struct host_end *end)
{
	int32_t pid = load_relaxed(&process->pid);
	int i = pid % SIM_THREADS;

	step();
	*end = (struct host_end){ 0 };
	if (!pid)
		return true;
	if (first_of(process))
		return false;
	end->known = true;
	end->signo = threads[i].killed ? 9 : 0;
	for (int k = 0; k < nthreads; k++)
		if (threads[k].process == i + 1)
			memory_joined(k);
	process->fd = -1;
	store_relaxed(&process->pid, 0);
	return true;
}

void host_process_exit(int code)
{
	(void)code;
	step();
	kill_process(me->process);
	me->killed = false; /* by itself */
	end_thread();
}

int host_inherited(const char *variable)
{
	(void)variable;
	return -1;
}

uint64_t host_process_memory(int32_t pid)
{
	(void)pid;
	return 0;
}

int host_serve_parent(int32_t parent, const char *name,
		      const struct host_limits *limits)
{
	(void)parent;
	(void)name;
	(void)limits;
	return 0;
}

/* ---- looking ------------------------------------------------------------- */

void host_stat_open_process(struct host_stat_files *files, int32_t pid)
{
	*files = host_stat_of(pid);
}


/* A step, as the compiler puts it before plain accesses elsewhere: race.c. */
void __tsan_read4(void *at);
void __tsan_write4(void *at);

void host_stat_close(struct host_stat_files *files)
{
	__tsan_write4(&files->tid);
	files->tid = -1;
}

/* Every thread that could run has run: virtual time is everybody's. */
int host_sample(const struct host_stat_files *files, struct host_sample *sample)
{
	const struct thread *t;

	step();
	__tsan_read4((void *)(uintptr_t)&files->tid);
	if (files->tid < 0)
		sim_fail(SIM_WRONG, "a look through an eye that was closed");
	t = &threads[files->tid % SIM_THREADS];
	if (t->state == ENDED || (int32_t)t->turn != files->tid / SIM_THREADS)
		return -ESRCH;
	*sample =
		(struct host_sample){ .cpu_known = true,
				      .state_known = true,
				      .switches_known = true,
				      .cpu = cpu_of(t),
				      .slices = (uint64_t)t->steps,
				      .state = t->state == READY ? 'R' : 'S' };
	return 0;
}

int host_syscall(const struct host_stat_files *files, int32_t *nr,
		 uint64_t *arg)
{
	step();
	__tsan_read4((void *)(uintptr_t)&files->tid);
	if (files->tid < 0)
		sim_fail(SIM_WRONG, "a look through an eye that was closed");
	*nr = -1;
	*arg = 0;
	return 0;
}

int32_t host_futex_holder(uint64_t address)
{
	(void)address;
	return 0;
}

bool host_is_futex(int32_t nr)
{
	(void)nr;
	return false;
}

int host_trace_install(int signo, int *got)
{
	(void)signo;
	*got = -1;
	return -EINVAL;
}

/* ---- the rest ------------------------------------------------------------ */

const char *host_name(void)
{
	return "";
}

const char *host_boot(void)
{
	return "";
}

bool host_lower(int32_t tid, struct host_sched *was)
{
	step();
	if (!sim_choose(4))
		return false;
	*was = (struct host_sched){ 0, 0 };
	lowered[tid % SIM_THREADS] = true;
	return true;
}

bool host_raise(int32_t tid, const struct host_sched *was)
{
	check(was->policy == 0);
	step();
	if (lowered[tid % SIM_THREADS] && !sim_choose(2))
		return false;
	lowered[tid % SIM_THREADS] = false;
	return true;
}

bool sim_is_lowered(int32_t tid)
{
	return lowered[tid % SIM_THREADS];
}

unsigned host_cpu_count(void)
{
	return 1;
}

unsigned host_cpu_present(void)
{
	return 1;
}

void host_try_stderr(const char *line, size_t len)
{
	host_write_stderr(line, len);
}

bool check_failed(const char *where, const char *file, int line,
		  const char *what, bool aborts)
{
	(void)aborts;
	sim_fail(SIM_WRONG, "%s() at %s:%d: this does not hold: %s", where,
		 file, line, what);
}

void host_abort(void)
{
	sim_fail(SIM_WRONG, "the library gave up");
}

/* ---- the service manager: none ---------------------------------------------------- */

int host_notify_open(struct host_notify *manager)
{
	(void)manager;
	return -ENOENT;
}

int host_notify_send(const struct host_notify *manager, const char *state)
{
	(void)manager;
	(void)state;
	return 0;
}

/* ---- descriptors: one for all, and each call is a whole fence -------------------- */

static uint32_t event;

int host_event_open(struct host_file *file)
{
	file->fd = 0;
	event = 0;
	return 0;
}

void host_event_close(const struct host_file *file)
{
	(void)file;
}

void host_event_set(const struct host_file *file)
{
	(void)file;
	step();
	memory_full_fence(current);
	event = 1;
	wake(&event, INT32_MAX);
}

void host_event_clear(const struct host_file *file)
{
	(void)file;
	step();
	memory_full_fence(current);
	event = 0;
}

void sim_event_wait(void)
{
	step();
	while (!event)
		block(&event, NULL, 0, NULL, NULL, HOST_FOREVER);
	memory_full_fence(current);
}
