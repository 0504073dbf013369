/* SPDX-License-Identifier: BSD-2-Clause */
#include "filter.h"
#include "wait.h"
#include <criterion/criterion.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MS UINT64_C(1000000)

static const struct host_spawn plain = { .stack = 65536, .name = "x) R (y" };
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

/* ---- patients -------------------------------------------------------- */

static void sleeps(void *arg)
{
	gate_pass(arg);
}

static _Atomic uint32_t spinner, stop_spinning;

static void spins(void *arg)
{
	(void)arg;
	store_release(&spinner, (uint32_t)host_tid());
	while (load_relaxed(&stop_spinning) == 0)
		host_relax();
}

static host_thread start(void (*fn)(void *arg), void *arg)
{
	host_thread thread;

	cr_assert_eq(host_spawn(&thread, &plain, fn, NULL, arg), 0);
	return thread;
}

static void keep_all(struct host_stat_files *files, int32_t tid)
{
	host_stat_open(files, tid);
	cr_assert_eq(files->tid, tid);
	cr_assert_geq(files->stat.fd, 0);
	cr_assert_geq(files->schedstat.fd, 0);
	cr_assert_geq(files->syscall.fd, 0);
}

static int kept_by(const struct host_stat_files *files)
{
	return (files->stat.fd >= 0) + (files->schedstat.fd >= 0) +
	       (files->syscall.fd >= 0);
}

static struct host_sample scan_seat(const struct host_stat_files *files)
{
	struct host_sample sample;

	cr_assert_eq(host_sample(files, &sample), 0);
	return sample;
}

/* ---- a sleeper ------------------------------------------------------- */

static void see_a_sleeper(bool kept)
{
	static struct gate gate;
	host_thread thread = start(sleeps, &gate);
	struct host_stat_files files = host_stat_of(0);
	struct host_sample sample, later;
	uint64_t arg, until;
	int32_t nr;

	files.tid = gate_came(&gate);
	if (kept)
		keep_all(&files, files.tid);
	cr_assert(comes_true(scan_seat(&files).state == 'S'));
	cr_assert_eq(host_syscall(&files, &nr, &arg), 0);
	cr_assert(host_is_futex(nr));
	cr_assert_eq(arg, (uintptr_t)&gate.open);
	sample = scan_seat(&files);
	cr_assert(sample.cpu_known && sample.state_known &&
		  sample.switches_known);
	cr_assert_gt(sample.cpu, 0);
	cr_assert_gt(sample.slices, 0);
	for (until = host_now() + 20 * MS; host_now() < until;)
		host_relax();
	later = scan_seat(&files);
	cr_assert_eq(later.cpu, sample.cpu, "it slept");
	cr_assert_eq(later.slices, sample.slices);
	cr_assert_eq(later.state, 'S');
	cr_assert_eq(host_sample_cpu(&files, &sample), 0);
	cr_assert(sample.cpu_known && sample.switches_known &&
		  !sample.state_known);
	cr_assert(sample.cpu == later.cpu && sample.slices == later.slices);
	cr_assert_eq(sample.state, 0);
	gate_open(&gate);
	cr_assert_eq(host_join(thread, HOST_FOREVER), 0);
	/* The last of it may be a little later than the end of the thread. */
	cr_assert(comes_true(host_sample(&files, &sample) == -ESRCH));
	cr_assert(!sample.cpu_known && !sample.state_known &&
		  !sample.switches_known);
	cr_assert_eq(host_sample_cpu(&files, &sample), -ESRCH);
	cr_assert(!sample.cpu_known && !sample.switches_known);
	cr_assert_eq(host_syscall(&files, &nr, &arg), -ESRCH);
	cr_assert_eq(nr, -1);
	host_stat_close(&files);
	cr_assert(files.stat.fd == -1 && files.schedstat.fd == -1 &&
		  files.syscall.fd == -1);
}

Test(host_sample, sleeper_by_kept_files, .timeout = 60)
{
	see_a_sleeper(true);
}

Test(host_sample, sleeper_without_kept_files, .timeout = 60)
{
	see_a_sleeper(false);
}

/* ---- a spinner ------------------------------------------------------- */

