/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host.h - the only door to the kernel and to libc's threads.
 *
 * All that the kernel, the clock or another thread can see of the library, other
 * than by atomics, goes through here.  A test puts another host behind these names
 * and so owns time, threads and evidence; the simulator does the same to explore
 * interleavings of the very sources that ship.
 */
#ifndef WARD_LIB_BASE_HOST_H
#define WARD_LIB_BASE_HOST_H

#include "base/atomic.h"
#include "base/host_home.h"
#include <setjmp.h>
#include <stddef.h>

/* For a variable that hot paths load: else it is looked up in a table each time. */
#define host_own __attribute__((visibility("hidden")))

/* ---- what the kernel refuses ----------------------------------------------- */

/* Services that the kernel has refused, and that are done without since; for good. */
enum host_lack {
	HOST_NO_SLEEP,	  /* futex: threads look again each millisecond */
	HOST_NO_END,	  /* a thread's end by a raw exit, outside of a task */
	HOST_NO_HOLDER,	  /* the holder of a futex */
	HOST_NO_TRACE,	  /* another thread's backtrace */
	HOST_NO_LOWER,	  /* another thread's priority */
	HOST_NO_EVENT,	  /* telling by a descriptor, or taking that back */
	HOST_NO_CLOSE,	  /* giving descriptors back */
	HOST_NO_ALTSTACK, /* a handler where the stack is spent */
	HOST_LACKS
};
extern host_own _Atomic uint32_t host_lacks_; /* bits */
static inline void host_lack(enum host_lack what)
{
	if (!(load_relaxed(&host_lacks_) >> what & 1))
		or_relaxed(&host_lacks_, 1u << what);
}
static inline uint32_t host_lacks(void)
{
	return load_relaxed(&host_lacks_);
}

/* ---- time ---------------------------------------------------------------- */

#define HOST_FOREVER UINT64_MAX

uint64_t host_now(void); /* CLOCK_MONOTONIC, ns */

/* The earlier of two times, or the lower of two numbers. */
static inline uint64_t lesser(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}
void host_utc(int64_t *s, uint32_t *ns);
/* A number greater than all that were returned, in this process or an earlier one, as
 * long as the wall clock does not go back. */
uint64_t host_ticket(void);

/* ---- futex --------------------------------------------------------------- */

/*
 * Sleeps while *word == seen, at most until 'until' (CLOCK_MONOTONIC, ns;
 * HOST_FOREVER).  Returns -ETIMEDOUT when that was reached, else 0, also for no
 * reason: the caller looks again.  If the kernel refuses, sleeps for a millisecond.
 */
int host_wait(_Atomic uint32_t *word, uint32_t seen, uint64_t until);
void host_wake(_Atomic uint32_t *word, int n);
/* The same on a word in memory that processes share. */
int host_wait_shared(_Atomic uint32_t *word, uint32_t seen, uint64_t until);
void host_wake_shared(_Atomic uint32_t *word, int n);
/*
 * Sleeps while all of the n words (1..4) stand as they were seen.  Where the
 * kernel cannot sleep on several, it sleeps on the first, and looks at the others
 * a hundred times a second.
 */
struct host_waitv {
	_Atomic uint32_t *word;
	uint32_t seen;
	bool shared; /* another process wakes it */
};
enum { HOST_WAITV_MAX = 5 }; /* at most */
int host_wait_any(const struct host_waitv *watch, unsigned n, uint64_t until);

/* ---- the two halves of a store-load fence --------------------------------- */

/*
 * light() and heavy() pair: of two threads that each store, fence and then load
 * the other's word, at least one sees the other's store, if one fence is
 * heavy.  light() costs nothing where the kernel has membarrier (heavy() then
 * is that call: microseconds); else both are seq_cst fences.
 */
extern host_own bool host_asymmetric; /* by host_init(): host_barrier.c */

static inline void host_barrier_light(void)
{
	if (likely(__atomic_load_n(&host_asymmetric, __ATOMIC_RELAXED)))
		atomic_signal_fence(memory_order_seq_cst);
	else
		barrier_seq_cst();
}
/* True: it ordered the other threads, whether they fence or not. */
bool host_barrier_heavy(void);

/* The body of every loop that spins for another thread. */
void host_relax(void);
/* Gives the CPU away. */
void host_yield(void);

/* ---- memory -------------------------------------------------------------- */

