/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cells_ways.c - a stream of requests to worker processes, as it is done without a
 * library: each request is put by itself, as one who is asked for one at a time must;
 * answers are taken, and requests read, as many as there are.
 *
 * ring		a ring of one producer and one consumer in shared memory, for each
 *		process: the floor; it sleeps nowhere, it yields
 * socketpair, pipes
 *		as prefork servers have them, a process blocked in each read()
 * fork		a process for each request
 * memcpy	no process: the bytes are copied, and that is all
 */
#include "cells.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

/* ---- the work ------------------------------------------------------------ */

uint64_t cells_answer(const void *request, uint32_t size, enum reading reading)
{
	const uint64_t *word = request;
	uint32_t n = size / sizeof(*word);
	uint64_t sum = 1;

	if (reading == READ_ENDS)
		return word[0] + word[n - 1] + 1;
	for (uint32_t i = 0; i < n; i++)
		sum += word[i];
	return sum;
}

static uint64_t source[PAYLOAD / sizeof(uint64_t)];

void cells_fill(void *request, uint32_t size, uint64_t n)
{
	source[0] = n;
	memcpy(request, source, size);
}

/* ---- processes ----------------------------------------------------------- */

pid_t cells_pid[CELLS_AT_MOST];
unsigned cells_pids;

static pid_t fork_one(void (*work)(unsigned number), unsigned number)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	work(number);
	_exit(0);
}

pid_t cells_fork(void (*work)(unsigned number), unsigned number)
{
	pid_t pid = fork_one(work, number);

	if (pid > 0)
		cells_pid[number] = pid;
	if (pid > 0 && cells_pids <= number)
		cells_pids = number + 1;
	return pid;
}

void cells_kill_all(void)
{
	for (unsigned i = 0; i < cells_pids; i++) {
		kill(cells_pid[i], SIGKILL);
		waitpid(cells_pid[i], NULL, 0);
	}
	cells_pids = 0;
}

/* Now, and those of processes that have ended. */
static uint64_t ended_cpu(void)
{
	struct rusage r;

	getrusage(RUSAGE_CHILDREN, &r);
	return (uint64_t)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) * S +
	       (uint64_t)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) * US;
}

static uint64_t clock_read(clockid_t clock)
{
	struct timespec ts = { 0, 0 };

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * S + (uint64_t)ts.tv_nsec;
}

uint64_t cells_cpu(void)
{
	uint64_t ns = clock_read(CLOCK_PROCESS_CPUTIME_ID) + ended_cpu();
	clockid_t clock;

	for (unsigned i = 0; i < cells_pids; i++)
		if (!clock_getcpuclockid(cells_pid[i], &clock))
			ns += clock_read(clock);
	return ns;
}

static struct stream stream;

static bool start_all(void (*work)(unsigned number))
{
	for (unsigned i = 0; i < stream.cells; i++)
		if (cells_fork(work, i) < 0)
			return false;
	return true;
}

static uint64_t answer_to(const void *request)
{
	return cells_answer(request, stream.size, stream.reading);
}

/* ---- ring ---------------------------------------------------------------- */

#define LINE 64

struct ring {
	_Alignas(LINE) _Atomic uint32_t put;  /* the parent's: requests ever put */
	_Alignas(LINE) _Atomic uint32_t done; /* the process's: ever answered */
	_Alignas(LINE) unsigned char rest[];  /* requests, then answers */
};

static struct ring *ring[CELLS_AT_MOST];
static uint32_t ring_put[CELLS_AT_MOST], ring_taken[CELLS_AT_MOST];

static void *ring_request(struct ring *r, uint32_t at)
{
	return r->rest + (size_t)(at % stream.window) * stream.size;
}

static uint64_t *ring_answer(struct ring *r, uint32_t at)
{
	return (uint64_t *)(void *)(r->rest +
				    (size_t)stream.window * stream.size) +
	       at % stream.window;
}

/* Nobody wakes it: it looks, and yields. */
static void look_again(unsigned *looks)
{
	if (++*looks % 64)
		os_relax();
	else
		sched_yield();
}