Test(host_sample, spinner_runs_and_its_cpu_time_grows, .timeout = 60)
{
	host_thread thread = start(spins, NULL);
	struct host_sample sample, later;
	struct host_stat_files files;
	uint64_t arg, began, ended;
	int32_t nr;

	comes_true(load_acquire(&spinner) != 0);
	keep_all(&files, (int32_t)load_acquire(&spinner));
	began = host_now();
	sample = scan_seat(&files);
	cr_assert_eq(sample.state, 'R');
	cr_assert(comes_true(scan_seat(&files).cpu >= sample.cpu + 20 * MS));
	later = scan_seat(&files);
	ended = host_now();
	cr_assert_eq(later.state, 'R');
	cr_assert_leq(later.cpu - sample.cpu, ended - began);
	cr_assert_eq(host_syscall(&files, &nr, &arg), 0);
	cr_assert_eq(nr, -1);
	cr_assert_eq(arg, 0);
	store_relaxed(&stop_spinning, 1);
	cr_assert_eq(host_join(thread, HOST_FOREVER), 0);
	host_stat_close(&files);
}

/* The thread wants the CPU that we have: its wait is booked when it gets one. */
Test(host_sample, starved_one_gets_its_delay_booked, .timeout = 60)
{
	struct host_cpus *one;
	struct host_spawn how = plain;
	struct host_sample sample;
	struct host_stat_files files;
	host_thread thread;
	cpu_set_t set;
	char list[16];
	int cpu;

	CPU_ZERO(&set);
	cpu = sched_getcpu();
	CPU_SET(cpu, &set);
	cr_assert_eq(sched_setaffinity(0, sizeof(set), &set), 0);
	snprintf(list, sizeof(list), "%d", cpu);
	one = host_cpus_parse(list);
	cr_assert_not_null(one);
	how.cpus = one;
	cr_assert_eq(host_spawn(&thread, &how, spins, NULL, NULL), 0);
	cr_assert(comes_true(load_acquire(&spinner) != 0));
	keep_all(&files, (int32_t)load_acquire(&spinner));
	sample = scan_seat(&files);
	cr_assert_eq(sample.state, 'R');
	/* Spinning ourselves, until the kernel has let both run in turn. */
	cr_assert(comes_true(scan_seat(&files).run_delay > sample.run_delay));
	cr_assert_gt(scan_seat(&files).slices, sample.slices);
	store_relaxed(&stop_spinning, 1);
	cr_assert_eq(host_join(thread, HOST_FOREVER), 0);
	host_stat_close(&files);
	host_cpus_free(one);
}

/* ---- what fails ------------------------------------------------------ */

Test(host_sample, nobody_is_esrch)
{
	struct host_stat_files files;
	struct host_sample sample;
	uint64_t arg;
	int32_t nr;

	static const int32_t nobody[] = { INT32_MAX, 1 << 28, 1 << 23,
					  0,	     -1,      INT32_MIN };

	for (size_t i = 0; i < sizeof(nobody) / sizeof(nobody[0]); i++) {
		host_stat_open(&files, nobody[i]);
		cr_assert_eq(kept_by(&files), 0);
		cr_assert_eq(host_sample(&files, &sample), -ESRCH);
		cr_assert(!sample.cpu_known);
		cr_assert_eq(host_syscall(&files, &nr, &arg), -ESRCH);
		host_stat_close(&files);
	}
}

/* A thread of another process is nobody, too. */
Test(host_sample, strangers_are_esrch)
{
	struct host_stat_files files = host_stat_of(0);
	struct host_sample sample;

	files.tid = getppid();
	cr_assert_gt(files.tid, 0);
	cr_assert_eq(host_sample(&files, &sample), -ESRCH);
}

/*
 * While the limit is low the test says nothing: what runs it may need one, too.
 */
static struct rlimit limited_to(rlim_t n)
{
	struct rlimit before, limit;

	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	limit = before;
	limit.rlim_cur = n;
	setrlimit(RLIMIT_NOFILE, &limit);
	return before;
}

/* A quarter of the descriptors, no more; the rest is looked at without. */
Test(host_sample, keeps_a_quarter_of_the_descriptors)
{
	struct host_sample sample[8];
	struct host_stat_files files[8];
	int kept;

	for (int again = 0; again < 2; again++) {
		struct rlimit before = limited_to(32);

		kept = 0;
		for (int i = 0; i < 8; i++) {
			host_stat_open(&files[i], host_tid());
			host_sample(&files[i], &sample[i]);
			kept += kept_by(&files[i]);
		}
		for (int i = 0; i < 8; i++)
			host_stat_close(&files[i]);
		cr_assert_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
		cr_assert_eq(kept, 8);
		for (int i = 0; i < 8; i++)
			cr_assert_eq(sample[i].state, 'R');
	}
}

