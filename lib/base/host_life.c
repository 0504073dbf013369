/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host_life.c - a thread's end, whatever its way, as something to sleep on.
 *
 * The thread holds a robust mutex.  When it ends without unlocking it, the
 * kernel walks the thread's list of robust mutexes, puts FUTEX_OWNER_DIED into
 * the mutex word, and wakes one sleeper if the word has FUTEX_WAITERS.  Nobody
 * ever waits for the mutex itself: a watcher sets FUTEX_WAITERS by hand and
 * sleeps on the word.
 *
 * The word is glibc's: the first of the mutex, the owner's TID or 0.  hold()
 * looks whether that is so, and a life that is laid out otherwise is not used.
 *
 * The kernel wakes shared futexes here, whatever the mutex is, so the sleep on
 * the word is a shared one; glibc's unlock of a robust mutex does the same.
 *
 * Edge [z]: all that the thread wrote (the kernel's swap of the word is a full
 * barrier) | the thread that finds it lost.
 */
#include "base/host_inside.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Linux 5.16; spelt out, for the headers may be older than the kernel. */
#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif
#define WAITV_MAX 128
#define WAITV_U32 2u
#define WAITV_PRIVATE 128u

struct waitv {
	uint64_t value;
	uint64_t address;
	uint32_t flags;
	uint32_t reserved;
};

typedef _Atomic uint32_t __attribute__((may_alias)) life_word;

static pthread_mutex_t *mutex_of(struct host_life *life)
{
	_Static_assert(sizeof(pthread_mutex_t) <= sizeof(life->mutex), "fits");
	_Static_assert(_Alignof(pthread_mutex_t) <= _Alignof(uint64_t), "even");
	return (pthread_mutex_t *)(void *)life->mutex;
}

static life_word *word_of(struct host_life *life)
{
	return (life_word *)(void *)life->mutex;
}

/* Read by watchers while the thread holds; the word itself publishes it. */
static bool works(const struct host_life *life)
{
	return __atomic_load_n(&life->works, __ATOMIC_RELAXED);
}

/* Libc ends the process if it may not wake watchers. */
static void unlock(struct host_life *life)
{
	bool watched = load_relaxed(word_of(life)) & FUTEX_WAITERS;
	bool mute = watched && host_futex_works();

	if (mute) {
		host_lack(HOST_NO_SLEEP);
		and_acq_rel(word_of(life), ~FUTEX_WAITERS);
	}
	pthread_mutex_unlock(mutex_of(life));
	if (mute)
		host_wake_all();
}

/* A mutex whose owner died goes to the next locker at once. */
static void recover(struct host_life *life)
{
	if (pthread_mutex_lock(mutex_of(life)) == EOWNERDEAD)
		pthread_mutex_consistent(mutex_of(life));
	unlock(life);
}

static void make(struct host_life *life)
{
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	if (pthread_mutex_init(mutex_of(life), &attr))
		memset(life->mutex, 0, sizeof(life->mutex));
	pthread_mutexattr_destroy(&attr);
	life->made = true;
}

/* Once made it stays: a late watcher may still look at the word. */
void host_life_init(struct host_life *life)
{
	if (!life->made)
		make(life);
	else if (load_relaxed(word_of(life)) & FUTEX_OWNER_DIED)
		recover(life);
	__atomic_store_n(&life->works, false, __ATOMIC_RELAXED);
}

/* Has the kernel the thread's list, and is the word laid out as expected? */
static bool probe(struct host_life *life)
{
	void *head = NULL;
	size_t len = 0;
	long err = host_call(syscall(SYS_get_robust_list, 0, &head, &len));
	/* A refused call proves no lack: libc would not have made the mutex robust
	 * if the list had been refused from the start. */
	bool none = !err && !head;

	return !none && (load_relaxed(word_of(life)) & FUTEX_TID_MASK) ==
				(uint32_t)host_tid();
}