static void ring_work(unsigned number)
{
	struct ring *r = ring[number];
	unsigned looks = 0;

	for (uint32_t at = 0;;) {
		uint32_t put = atomic_load_explicit(&r->put,
						    memory_order_acquire);

		if (at == put)
			look_again(&looks);
		while (at != put) {
			*ring_answer(r, at) = answer_to(ring_request(r, at));
			atomic_store_explicit(&r->done, ++at,
					      memory_order_release);
		}
	}
}

static void *shared(size_t size)
{
	void *mem = mmap(NULL, size, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return mem == MAP_FAILED ? NULL : mem;
}

static bool ring_start(const struct stream *s)
{
	size_t size = sizeof(struct ring) +
		      s->window * (s->size + sizeof(uint64_t));

	stream = *s;
	for (unsigned i = 0; i < s->cells; i++)
		if (!(ring[i] = shared(size)))
			return false;
	return start_all(ring_work);
}

static bool ring_put_to(unsigned i, uint64_t n)
{
	uint32_t at = ring_put[i];

	if (at - ring_taken[i] == stream.window)
		return false;
	cells_fill(ring_request(ring[i], at), stream.size, n);
	ring_put[i] = at + 1;
	atomic_store_explicit(&ring[i]->put, at + 1, memory_order_release);
	return true;
}

/* In turn over the processes that have room. */
static bool put_in_turn(bool (*put)(unsigned i, uint64_t n), uint64_t n)
{
	for (unsigned k = 0; k < stream.cells; k++)
		if (put((unsigned)((n + k) % stream.cells), n))
			return true;
	return false;
}

static bool ring_put_one(uint64_t n)
{
	return put_in_turn(ring_put_to, n);
}

static unsigned ring_look(uint64_t *sum)
{
	unsigned got = 0;

	for (unsigned i = 0; i < stream.cells; i++) {
		uint32_t done = atomic_load_explicit(&ring[i]->done,
						     memory_order_acquire);

		for (; ring_taken[i] != done; ring_taken[i]++, got++)
			*sum += *ring_answer(ring[i], ring_taken[i]);
	}
	return got;
}

static unsigned ring_take(uint64_t *sum)
{
	unsigned got, looks = 0;

	while (!(got = ring_look(sum)))
		look_again(&looks);
	return got;
}

const struct way way_ring = { "ring", ring_start, ring_put_one, ring_take };

/* ---- socketpair, pipes --------------------------------------------------- */

static struct ends {
	int to, from;		  /* the parent's */
	int worker_in, worker_out; /* the process's */
	unsigned out;		  /* under way */
} ends[CELLS_AT_MOST];

enum { BUFFER = 16384 };

static void must(bool ok)
{
	if (!ok)
		_exit(1);
}

static void write_all(int fd, const void *from, size_t size)
{
	const char *at = from;

	while (size) {
		ssize_t n = write(fd, at, size);

		must(n > 0 || errno == EINTR);
		if (n > 0) {
			at += n;
			size -= (size_t)n;
		}
	}
}

static void stream_work(unsigned number)
{
	size_t room = stream.size > BUFFER ? stream.size : BUFFER, have = 0;
	static uint64_t answer[BUFFER / REQUEST];
	unsigned char *buffer = aligned_alloc(LINE, room);

	must(buffer);
	for (;;) {
		ssize_t n = read(ends[number].worker_in, buffer + have,
				 room - have);
		size_t at = 0, answers = 0;

		must(n > 0);
		have += (size_t)n;
		for (; have - at >= stream.size; at += stream.size)
			answer[answers++] = answer_to(buffer + at);
		have -= at;
		memmove(buffer, buffer + at, have);
		write_all(ends[number].worker_out, answer,
			  answers * sizeof(*answer));
	}
}

static bool pair_open(struct ends *e)
{
	int fd[2], room = 1 << 20;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd))
		return false;
	for (int i = 0; i < 2; i++)
		setsockopt(fd[i], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	*e = (struct ends){ fd[0], fd[0], fd[1], fd[1], 0 };
	return true;
}

static bool pipes_open(struct ends *e)
{
	int to[2], from[2];

	if (pipe2(to, O_CLOEXEC) || pipe2(from, O_CLOEXEC))
		return false;
	*e = (struct ends){ to[1], from[0], to[0], from[1], 0 };
	return true;
}