/* No descriptor left at all: the clock still answers, the rest is not known. */
Test(host_sample, without_descriptors)
{
	struct rlimit before = limited_to(0);
	struct host_stat_files files, nobody = host_stat_of(0);
	struct host_sample sample, none;
	int looked, called, ended;
	uint64_t arg;
	int32_t nr;

	host_stat_open(&files, host_tid());
	nobody.tid = 1 << 23; /* more than the kernel gives out */
	ended = host_sample(&nobody, &none);
	looked = host_sample(&files, &sample);
	called = host_syscall(&files, &nr, &arg);
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	cr_assert_eq(kept_by(&files), 0);
	cr_assert_eq(looked, 0);
	cr_assert(sample.cpu_known && !sample.state_known &&
		  !sample.switches_known);
	cr_assert_eq(sample.state, 0);
	cr_assert_eq(called, -ENODATA);
	cr_assert_eq(ended, -ESRCH);
}

Test(host_sample, without_proc)
{
	char dir[] =
		"ward-empty-XXXXXX"; /* below a place outside the new root */
	struct host_stat_files kept, files = host_stat_of(0);
	struct host_sample sample;
	bool rooted;

	keep_all(&kept, host_tid());
	files.tid = host_tid();
	cr_assert_eq(chdir("/tmp"), 0);
	cr_assert_not_null(mkdtemp(dir));
	rooted = chroot(dir) == 0;
	cr_assert_eq(rmdir(dir), 0);
	if (!rooted)
		cr_skip_test("needs root");
	sample = scan_seat(&files);
	cr_assert(sample.cpu_known && !sample.state_known &&
		  !sample.switches_known);
	sample = scan_seat(&kept);
	cr_assert(sample.cpu_known && sample.state_known &&
		  sample.switches_known);
}

/* A process that gives up root: what is kept stays readable. */
Test(host_sample, after_giving_up_privileges)
{
	static struct gate gate;
	struct host_stat_files files;
	uint64_t arg;
	int32_t nr;

	if (geteuid() != 0)
		cr_skip_test("needs root");
	start(sleeps, &gate);
	keep_all(&files, gate_came(&gate));
	cr_assert_eq(setresuid(65534, 65534, 65534), 0);
	cr_assert(comes_true(scan_seat(&files).state == 'S'));
	cr_assert_eq(host_syscall(&files, &nr, &arg), 0);
	cr_assert(host_is_futex(nr));
	cr_assert_eq(arg, (uintptr_t)&gate.open);
	pthread_mutex_lock(&mutex);
	cr_assert_eq(host_futex_holder((uintptr_t)&mutex), host_tid());
	pthread_mutex_unlock(&mutex);
}

/*
 * A program that closes all has files of its own behind those numbers later: they are
 * neither read nor closed, and what they were for is read all the same.
 */
Test(host_sample, descriptors_that_are_the_programs_by_now)
{
	struct host_stat_files files;
	struct host_sample sample;
	int fd[3], ends[2], other = open("/proc/self/status", O_RDONLY);
	uint64_t arg;
	int32_t nr;

	keep_all(&files, host_tid());
	fd[0] = files.stat.fd;
	fd[1] = files.schedstat.fd;
	fd[2] = files.syscall.fd;
	cr_assert_eq(pipe(ends), 0);
	cr_assert_eq(dup2(other, fd[0]), fd[0]);
	cr_assert_eq(dup2(ends[0], fd[1]), fd[1]);
	cr_assert_eq(close(fd[2]), 0);
	sample = scan_seat(&files);
	cr_assert(sample.cpu_known && sample.switches_known &&
		  sample.state == 'R');
	cr_assert_eq(host_syscall(&files, &nr, &arg), 0);
	host_stat_close(&files);
	cr_assert_eq(fcntl(fd[0], F_GETFD), 0, "the program's");
	cr_assert_eq(fcntl(fd[1], F_GETFD), 0, "the program's");
	cr_assert_eq(fcntl(fd[2], F_GETFD), -1);
}

/* Its number is another thread's by now, and nothing was kept. */
Test(host_sample, who_has_the_number_of_another_is_not_taken_for_it)
{
	struct host_stat_files files;
	struct host_sample sample;

	host_stat_open(&files, host_tid());
	cr_assert_neq(files.born, 0);
	host_stat_close(&files);
	cr_assert_eq(scan_seat(&files).state, 'R');
	files.born--; /* as one that began before us */
	cr_assert_eq(host_sample(&files, &sample), -ESRCH);
	cr_assert(!sample.cpu_known && !sample.state_known);
}