/* Does not wait: a mutex that an owner left held unseen stays so. */
void host_life_hold(struct host_life *life)
{
	int err = pthread_mutex_trylock(mutex_of(life));

	if (err == EOWNERDEAD)
		err = pthread_mutex_consistent(mutex_of(life));
	if (err == 0 && probe(life))
		__atomic_store_n(&life->works, true, __ATOMIC_RELAXED);
	else
		host_lack(HOST_NO_END);
}

void host_life_leave(struct host_life *life)
{
	unlock(life);
}

bool host_life_lost(const struct host_life *life)
{
	const life_word *word = (const life_word *)(const void *)life->mutex;

	return (load_acquire(word) & FUTEX_OWNER_DIED) && works(life); /* [z] */
}

/* ---- sleeping on many ------------------------------------------------------ */

/* Makes the kernel wake the caller at the end of this life.  The word to sleep on. */
static uint32_t arm(struct host_life *life)
{
	uint32_t seen = load_relaxed(word_of(life));

	while ((seen & FUTEX_TID_MASK) && !(seen & FUTEX_WAITERS) &&
	       !(host_lacks() >> HOST_NO_SLEEP & 1)) {
		if (cas_acquire(word_of(life), &seen, seen | FUTEX_WAITERS))
			return seen | FUTEX_WAITERS;
	}
	return seen;
}

/*
 * In memory that the other process may write, 'works' says nothing, and a mark that it has
 * made itself is as good as its end.
 */
bool host_life_marked(const struct host_life *life)
{
	const life_word *word = (const life_word *)(const void *)life->mutex;

	return load_acquire(word) & FUTEX_OWNER_DIED; /* [z] */
}

/* False if one is lost already; *n grows by those that are held. */
static bool watch(struct waitv *entry, unsigned *n,
		  struct host_life *const *lives, unsigned count)
{
	for (unsigned i = 0; i < count && *n < WAITV_MAX; i++) {
		uint32_t value;

		if (!lives[i] || !works(lives[i]))
			continue;
		value = arm(lives[i]);
		if (value & FUTEX_OWNER_DIED)
			return false;
		if ((value & FUTEX_TID_MASK) == 0)
			continue;
		entry[(*n)++] = (struct waitv){
			.value = value,
			.address = (uintptr_t)word_of(lives[i]),
			.flags = WAITV_U32,
		};
	}
	return true;
}

static struct waitv own(_Atomic uint32_t *word, uint32_t seen)
{
	return (struct waitv){
		.value = seen,
		.address = (uintptr_t)word,
		.flags = WAITV_U32 | WAITV_PRIVATE,
	};
}

static struct waitv shared_word(_Atomic uint32_t *word, uint32_t seen)
{
	return (struct waitv){
		.value = seen,
		.address = (uintptr_t)word,
		.flags = WAITV_U32,
	};
}

static long waitv(struct waitv *entry, unsigned n, const struct timespec *until)
{
	return host_call(syscall(SYS_futex_waitv, entry, n, 0, until,
				 CLOCK_MONOTONIC));
}

enum { TRIES = 8 }; /* a signal may come into one */

/* As host_futex_works(). */
static bool waitv_works(void)
{
	static const struct timespec past = { .tv_nsec = 1 };
	_Atomic uint32_t word = 0;
	struct waitv entry = own(&word, 0);

	for (int i = 0; i < TRIES; i++) {
		long got = waitv(&entry, 1, &past);

		if (got >= 0 || got == -ETIMEDOUT)
			return true;
	}
	return false;
}

static bool has_moved(const struct waitv *entry, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (load_relaxed((life_word *)(uintptr_t)entry[i].address) !=
		    (uint32_t)entry[i].value)
			return true;
	return false;
}

/*
 * 0, -ETIMEDOUT; -ENOSYS: it did not sleep, for the kernel has no such call, or it is
 * forbidden, or there is no room just now; and no word has moved.
 */
