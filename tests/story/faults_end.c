/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * faults_end.c - scenarios 17 to 19: faults that are not caught.  A pool that does not
 * ask for it; done(), release(), hooks; threads that are no workers; inside libward
 * while it holds something; signals that were sent; a second fault on the way from the
 * first.  And handlers from before us: crash reporters.
 *
 * Expected: the handler that was there before is called as the kernel would have
 * called it, once if it is for once; without one, the process dies of the signal,
 * as without libward.  After a second fault there is a line on stderr.
 */
#include "faulty.h"

#include <pthread.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>

static struct ward_pool *pool; /* catches faults */

static void up(void)
{
	struct ward_pool_config config = story_config();

	config.flags = WARD_POOL_CATCH_FAULTS;
	pool = pool_up(&config);
}

/* One line on stderr, from a handler. */
static void say(const char *who, int signo, const void *addr)
{
	char line[128];
	int n = snprintf(line, sizeof(line), "%s: %d at %p\n", who, signo, addr);

	if (write(STDERR_FILENO, line, (size_t)n) < 0)
		_exit(3);
}

/* ---- what the task does --------------------------------------------------------- */

static int runs_it(struct item *item)
{
	((void (*)(void))item->number)();
	return 0;
}

/* In a task of that pool; comes back if it ends well, or is caught. */
static int in_task(struct ward_pool *in, void (*fn)(void))
{
	static struct item item;

	item_init(&item, runs_it, NULL, "faulty");
	item.number = (uintptr_t)fn;
	item_submit(in, &item);
	wait_until(load_acquire(&item.released));
	return item.status;
}

static void plainly(void (*fn)(void))
{
	struct ward_pool_config config = story_config();

	in_task(pool_up(&config), fn);
}

#define PLAIN(fn)                                                              \
	static void plain_##fn(void)                                           \
	{                                                                      \
		plainly(fn);                                                   \
	}
PLAIN(writes_nowhere)
PLAIN(reads_past_the_end)
PLAIN(is_no_code)
PLAIN(aborts)
#if defined(__x86_64__) || defined(__i386__)
PLAIN(divides)
#endif

/* Another pool in the process catches; this one does not. */
static void beside(void)
{
	up();
	expect_equal(in_task(pool, writes_nowhere), -EFAULT);
	plainly(writes_nowhere);
}

/* ---- not in run() ------------------------------------------------------------------ */

static int nothing(struct ward_task *task)
{
	(void)task;
	return 0;
}

static int fails(struct ward_task *task)
{
	(void)task;
	return -EIO;
}

static void faulty_done(struct ward_task *task, int status)
{
	(void)task;
	(void)status;
	writes_nowhere();
}

static void faulty_release(struct ward_task *task)
{
	(void)task;
	writes_nowhere();
}

static void submit_and_wait(struct ward_pool *to, struct ward_task *task)
{
	expect_equal(ward_submit(to, task, WARD_FOREVER), 0);
	ward_pool_drain(to, WARD_FOREVER);
}

static void in_done(void)
{
	static struct ward_task task = { .run = nothing, .done = faulty_done };

	up();
	submit_and_wait(pool, &task);
}

static void in_release(void)
{
	static struct ward_task task = { .run = nothing,
					 .release = faulty_release };

	up();
	submit_and_wait(pool, &task);
}

static void *faulty_start(void *arg, unsigned thread)
{
	(void)arg;
	(void)thread;
	writes_nowhere();
	return NULL;
}

static void faulty_dead(void *arg, struct ward_task *task,
			const struct ward_report *report)
{
	(void)arg;
	(void)task;
	(void)report;
	writes_nowhere();
}

static void faulty_report(void *arg, const struct ward_report *report)
{
	(void)arg;
	(void)report;
	writes_nowhere();
}

static struct ward_pool *hooked(const struct ward_hooks *hooks)
{
	struct ward_pool_config config = story_config();

