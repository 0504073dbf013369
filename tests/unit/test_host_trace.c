/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/host_fault.h"
#include "wait.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <gnu/libc-version.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MS UINT64_C(1000000)

/*
 * Functions to be found in a backtrace lie in a section of their own, whose ends
 * the linker names.
 */
#define traced __attribute__((section("traced"), noinline))
extern const char __start_traced[], __stop_traced[];

static int frames_here(const struct host_trace *trace, int n)
{
	int found = 0;

	for (int i = 0; i < n; i++) {
		uintptr_t at = (uintptr_t)trace->frame[i];

		found += at >= (uintptr_t)__start_traced &&
			 at < (uintptr_t)__stop_traced;
	}
	return found;
}

/* ---- patients -------------------------------------------------------- */

struct patient {
	struct host_trace trace;
	_Atomic uint64_t word; /* what it is inside of */
	void *stack;
	void (*illness)(struct patient *patient);
	_Atomic uint32_t tid, stop;
	bool says_when; /* it is where it is to be found, and shows its tid */
	int ends[2];
	int saved_errno;
	ssize_t got;
	host_thread thread;
};

static traced void spin(struct patient *patient)
{
	while (load_relaxed(&patient->stop) == 0)
		host_relax();
}

/* Waits in a system call some calls down. */
static traced void read_pipe(struct patient *patient)
{
	char byte;

	patient->got = read(patient->ends[0], &byte, 1);
}

static traced void sleep_in_read(struct patient *patient)
{
	errno = 4711;
	read_pipe(patient);
	patient->saved_errno = errno;
}

static void block_all(struct patient *patient)
{
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, NULL);
	store_release(&patient->tid, (uint32_t)host_tid());
	spin(patient);
	sigemptyset(&all);
	pthread_sigmask(SIG_SETMASK, &all, NULL); /* the late ones come now */
}

static traced void deeper(struct patient *patient, int n)
{
	volatile int left = n;

	if (left > 0) {
		deeper(patient, left - 1);
	} else {
		store_release(&patient->tid, (uint32_t)host_tid());
		spin(patient);
	}
	left = 0;
}

static traced void deep(struct patient *patient)
{
	deeper(patient, 100);
}

static void fall_ill(void *arg)
{
	struct patient *patient = arg;

	host_alt_stack_use(patient->stack);
	host_trace_here(&patient->trace, &patient->word, NULL);
	if (!patient->says_when)
		store_release(&patient->tid, (uint32_t)host_tid());
	patient->illness(patient);
	host_trace_here(NULL, NULL, NULL);
	host_alt_stack_leave();
}

static int32_t begin(struct patient *patient,
		     void (*illness)(struct patient *patient))
{
	struct host_spawn how = { .stack = 1 << 18,
				  .open = UINT64_C(1) << (SIGRTMAX - 1) |
					  UINT64_C(1) << (SIGUSR2 - 1) };

	memset(patient, 0, sizeof(*patient));
	patient->illness = illness;
	patient->says_when = illness != spin && illness != sleep_in_read;
	patient->stack = host_alt_stack_new();
	cr_assert_not_null(patient->stack);
	cr_assert_eq(pipe(patient->ends), 0);
	cr_assert_eq(
		host_spawn(&patient->thread, &how, fall_ill, NULL, patient), 0);
	cr_assert(comes_true(load_acquire(&patient->tid) != 0));
	return (int32_t)load_acquire(&patient->tid);
}

static void end(struct patient *patient)
{
	store_release(&patient->stop, 1);
	cr_assert_eq(write(patient->ends[1], "x", 1), 1);
	cr_assert_eq(host_join(patient->thread, HOST_FOREVER), 0);
	host_alt_stack_free(patient->stack);
}

static int install(void)
{
	int signo = 0;

	host_init();
	cr_assert_eq(host_trace_install(0, &signo), 0);
	return signo;
}

/* ---- answers --------------------------------------------------------- */

