/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cell.h - a set of cells, as its parent knows them.
 *
 * A call is on one descriptor of one cell, or on none.  The owner of a descriptor:
 *
 *	FREE	   the stack, or the holder of the claim; also as ANSWERED
 *	HELD	   the thread that fills it
 *	SENT	   the cell, and the holder of 'collecting'
 *	ANSWERED   the call, until its release
 *
 * The collector is one thread for the set: it gives answers back to the pool, sees
 * cells die, judges those that are silent, kills, and has others born.  It runs no
 * stranger's code, and waits for no cell.  A caller that waits for its answer may
 * collect in its place (caller.c).
 *
 * Invariants:
 *  1) SENT is left by one step, by the holder of 'collecting': so an answer is given once,
 *     by the cell, or for the cell when it has ended.
 *  2) A call that was begun in a cell is given up only when the cell is gone, or is SIGKILLed
 *     and held up by the kernel for END_WITHIN.
 *  3) A cell's memory goes when its process is gone and none of its descriptors is out.
 *
 * Edges: [ke] entered | the claim is free; [kf] the claim is kept | entered; [kg] answered
 * | nobody collects; [kh] handed back | its caller; [kn] it has ended | who looks, what is
 * given back?; [kr] room | who waits; [kx] a call on its way | closed?; [kw] a call | the
 * collector sleeps.
 */
#ifndef WARD_LIB_CELL_CELL_H
#define WARD_LIB_CELL_CELL_H

#include "cell/shared.h"
#include "heal/judge.h"
#include "run/run.h"
#include "sync/stack.h"
#include "sync/stripes.h"
#include "sync/wait_queue.h"

enum {
	CELLS_MAX = 48,	      /* at work */
	CELLS_SPARE_MAX = 8,
	DEPTH_MAX = 4096
};

#ifndef CELLS_ALL
#define CELLS_ALL (CELLS_MAX + CELLS_SPARE_MAX + 8) /* and on their way out */
#endif
#ifndef CELLS_LOOKS
#define CELLS_LOOKS 32 /* of the collector, without an answer, before it sleeps */
#endif

#ifndef BIRTH_WITHIN
#define BIRTH_WITHIN UINT64_C(5000000000)
#define END_WITHIN UINT64_C(1000000000)
#endif

enum { CLAIM_KEPT = 2 };

/* The state of a call whose caller waits: in ward_call.priv_number, a futex. */
enum call_way {
	CALL_ALONE,    /* nobody waits */
	CALL_ON,       /* it is somebody else's turn */
	CALL_ASLEEP,   /* the same; its caller is about to sleep, or does */
	CALL_ANSWERED, /* the caller is to give the answer */
	CALL_BACK      /* the call was released */
};

/* Of cell.collecting; ASKED: held, and the collector was refused. */
enum { COLLECTING_FREE, COLLECTING_HELD, COLLECTING_ASKED };

/* A cell wrote what cannot be: it is still to be told of and killed, or that is done. */
enum garbled { GARBLED_NOT, GARBLED_SEEN, GARBLED_TOLD };

enum desc_state { DESC_FREE, DESC_HELD, DESC_SENT, DESC_ANSWERED };

/* One descriptor; the other half is in the segment. */
struct desc {
	line_aligned struct cell *cell; /* I */
	uint32_t number;	/* I */
	_Atomic uint32_t state; /* enum desc_state; as above */
	uint32_t at;		/* P, then the collector's: its place in 'avail' */
	bool plain;		/* the sender's: its worker need not look twice */
	bool told;		/* the owner's: the token in the segment is not 0 */
	uint64_t told_at;	/* SENT, the collector's: told to stop since then; or 0 */
	struct ward_call *call; /* the sender's: the call that is on it */
	uint32_t out_size;	/* ANSWERED: checked */
};

enum cell_state {
	CELL_NONE,    /* no process, and no descriptor is out */
	CELL_BORN,    /* not ready yet */
	CELL_SPARE,   /* ready */
	CELL_WORKING, /* submitters may find it */
	CELL_LEAVING, /* takes no more calls, answers those that it has */
	CELL_DOOMED,  /* convicted, not dead yet */
	CELL_DEAD     /* the process is gone, or is not waited for */
};

