/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stats.h - a pool in numbers, and the audit of its books.
 */
#ifndef WARD_STATS_H
#define WARD_STATS_H

#include <ward/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bucket i counts spans of [2^i, 2^(i+1)) ns; bucket 0 also 0; the last, more. */
#define WARD_BUCKETS 40

struct ward_stats {
	uint32_t size;
	/* threads, now */
	uint32_t workers;  /* seats that are taken */
	uint32_t running;  /* of those, inside a task or a callback */
	uint32_t idle;	   /* of those, parked */
	uint32_t spares;   /* ready to take a seat */
	uint32_t zombies;  /* fenced and not back yet */
	uint32_t vacant;   /* workers that are wanted and not there */
	uint32_t wanted;   /* workers that there should be */
	uint32_t least, most; /* bounds of what is wanted on demand */
	uint32_t blocked;  /* of those running, in a wait that was declared, or
			      inside libward */
	uint32_t degraded; /* 1 while the zombie cap, or a lock that a zombie
			      holds, keeps stuck workers seated */
	uint32_t neighbourhoods; /* that workers are spread over
				    (WARD_POOL_NEAR), at least 1 */
	uint32_t zombies_cap; /* that may be out and keep their CPU: of 'zombies'
				 those that are not asleep */
	/* tasks */
	uint64_t accepted; /* tasks that have come to the pool: all submits that
			      returned 0, less 'in_lanes'; and 'stolen' */
	uint64_t answered; /* done() was due, once per accepted task */
	uint64_t queued;   /* waiting for a worker, now */
	uint64_t owed;	   /* waiting for a point in time, a rerun, a late answer or a
			      cell's, now */
	uint64_t refused;  /* submits that found no room */
	/* attempts */
	uint64_t started, ended; /* of all attempts */
	uint64_t stalled;	 /* taken away by the steward */
	uint64_t died;		 /* lost with their thread */
	uint64_t faulted;	 /* lost to a caught fault, and their thread too */
	uint64_t failed;	 /* of those that ended: a failure, see task.h */
	uint64_t late;		 /* came home fenced: result refused */
	uint64_t reruns;
	uint64_t stale_commits; /* ward_commit() that was refused */
	uint64_t regrets;	/* of those: it had been fenced, and was not lost
				   at all; regret_time says how long before */
	uint64_t waiting;	/* of the owed, now: for a point in time, the end of a
				   backoff, a token of their lane's limits */
	uint64_t dead_letters;	/* tasks that failed or were lost for good */
	/* healing */
	uint64_t convicted_livelock, convicted_blocked, convicted_progress;
	uint64_t deaths;	    /* threads that died */
	uint64_t acquitted;	    /* judged, but moved before the fence */
	uint64_t heals;		    /* seats given to another thread */
	uint64_t zombies_entered, zombies_returned, zombies_reaped;
	uint64_t threads_created, threads_joined;
	uint64_t reports_told, reports_suppressed;
	/* the steward */
	uint64_t scans, looks;	    /* rounds; looks into the kernel */
	ward_ns worst_lateness;	    /* of the steward's own wakeups */
	uint64_t rescues;	    /* wakeups that only the steward gave: 0 */
	/* histograms; queue and run time are sampled, one task in 64 */
	uint64_t queue_time[WARD_BUCKETS];
	uint64_t run_time[WARD_BUCKETS];
	uint64_t heal_time[WARD_BUCKETS]; /* detection to a worker in the seat */
	uint64_t regret_time[WARD_BUCKETS]; /* conviction to a refused commit */
	/* what 'accepted' has besides, and what it lacks */
	uint64_t stolen;   /* forks that another worker took, ever: each is one of
			      those accepted, answered, started and ended, too */
	uint64_t in_lanes; /* accepted by a lane, waiting for their turn in it, now */
	uint32_t zombies_asleep; /* of 'zombies', those that were found asleep */
	uint32_t zombies_asleep_cap; /* as many as may be */
	/* cells (ward/cell.h), of all sets that the pool has or had */
	uint64_t cells_working; /* that take calls, now */
	uint64_t cells_born, cells_unborn; /* became ready, did not */
	uint64_t cells_died, cells_killed, cells_garbled, cells_recycled; /* ended so */
	uint64_t calls_lost, calls_moved; /* with their cell; to another, not begun */
};
#define WARD_STATS_INIT WARD_SIZED_INIT_(struct ward_stats)

/*
 * The invariants, by number (docs/states.md says what each one states):
 * bit n of 'broken' is set if An does not hold.
 */
struct ward_audit {
	uint32_t size;
	uint32_t broken;
	uint32_t checked; /* bits of those that could be checked just now */
	char first[160];  /* the first broken one in words, or "" */
};
#define WARD_AUDIT_INIT WARD_SIZED_INIT_(struct ward_audit)

#ifdef __cplusplus
}
#endif
#endif
