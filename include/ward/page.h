/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * page.h - the page that a pool publishes (WARD_POOL_PUBLISH), as other processes read
 * it: wardtop(1) does.
 *
 * A page is a file, or a memfd.  It has no pointers: all that it names lies so many bytes
 * after something else.  Its first bytes are a struct ward_page, which says where its
 * parts lie.  A part is some copies of one snapshot, each written by another turn of one
 * writer; every snapshot begins with a struct ward_page_head, and has tables of rows.
 *
 * To read a part: of its copies take the one with the highest even 'number', copy it,
 * and see that its number has not moved meanwhile.  An odd one is being written, or was
 * when the process ended; 0 was never written.  So whatever moment the process ends in,
 * one copy is whole.
 *
 * Structs grow at their ends.  A reader takes of a struct, or a row, what both know: the
 * sizes and strides are here.  What is not known to it, it skips; what the writer does
 * not know, is 0.  Another 'version' is another layout.  Who reads believes nothing:
 * any program of the same user may have written the file.
 *
 * Strings end with 0, and are cut off where they do not fit.  Times are ns of
 * CLOCK_MONOTONIC, spans are ns.
 */
#ifndef WARD_PAGE_H
#define WARD_PAGE_H

#include <ward/report.h>
#include <ward/stats.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WARD_PAGE_MAGIC UINT64_C(0x6567617064726177) /* "wardpage" */
#define WARD_PAGE_VERSION 1u

enum ward_page_parts {
	WARD_PAGE_POOL,	   /* struct ward_page_pool, by the pool's steward */
	WARD_PAGE_TREE,	   /* struct ward_page_tree, by the stewards of wards */
	WARD_PAGE_REPORTS, /* struct ward_page_reports, by the pool's scribe */
	WARD_PAGE_CELLS,   /* struct ward_page_cells, by the threads of the pool's sets */
	WARD_PAGE_PARTS
};

struct ward_page_part {
	uint64_t offset; /* of the first copy, from the beginning of the page */
	uint32_t stride; /* bytes from one copy to the next */
	uint32_t copies;
};

/* What does not change, but for 'magic' at first and 'ended' at last. */
struct ward_page {
	uint64_t magic;	  /* WARD_PAGE_MAGIC; before that the page is not ready */
	uint32_t version; /* WARD_PAGE_VERSION */
	uint32_t size;	  /* of this struct */
	uint64_t bytes;	  /* of the page */
	int32_t pid;	  /* in its own pid namespace */
	uint32_t ended;	  /* not 0: the pool was destroyed */
	uint64_t born;	  /* the process's start, as in /proc/PID/stat; 0: unknown */
	uint64_t made;	  /* when the page was made */
	int64_t made_s;	  /* the same, UTC */
	char boot[40];	  /* the id of the machine's boot, or "" */
	char program[64]; /* the executable's name */
	char pool[16];
	uint32_t parts; /* entries of 'part' */
	uint32_t reserved;
	struct ward_page_part part[WARD_PAGE_PARTS];
};

/* Rows of one kind, in a snapshot. */
struct ward_page_table {
	uint32_t offset; /* of the first row, from the beginning of the snapshot */
	uint32_t stride;
	uint32_t rows;
	uint32_t more; /* that found no room */
};

struct ward_page_head {
	uint64_t number; /* even: whole; see above */
	uint32_t size;	 /* of the part's struct */
	uint32_t bytes;	 /* of the snapshot, its rows included */
	ward_ns taken;
	int64_t taken_s; /* the same, UTC */
};

/* ---- the pool -------------------------------------------------------------- */

enum ward_page_state {
	WARD_PAGE_AWAKE = 1, /* the next snapshot comes after 'every' */
	WARD_PAGE_ASLEEP     /* all workers are parked, and the steward sleeps: the
				next one comes when one of them is woken */
};

struct ward_page_pool {
	struct ward_page_head head;
	uint32_t state; /* enum ward_page_state */
	uint32_t term;	/* which steward it is: 0, and one more for each takeover */
	ward_ns every;	/* to the next snapshot, or some more */
	uint32_t stats_offset; /* of a struct ward_stats, from the head */
	uint32_t stats_size;
	struct ward_page_table workers; /* struct ward_page_worker */
	struct ward_page_table zombies; /* struct ward_page_zombie */
	struct ward_page_table lanes;	/* struct ward_page_lane */
	struct ward_page_table limits;	/* struct ward_page_limit */
};

enum ward_page_doing {
	WARD_PAGE_LOOKS, /* outside of a task, for work */
	WARD_PAGE_PARKED,
	WARD_PAGE_RUN,	/* inside run() */
	WARD_PAGE_DEAD, /* a failure is judged: hooks.dead */
	WARD_PAGE_DONE, /* inside done() */
	WARD_PAGE_RELEASE,
	WARD_PAGE_HOOK /* hooks.start, hooks.stop */
};