/* Begins where the thread is, not in the handler. */
Test(host_trace, of_a_spinning_thread, .timeout = 60)
{
	struct patient patient;
	int n = 0;
	int32_t tid;

	install();
	tid = begin(&patient, spin);
	for (int i = 0; i < 100; i++) {
		n = host_trace_ask(&patient.trace, tid, 0, HOST_FOREVER);
		cr_assert_gt(n, 1);
		cr_assert_leq(n, HOST_FRAMES);
		/* Not within spin() yet: it may be on its way there. */
		if (frames_here(&patient.trace, 2))
			break;
	}
	cr_assert_eq(frames_here(&patient.trace, n), 1);
	cr_assert_eq(frames_here(&patient.trace, 2), 1);
	end(&patient);
}

Test(host_trace, of_a_sleeping_thread, .timeout = 60)
{
	struct patient patient;
	struct host_stat_files files = host_stat_of(0);
	uint64_t arg;
	int n;
	int32_t nr;

	install();
	files.tid = begin(&patient, sleep_in_read);
	cr_assert(comes_true(host_syscall(&files, &nr, &arg) == 0 &&
			     nr == SYS_read));
	cr_assert_eq(arg, (uint64_t)patient.ends[0]);
	n = host_trace_ask(&patient.trace, files.tid, 0, HOST_FOREVER);
	cr_assert_eq(frames_here(&patient.trace, n), 2);
	end(&patient);
	cr_assert_eq(patient.got, 1, "the call went on");
	cr_assert_eq(patient.saved_errno, 4711);
}

Test(host_trace, a_deep_stack_is_cut, .timeout = 60)
{
	struct patient patient;
	int n;
	int32_t tid;

	install();
	tid = begin(&patient, deep);
	n = host_trace_ask(&patient.trace, tid, 0, HOST_FOREVER);
	cr_assert_eq(n, HOST_FRAMES);
	/* All are, but perhaps the innermost, in host_relax(), and what a
	 * sanitizer calls there. */
	cr_assert_geq(frames_here(&patient.trace, n), HOST_FRAMES - 2);
	end(&patient);
}

Test(host_trace, of_oneself)
{
	struct host_trace mine = { .state = 0 };
	_Atomic uint64_t word = 5;
	void *stack = host_alt_stack_new();

	install();
	host_alt_stack_use(stack);
	host_trace_here(&mine, &word, NULL);
	cr_assert_gt(host_trace_ask(&mine, host_tid(), 5, HOST_FOREVER), 1);
	host_alt_stack_leave();
	host_alt_stack_free(stack);
}

/* ---- little room ----------------------------------------------------- */

#if !UNDER_ASAN
/* All of the stack but some hundred bytes is used up. */
static traced void spin_at_the_end(struct patient *patient)
{
	pthread_attr_t attr;
	volatile char here = 0;
	void *base;
	size_t size;

	pthread_getattr_np(pthread_self(), &attr);
	pthread_attr_getstack(&attr, &base, &size);
	pthread_attr_destroy(&attr);
	store_release(&patient->tid, (uint32_t)host_tid());
	size = (size_t)((uintptr_t)&here - (uintptr_t)base) - 600;
	*(volatile char *)__builtin_alloca(size) = here;
	while (load_relaxed(&patient->stop) == 0)
		;
}

Test(host_trace, needs_no_room_on_the_stack, .timeout = 60)
{
	struct patient patient;
	int32_t tid;

	install();
	tid = begin(&patient, spin_at_the_end);
	for (int i = 0; i < 100; i++)
		cr_assert_gt(host_trace_ask(&patient.trace, tid, 0,
					    HOST_FOREVER),
			     1);
	end(&patient);
}
#endif

static char too_small[12 << 10];

static void on_its_own_stack(struct patient *patient)
{
	stack_t own = { .ss_sp = too_small, .ss_size = sizeof(too_small) };

	if (sigaltstack(&own, NULL) == 0)
		store_release(&patient->tid, (uint32_t)host_tid());
	spin(patient);
}