/* The letters are those of base/atomic.h; K: the collector; C: whoever collects. */
struct cell {
	struct ward_cells *cells; /* I */
	struct cell_shared *shared; /* I, from its first process on */
	_Atomic uint32_t state;	  /* K: enum cell_state [kf] */
	struct desc *desc;	  /* I */

	/* The claim: who may put into 'avail'. */
	line_aligned _Atomic uint32_t claim; /* X: CLAIM_KEPT: the collector keeps it [ke] */
	_Atomic uint32_t sent;	  /* P: numbers ever put */
	uint32_t *avail;	  /* P: its own copy of the numbers */
	uint32_t mine;		  /* P: the first of a list of free numbers, by free.next */
	struct stack entered;	  /* X: HELD, to be put by whoever has the claim [ke] */

	/* X: */
	line_aligned struct stack free; /* given back */

	/* The claim of the collector, or of a caller in its place [kg]. */
	line_aligned _Atomic uint32_t collecting; /* X */
	_Atomic uint32_t collected; /* C: answers ever taken */
	_Atomic uint32_t garbled; /* C: enum garbled: nothing more is taken from it */
	_Atomic uint64_t answered; /* C: sound answers, in its life */
	_Atomic uint32_t callers; /* X: how many look at its segment [kn] */
	_Atomic uint32_t given_back; /* K: numbers that the parent took back itself */
	/* K: */
	struct host_segment segment;
	struct host_process process;
	struct host_stat_files files;
	struct history history;
	uint64_t gen;	     /* the cell's number in the set's life */
	uint64_t since;	     /* when it came to its state */
	uint64_t epoch_at;   /* when its last answer was seen, or its first call */
	uint64_t kill_at;    /* DOOMED: when SIGKILL is due; 0: it was sent */
	uint64_t incident;   /* DOOMED: the report of its conviction */
	uint64_t memory;     /* resident when it was ready */
	uint64_t reap_at, grow_at; /* when the kernel is asked next: ended? how large? */
	struct incident *last;	   /* of its end, until it is known how; or NULL */
	uint32_t seen_used;  /* at the last scan: a cell that gets on */
	enum lost_why why;   /* what its end is for the call that it is inside of */
	bool reaped;
	struct host_end end; /* how it ended, when 'reaped' */
};

struct ward_cells {
	uint32_t magic; /* handle.h */
	struct pool *pool; /* I; a reference is held */
	/* I: */
	struct cell_layout layout;
	uint32_t wanted, spares; /* cells at work, ready beside them */
	struct ward_cell_program program;
	const char *path;
	char *const *argv;
	struct host_limits limits;
	uint64_t recycle_calls, recycle_growth, grace;
	int signo;
	char name[12];

	struct cell cell[CELLS_ALL];

	/* K: those that submitters may find, in no order; NULL: none. */
	struct cell *_Atomic working[CELLS_MAX];

	/* X: */
	_Atomic uint32_t word;	 /* futex: the collector is to look */
	_Atomic uint32_t closed; /* M [kx] */
	_Atomic uint32_t ending; /* M: destroy: 1: calls are to stop; 2: cells are killed */
	_Atomic uint32_t gone;	 /* M: the collector has ended every cell */
	struct stripes in, out; /* calls: accepted or on their way in; released [kx] */
	_Atomic uint32_t refs;	 /* the owner, the collector, calls at their last step */
	_Atomic uint32_t left;	 /* M: the owner has left; the last call puts its reference */
	_Atomic uint32_t told;	 /* a call was told to stop: look, before the scan */
	_Atomic uint32_t asleep; /* K: without a time to scan: a call wakes it [kw] */
	struct wait_queue room;	 /* submitters [kr] */
	struct wait_queue idle;	 /* drain; and create, until a cell is up */
	_Atomic uint32_t first;	 /* K: enum cell_stage of the first cell; M */
	_Atomic int32_t error;	 /* K: why the last one could not be made */

	/* K: at each answer, and so apart from what is looked at for each call. */
	line_aligned struct counts {
		_Atomic uint64_t sent, answered; /* by cells that have ended */
		_Atomic uint64_t lost, moved;
		_Atomic uint64_t born, unborn, died, killed, garbled, recycled;
	} counts;
	uint64_t next_scan, next_birth;
	uint32_t futile; /* wakeups by cells, since the scan, that found no answer */
	uint64_t quiet_since; /* no cell has had a call */
	uint32_t failures; /* cells that were not ready, in a row */
	uint32_t gens;
	bool told_births, told_blind;
	uint64_t show_at;    /* not on the page before */
	uint64_t shown;	     /* answers, when it was there last */
	bool moved;	     /* the state of a cell, since then */
	host_thread collector; /* E */
};