void *host_alloc(size_t size); /* zeroed, on a cache line; NULL: none */
void host_free(void *mem, size_t size);
/*
 * Makes each page of it present, so that no write has to wait for one; with huge pages,
 * where it is large and the kernel has them.  Its contents stay, and others may use it
 * meanwhile.
 */
void host_populate(void *mem, size_t size);

/* ---- what a debugger finds ------------------------------------------------ */

struct host_listed {
	struct host_listed *next;
};
void host_list(struct host_listed *it);
void host_unlist(const struct host_listed *it); /* also of one that is not there */

/* ---- memory that other processes may read ---------------------------------- */

/*
 * A descriptor, and the file that it was opened for: if the program closes it, the
 * number may be another file's later.  -1: none.
 */
struct host_file {
	int fd;
	uint64_t dev, ino;
	uint64_t number; /* of an event, whose inode is not its own */
};

/* A name is up to 11 bytes, a path what Linux allows. */
struct host_page {
	void *mem; /* zeroed; NULL: none */
	size_t size;
	struct host_file file; /* a memfd; or no descriptor, and the file's inode */
	int32_t pid; /* its process; a child has no part in it */
	char path[256]; /* of the file, or "" */
};
/*
 * A file for the page, or a memfd where no folder in memory is to be had: then *why is
 * the error, and else 0.  0; or -errno: neither.
 */
int host_page_make(struct host_page *page, const char *name, size_t size, int *why);
/* No other process is to find the file any more; the memory stays. */
void host_page_end(struct host_page *page);
void host_page_free(struct host_page *page);
/* The program's name, as it was called. */
const char *host_program(void);

/* ---- threads ------------------------------------------------------------- */

typedef uintptr_t host_thread;

struct host_cpus; /* a set of CPUs */

struct host_spawn {
	size_t stack;		      /* bytes, beside thread-local variables */
	size_t guard;		      /* below it; 0: a page */
	const char *name;	      /* up to 15 bytes */
	const struct host_cpus *cpus; /* NULL: inherited */
	uint64_t open;		      /* signals that it takes: bit n - 1 for n */
};
/*
 * The signals that the calling thread takes and that end, stop or measure whichever
 * thread runs, or the process and those that it starts.  As in host_spawn.open.
 */
uint64_t host_signals(void);
/*
 * Runs fn(arg) on a new thread that blocks all other asynchronous signals.  0 or
 * -errno.  'last' is called on that thread with arg when it leaves fn by pthread_exit
 * or cancellation, before the destructors of thread-specific data.
 */
int host_spawn(host_thread *out, const struct host_spawn *how,
	       void (*fn)(void *arg), void (*last)(void *arg), void *arg);
/*
 * Waits for the end of the thread until then: 0 joined, -ETIMEDOUT.  Like all else
 * here, not a cancellation point.
 */
int host_join(host_thread thread, uint64_t until);
void host_detach(host_thread thread);
_Noreturn void host_exit(void); /* ends the calling thread; 'last' is called */
/*
 * The way back to a function that has not returned yet.  host_mark() returns 0, and
 * again the 'why' of host_escape(); the mask of signals is left as it is.
 */
struct host_escape {
	jmp_buf at;
};
#define host_mark(escape) _setjmp((escape)->at)
_Noreturn void host_escape(struct host_escape *escape, int why);
int32_t host_tid(void);

/* One word of thread-local storage: the calling worker's slot. */
void *host_self(void);
void host_set_self(void *self);
/* One word of the calling thread's own: NULL at first. */
const void *host_mine(void);
void host_set_mine(const void *note);

/*
 * Changes in the child of a fork, so that the parent's handles and locks are known.
 * 'in_child' is called in the child with host_self() of the forking thread.
 */
extern host_own _Atomic uint32_t host_generation;
void host_on_fork(void (*in_child)(void *self));
/*
 * membarrier, the fork handler, the unwinder; idempotent, called before the first
 * pool.  0, or -errno of a call that nothing works without: the clock, the futex, the
 * process's number.
 */
int host_init(void);

/* ---- a thread's end as an event ------------------------------------------- */

/*
 * A life is a robust mutex that a thread holds from its start to its end; when it
 * ends in whatever way, the kernel marks the word and wakes one sleeper.  Of
 * several watchers of the same life, the one that was woken tells the others.
 */