static int wait_any(struct waitv *entry, unsigned n,
		    const struct timespec *until)
{
	static _Atomic bool missing;
	bool works;
	long got;

	if (load_relaxed(&missing))
		return -ENOSYS;
	got = waitv(entry, n, until);
	if (got >= 0 || got == -ETIMEDOUT)
		return got < 0 ? (int)got : 0;
	if (has_moved(entry, n))
		return 0;
	works = waitv_works();
	if (works && (got == -EINTR || got == -EAGAIN))
		return 0;
	if (!works)
		store_relaxed(&missing, true);
	return -ENOSYS;
}

/* Between two looks at the words that it does not sleep on. */
#define LOOK_SPAN UINT64_C(10000000)

static int wait_first(const struct host_waitv *watch, uint64_t until)
{
	uint64_t now = host_now();
	bool far = until > now && until - now > LOOK_SPAN;
	int err = host_wait(watch->word, watch->seen, far ? now + LOOK_SPAN : until);

	return far ? 0 : err;
}

int host_wait_any(const struct host_waitv *watch, unsigned n, uint64_t until)
{
	struct timespec end = host_timespec(until);
	struct waitv entry[HOST_WAITV_MAX];
	int got;

	for (unsigned i = 0; i < n; i++)
		entry[i] = watch[i].shared ?
				   shared_word(watch[i].word, watch[i].seen) :
				   own(watch[i].word, watch[i].seen);
	got = wait_any(entry, n, until == HOST_FOREVER ? NULL : &end);
	if (got == -ENOSYS)
		return wait_first(watch, until);
	return got;
}

/*
 * Another process may hold a word up by writing it for ever: a few tries.  A word without
 * an owner is left alone: its owner to be could not take it.
 */
static bool watch_shared(struct waitv *entry, unsigned *n,
			 struct host_life *const *lives, unsigned count)
{
	for (unsigned i = 0; i < count && *n < WAITV_MAX; i++) {
		life_word *word = word_of(lives[i]);
		uint32_t seen = load_relaxed(word);

		for (int k = 0; k < TRIES && (seen & FUTEX_TID_MASK) &&
				!(seen & FUTEX_WAITERS);
		     k++)
			if (cas_acquire(word, &seen, seen | FUTEX_WAITERS))
				seen |= FUTEX_WAITERS;
		if (seen & FUTEX_OWNER_DIED)
			return false;
		if (seen & FUTEX_TID_MASK)
			entry[(*n)++] = shared_word(word, seen);
	}
	return true;
}

void host_wait_shared_any(_Atomic uint32_t *word, uint32_t seen,
			  const struct host_waitv *shared, unsigned n,
			  struct host_life *const *lives, unsigned m,
			  uint64_t until)
{
	uint64_t look = host_now() + LOOK_SPAN;
	struct timespec end = host_timespec(until);
	struct waitv entry[WAITV_MAX];
	unsigned used = 0;

	entry[used++] = own(word, seen);
	for (unsigned i = 0; i < n && used < WAITV_MAX; i++)
		entry[used++] = shared_word(shared[i].word, shared[i].seen);
	if (watch_shared(entry, &used, lives, m) &&
	    wait_any(entry, used, until == HOST_FOREVER ? NULL : &end) == -ENOSYS)
		host_wait(word, seen, lesser(until, look));
}

void host_wait_lives(_Atomic uint32_t *word, uint32_t seen,
		     _Atomic uint32_t *gen, uint32_t gen_seen,
		     struct host_life *const *lives, unsigned n)
{
	struct waitv entry[WAITV_MAX];
	unsigned used = 2;

	entry[0] = own(word, seen);
	entry[1] = own(gen, gen_seen);
	if (watch(entry, &used, lives, n) &&
	    wait_any(entry, used, NULL) == -ENOSYS)
		host_wait(word, seen, HOST_FOREVER);
}