/* By whoever collects: the pool tells of it, too. */
#define cells_count(cells_, field)                                             \
	(count_own(&(cells_)->counts.field, 1),                                \
	 add_relaxed(&(cells_)->pool->cells.field, 1))

/* ---- send.c: a call's way into a cell -------------------------------------------- */

/* A descriptor of a cell at work, but of that one; NULL: none has room, or none is there. */
struct desc *send_take(struct ward_cells *cells, const struct ward_call *call,
		       const struct cell *but);
/* Writes the request.  0, or what fill() said. */
int send_fill(struct desc *desc, struct ward_call *call);
/* All of a cell that has ended are free, and nobody is about to have one: they are kept. */
bool send_take_all(struct cell *cell);
/* The bytes of the answer. */
static inline const void *send_answer(const struct desc *desc)
{
	const struct cell_layout *layout = &desc->cell->cells->layout;

	return cell_out(cell_tail(
		cell_head(desc->cell->shared, layout, desc->number), layout));
}
/* Gives a HELD or ANSWERED one back. */
void send_drop(struct desc *desc);
/* The call is the cell's, and the collector's, from here on. */
void send_post(struct desc *desc);
/* All of that under one claim, where the request is copied and small.  False: not so. */
bool send_quick(struct ward_cells *cells, struct ward_call *call);

/* ---- collect.c: answers ---------------------------------------------------------- */

/* By the collector; false: a caller collects, and wakes it when it has done so. */
bool collect_claim(struct cell *cell);
void collect_drop(struct cell *cell);
/* All that there are, by the holder of that claim: how many. */
uint32_t collect_answers(struct cell *cell);
/*
 * By a caller that waits: are there any, and nobody collects them?  Takes all, in so many
 * rounds at most: later ones are the collector's.
 */
bool collect_due(const struct cell *cell);
void collect_for_all(struct cell *cell, unsigned rounds);
/* A worker finds a place for the call, from that time on; 0: at once. */
void collect_later(struct ward_cells *cells, struct ward_task *task, uint64_t at);
/* Calls that the cell has not taken go to others; or to workers, who may answer them. */
void collect_back(struct cell *cell, bool by_workers);
/*
 * Numbers that submitters left to the holder of the claim, of a cell at work no more; the
 * claim is kept.  False: a submitter has it, for some instructions.
 */
bool collect_entered(struct cell *cell);
/* Ends what is on a cell that has ended. */
void collect_lost(struct cell *cell);
/* The call of a SENT descriptor was begun; as the cell's words have it. */
bool collect_begun(const struct cell *cell, const struct desc *desc, uint32_t taken);

/* ---- caller.c: callers that look at a cell's segment ------------------------------- */

/* Counts the caller in.  False: the cell has no process that answers; counted all the same. */
bool caller_looks(struct cell *cell);
/* Counts it out: the last one of a cell that has ended wakes the collector. */
void caller_leaves(struct cell *cell);
/* By the collector, of a DEAD cell: none looks, and none will. */
bool caller_is_none(struct cell *cell);

/* ---- told.c: calls that are told to stop ------------------------------------------- */

/* True: one of them has been told for too long, and goes on. */
bool told_look(struct cell *cell, uint64_t now);

/* ---- watch.c: are they alive, do they get on? ------------------------------------ */

/* Convicts: it gets signo now, and SIGKILL in its grace. */
void watch_doom(struct cell *cell, enum lost_why why, uint64_t incident, uint64_t now);
/* The cell wrote what it may not. */
void watch_garbled(struct cell *cell, const char *what, uint64_t now);
/* True: the cell has ended since. */
bool watch_end(struct cell *cell, uint64_t now);
void watch_scan(struct ward_cells *cells, uint64_t now);
/* DEAD: is its process gone, too?  Then its death is told. */
void watch_reap(struct cell *cell, uint64_t now);

/* The call that it says it is inside of, or NULL; budgets of that which it comes to. */
const struct ward_call *watch_inside(struct cell *cell);
struct budgets watch_budgets(struct cell *cell);

/* ---- cell_page.c: its pool's page ------------------------------------------------ */