struct host_life {
	uint64_t mutex[8]; /* room for a pthread_mutex_t */
	bool made;
	bool works;	   /* the word is laid out as expected */
};
/* All-zero memory, or a life that was left or lost: for the next thread. */
void host_life_init(struct host_life *life);
void host_life_hold(struct host_life *life);  /* by the thread, as it starts */
void host_life_leave(struct host_life *life); /* by the thread, in good order */
bool host_life_lost(const struct host_life *life); /* ended while holding */
/*
 * Sleeps while *word == seen and *gen == gen_seen and none of the n lives (NULL
 * entries are passed over) is lost.  Where the kernel cannot, sleeps on *word
 * alone.  Returns when any of it may have changed, also for no reason.
 *
 * A life is watched if it is held when the sleep begins: a thread that holds one later
 * moves and wakes *gen.  The kernel takes 128 words at once, so of more than 126
 * held lives the first 126 are watched; only host_life_lost() tells of the others.
 */
void host_wait_lives(_Atomic uint32_t *word, uint32_t seen,
		     _Atomic uint32_t *gen, uint32_t gen_seen,
		     struct host_life *const *lives, unsigned n);

/*
 * The same for words that other processes wake: sleeps while *word == seen, all n shared
 * words stand as they were seen, and none of the m lives, which other processes hold, is
 * lost; at most until then.  n and m together are 127 at most.
 */
void host_wait_shared_any(_Atomic uint32_t *word, uint32_t seen,
			  const struct host_waitv *shared, unsigned n,
			  struct host_life *const *lives, unsigned m,
			  uint64_t until);
/* Was the word of a life in memory that another process may write marked as lost? */
bool host_life_marked(const struct host_life *life);

/* ---- looking at a thread from outside -------------------------------------- */

struct host_stat_files {
	int32_t tid;
	int32_t pid; /* its process; 0: this one */
	struct host_file stat, schedstat, syscall; /* kept, or none */
	uint64_t born; /* the thread's start, in the kernel's ticks; 0: unknown */
};
/* No file is kept: for one look or two. */
static inline struct host_stat_files host_stat_of(int32_t tid)
{
	struct host_file none = { .fd = -1 };

	return (struct host_stat_files){ .tid = tid, .stat = none,
					 .schedstat = none, .syscall = none };
}
struct host_sample {
	bool cpu_known, state_known, switches_known;
	uint64_t cpu;	    /* ns on a CPU so far */
	uint64_t run_delay; /* ns ready without one; booked when it gets one */
	uint64_t slices;    /* times it was given a CPU */
	char state;	    /* R S D T t Z X I, 0: not known */
};
/* Opens the files that may be kept; others stay -1 and are opened at each look. */
void host_stat_open(struct host_stat_files *files, int32_t tid);
/* The same of the first thread of another process; its CPU time is all threads'. */
void host_stat_open_process(struct host_stat_files *files, int32_t pid);
void host_stat_close(struct host_stat_files *files);
/*
 * 0; -ESRCH: the thread is gone; -ENODATA: nothing can be known.  The numbers
 * are read one after the other: their sum may pass the wall clock a little.
 */
int host_sample(const struct host_stat_files *files,
		struct host_sample *sample);
/* The same without the state, which costs the most. */
int host_sample_cpu(const struct host_stat_files *files,
		    struct host_sample *sample);
/* Its system call (-1: none or unknown) and the first argument. */
int host_syscall(const struct host_stat_files *files, int32_t *nr,
		 uint64_t *arg);
/* Did the thread begin after that (CLOCK_MONOTONIC)?  False, if it is not known. */
bool host_is_younger(int32_t tid, uint64_t than);
/* The start of the thread, in the kernel's ticks; 0: unknown. */
uint64_t host_born(int32_t tid);
/*
 * The thread of this process that holds the futex at 'address'; 0: unknown.  A
 * guess by the look of the memory there: for reports and excuses, no more.
 */
int32_t host_futex_holder(uint64_t address);
/* Reads this process's memory without risk: false: it is not there, or may not be. */
bool host_peek(const void *at, void *to, size_t len);
bool host_is_futex(int32_t nr);

/* ---- asking a thread for its backtrace ------------------------------------- */

#define HOST_FRAMES 24
struct host_trace {
	_Atomic uint32_t state; /* 0 free, 1 asked, 2 answered, 3 writing */
	int n;			/* frames, or -errno */
	void *frame[HOST_FRAMES];
	/* its thread's; NULL: it does not answer */
	const _Atomic uint64_t *word;
	const struct host_life *life; /* or NULL */
	uint64_t epoch;		      /* the asker's */
};
/*
 * Claims the signal for backtraces; for 0 the last real-time one that seems unused.  0
 * and *got; -EBUSY: it has a handler, or none is free; -EINVAL.  There is one for the
 * process: the first that is claimed stays, and *got names it.
 */