enum {
	WARD_PAGE_WAITS = 1u << 0, /* a wait that was declared, or inside libward */
	WARD_PAGE_BENCH = 1u << 1, /* answers what waits, and runs nothing */
	WARD_PAGE_SLEEPS = 1u << 2 /* a zombie that was found asleep */
};

struct ward_page_worker {
	uint32_t seat;
	int32_t tid;
	uint32_t doing; /* enum ward_page_doing */
	uint32_t flags; /* WARD_PAGE_* */
	ward_ns inside;	/* for how long in this step of this attempt, at least */
	uint64_t started; /* attempts, by all that this thread's record was for */
	uint64_t beats, units;
	/* Since the last sign of life, and where that time went as far as the steward
	 * has looked: the ledger may be of a part of it. */
	ward_ns silence;
	struct ward_ledger ledger;
	ward_ns busy_within, blocked_within, progress_within; /* 0: not asked for */
	char task[48]; /* its name; "": none, or it could not be read */
};

struct ward_page_zombie {
	int32_t tid;
	uint32_t flags; /* WARD_PAGE_SLEEPS */
	ward_ns since;	/* when it was fenced */
	char task[48];
};

struct ward_page_lane {
	uint32_t width;	 /* active at most; 0: any */
	uint32_t queued; /* waiting at most; 0: any */
	uint32_t inside, waiting;
	uint64_t full, dropped, recalled, by_callers; /* so far */
	uint32_t under; /* row of the lane that it is under; UINT32_MAX: none */
	int32_t error;	/* the first */
	char name[16];
};

struct ward_page_limit {
	uint32_t lane; /* row of the lane that it is one of */
	uint32_t burst;
	uint64_t interval; /* 1/32 ns from one token to the next */
	uint64_t tokens;   /* that are there */
	ward_ns wait;	   /* until the next one, if none is */
};

/* ---- wards and their stewards ------------------------------------------------ */

enum ward_page_member_state {
	WARD_PAGE_DOWN,
	WARD_PAGE_BACKOFF, /* a ward: up when its backoff ends */
	WARD_PAGE_UP,
	WARD_PAGE_STOPPING,
	WARD_PAGE_STARTING /* a steward */
};

/* A steward, or a ward.  Its steward's row comes before its own. */
struct ward_page_member {
	uint32_t above; /* row of its steward; UINT32_MAX: a root */
	uint32_t steward; /* 1: it is one */
	uint32_t state; /* enum ward_page_member_state */
	uint32_t starts, failures; /* of a ward */
	int32_t status; /* what the last run of a ward ended with */
	uint32_t spent; /* a steward that gave up */
	uint32_t reserved;
	char name[48];
};

struct ward_page_tree {
	struct ward_page_head head;
	struct ward_page_table members; /* struct ward_page_member */
};

/* ---- the last reports --------------------------------------------------------- */

/* As in struct ward_report. */
struct ward_page_report {
	uint64_t id;
	uint32_t kind; /* enum ward_kind */
	uint32_t worker;
	ward_ns at;
	int64_t utc_s;
	int32_t err, signo, tid;
	uint32_t attempt;
	ward_ns heal;
	uint64_t seen;
	char task[48], what[128], message[128];
};

struct ward_page_reports {
	struct ward_page_head head;
	struct ward_page_table reports; /* struct ward_page_report, oldest first */
};

/* ---- cells (cell.h) ------------------------------------------------------------ */

enum ward_page_cell_state {
	WARD_PAGE_BORN = 1, /* not ready yet */
	WARD_PAGE_SPARE,
	WARD_PAGE_WORKING,
	WARD_PAGE_LEAVING, /* takes no more calls */
	WARD_PAGE_DOOMED,  /* convicted, and not gone yet */
	WARD_PAGE_GONE	   /* its calls' memory is still in use */
};

/* Of a set, as in struct ward_cells_stats. */
struct ward_page_set {
	char name[16];
	uint32_t wanted, spares_wanted;
	uint64_t calls; /* accepted, and not released */
	uint64_t sent, answered, lost, moved;
	uint64_t born, unborn, died, killed, garbled, recycled;
};

struct ward_page_cell {
	uint32_t set; /* row of its set */
	int32_t pid;  /* 0: it was reaped */
	uint32_t state; /* enum ward_page_cell_state */
	uint32_t calls; /* in it, or before it */
	uint64_t answered; /* in its life */
	ward_ns since;	   /* when it came to its state */
	/* With a call: as in struct ward_page_worker. */
	ward_ns inside; /* since its last answer, or its first call */
	ward_ns silence;
	struct ward_ledger ledger;
	ward_ns busy_within, blocked_within, progress_within;
	char call[48]; /* the name of the call that it says it is inside of, or "" */
};

struct ward_page_cells {
	struct ward_page_head head;
	struct ward_page_table sets;  /* struct ward_page_set */
	struct ward_page_table cells; /* struct ward_page_cell */
};

#ifdef __cplusplus
}
#endif
#endif
