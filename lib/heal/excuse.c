/* SPDX-License-Identifier: BSD-2-Clause */
#include "heal/excuse.h"
#include "task/priority.h"

enum {
	ROW_MAX = 8, /* threads that wait for each other, one after another */
	SHARE = 16   /* a thread with less than one in so many of a CPU is starved */
};

/* A worker or a zombie, or NULL. */
static struct slot *slot_by_tid(const struct pool *pool, int32_t tid)
{
	for_each_slot(slot, pool) {
		enum slot_life life = LIFE_STATE(load_acquire(&slot->thread.life));

		if (load_relaxed(&slot->thread.tid) == tid &&
		    (life == LIFE_SEATED || life == LIFE_ZOMBIE) &&
		    !host_life_lost(&slot->thread.liveness))
			return slot;
	}
	return NULL;
}

/* The thread that holds the futex which 'files' sleeps on; 0: none is known. */
static int32_t futex_holder(const struct host_stat_files *files)
{
	uint64_t arg;
	int32_t nr;

	if (host_syscall(files, &nr, &arg) || !host_is_futex(nr))
		return 0;
	return host_futex_holder(arg);
}

/*
 * The same by tid: of a thread of the pool by its own stat files, which see where new
 * ones may not.  The clerk leaves them open while 'also' is the thread's slot.
 */
static int32_t holder_of(struct slot *slot, int32_t tid, excuse_at *also)
{
	struct host_stat_files files = host_stat_of(tid);
	enum slot_life life;

	if (!slot)
		return futex_holder(&files);
	store_release(also, slot); /* [U] no other is held */
	host_barrier_light(); /* [U] held | it is on its way out */
	life = LIFE_STATE(load_acquire(&slot->thread.life));
	if ((life == LIFE_SEATED || life == LIFE_ZOMBIE) &&
	    load_relaxed(&slot->thread.tid) == tid)
		return futex_holder(&slot->thread.stat_files);
	return futex_holder(&files);
}

/*
 * From the worker along the holders to the first zombie, or else to the last holder;
 * 0: there is none, or the row is a ring, or too long to tell.
 */
static int32_t find_holder(const struct slot *slot, bool *zombie, excuse_at *also)
{
	int32_t row[ROW_MAX], next = futex_holder(&slot->thread.stat_files), blame = 0;
	struct slot *held;

	*zombie = false;
	row[0] = load_relaxed(&slot->thread.tid);
	for (unsigned n = 1; next; n++) {
		for (unsigned i = 0; i < n; i++)
			if (row[i] == next)
				return 0;
		if (n == ROW_MAX)
			return 0;
		row[n] = next;
		if (!*zombie)
			blame = next;
		held = slot_by_tid(slot->pool, next);
		if (held && LIFE_STATE(load_acquire(&held->thread.life)) == LIFE_ZOMBIE) {
			*zombie = true;
			priority_lift(held);
		}
		next = holder_of(held, next, also);
	}
	return blame;
}

/* Ready to run, with next to no CPU time since it was last seen. */
static enum stall_cause starved(struct excuse *excuse, bool known,
				uint64_t span, uint64_t now)
{
	struct host_stat_files files = host_stat_of(excuse->holder);
	uint64_t cpu = excuse->cpu, at = excuse->at;
	struct host_sample sample;

	if (host_sample(&files, &sample) || !sample.cpu_known ||
	    sample.state != 'R')
		return STALL_OWN;
	if (known && now - at < span)
		return STALL_UNSURE;
	if (excuse->asked++ > EXCUSE_TIMES)
		return STALL_OWN;
	excuse->cpu = sample.cpu;
	excuse->at = now;
	if (!known)
		return STALL_UNSURE;
	return sample.cpu - cpu < (now - at) / SHARE ? STALL_STARVED
						     : STALL_OWN;
}

static bool same_silence(const struct sign *a, const struct sign *b)
{
	return sign_same(a, b) && a->beats == b->beats && a->units == b->units;
}

enum stall_cause excuse_ask(struct excuse *excuse, const struct slot *slot,
			    const struct history *history, uint64_t span,
			    excuse_at *also)
{
	uint64_t now = history->seen_at;
	bool zombie, known;
	int32_t holder;

	if (!same_silence(&excuse->sign, &history->last))
		*excuse = (struct excuse){ .sign = history->last };
	excuse->zombie = false;
	if (load_relaxed(&slot->wait.on))
		return STALL_OWN; /* in the library: on no lock */
	holder = find_holder(slot, &zombie, also);
	if (!holder ||
	    (!zombie && host_is_younger(holder, now - history->silence.silence)))
		return STALL_OWN;
	known = excuse->holder == holder;
	excuse->told &= known;
	excuse->holder = holder;
	excuse->zombie = zombie;
	if (zombie)
		return STALL_ZOMBIE;
	return starved(excuse, known && excuse->at, span, now);
}

void excuse_lift(const struct slot *slot, excuse_at *also)
{
	bool zombie;

	if (!load_relaxed(&slot->wait.on))
		find_holder(slot, &zombie, also);
}

bool excuse_wanted(struct pool *pool, const struct history *history,
		   int32_t tid, excuse_at *also)
{
	for (uint32_t i = 0; i < load_acquire(&pool->seats_used); i++) {
		struct slot *slot;

		/* Silent, and not found on a CPU. */
		if (!history[i].sampled_at || history[i].sample.state == 'R')
			continue;
		slot = load_acquire(&pool->seat[i]);
		if (slot && !load_relaxed(&slot->wait.on) &&
		    holder_of(slot, load_relaxed(&slot->thread.tid), also) == tid)
			return true;
	}
	return false;
}

bool excuse_holds(const struct excuse *excuse, const struct sign *sign)
{
	return excuse->zombie && same_silence(&excuse->sign, sign);
}