	config.flags = WARD_POOL_CATCH_FAULTS;
	config.hooks = hooks;
	return pool_up(&config);
}

static void in_start_hook(void)
{
	static const struct ward_hooks hooks = { .start = faulty_start };

	hooked(&hooks);
}

static void in_dead_hook(void)
{
	static const struct ward_hooks hooks = { .dead = faulty_dead };
	static struct ward_task task = { .run = fails };

	submit_and_wait(hooked(&hooks), &task);
}

static void in_report_hook(void)
{
	static const struct ward_hooks hooks = { .report = faulty_report };
	static struct ward_task task = { .run = fails };

	submit_and_wait(hooked(&hooks), &task);
	pause();
}

static void in_main(void)
{
	up();
	writes_nowhere();
}

static void *thread_faults(void *arg)
{
	writes_nowhere();
	return arg;
}

static void in_a_thread(void)
{
	pthread_t thread;

	up();
	expect_equal(pthread_create(&thread, NULL, thread_faults, NULL), 0);
	pthread_join(thread, NULL);
}

static void submits_nowhere(void)
{
	expect_equal(ward_submit(pool, (struct ward_task *)nowhere,
				 WARD_NOWAIT),
		     0);
}

static void inside_libward(void)
{
	up();
	in_task(pool, submits_nowhere);
}

/* ---- sent, not done ------------------------------------------------------------------ */

static void raises_segv(void)
{
	raise(SIGSEGV);
}

static void raises_abrt(void)
{
	raise(SIGABRT);
}

static void kills_abrt(void)
{
	kill(getpid(), SIGABRT);
	pause();
}

static void raised_segv(void)
{
	up();
	in_task(pool, raises_segv);
}

static void raised_abrt(void)
{
	up();
	in_task(pool, raises_abrt);
}

static void killed_abrt(void)
{
	up();
	in_task(pool, kills_abrt);
}

static _Atomic uint32_t there;
static pthread_t worker;

static void waits(void)
{
	worker = pthread_self();
	store_release(&there, 1);
	for (;;)
		pause();
}

/* By a watchdog of the program's own. */
static void *aborts_another(void *arg)
{
	wait_until(load_acquire(&there));
	pthread_kill(worker, SIGABRT);
	return arg;
}

static void killed_by_a_thread(void)
{
	pthread_t thread;

	up();
	expect_equal(pthread_create(&thread, NULL, aborts_another, NULL), 0);
	in_task(pool, waits);
}

/* ---- the second fault ------------------------------------------------------------------ */

/* The task's end is written into it. */
static void unmaps_itself(void)
{
	writes_nowhere();
}

static int unmaps(struct ward_task *task)
{
	munmap(task, 4096);
	unmaps_itself();
	return 0;
}

static void second_fault(void)
{
	struct ward_task *task = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
				      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	up();
	task->run = unmaps;
	submit_and_wait(pool, task);
}

static void faulty_destructor(void *arg)
{
	(void)arg;
	writes_nowhere();
}

static void leaves_a_trap(void)
{
	pthread_key_t key;

	expect_equal(pthread_key_create(&key, faulty_destructor), 0);
	pthread_setspecific(key, &there);
	writes_nowhere();
}

static void second_fault_of_the_thread(void)
{
	up();
	in_task(pool, leaves_a_trap);
	pause();
}

/* ---- handlers from before ------------------------------------------------------ */

static int expected_masked;

static void is_masked(int signo, int expected)
{
	sigset_t mask;

	pthread_sigmask(SIG_BLOCK, NULL, &mask);
	if (sigismember(&mask, signo) != expected)
		_exit(4);
}

static void tells_and_dies(int signo, siginfo_t *info, void *context)
{
	const ucontext_t *at = context;
	sigset_t left = at->uc_sigmask;

	is_masked(signo, expected_masked);
	is_masked(SIGUSR2, 1); /* as it asked for */
	if (sigismember(&left, signo))
		_exit(5);
	say("reporter", signo, info->si_addr);
	signal(signo, SIG_DFL);
	raise(signo);
}

