/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cells.h - shared by the parts of the bench of cells.
 */
#ifndef BENCH_CELLS_H
#define BENCH_CELLS_H

#include "bench.h"

#include <sys/types.h>

/* ---- requests ------------------------------------------------------------ */

enum { CELLS_AT_MOST = 16, REQUEST = 64, PAYLOAD = 65536 };

/* What a worker process does with a request, for all alike: how much of it is read. */
enum reading { READ_ENDS, READ_ALL };
uint64_t cells_answer(const void *request, uint32_t size, enum reading reading);
/* The n-th request. */
void cells_fill(void *request, uint32_t size, uint64_t n);
/* Its answer. */
static inline uint64_t cells_expect(uint64_t n)
{
	return n + 1;
}

/* A stream of requests: as many under way as 'window' to each process. */
struct stream {
	unsigned cells;
	uint32_t window, size;
	enum reading reading;
};

/* Worker processes without libward; its one thread puts and takes. */
struct way {
	const char *name;
	bool (*start)(const struct stream *stream);
	/* The n-th request; false: there is no room. */
	bool (*put)(uint64_t n);
	/* How many answers there were; waits for one.  Adds them up. */
	unsigned (*take)(uint64_t *sum);
};

extern const struct way way_ring, way_socketpair, way_pipes, way_fork, way_memcpy;

/* A worker process, which ends with its parent: calls work(), or -1. */
pid_t cells_fork(void (*work)(unsigned number), unsigned number);
/* The worker processes that there are. */
extern pid_t cells_pid[CELLS_AT_MOST];
extern unsigned cells_pids;
void cells_kill_all(void);

/* CPU of this process and its workers so far, ns. */
uint64_t cells_cpu(void);
/* ns and CPU of a request, or MB/s: as the trial asks. */
void cells_tell(const struct trial *t, uint64_t n, uint64_t wall, uint64_t cpu);
struct stream cells_stream(const struct trial *t);

/* ---- libward's (cells_ward.c) -------------------------------------------- */

bool cells_ward_stream(const struct trial *t);
bool cells_ward_trip(const struct trial *t);
bool cells_ward_idle(const struct trial *t);

/* A set of cells of 'run' for a pool that is there. */
bool cells_up(struct ward_pool *pool, int (*run)(struct ward_request *request),
	      unsigned cells, const struct stream *stream);
bool cells_down(void);
extern struct ward_cells *cells_set;

/* ---- one at a time (cells_trip.c): futexes, pipes ------------------------ */

/*
 * once() is one request and its answer: when it began in the other process; 0: something
 * is wrong.  Tells start_*, trip_* and close_*.
 */
bool cells_trips(uint64_t (*once)(void), unsigned n);
bool cells_trip(const struct trial *t);

/* ---- lost (cells_lost.c) ------------------------------------------------- */

bool cells_death(const struct trial *t);
bool cells_hung(const struct trial *t);
bool cells_healthy(const struct trial *t);

#endif