static bool start_ends(const struct stream *s, bool (*open)(struct ends *e))
{
	stream = *s;
	for (unsigned i = 0; i < s->cells; i++)
		if (!open(&ends[i]))
			return false;
	return start_all(stream_work);
}

static bool pair_start(const struct stream *s)
{
	return start_ends(s, pair_open);
}

static bool pipes_start(const struct stream *s)
{
	return start_ends(s, pipes_open);
}

static bool ends_put_to(unsigned i, uint64_t n)
{
	static _Alignas(LINE) unsigned char request[PAYLOAD];

	if (ends[i].out == stream.window)
		return false;
	cells_fill(request, stream.size, n);
	write_all(ends[i].to, request, stream.size);
	ends[i].out++;
	return true;
}

static bool ends_put(uint64_t n)
{
	return put_in_turn(ends_put_to, n);
}

static unsigned ends_take_from(struct ends *e, uint64_t *sum)
{
	uint64_t answer[512];
	ssize_t n = read(e->from, answer, sizeof(answer));

	must(n > 0 && n % sizeof(*answer) == 0);
	for (unsigned i = 0; i < n / sizeof(*answer); i++)
		*sum += answer[i];
	e->out -= (unsigned)(n / sizeof(*answer));
	return (unsigned)(n / sizeof(*answer));
}

static unsigned ends_take(uint64_t *sum)
{
	struct pollfd p[CELLS_AT_MOST];
	unsigned got = 0;

	if (stream.cells == 1)
		return ends_take_from(&ends[0], sum);
	for (unsigned i = 0; i < stream.cells; i++)
		p[i] = (struct pollfd){ ends[i].from, POLLIN, 0 };
	must(poll(p, stream.cells, -1) > 0);
	for (unsigned i = 0; i < stream.cells; i++)
		if (p[i].revents)
			got += ends_take_from(&ends[i], sum);
	return got;
}

const struct way way_socketpair = { "socketpair", pair_start, ends_put, ends_take };
const struct way way_pipes = { "pipes", pipes_start, ends_put, ends_take };

/* ---- fork ---------------------------------------------------------------- */

static uint64_t *fork_answer; /* shared: one for each process */
static pid_t fork_pid[CELLS_AT_MOST];
static _Alignas(LINE) unsigned char fork_request[REQUEST];

static void fork_work(unsigned number)
{
	fork_answer[number] = answer_to(fork_request);
}

static bool fork_start(const struct stream *s)
{
	stream = *s;
	return (fork_answer = shared(CELLS_AT_MOST * sizeof(*fork_answer)));
}

static bool fork_put_to(unsigned i, uint64_t n)
{
	if (fork_pid[i])
		return false;
	cells_fill(fork_request, stream.size, n);
	fork_pid[i] = fork_one(fork_work, i);
	must(fork_pid[i] > 0);
	return true;
}

static bool fork_put(uint64_t n)
{
	return put_in_turn(fork_put_to, n);
}

static unsigned fork_take(uint64_t *sum)
{
	pid_t pid = waitpid(-1, NULL, 0);

	for (unsigned i = 0; i < stream.cells; i++)
		if (pid > 0 && fork_pid[i] == pid) {
			*sum += fork_answer[i];
			fork_pid[i] = 0;
			return 1;
		}
	must(false);
	return 0;
}

const struct way way_fork = { "fork", fork_start, fork_put, fork_take };

/* ---- memcpy -------------------------------------------------------------- */

static unsigned char *copy;
static uint64_t copied, looked_at;

static bool memcpy_start(const struct stream *s)
{
	stream = *s;
	return (copy = shared((size_t)s->window * s->size));
}

static void *copy_of(uint64_t n)
{
	return copy + n % stream.window * stream.size;
}

static bool memcpy_put(uint64_t n)
{
	if (copied - looked_at == stream.window)
		return false;
	cells_fill(copy_of(n), stream.size, n);
	copied++;
	return true;
}

static unsigned memcpy_take(uint64_t *sum)
{
	unsigned n = 0;

	for (; looked_at != copied; n++)
		*sum += answer_to(copy_of(looked_at++));
	return n;
}

const struct way way_memcpy = { "memcpy", memcpy_start, memcpy_put, memcpy_take };