static void tells_plainly(int signo)
{
	say("reporter", signo, NULL);
	_exit(42);
}

static void reporter(int signo, int flags)
{
	struct sigaction action = { .sa_sigaction = tells_and_dies,
				    .sa_flags = SA_SIGINFO | flags };

	expected_masked = !(flags & SA_NODEFER);
	sigemptyset(&action.sa_mask);
	sigaddset(&action.sa_mask, SIGUSR2);
	expect_equal(sigaction(signo, &action, NULL), 0);
}

static void reporter_in_done(void)
{
	reporter(SIGSEGV, SA_ONSTACK);
	in_done();
}

static void reporter_nodefer(void)
{
	reporter(SIGSEGV, SA_NODEFER);
	in_main();
}

static void reporter_of_a_plain_pool(void)
{
	reporter(SIGBUS, 0);
	up();
	expect_equal(in_task(pool, reads_past_the_end), -EFAULT);
	plainly(reads_past_the_end);
}

static void reporter_of_abort(void)
{
	reporter(SIGABRT, 0);
	up();
	expect_equal(in_task(pool, aborts), -EFAULT);
	abort();
}

static void reporter_without_siginfo(void)
{
	struct sigaction action = { .sa_handler = tells_plainly };

	expect_equal(sigaction(SIGSEGV, &action, NULL), 0);
	in_main();
}

static void tells_once(int signo)
{
	say("once", signo, NULL);
}

/* The handler does not mend what it was called for: the second time is the end. */
static void reporter_for_once(void)
{
	struct sigaction action = { .sa_handler = tells_once,
				    .sa_flags = (int)SA_RESETHAND };

	expect_equal(sigaction(SIGSEGV, &action, NULL), 0);
	in_main();
}

static void reporter_after_second_fault(void)
{
	reporter(SIGSEGV, 0);
	second_fault();
}

static char *page;

static void mends(int signo, siginfo_t *info, void *context)
{
	(void)signo;
	(void)context;
	if ((char *)info->si_addr != page)
		_exit(6);
	mprotect(page, 4096, PROT_READ | PROT_WRITE);
}

static void touches(void)
{
	*(volatile char *)page = 1;
}

/* As a garbage collector does: the program goes on, also in a plain pool. */
static void mended(void)
{
	struct sigaction action = { .sa_sigaction = mends,
				    .sa_flags = SA_SIGINFO };
	struct ward_pool_config config = story_config();

	page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	expect_equal(sigaction(SIGSEGV, &action, NULL), 0);
	up();
	touches();
	mprotect(page, 4096, PROT_NONE);
	errno = 4711;
	touches();
	expect_equal(errno, 4711);
	mprotect(page, 4096, PROT_NONE);
	expect_equal(in_task(pool_up(&config), touches), 0);
	_exit(43);
}

/* Ignored: what is sent is not minded, a fault is the end. */
static void ignored(void)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	expect_equal(sigaction(SIGSEGV, &ignore, NULL), 0);
	expect_equal(sigaction(SIGABRT, &ignore, NULL), 0);
	up();
	expect_equal(in_task(pool, raises_segv), 0);
	expect_equal(in_task(pool, raises_abrt), 0);
	expect_equal(kill(getpid(), SIGABRT), 0);
	in_main();
}

static void ignored_abort(void)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	expect_equal(sigaction(SIGABRT, &ignore, NULL), 0);
	up();
	abort();
}

/* ---- the ends ---------------------------------------------------------------------------- */

#define SECOND_FAULT "ward: signal 11 at 0x"

