/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cell_serve.h - what the cells of the tests run: a request says what to do.
 *
 * A board that is mapped before the zygote is made is shared by the test and all cells
 * that the zygote makes: there a cell says that it has come, and waits for its gate.
 */
#ifndef WARD_TESTS_UNIT_CELL_SERVE_H
#define WARD_TESTS_UNIT_CELL_SERVE_H

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <ward/ward.h>

enum order {
	ASK_ECHO,  /* the request's bytes are the answer */
	ASK_SIZE,  /* an answer of 'n' bytes, as far as they go */
	ASK_STATUS,/* it ends with 'n' */
	ASK_FAIL,  /* the same, with words */
	ASK_WRAP,  /* the same, with words for a user */
	ASK_RAISE, /* the same, from below */
	ASK_WAIT,  /* until the board's gate is open; then 0, or ward_check()'s word */
	ASK_CHECK, /* until ward_check() says something: ends with that */
	ASK_SPIN,  /* for ever, silent */
	ASK_SLEEP, /* the same, asleep */
	ASK_BEAT,  /* beats for ever */
	ASK_EXCUSE, /* the same, in a wait that it has declared */
	ASK_DECLARED, /* a wait that is declared, until the gate is open */
	ASK_SILENT, /* a wait of which nobody hears, until the gate is open */
	ASK_EXIT,
	ASK_ABORT,
	ASK_FAULT,
	ASK_KILL,
	ASK_ONCE,  /* SIGKILL in the first n attempts; then the attempt's number */
	ASK_COMMIT_KILL,
	ASK_SELF,  /* what the calls of task.h say */
	ASK_PID,
	ASK_GROW,  /* 'n' KiB more, touched and kept */
	ASK_HEAP,  /* memory until there is none; how many MiB that were */
	ASK_FILES, /* descriptors until there are none; how many */
	ASK_LOCAL  /* what start() made */
};

struct request {
	uint32_t order;
	int32_t n;
	uint32_t gate;
	uint32_t number;
};

struct answer {
	int64_t n;
	int64_t more[3];
};

struct board {
	_Atomic uint32_t came[64], open[64]; /* by gate */
	_Atomic uint32_t starts, stops, asked; /* hooks; signals that were seen */
	_Atomic int32_t start_as;	/* what start() does: an enum order, or -1 */
	_Atomic int32_t signo;		/* what a cell has a handler for, or 0 */
	_Atomic uint32_t ran[1024];	/* attempts, by the request's number */
};

static struct board *board;

static inline void board_up(void)
{
	board = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	atomic_store(&board->start_as, -1);
}

static inline void cell_nap(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 50000 }, NULL);
}

/* Asleep until the gate is open; for naps would be a CPU that is kept. */
static inline int wait_silent(uint32_t gate)
{
	while (!atomic_load(&board->open[gate]))
		syscall(SYS_futex, &board->open[gate], FUTEX_WAIT, 0, NULL, NULL, 0);
	return 0;
}

/* ---- one request ---------------------------------------------------------------- */

static inline int say(struct ward_request *r, int64_t n)
{
	struct answer *answer = r->out;

	answer->n = n;
	r->out_size = sizeof(*answer);
	return 0;
}

static inline int raise_below(int err)
{
	ward_raise(err, "raised %d", err);
}

static inline int wait_gate(uint32_t gate, bool declared)
{
	int said = 0;

	if (declared)
		ward_block_enter(WARD_FOREVER);
	while (!atomic_load(&board->open[gate]) && !said) {
		cell_nap();
		said = declared ? 0 : ward_check();
	}
	if (declared)
		ward_block_leave();
	return said;
}

static inline int wait_check(void)
{
	int said;

	while (!(said = ward_check()))
		cell_nap();
	return said;
}

static inline int self(struct ward_request *r)
{
	const struct ward_self *me = ward_self();
	struct answer *answer = r->out;
	uint64_t first = 0, second = 1;

	if (!me || ward_fence(&first) || ward_fence(&second) ||
	    first != second || ward_unblock(NULL, NULL) != -EPERM)
		return -EPROTO;
	ward_beat();
	ward_progress(3);
	say(r, me->attempt);
	answer->more[0] = ward_commit();
	answer->more[1] = ward_commit();
	answer->more[2] = (int64_t)first;
	return ward_check();
}

static inline int64_t take_memory(void)
{
	size_t step = 1 << 20;
	int64_t n = 0;
	char *at;

	while ((at = malloc(step))) {
		memset(at, 1, step);
		n++;
	}
	return n;
}