/* A task's own stack for signals is not overrun, nor is its other one. */
Test(host_trace, gives_no_answer_where_there_is_no_room, .timeout = 60)
{
	struct patient patient;
	int32_t tid;

	if (sysconf(_SC_MINSIGSTKSZ) > (long)sizeof(too_small))
		cr_skip_test("signals need more than that on this machine");
	install();
	tid = begin(&patient, on_its_own_stack);
	cr_assert_eq(host_trace_ask(&patient.trace, tid, 0, HOST_FOREVER),
		     -ETIMEDOUT);
	end(&patient);
}

/* ---- a thread that has gone on ---------------------------------------- */

static void goes_on_when_asked(struct patient *patient)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	store_release(&patient->tid, (uint32_t)host_tid());
	while (load_acquire(&patient->trace.state) == 0)
		host_yield();
	store_release(&patient->word, 8);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	spin(patient);
}

Test(host_trace, nothing_of_what_comes_after, .timeout = 60)
{
	struct patient patient;
	int32_t tid;

	install();
	tid = begin(&patient, goes_on_when_asked);
	cr_assert_eq(host_trace_ask(&patient.trace, tid, 0, HOST_FOREVER),
		     -ESRCH);
	cr_assert_gt(host_trace_ask(&patient.trace, tid, 8, HOST_FOREVER), 1);
	cr_assert_eq(host_trace_ask(&patient.trace, tid, 0, HOST_FOREVER),
		     -ESRCH);
	end(&patient);
}

/* Its number is by now another thread's, which is not asked. */
Test(host_trace, who_has_ended_is_not_asked)
{
	const uint32_t died = FUTEX_OWNER_DIED;
	struct host_life life = { .works = true };
	struct host_trace trace = { .state = 0 };
	_Atomic uint64_t word = 1;

	install();
	host_trace_here(&trace, &word, &life);
	host_trace_here(NULL, NULL, NULL);
	memcpy(life.mutex, &died, sizeof(died));
	cr_assert_eq(host_trace_ask(&trace, host_tid(), 1, HOST_FOREVER),
		     -ESRCH);
	cr_assert_eq(load_relaxed(&trace.state), 0);
}

/* ---- no answer ------------------------------------------------------- */

Test(host_trace, blocked_signal_ends_at_the_deadline, .timeout = 60)
{
	struct patient patient;
	uint64_t until;
	int32_t tid;

	install();
	tid = begin(&patient, block_all);
	for (int i = 0; i < 3; i++) {
		until = host_now() + 10 * MS;
		cr_assert_eq(host_trace_ask(&patient.trace, tid, 0, until),
			     -ETIMEDOUT);
		cr_assert_geq(host_now(), until);
		cr_assert_eq(load_relaxed(&patient.trace.state), 0);
	}
	end(&patient);
	/* Nobody asked any more when the signals came. */
	cr_assert_eq(load_relaxed(&patient.trace.state), 0);
	cr_assert_eq(patient.trace.n, 0);
}

static _Atomic int theirs;

static void their_handler(int signo)
{
	(void)signo;
	add_relaxed(&theirs, 1);
}

Test(host_trace, a_replaced_handler_gets_no_signal_of_ours, .timeout = 60)
{
	struct patient patient;
	int signo = install();
	int32_t tid = begin(&patient, spin);

	cr_assert_neq(signal(signo, their_handler), SIG_ERR);
	cr_assert_eq(host_trace_ask(&patient.trace, tid, 0, HOST_FOREVER),
		     -ETIMEDOUT);
	end(&patient);
	cr_assert_eq(load_relaxed(&theirs), 0);
}