Test(host_sample, younger_than_that)
{
	static struct gate gate;
	uint64_t before = host_now(), after;
	int32_t tid;

	for (uint64_t until = before + 40 * MS; host_now() < until;)
		host_yield();
	start(sleeps, &gate);
	tid = gate_came(&gate);
	after = host_now() + 40 * MS;
	cr_assert(comes_true(host_now() > after));
	cr_assert(host_is_younger(tid, before));
	cr_assert(!host_is_younger(tid, after));
	cr_assert(!host_is_younger(INT32_MAX, before));
}

/* Another's file of the same kind is another one. */
Test(host_sample, descriptors_of_another_thread)
{
	static struct gate gate;
	struct host_stat_files mine, other;

	start(sleeps, &gate);
	keep_all(&other, gate_came(&gate));
	keep_all(&mine, host_tid());
	cr_assert_eq(dup2(other.stat.fd, mine.stat.fd), mine.stat.fd);
	cr_assert_eq(scan_seat(&mine).state, 'R');
}

/* ---- an event -------------------------------------------------------- */

static bool is_set(int fd)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLIN };

	return poll(&pollfd, 1, 0) == 1;
}

Test(host_sample, an_event_that_is_another_by_now)
{
	struct host_file event;
	int ends[2], mine;

	cr_assert_eq(host_event_open(&event), 0);
	host_event_set(&event);
	cr_assert(is_set(event.fd));
	host_event_clear(&event);
	cr_assert(!is_set(event.fd));
	cr_assert_eq(pipe(ends), 0);
	cr_assert_eq(dup2(ends[1], event.fd), event.fd);
	host_event_set(&event);
	cr_assert(!is_set(ends[0]), "nothing was written");
	host_event_close(&event);
	cr_assert_eq(fcntl(event.fd, F_GETFD), 0);
	mine = epoll_create1(0); /* of the same inode */
	cr_assert_eq(dup2(mine, event.fd), event.fd);
	host_event_close(&event);
	cr_assert_eq(fcntl(event.fd, F_GETFD), 0, "no event");
	cr_assert_eq(host_event_open(&event), 0);
	host_event_close(&event);
	cr_assert_eq(fcntl(event.fd, F_GETFD), -1);
}

/* ---- the holder ------------------------------------------------------ */

static int32_t futex_of(int32_t tid, uint64_t *address)
{
	struct host_stat_files files = host_stat_of(0);
	int32_t nr;

	files.tid = tid;
	cr_assert(comes_true(sleeps_in_futex(tid)));
	cr_assert_eq(host_syscall(&files, &nr, address), 0);
	cr_assert(host_is_futex(nr));
	return host_futex_holder(*address);
}

static struct gate holding;
static _Atomic uint32_t waiting;

static void holds(void *arg)
{
	(void)arg;
	pthread_mutex_lock(&mutex);
	gate_pass(&holding);
	pthread_mutex_unlock(&mutex);
}

static void wants(void *arg)
{
	(void)arg;
	store_release(&waiting, (uint32_t)host_tid());
	pthread_mutex_lock(&mutex);
	pthread_mutex_unlock(&mutex);
}

static void holder_is_found(const pthread_mutexattr_t *attr)
{
	host_thread holder, waiter;
	uint64_t address;
	int32_t tid;

	pthread_mutex_init(&mutex, attr);
	holder = start(holds, NULL);
	tid = gate_came(&holding);
	waiter = start(wants, NULL);
	comes_true(load_acquire(&waiting) != 0);
	cr_assert_eq(futex_of((int32_t)load_acquire(&waiting), &address), tid);
	cr_assert_eq(address, (uintptr_t)&mutex);
	gate_open(&holding);
	cr_assert_eq(host_join(holder, HOST_FOREVER), 0);
	cr_assert_eq(host_join(waiter, HOST_FOREVER), 0);
	cr_assert_eq(host_futex_holder((uintptr_t)&mutex), 0);
}

Test(host_sample, holder_of_a_mutex, .timeout = 60)
{
	holder_is_found(NULL);
}

Test(host_sample, holder_of_a_robust_mutex, .timeout = 60)
{
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	holder_is_found(&attr);
}

Test(host_sample, holder_of_an_inheriting_mutex, .timeout = 60)
{
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
	holder_is_found(&attr);
}

static void joins(void *arg)
{
	store_release(&waiting, (uint32_t)host_tid());
	pthread_join((pthread_t) * (host_thread *)arg, NULL);
}