/* The set's rows are written now and then.  The time of the next look. */
uint64_t cell_page_round(struct ward_cells *cells, uint64_t now);
/* It has no rows any more. */
void cell_page_leave(struct ward_cells *cells);

/* ---- birth.c: cells come and go -------------------------------------------------- */

/* Up to what is wanted, and no further.  The time of the next look. */
uint64_t birth_round(struct ward_cells *cells, uint64_t now);
/* One that is at work takes no more calls. */
void birth_retire(struct cell *cell, enum cell_state state, uint64_t now);
/* Its memory goes. */
void birth_bury(struct cell *cell);

/* ---- collector.c ----------------------------------------------------------------- */

void collector_run(void *cells);

/* ---- call.c: a call as its task ---------------------------------------------------- */

/* run() of every call. */
int call_run(struct ward_task *task);
/* As ward_cells_submit(); 'way': CALL_ALONE, CALL_ON. */
int call_submit(struct ward_cells *cells, struct ward_call *call, ward_ns until,
		enum call_way way);

/* ---- set.c: a set's memory, and who needs it ------------------------------------- */

static inline struct ward_call *call_of(struct ward_task *task)
{
	return ward_entry(task, struct ward_call, task);
}

/* The descriptor that it is on; a worker that has lost it may look, too. */
static inline struct desc *call_desc(const struct ward_call *call)
{
	return __atomic_load_n(&call->priv[1], __ATOMIC_RELAXED);
}

static inline void call_put_on(struct ward_call *call, struct desc *desc)
{
	__atomic_store_n(&call->priv[1], desc, __ATOMIC_RELAXED);
}

static inline _Atomic uint32_t *call_word(struct ward_call *call)
{
	return (_Atomic uint32_t *)&call->priv_number;
}

static inline bool call_is_awaited(const struct ward_call *call)
{
	return __atomic_load_n(&call->priv_number, __ATOMIC_RELAXED) != CALL_ALONE;
}

/* The call is its caller's from then on. */
static inline void call_tell(struct ward_call *call, enum call_way way)
{
	if (swap_acq_rel(call_word(call), way) == CALL_ASLEEP) /* [kh] */
		host_wake(call_word(call), INT32_MAX);
}

/* The collector is to look. */
static inline void cells_wake(struct ward_cells *cells)
{
	add_acq_rel(&cells->word, 1);
	host_wake(&cells->word, 1);
}

/* Calls that are not released; never too few. */
static inline uint64_t cells_calls(const struct ward_cells *cells)
{
	uint64_t out = stripes_sum(&cells->out);

	return stripes_sum(&cells->in) - out;
}

/* The call has its last: it was released, or never accepted. */
void cells_leave(struct ward_cells *cells);
/* One reference less; the last one frees. */
void cells_put(struct ward_cells *cells);
/* The memory of its cells: 0 or -ENOMEM; cells_put() in either case. */
int set_make(struct ward_cells *cells);
/* The owner has done with it: how many calls are left, of which the last frees it. */
uint64_t set_leave(struct ward_cells *cells);

/* For descriptors of cells that may be out. */
#define for_each_cell(cell_, cells)                                              \
	for (struct cell *cell_ = (cells)->cell;                                 \
	     cell_ < (cells)->cell + CELLS_ALL; cell_++)

static inline enum cell_state cell_state(const struct cell *cell)
{
	return load_acquire(&cell->state); /* [kf] */
}

/* Calls are in it, or before it. */
static inline uint32_t cell_load(const struct cell *cell)
{
	return load_relaxed(&cell->sent) - load_relaxed(&cell->collected) -
	       load_relaxed(&cell->given_back);
}

static inline void cell_ended_how(struct ward_report *report, const struct host_end *end)
{
	report->ended = end->known;
	report->signo = end->signo;
	report->exit_code = end->code;
	report->core = end->core;
	report->cpu = end->cpu;
	report->peak = end->peak;
}

/* The cell is to look at what its parent has to say. */
static inline void cell_order(struct cell *cell, enum cell_order order)
{
	store_release(&cell->shared->order, order);
	add_relaxed(&cell->shared->rung, 1);
	host_wake_shared(&cell->shared->rung, 1);
}

/* The cell has a process that answers, or may. */
static inline bool cell_lives(const struct cell *cell)
{
	enum cell_state state = cell_state(cell);

	return state != CELL_NONE && state != CELL_DEAD;
}

#endif