Test(host_trace, nobody_to_ask_is_known_at_once, .timeout = 60)
{
	struct host_trace trace = { .state = 0 };
	_Atomic uint64_t word = 0;
	struct patient patient;
	int32_t tid;

	cr_assert_eq(host_trace_ask(&trace, host_tid(), 0, HOST_FOREVER),
		     -ETIMEDOUT, "not installed");
	install();
	cr_assert_eq(host_trace_ask(&trace, host_tid(), 0, HOST_FOREVER),
		     -ETIMEDOUT, "nobody's");
	trace.word = &word;
	cr_assert_eq(host_trace_ask(&trace, INT32_MAX, 0, HOST_FOREVER),
		     -ETIMEDOUT);
	tid = begin(&patient, spin);
	end(&patient);
	cr_assert(comes_true(syscall(SYS_tgkill, getpid(), tid, 0) != 0));
	cr_assert_eq(host_trace_ask(&patient.trace, tid, 0, HOST_FOREVER),
		     -ETIMEDOUT);
	cr_assert_eq(load_relaxed(&patient.trace.state), 0);
}

/* A thread without a record, and one that is not asked, take no notice. */
Test(host_trace, stray_signals_do_nothing)
{
	struct host_trace mine = { .state = 0 };
	_Atomic uint64_t word = 0;
	int signo = install();

	cr_assert_eq(raise(signo), 0);
	host_trace_here(&mine, &word, NULL);
	cr_assert_eq(raise(signo), 0);
	cr_assert_eq(load_relaxed(&mine.state), 0);
	cr_assert_eq(mine.n, 0);
	host_trace_here(NULL, NULL, NULL);
	cr_assert_eq(raise(signo), 0);
}

/* ---- the signal ------------------------------------------------------ */

Test(host_trace, takes_the_last_that_nobody_uses)
{
	int signo = 0, fd, duplicate;
	sigset_t mask;

	signal(SIGRTMAX, their_handler);
	signal(SIGRTMAX - 1, SIG_IGN);
	sigemptyset(&mask);
	sigaddset(&mask, SIGRTMAX - 2);
	pthread_sigmask(SIG_BLOCK, &mask, NULL);
	sigemptyset(&mask); /* one that is blocked elsewhere */
	sigaddset(&mask, SIGRTMAX - 3);
	fd = signalfd(-1, &mask, 0);
	duplicate = dup(fd);
	cr_assert_geq(duplicate, 0);
	cr_assert_eq(host_trace_install(0, &signo), 0);
	cr_assert_eq(signo, SIGRTMAX - 4);
	signo = 0;
	cr_assert_eq(host_trace_install(0, &signo), 0);
	cr_assert_eq(signo, SIGRTMAX - 4, "there is one");
	signo = 0;
	cr_assert_eq(host_trace_install(SIGUSR1, &signo), 0);
	cr_assert_eq(signo, SIGRTMAX - 4, "the first stays");
}

Test(host_trace, takes_the_one_that_is_named, .timeout = 60)
{
	struct patient patient;
	int signo = 0;
	int32_t tid;

	signal(SIGUSR1, their_handler);
	cr_assert_eq(host_trace_install(SIGUSR1, &signo), -EBUSY);
	cr_assert_eq(signo, 0);
	cr_assert_eq(raise(SIGUSR1), 0);
	cr_assert_eq(load_relaxed(&theirs), 1, "it is still theirs");
	cr_assert_eq(host_trace_install(SIGUSR2, &signo), 0);
	cr_assert_eq(signo, SIGUSR2);
	tid = begin(&patient, spin);
	cr_assert_gt(host_trace_ask(&patient.trace, tid, 0, HOST_FOREVER), 1);
	end(&patient);
}

Test(host_trace, none_is_free)
{
	int signo = 0;

	for (int i = SIGRTMIN; i <= SIGRTMAX; i++)
		signal(i, their_handler);
	cr_assert_eq(host_trace_install(0, &signo), -EBUSY);
	cr_assert_eq(signo, 0);
}

