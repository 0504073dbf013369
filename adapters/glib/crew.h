/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * crew.h - threads: a pool of libward's that has always as many as are asked for, at
 * once, for one task of GLib's may wait for another.
 *
 * Those that are not exclusive share one crew, made when the first is pushed to.  Threads
 * that nothing asks for are unused, in GLib's words, and stay for a while.
 */
#ifndef WARD_GLIB_CREW_H
#define WARD_GLIB_CREW_H

#include <ward/ward.h>

struct crew;

/* The one that is shared, yet without a thread. */
struct crew *crew_shared(void);
/* One of n threads for one pool; *err is why it has none yet.  NULL: no memory. */
struct crew *crew_own(unsigned n, int *err);
int crew_resize(struct crew *crew, unsigned n);
/* Of one's own: when it is idle; does not wait.  Any thread, its own, too. */
void crew_end(struct crew *crew);

/*
 * A thread for 'task'.  0, or why there are none; any thread.  As soon as the task has
 * nothing more to do, or is lost, crew_leave().
 */
int crew_begin(struct crew *crew, struct ward_task *task);
void crew_leave(struct crew *crew);

/* Of the shared one: how many are unused; how many stay then (-1: all), for how many ms
 * (0: for ever); and that the unused go now. */
unsigned crew_unused(void);
void crew_keep(int unused);
void crew_keep_for(unsigned ms);
int crew_kept(void);
unsigned crew_kept_for(void);
void crew_stop_unused(void);

/* fork() finds the locks free; the child begins anew. */
void crew_before_fork(struct crew *crew);
void crew_in_parent(struct crew *crew);
void crew_in_child(struct crew *crew);

#endif
