/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cell.h - workers that are processes.
 *
 * A cell is a worker process under the same kind of watch as a worker thread: the same
 * beats, budgets, verdicts, reports and policies.  But one that is convicted is killed,
 * and nothing is left of it: no zombie, no lock, no half-written heap.  So code that may
 * corrupt, that leaks, or that is not trusted belongs in a cell.
 *
 * A call carries bytes to a cell and bytes back, through memory that the parent shares
 * with that cell alone.  A call is a task of a pool in all else: it may be in a lane, have
 * a policy, a token, a name; and it has exactly one done() and one release().
 *
 *	ward_cell_zygote();                     first in main()
 *	ward_cells_create(&cells, pool, &config);
 *	ward_cells_submit(cells, &call, WARD_FOREVER);
 *
 * docs/cells.md says when a cell is worth its price.
 */
#ifndef WARD_CELL_H
#define WARD_CELL_H

#include <ward/base.h>
#include <ward/pool.h>
#include <ward/task.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ward_cells;
struct ward_lane;

/* ---- in a cell ------------------------------------------------------------------- */

/*
 * One call, as the cell has it.  Both areas lie in the shared memory: what is written to
 * 'out' is not copied on its way.
 */
struct ward_request {
	const void *in; /* 16-byte aligned */
	void *out;	/* the same; out_max bytes */
	uint32_t in_size, out_max;
	uint32_t out_size; /* set by run(), at most out_max; 0 at first */
	uint32_t attempt;  /* from 1 */
	void *local;	   /* what start() returned */
};

/*
 * The code of a cell.  In a cell made by the zygote these are functions of the program
 * as it was when the zygote was made: what 'arg' points to must have been there by then.
 */
struct ward_cell_program {
	uint32_t size; /* set by WARD_CELL_PROGRAM_INIT */
	uint32_t reserved; /* must be 0 */
	/* One call after the other, on the cell's first thread: 0, or an error, as run()
	 * of a task.  The calls of task.h and error.h that are for code inside run() work
	 * as on a worker, but ward_unblock() (-EPERM). */
	int (*run)(struct ward_request *request);
	/* Before the first call: here a sandbox is entered, a uid dropped, an
	 * interpreter loaded.  It sets *local.  Not 0: the cell ends, and counts as one
	 * that could not be made.  Another uid makes the kernel forget that the cell
	 * ends with its parent: prctl(PR_SET_PDEATHSIG, SIGKILL) after it.  May be
	 * NULL. */
	int (*start)(void *arg, void **local);
	/* When a cell leaves in good order.  May be NULL. */
	void (*stop)(void *arg, void *local);
	void *arg;
};
#define WARD_CELL_PROGRAM_INIT WARD_SIZED_INIT_(struct ward_cell_program)

/*
 * By a program that is run as a cell (ward_cells_config.path), early in its main(): serves
 * calls until the parent has none any more, and does not return then.
 *	-ENOTCONN	the program was not started as a cell
 *	-EINVAL		NULL, wrong size, no run
 *	-EPROTO		another version of the library made the segment
 */
WARD_API int ward_cell_main(const struct ward_cell_program *program);

/*
 * Makes the zygote: a small copy of this process, of which cells are forked, in 70 us
 * each however large this process is by then.  At the beginning of main(), before there
 * are threads.  Files that are open now are open in the cells.
 *	0
 *	-EALREADY	it was made
 *	-EBUSY		the process has threads
 *	-ENOSYS		Linux before 5.3, or one that does not tell what is needed
 *	else		the kernel's error
 */
WARD_API WARD_MUST int ward_cell_zygote(void);

/* ---- in the parent ---------------------------------------------------------------- */