static inline int64_t take_files(void)
{
	int64_t n = 0;

	while (open("/dev/null", O_RDONLY) >= 0)
		n++;
	return n;
}

static inline _Noreturn void hang(bool asleep)
{
	for (volatile uint64_t n = 0;; n++)
		if (asleep)
			pause();
}

static inline _Noreturn void beat(void)
{
	for (;;) {
		ward_beat();
		cell_nap();
	}
}

static inline _Noreturn void die(enum order how)
{
	signal(SIGSEGV, SIG_DFL);
	signal(SIGABRT, SIG_DFL);
	if (how == ASK_EXIT)
		_exit(3);
	if (how == ASK_ABORT)
		abort();
	kill(getpid(), how == ASK_FAULT ? SIGSEGV : SIGKILL);
	hang(true);
}

static inline int copy_back(struct ward_request *r)
{
	memcpy(r->out, r->in, r->in_size);
	r->out_size = r->in_size;
	return 0;
}

static inline int serve(struct ward_request *r)
{
	struct request ask = { 0 };

	memcpy(&ask, r->in,
	       r->in_size < sizeof(ask) ? r->in_size : sizeof(ask));
	if (board) {
		atomic_fetch_add(&board->ran[ask.number % 1024], 1);
		atomic_fetch_add(&board->came[ask.gate % 64], 1);
	}
	switch (ask.order) {
	case ASK_ECHO:
		return copy_back(r);
	case ASK_SIZE:
		memset(r->out, 7, r->out_max);
		r->out_size = (uint32_t)ask.n;
		return 0;
	case ASK_STATUS:
		return ask.n;
	case ASK_FAIL:
		return ward_fail(ask.n, "failed %d", ask.n);
	case ASK_WRAP:
		return ward_wrap(0, ask.n, "for a user");
	case ASK_RAISE:
		return raise_below(ask.n);
	case ASK_WAIT:
		return wait_gate(ask.gate, false);
	case ASK_DECLARED:
		return wait_gate(ask.gate, true);
	case ASK_CHECK:
		return wait_check();
	case ASK_SILENT:
		return wait_silent(ask.gate);
	case ASK_SPIN:
	case ASK_SLEEP:
		hang(ask.order == ASK_SLEEP);
	case ASK_EXCUSE:
		ward_block_enter(WARD_FOREVER);
		beat();
	case ASK_BEAT:
		beat();
	case ASK_ONCE:
		if (r->attempt <= (uint32_t)ask.n)
			die(ASK_KILL);
		return say(r, r->attempt);
	case ASK_COMMIT_KILL:
		if (ward_commit())
			return -EPROTO;
		die(ASK_KILL);
	case ASK_SELF:
		return self(r);
	case ASK_PID:
		return say(r, getpid());
	case ASK_GROW:
		memset(malloc((size_t)ask.n << 10), 1, (size_t)ask.n << 10);
		return say(r, getpid());
	case ASK_HEAP:
		return say(r, take_memory());
	case ASK_FILES:
		return say(r, take_files());
	case ASK_LOCAL:
		return say(r, r->local ? *(int *)r->local : 0);
	default:
		die(ask.order);
	}
}

/* ---- hooks ---------------------------------------------------------------------- */

static inline void seen_signal(int signo)
{
	(void)signo;
	atomic_fetch_add(&board->asked, 1);
}

static inline int start_cell(void *arg, void **local)
{
	int32_t as = board ? atomic_load(&board->start_as) : -1;
	int *made = malloc(sizeof(*made));

	if (board)
		atomic_fetch_add(&board->starts, 1);
	if (board && atomic_load(&board->signo))
		signal(atomic_load(&board->signo), seen_signal);
	*made = arg ? *(int *)arg : 0;
	*local = made;
	if (as == ASK_STATUS)
		return -EIO;
	if (as == ASK_SPIN || as == ASK_SLEEP)
		hang(as == ASK_SLEEP);
	if (as >= 0)
		die((enum order)as);
	return 0;
}

static inline void stop_cell(void *arg, void *local)
{
	(void)arg;
	free(local);
	if (board)
		atomic_fetch_add(&board->stops, 1);
}

static inline struct ward_cell_program program_of(void)
{
	static int arg = 42;
	struct ward_cell_program program = WARD_CELL_PROGRAM_INIT;

	program.run = serve;
	program.start = start_cell;
	program.stop = stop_cell;
	program.arg = &arg;
	return program;
}

#endif