Test(host_trace, refuses_what_is_no_signal_for_it)
{
	static const int bad[] = { -1,	    -1000,  INT32_MAX, SIGKILL, SIGSTOP,
				   SIGSEGV, SIGBUS, SIGFPE,    SIGILL,	SIGABRT,
				   SIGTRAP, SIGSYS, 32,	       33 };
	int signo = 0;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_assert_eq(host_trace_install(bad[i], &signo), -EINVAL, "%d",
			     bad[i]);
	cr_assert_eq(host_trace_install(SIGRTMAX + 1, &signo), -EINVAL);
	cr_assert_eq(signo, 0);
	cr_assert_eq(host_trace_install(SIGRTMAX, &signo), 0);
	cr_assert_eq(host_trace_install(SIGKILL, &signo), -EINVAL);
	cr_assert_eq(signo, SIGRTMAX);
}

/* ---- a way that was gone before ------------------------------------------ */

static bool not_traced(const void *frame)
{
	return (const char *)frame < __start_traced ||
	       (const char *)frame >= __stop_traced;
}

struct ascent {
	struct host_path path;
	void *frame[HOST_FRAMES];
	unsigned n;
};

static traced void look_up(struct ascent *ascent)
{
	ascent->n = host_frames(host_return_at(), ascent->frame, HOST_FRAMES,
				not_traced, &ascent->path);
	atomic_signal_fence(memory_order_seq_cst); /* no tail call */
}

static traced void one_way(struct ascent *ascent)
{
	look_up(ascent);
	atomic_signal_fence(memory_order_seq_cst);
}

/* From one of two places, at the same height of the stack. */
static traced void climb(struct ascent *ascent, volatile const bool *other)
{
	/* A difference keeps the compiler from making one call of two. */
	if (*other) {
		__asm__ volatile("" : : "i"(1) : "memory");
		one_way(ascent);
		ascent->frame[HOST_FRAMES - 1] = NULL;
	} else {
		__asm__ volatile("nop" : : "i"(2) : "memory");
		one_way(ascent);
	}
	atomic_signal_fence(memory_order_seq_cst);
}

Test(host_trace, a_way_is_known_again)
{
	static const bool here = false, there = true;
	struct ascent first = { .n = 0 }, ascent = { .n = 0 };

	host_init();
	climb(&first, &here);
	cr_assert_eq(first.n, 2);
	ascent.path = first.path;
	climb(&ascent, &here);
	cr_assert_eq(ascent.n, 2);
	cr_assert_eq(memcmp(ascent.frame, first.frame,
			    2 * sizeof(ascent.frame[0])),
		     0);
	if (first.path.n == 0)
		cr_skip_test("return addresses lie elsewhere on this machine");
	cr_assert_eq(ascent.path.n, 2);
	climb(&ascent, &there);
	cr_assert_eq(ascent.n, 2);
	cr_assert_neq(ascent.frame[1], first.frame[1], "called from elsewhere");
	cr_assert_eq(ascent.frame[0], first.frame[0]);
}

/* ---- where a frame is ------------------------------------------------ */

Test(host_trace, code_has_its_file)
{
	uint64_t offset = 0, next = 0;
	const char *file;
	int on_the_stack;

	host_init();
	file = host_object((const void *)(uintptr_t)spin, &offset);
	if (*file == '\0')
		cr_skip_test("this C library cannot tell");
	cr_assert_not_null(strstr(file, "test_host_trace"));
	cr_assert_eq(host_object((const char *)(uintptr_t)spin + 4, &next),
		     file);
	cr_assert_eq(next, offset + 4);
	cr_assert_lt(offset, 1 << 30, "in the file, not in memory");
	file = host_object((const void *)(uintptr_t)gnu_get_libc_version,
			   &offset);
	cr_assert_not_null(strstr(file, "libc"));
	cr_assert_str_empty(host_object(&on_the_stack, &offset));
	cr_assert_eq(offset, 0);
}