int host_trace_install(int signo, int *got);
/*
 * That signal, as in host_spawn.open; or 0.  The library's helpers take it as well: it
 * interrupts them where the kernel wakes no thread any more.
 */
uint64_t host_trace_open(void);
/*
 * The calling thread, which has an alternate stack, answers in 'trace' from now on; NULL:
 * not at all.  'word' is its epoch, and 'life', or NULL, tells its end.
 */
void host_trace_here(struct host_trace *trace, const _Atomic uint64_t *word,
		     const struct host_life *life);
/*
 * Asks for the thread's backtrace while its word is 'epoch', and waits until then: the
 * number of frames; -ESRCH: it has gone on, or ended; -ETIMEDOUT: no answer.  One
 * asker at a time; the frames stay until it asks again.
 */
int host_trace_ask(struct host_trace *trace, int32_t tid, uint64_t epoch,
		   uint64_t until);
/*
 * The last way up a thread's stack.  It still holds where each return address lies at
 * its place: to look is a hundredth of the unwinder's cost.  All-zero at first.
 */
struct host_path {
	void *const *at; /* its beginning */
	unsigned n;	 /* 0: none is known */
	struct {
		void *const *at;
		void *frame;
	} step[HOST_FRAMES];
};
/*
 * The caller's own backtrace, from the frame whose return address lies at 'at'
 * (host_return_at): at most n (up to HOST_FRAMES) frames, to the first of which 'end'
 * says that it is the end; that one is left out.  A new way takes some 100 ns for
 * each frame, where the unwinder's tables are warm.
 */
unsigned host_frames(void *const *at, void **frame, unsigned n,
		     bool (*end)(const void *frame), struct host_path *path);
/* The place of the calling function's return address, as a rule. */
#define host_return_at() ((void *const *)__builtin_frame_address(0) + 1)
/* The file that code came from, "" if unknown, and the place in the file. */
const char *host_object(const void *code, uint64_t *offset);

/* ---- scheduling ------------------------------------------------------------ */

struct host_sched {
	int policy, priority;
};
/* To SCHED_IDLE, from *was; false: it stays as it is. */
bool host_lower(int32_t tid, struct host_sched *was);
/*
 * Back to *was, unless the thread has set its own by now.  False: not allowed.  A nice
 * value stays the same all the time.
 */
bool host_raise(int32_t tid, const struct host_sched *was);

/* Before a step up; the priority is 0 without one. */
struct host_step {
	int priority;
	uint64_t slice;
};
#define HOST_SLICE UINT64_C(100000) /* ns: the least that Linux takes */
/*
 * The calling thread runs sooner when it wakes up: by one priority more, if it has one
 * (SCHED_FIFO, SCHED_RR); else by a short slice, which takes the CPU from a thread with a
 * long one (Linux 6.12; before, nothing comes of it) and is no larger share.  False: it
 * is as it was.
 */
bool host_step_up(struct host_step *was);
/* Back; if the thread has another policy by now, that stays. */
void host_step_down(const struct host_step *was);

/* ---- the machine ----------------------------------------------------------- */

unsigned host_cpu_count(void);	 /* by affinity and cgroup quota, at least 1 */
unsigned host_cpu_present(void); /* by affinity alone */
/*
 * "0-7,16": NULL if it is no list of CPUs of this machine, or if there is no
 * memory: then errno is ENOMEM, and only then.
 */
struct host_cpus *host_cpus_parse(const char *list);
void host_cpus_free(struct host_cpus *cpus);

/* For reports that are read elsewhere: static; "" where it is not known. */
const char *host_name(void); /* the machine's */
const char *host_boot(void); /* the id of its boot: a UUID */
int32_t host_pid(void);

/* ---- a descriptor to wait for --------------------------------------------------- */

int host_event_open(struct host_file *event); /* 0 or -errno */
void host_event_close(const struct host_file *event);
void host_event_set(const struct host_file *event);   /* readable */
void host_event_clear(const struct host_file *event); /* not */

/* ---- the service manager ----------------------------------------------------- */

