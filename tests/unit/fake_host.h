/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fake_host.h - lib/base/host.h for tests that own the time: a clock that only
 * the test moves, threads that are only records, and evidence as the test wants
 * it.  Included once in a program; none of the real host is linked then.
 */
#ifndef WARD_TESTS_UNIT_FAKE_HOST_H
#define WARD_TESTS_UNIT_FAKE_HOST_H

#include "../host_absent.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FAKE_THREADS = 64 };

/* A thread's doings, and the kernel's counts of it. */
enum doing { RUNS, WAITS, SLEEPS, STOPPED, ENDED };

struct fake_thread {
	enum doing doing;
	uint64_t cpu, delay, slices, waiting;
	int32_t syscall;
	uint64_t syscall_arg;
	bool unknown; /* the kernel tells nothing */
	bool lowered;
	uint32_t sampled_at;
};

static struct fake {
	uint64_t now;
	struct fake_thread thread[FAKE_THREADS]; /* by TID */
	/* the test's part in what the library does; may be NULL */
	int (*wait)(_Atomic uint32_t *word, uint32_t seen, uint64_t until);
	void (*fence)(void);
	int (*spawn)(void *arg);
	int (*join)(host_thread thread);
	uint32_t wakes, spawns, joins, detaches, mutters;
	void *self;
} fake;

static inline void fake_turns_to(int32_t tid, enum doing doing)
{
	struct fake_thread *t = &fake.thread[tid];

	if (t->doing == doing)
		return;
	if (t->doing == WAITS) { /* the kernel books it when it ends */
		t->delay += t->waiting;
		t->waiting = 0;
	}
	t->slices += t->doing != RUNS && doing != STOPPED && doing != WAITS;
	t->doing = doing;
}

static inline void fake_time(uint64_t ns)
{
	fake.now += ns;
	for (int i = 0; i < FAKE_THREADS; i++) {
		struct fake_thread *t = &fake.thread[i];

		t->cpu += t->doing == RUNS ? ns : 0;
		t->waiting += t->doing == WAITS ? ns : 0;
	}
}

/* ---- time ------------------------------------------------------------ */

uint64_t host_now(void)
{
	return fake.now;
}

void host_utc(int64_t *s, uint32_t *ns)
{
	*s = (int64_t)(fake.now / 1000000000);
	*ns = (uint32_t)(fake.now % 1000000000);
}

/* ---- futexes and fences ---------------------------------------------- */

int host_wait(_Atomic uint32_t *word, uint32_t seen, uint64_t until)
{
	if (load_relaxed(word) != seen)
		return 0;
	return fake.wait ? fake.wait(word, seen, until) : 0;
}

int host_wait_any(const struct host_waitv *watch, unsigned n, uint64_t until)
{
	for (unsigned i = 0; i < n; i++)
		if (load_relaxed(watch[i].word) != watch[i].seen)
			return 0;
	return host_wait(watch->word, watch->seen, until);
}

void host_wake(_Atomic uint32_t *word, int n)
{
	(void)word;
	(void)n;
	fake.wakes++;
}

bool host_barrier_heavy(void)
{
	if (fake.fence)
		fake.fence();
	return true;
}

void host_relax(void)
{
}

void host_yield(void)
{
}

/* ---- memory ---------------------------------------------------------- */

void *host_alloc(size_t size)
{
	size_t whole = (size + WARD_LINE - 1) & ~(size_t)(WARD_LINE - 1);
	void *mem = size ? aligned_alloc(WARD_LINE, whole) : NULL;

	return mem ? memset(mem, 0, whole) : NULL;
}

void host_free(void *mem, size_t size)
{
	(void)size;
	free(mem);
}

/* ---- threads --------------------------------------------------------- */

int host_spawn(host_thread *out, const struct host_spawn *how,
	       void (*fn)(void *arg), void (*last)(void *arg), void *arg)
{
	int err = fake.spawn ? fake.spawn(arg) : 0;

	(void)how;
	(void)fn;
	(void)last;
	if (!err)
		*out = ++fake.spawns;
	return err;
}

int host_join(host_thread thread, uint64_t until)
{
	int err = fake.join ? fake.join(thread) : 0;

	(void)until;
	fake.joins += !err;
	return err;
}

void host_detach(host_thread thread)
{
	(void)thread;
	fake.detaches++;
}

void host_exit(void)
{
	abort();
}

int32_t host_tid(void)
{
	return 1;
}

const void *host_mine(void)
{
	return NULL;
}

void host_set_mine(const void *mine)
{
	(void)mine;
}

void *host_self(void)
{
	return fake.self;
}