/* One request and its answer, caller-owned; all-zero but for what the caller sets. */
struct ward_call {
	/* Set by the caller; valid until release(). */
	const void *in;	  /* the request, unless 'fill' writes it */
	uint32_t in_size; /* at most in_max */
	uint32_t reserved; /* must be 0 */
	/*
	 * Writes the request's in_size bytes to 'to', in the cell's own memory, for each
	 * attempt: on the submitting thread, or a worker.  0, or an error: how the call
	 * ends.  NULL: *in is copied.
	 */
	int (*fill)(struct ward_call *call, void *to);
	/* As those of a task; may be NULL. */
	void (*done)(struct ward_call *call, int status);
	void (*release)(struct ward_call *call);
	struct ward_lane *lane; /* NULL: none.  Not one with CALLER_RUNS */
	/*
	 * The answer, in done(): out_size bytes that the cell has written, NULL if it gave
	 * none.  They stay until release() is called.  A cell may write there
	 * meanwhile, if it is not what it should be: bytes are copied before they
	 * are checked.
	 */
	const void *out;
	uint32_t out_size;
	uint32_t priv_number; /* the library's; zero before first use */
	void *priv[2];	      /* the same */
	/* Of it the caller sets 'policy', 'cancel' and 'name'. */
	struct ward_task task;
};

struct ward_cells_config {
	uint32_t size;	 /* set by WARD_CELLS_CONFIG_INIT */
	uint32_t flags;	 /* must be 0 */
	uint32_t cells;	 /* at work, 1..48; default: the CPUs the process may use, at
			    most 48 */
	uint32_t spares; /* ready beside them, 1..8; default 1 */
	uint32_t depth;	 /* calls that one cell may have at a time, in it, before it and
			    answered but not released: a power of two, 2..4096;
			    default 256 */
	uint32_t in_max, out_max; /* bytes of a request, an answer; at most 2^30;
				     default 4096.  A cell has depth x both of memory */
	/* The code: a copy of the zygote runs 'program'; or a program of its
	 * own, 'path' with 'argv' (NULL: path alone), which calls ward_cell_main(), and
	 * whose text stays where it is until destroy. */
	const struct ward_cell_program *program;
	const char *path;
	char *const *argv;
	/* Limits of each cell; 0: none. */
	uint64_t memory;  /* bytes of address space: RLIMIT_AS */
	uint64_t cpu_s;	  /* seconds of CPU in its life: RLIMIT_CPU */
	uint64_t files;	  /* descriptors: RLIMIT_NOFILE */
	/* A cell is replaced, between two calls, after so many calls, or when it has
	 * grown by so many bytes since it was ready; 0: never. */
	uint64_t recycle_calls, recycle_growth;
	/* A convicted cell is sent 'signo' (SIGTERM, which it ignores unless it handles
	 * it, or SIGABRT, for a core), and SIGKILL 'grace' after that.  0: at once. */
	ward_ns grace;
	int32_t signo;
	uint32_t reserved; /* must be 0 */
	const char *name;  /* up to 11 bytes: in reports and of processes; NULL: "cell" */
};
#define WARD_CELLS_CONFIG_INIT WARD_SIZED_INIT_(struct ward_cells_config)

struct ward_cells_stats {
	uint32_t size; /* set by WARD_CELLS_STATS_INIT */
	uint32_t working, spares; /* cells, now */
	uint32_t leaving;	  /* told or made to end, and not gone, now */
	uint64_t calls;		  /* accepted and not released, now */
	uint64_t sent, answered;  /* attempts, so far */
	uint64_t lost;		  /* attempts that were begun, and ended with their cell */
	uint64_t moved;		  /* not begun: given to another cell */
	uint64_t born, unborn;	  /* cells that became ready, that did not */
	uint64_t died;		  /* by themselves */
	uint64_t killed;	  /* convicted: silent for longer than a budget */
	uint64_t garbled;	  /* the same: wrote to the segment what it may not */
	uint64_t recycled;
};
#define WARD_CELLS_STATS_INIT WARD_SIZED_INIT_(struct ward_cells_stats)