struct host_notify {
	struct host_file socket; /* or none */
	uint64_t address[14]; /* a struct sockaddr_un */
	uint32_t len;
	uint64_t watchdog; /* it is to be told at least each so many ns; 0: not */
};
/* From the environment: 0; -ENOENT: there is none; or another -errno. */
int host_notify_open(struct host_notify *manager);
void host_notify_close(const struct host_notify *manager);
/* Lines such as "READY=1": 0, or -errno.  Never waits: -EAGAIN.  Any thread. */
int host_notify_send(const struct host_notify *manager, const char *state);

/* ---- memory shared with one other process ------------------------------------- */

struct host_segment {
	void *mem; /* zeroed when it is made; NULL: none */
	size_t size;
	int fd; /* -1: closed */
};
/*
 * All of it is there, and neither side can make it smaller: 0 or -errno.  A child after
 * fork() does not have it.  *segment is {}, or was emptied, and of that size: then it
 * comes where it was.
 */
int host_segment_make(struct host_segment *segment, const char *name, size_t size);
/* Maps all of a segment by its descriptor, which it closes: 0 or -errno. */
int host_segment_take(struct host_segment *segment, int fd);
/* The descriptor alone, when the other process has its own. */
void host_segment_close(struct host_segment *segment);
/* Its memory goes; the addresses stay, and are zeros that nobody else sees. */
void host_segment_empty(struct host_segment *segment);
void host_segment_free(struct host_segment *segment);

/* ---- other processes ------------------------------------------------------------ */

struct host_process {
	_Atomic int32_t pid; /* P: 0: none; any thread may look */
	int fd;	     /* P: a pidfd, or -1 */
};
/* How one ended: by a signal, or with a code. */
struct host_end {
	int32_t signo; /* 0: none */
	int32_t code;
	bool core;  /* it left a core file */
	bool known; /* false: the program has waited for it itself */
	uint64_t cpu; /* ns */
	uint64_t peak; /* bytes resident at most */
};
/*
 * The zygote: a small process, forked now, that forks others when it is asked, so that no
 * fork has to copy the tables of this one.  Each runs born(fd, message) and then ends.
 * They are children of this process all the same, which end with it, send it no SIGCHLD
 * and are not seen by wait() without __WALL.  Before the process has a second thread.
 * 0; -EALREADY; -EBUSY: there are threads; -ENOSYS: the kernel does not tell what is
 * needed; or another -errno.
 */
int host_zygote_start(void (*born)(int fd, const void *message));
#define HOST_MESSAGE 128 /* bytes */
/*
 * Has one forked with that descriptor and message: 0 or -errno; -EPIPE: it is gone;
 * -EBUSY: another thread asks it just now.
 */
int host_zygote_ask(int fd, const void *message, struct host_process *process);
/* 0: there is one, or it has just ended; -ENOTCONN; -ECHILD: it is a parent process's. */
int host_zygote_refuse(void);
/*
 * Starts a program with that descriptor open, its number in the variable 'variable': 0
 * or -errno.  An argv of NULL is the path alone.
 */
int host_process_exec(const char *path, char *const *argv, const char *variable,
		      int fd, struct host_process *process);
/* False: it has ended, or it cannot be sent. */
bool host_process_signal(const struct host_process *process, int signo);
bool host_process_kill(const struct host_process *process);
/* Has it ended?  Then it is reaped, and *end tells how; no more is to be asked of it. */
bool host_process_ended(struct host_process *process, struct host_end *end);
/* The descriptor named by that variable; -1: none.  The variable is taken away. */
int host_inherited(const char *variable);
/* Pages that are resident, in bytes; 0: unknown. */
uint64_t host_process_memory(int32_t pid);

/* For the calling process.  0 means no limit. */
struct host_limits {
	uint64_t memory; /* bytes of addresses */
	uint64_t cpu_s;
	uint64_t files;
};
/*
 * By a new process that is to serve its parent: it ends with that, gains no privileges,
 * is not asked to end by the terminal or the service manager, and keeps the limits.  0 or
 * -errno; -ESRCH: the parent has ended.
 */
int host_serve_parent(int32_t parent, const char *name,
		      const struct host_limits *limits);
_Noreturn void host_process_exit(int code); /* at once: no handlers, no flushing */

/* The last resort of a report without a listener. */
void host_write_stderr(const char *line, size_t len);
/* The same, unless it would have to wait; at most 4096 bytes. */
void host_try_stderr(const char *line, size_t len);
_Noreturn void host_abort(void);

#endif