void host_set_self(void *self)
{
	fake.self = self;
}

__thread uint32_t host_home_ = 1;

uint32_t host_home_first(void)
{
	return 0;
}

uint32_t host_home_among(uint64_t those, uint32_t n)
{
	(void)those;
	(void)n;
	return 0;
}

/* ---- a thread's end: the first word says that it came ---------------- */

void host_life_init(struct host_life *life)
{
	memset(life, 0, sizeof(*life));
	life->works = true;
}

void host_life_hold(struct host_life *life)
{
	life->mutex[0] = 0;
}

void host_life_leave(struct host_life *life)
{
	life->mutex[0] = 0;
}

bool host_life_lost(const struct host_life *life)
{
	return life->works && life->mutex[0] == ENDED;
}

void host_wait_lives(_Atomic uint32_t *word, uint32_t seen,
		     _Atomic uint32_t *gen, uint32_t gen_seen,
		     struct host_life *const *lives, unsigned n)
{
	(void)word;
	(void)seen;
	(void)gen;
	(void)gen_seen;
	(void)lives;
	(void)n;
}

/* ---- evidence -------------------------------------------------------- */

void host_stat_close(struct host_stat_files *files)
{
	files->tid = 0;
}

int host_sample(const struct host_stat_files *files, struct host_sample *sample)
{
	static const char state[] = { 'R', 'R', 'S', 'T', 0 };
	struct fake_thread *t = &fake.thread[files->tid];

	*sample = (struct host_sample){ .cpu_known = false };
	t->sampled_at++;
	if (t->doing == ENDED)
		return -ESRCH;
	if (t->unknown)
		return -ENODATA;
	*sample = (struct host_sample){ .cpu_known = true,
					.state_known = true,
					.switches_known = true,
					.cpu = t->cpu,
					.run_delay = t->delay,
					.slices = t->slices + 1,
					.state = state[t->doing] };
	return 0;
}

int host_syscall(const struct host_stat_files *files, int32_t *nr,
		 uint64_t *arg)
{
	*nr = fake.thread[files->tid].syscall;
	*arg = fake.thread[files->tid].syscall_arg;
	return 0;
}

/* The futex of the thread that this one waits for is at 0x1000 and its number. */
int32_t host_futex_holder(uint64_t address)
{
	return address > 0x1000 && address < 0x1000 + FAKE_THREADS ?
		       (int32_t)(address - 0x1000) :
		       0;
}

bool host_is_futex(int32_t nr)
{
	return nr == 202;
}

/* ---- events: none ---------------------------------------------------- */

int host_event_open(struct host_file *event)
{
	event->fd = -1;
	return -EMFILE;
}

void host_event_close(const struct host_file *event)
{
	(void)event;
}

void host_event_set(const struct host_file *event)
{
	(void)event;
}

void host_event_clear(const struct host_file *event)
{
	(void)event;
}

/* ---- the service manager: what it was told -------------------------------------- */

static struct {
	int answer; /* to the next messages */
	uint32_t n;
	char last[512];
	uint64_t watchdog;
	void (*meanwhile)(void); /* before the next message is there */
} fake_manager;

int host_notify_open(struct host_notify *manager)
{
	manager->watchdog = fake_manager.watchdog;
	return 0;
}

int host_notify_send(const struct host_notify *manager, const char *state)
{
	void (*meanwhile)(void) = fake_manager.meanwhile;

	(void)manager;
	fake_manager.meanwhile = NULL;
	if (meanwhile)
		meanwhile();
	fake_manager.n++;
	snprintf(fake_manager.last, sizeof(fake_manager.last), "%s", state);
	return fake_manager.answer;
}

int host_trace_install(int signo, int *got)
{
	*got = signo ? signo : 34;
	return 0;
}

/* ---- the machine ----------------------------------------------------- */

bool host_lower(int32_t tid, struct host_sched *was)
{
	*was = (struct host_sched){ 0, 0 };
	return fake.thread[tid].lowered = true;
}

bool host_raise(int32_t tid, const struct host_sched *was)
{
	(void)was;
	fake.thread[tid].lowered = false;
	return true;
}

const char *host_name(void)
{
	return "here";
}

const char *host_boot(void)
{
	return "now";
}

unsigned host_cpu_count(void)
{
	return 2;
}

unsigned host_cpu_present(void)
{
	return 2;
}

uint64_t host_ticket(void)
{
	static uint64_t last;

	return ++last;
}

void host_try_stderr(const char *line, size_t len)
{
	(void)line;
	(void)len;
	fake.mutters++;
}

void host_abort(void)
{
	abort();
}

#endif