/*
 * Makes a set of cells, whose calls are tasks of 'pool': done() and release() come on
 * its workers, reports by its hook; and budgets, where a call has no policy of its own,
 * are the pool's.  It returns when the first cell is ready, or cannot be.
 *	-EINVAL		NULL, wrong size, a value out of range, a program or path or
 *			both missing, argv without path
 *	-ENAMETOOLONG
 *	-ENOTCONN	no zygote, and no path
 *	-ECHILD		the pool, or the zygote, is a parent process's
 *	-EOWNERDEAD	the first cell ended before it was ready
 *	-ETIMEDOUT	it was not ready after 5 s
 *	-ENOMEM, -EAGAIN, -EMFILE...	the kernel's
 */
WARD_API WARD_MUST int ward_cells_create(struct ward_cells **out,
					 struct ward_pool *pool,
					 const struct ward_cells_config *config);

/*
 * Hands a call to a cell.  Waits while no cell has room, until then.
 *	0		accepted: done() and release() will come
 *	-EAGAIN		WARD_NOWAIT, and no cell has room
 *	-ETIMEDOUT	no room until 'until'
 *	-EMSGSIZE	in_size is above in_max
 *	-ESHUTDOWN	cells or pool are drained or destroyed
 *	-EBUSY, -EINVAL, -ECHILD, the cause	as ward_submit()
 *	else		what fill() said
 * On error nothing is called, and the call is the caller's.  With a lane: as
 * ward_lane_submit(), and the call comes to a cell when the lane lets it run.  Any
 * thread; not in a signal handler.
 */
WARD_API WARD_MUST int ward_cells_submit(struct ward_cells *cells,
					 struct ward_call *call, ward_ns until);

/*
 * The same, and waits until the call was released: then it is the caller's again, and may
 * lie on the caller's stack.  An answer wakes the caller and no other thread, and done() is
 * called here; where the call ended in another way, or is in a lane, by a worker.  done()
 * must return: it may not end its thread, nor raise.  Inside a task the wait is a declared
 * one, and where the task is told to stop, so is the call.  It lasts as long as the call:
 * a token's deadline bounds that.
 *	0		*status, if not NULL, is done()'s status
 *	-EINVAL		also: release is set
 *	else		as ward_cells_submit()
 * Any thread; not in a signal handler.
 */
WARD_API WARD_MUST int ward_cells_call(struct ward_cells *cells,
				       struct ward_call *call, ward_ns until,
				       int *status);

/*
 * Tells a call to stop: as ward_task_cancel(pool, &call->task, cause), which for a call is
 * ward_task_recall(), too: done() and release() come; and a cell that is
 * in the call hears of it by ward_check() within some microseconds, not at the next scan.
 * A call that goes on for blocked_within of its policy after it was told, by whatever, is
 * overdue: its cell is killed, and it is answered -ECANCELED.
 * 0 is also said of such a call.
 */
WARD_API int ward_cells_cancel(struct ward_cells *cells, struct ward_call *call,
			       int cause);

/* -EINVAL; -ECHILD.  Any thread. */
WARD_API int ward_cells_stats(struct ward_cells *cells,
			      struct ward_cells_stats *stats);

/*
 * The process of a cell, by its number from 0 on; 0: there is none.  For those who look
 * after processes, and tests.  -EINVAL; -ECHILD.
 */
WARD_API int ward_cells_pid(struct ward_cells *cells, uint32_t cell);

/*
 * Refuses new calls and waits until each accepted one was released.  0; -ETIMEDOUT: call
 * again; -EDEADLK: from a thread of the pool; -EINVAL; -ECHILD.
 */
WARD_API int ward_cells_drain(struct ward_cells *cells, ward_ns until);

/*
 * Ends the cells.  Calls that have not begun get done(-ECANCELED); the others see
 * -ESHUTDOWN in ward_check(), and what is still in a cell then is killed with it, and
 * answered -ECANCELED.  0: nothing is left; n > 0: so many calls are not released yet,
 * and the memory goes with the last of them; the pool must not be destroyed before.
 * Either way the handle is gone, and no thread may be inside another call on it.
 * -EDEADLK; -EINVAL.  In a child after fork: gives back what is the child's.
 */
WARD_API int ward_cells_destroy(struct ward_cells *cells, ward_ns until);

#ifdef __cplusplus
}
#endif
#endif