Test(host_sample, who_joins_waits_for_the_other_thread, .timeout = 60)
{
	host_thread thread = start(sleeps, &holding), joiner;
	int32_t tid = gate_came(&holding);
	uint64_t address;

	joiner = start(joins, &thread);
	comes_true(load_acquire(&waiting) != 0);
	cr_assert_eq(futex_of((int32_t)load_acquire(&waiting), &address), tid);
	gate_open(&holding);
	cr_assert_eq(host_join(joiner, HOST_FOREVER), 0);
}

static sem_t semaphore;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;

static void waits_for_semaphore(void *arg)
{
	(void)arg;
	store_release(&waiting, (uint32_t)host_tid());
	sem_wait(&semaphore);
}

static void waits_for_condition(void *arg)
{
	(void)arg;
	pthread_mutex_lock(&mutex);
	store_release(&waiting, (uint32_t)host_tid());
	pthread_cond_wait(&condition, &mutex);
	pthread_mutex_unlock(&mutex);
}

/* The number of the process is the first thread's, and that one may have ended. */
static void finds_the_holder(void *arg)
{
	struct host_stat_files first = host_stat_of(getpid());
	struct host_sample sample;
	uint64_t address;
	int32_t tid;

	(void)arg;
	if (!comes_true(host_sample(&first, &sample) || sample.state == 'Z'))
		_exit(3);
	start(holds, NULL);
	tid = gate_came(&holding);
	start(wants, NULL);
	if (!comes_true(load_acquire(&waiting) != 0))
		_exit(2);
	_exit(futex_of((int32_t)load_acquire(&waiting), &address) != tid);
}

Test(host_sample, holder_after_the_first_thread_has_ended, .timeout = 60)
{
	pid_t child;
	int status;

	needs_a_whole_child();
	pthread_mutex_init(&mutex, NULL);
	child = fork();
	if (child == 0) {
		start(finds_the_holder, NULL);
		syscall(SYS_exit, 0);
	}
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%d", status);
}

Test(host_sample, what_nobody_holds_has_no_holder, .timeout = 60)
{
	uint64_t address;

	start(waits_for_semaphore, NULL);
	comes_true(load_acquire(&waiting) != 0);
	cr_assert_eq(futex_of((int32_t)load_acquire(&waiting), &address), 0);
	store_release(&waiting, 0);
	start(waits_for_condition, NULL);
	comes_true(load_acquire(&waiting) != 0);
	cr_assert_eq(futex_of((int32_t)load_acquire(&waiting), &address), 0);
}

Test(host_sample, no_memory_has_no_holder)
{
	long page = sysconf(_SC_PAGESIZE);
	char *mem = mmap(NULL, (size_t)page * 2, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint32_t tid = (uint32_t)host_tid();

	cr_assert_neq(mem, MAP_FAILED);
	cr_assert_eq(munmap(mem + page, (size_t)page), 0);
	cr_assert_eq(host_futex_holder(0), 0);
	cr_assert_eq(host_futex_holder(UINT64_MAX), 0);
	cr_assert_eq(host_futex_holder((uintptr_t)mem + (size_t)page), 0);
	/* The last word of the page: what is behind it cannot be read. */
	*(uint32_t *)(void *)(mem + page - 4) = tid;
	cr_assert_eq(host_futex_holder((uintptr_t)mem + (size_t)page - 4),
		     (int32_t)tid);
}

/* Whatever lies behind a futex that is no mutex may look like a thread. */
Test(host_sample, a_number_beside_a_futex_is_no_holder)
{
	uint32_t word[3] = { 0, 0, (uint32_t)host_tid() };

	cr_assert_eq(host_futex_holder((uintptr_t)word), 0);
	word[0] = INT32_MAX >> 2; /* a counter, or nobody's number */
	cr_assert_eq(host_futex_holder((uintptr_t)word), 0);
	word[0] = 2; /* held, and somebody waits: a mutex */
	cr_assert_eq(host_futex_holder((uintptr_t)word), host_tid());
	word[2] = INT32_MAX;
	cr_assert_eq(host_futex_holder((uintptr_t)word), 0);
}

Test(host_sample, a_refused_question_has_no_answer)
{
	uint32_t word = (uint32_t)host_tid();

	cr_assert_eq(host_futex_holder((uintptr_t)&word), (int32_t)word);
	cr_assert(refuse_call(SYS_process_vm_readv, EPERM));
	cr_assert_eq(host_futex_holder((uintptr_t)&word), 0);
}

Test(host_sample, futex_calls)
{
	cr_assert(host_is_futex(SYS_futex));
	cr_assert(!host_is_futex(449)); /* its argument is a list */
	cr_assert(!host_is_futex(SYS_read));
	cr_assert(!host_is_futex(-1));
}