static const struct end {
	const char *name;
	void (*child)(void);
	int signo;	  /* that ends it */
	int code;	  /* or it exits with that */
	const char *says; /* and on stderr stands */
} ends[] = {
#define DIES(fn, signo, says) { #fn, fn, signo, 0, says }
#define EXITS(fn, code, says) { #fn, fn, 0, code, says }
	DIES(plain_writes_nowhere, SIGSEGV, ""),
	DIES(plain_reads_past_the_end, SIGBUS, ""),
	DIES(plain_is_no_code, SIGILL, ""),
	DIES(plain_aborts, SIGABRT, ""),
#if defined(__x86_64__) || defined(__i386__)
	DIES(plain_divides, SIGFPE, ""),
#endif
	DIES(beside, SIGSEGV, ""),
	DIES(in_done, SIGSEGV, ""),
	DIES(in_release, SIGSEGV, ""),
	DIES(in_start_hook, SIGSEGV, ""),
	DIES(in_dead_hook, SIGSEGV, ""),
	DIES(in_report_hook, SIGSEGV, ""),
	DIES(in_main, SIGSEGV, ""),
	DIES(in_a_thread, SIGSEGV, ""),
	DIES(inside_libward, SIGSEGV, ""),
	DIES(raised_segv, SIGSEGV, ""),
	DIES(raised_abrt, SIGABRT, ""),
	DIES(killed_abrt, SIGABRT, ""),
	DIES(killed_by_a_thread, SIGABRT, ""),
	DIES(second_fault, SIGSEGV, SECOND_FAULT),
	DIES(second_fault_of_the_thread, SIGSEGV,
	     "ward: signal 11 at 0x10 while a fault was being handled\n"),
	DIES(reporter_in_done, SIGSEGV, "reporter: 11 at 0x10\n"),
	DIES(reporter_nodefer, SIGSEGV, "reporter: 11 at 0x10\n"),
	DIES(reporter_of_a_plain_pool, SIGBUS, "reporter: 7 at 0x"),
	DIES(reporter_of_abort, SIGABRT, "reporter: 6 at "),
	EXITS(reporter_without_siginfo, 42, "reporter: 11 at "),
	DIES(reporter_for_once, SIGSEGV, "once: 11 at "),
	DIES(reporter_after_second_fault, SIGSEGV, "reporter: 11 at 0x"),
	EXITS(mended, 43, ""),
	DIES(ignored, SIGSEGV, ""),
	DIES(ignored_abort, SIGABRT, ""),
};
#define ENDS (sizeof(ends) / sizeof(ends[0]))

static pid_t begin(const struct end *end, int out)
{
	static const struct rlimit no_core;
	pid_t pid = fork();

	expect(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		setrlimit(RLIMIT_CORE, &no_core);
		dup2(out, STDERR_FILENO);
		close(out);
		end->child();
		_exit(1); /* it lives */
	}
	close(out);
	return pid;
}

/* The child says that once, or nothing at all. */
static bool said(const struct end *end, const char *text)
{
	const char *at = *end->says ? strstr(text, end->says) : text;

	if (!*end->says)
		return !*text;
	return at && !strstr(at + 1, end->says);
}

static void ends_so(const struct end *end)
{
	char text[4096] = "";
	size_t len = 0;
	ssize_t got;
	int status = 0, fd[2];
	pid_t pid;

	expect_equal(pipe(fd), 0);
	pid = begin(end, fd[1]);
	while ((got = read(fd[0], text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)got;
	close(fd[0]);
	expect_equal(waitpid(pid, &status, 0), pid);
	if (end->signo ? WIFSIGNALED(status) &&
				 WTERMSIG(status) == end->signo :
			 WIFEXITED(status) && WEXITSTATUS(status) == end->code)
		if (said(end, text))
			return;
	story_fail(__FILE__, __LINE__, "%s: status %x, said '%s'", end->name,
		   status, text);
}

int main(void)
{
	for (size_t i = 0; i < ENDS; i++)
		ends_so(&ends[i]);
	return 0;
}
