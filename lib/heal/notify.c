/* SPDX-License-Identifier: BSD-2-Clause */
#include "heal/heal.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { LINE = 512 };

/* What keeps the watchdog from being fed. */
enum wrong {
	WRONG_STARVED = 1,
	WRONG_BROKEN = 2,   /* the audit */
	WRONG_STUCK = 4,    /* the ping */
	WRONG_DEGRADED = 8
};

/* ---- one pool of a process ------------------------------------------------------- */

/* X: 1 + host_generation of the process whose pool speaks; any other: none does. */
static _Atomic uint32_t speaks;

static int run(struct ward_task *task)
{
	(void)task;
	return 0;
}

static struct notify *notify_of(struct ward_task *task)
{
	return ward_entry(task, struct notify, ping);
}

static void done(struct ward_task *task, int status)
{
	if (!status)
		add_acq_rel(&notify_of(task)->answered, 1);
}

static void release(struct ward_task *task)
{
	store_release(&notify_of(task)->pinging, 0); /* [nt] */
}

int notify_claim(struct heal *heal, int (*audit)(struct ward_pool *pool,
						 struct ward_audit *audit))
{
	struct notify *n = &heal->notify;
	uint32_t mine = load_relaxed(&host_generation) + 1;
	uint32_t seen = load_relaxed(&speaks);

	if (seen == mine || !cas_acq_rel(&speaks, &seen, mine))
		return -EALREADY;
	n->claim = n->mine = mine;
	n->audit = audit;
	n->ping = (struct ward_task){ .run = run,
				      .done = done,
				      .release = release,
				      .policy = &policy_once,
				      .name = "service manager" };
	if (host_notify_open(&n->manager) == -ENOENT)
		store_relaxed(&n->phase, NOTIFY_OVER);
	n->every = n->manager.watchdog / 2;
	return 0;
}

/* In the child of a fork a copy has another number than a pool of the child's. */
void notify_unclaim(struct heal *heal)
{
	uint32_t mine = heal->notify.mine;

	/* A steward that is held in a word of its own adds nothing to the next pool's. */
	store_release(&heal->notify.phase, NOTIFY_SILENT); /* [nt] */
	heal->notify.mine = 0; /* the next pool of this process has the same number */
	if (mine)
		cas_acq_rel(&speaks, &mine, 0);
}

void notify_fini(struct heal *heal)
{
	if (!heal->notify.claim)
		return;
	notify_unclaim(heal);
	host_notify_close(&heal->notify.manager);
}

/* ---- its ends -------------------------------------------------------------------- */

static void say_stopping(const struct notify *n)
{
	host_notify_send(&n->manager, "STOPPING=1\nSTATUS=stopping");
}

/*
 * After each word: one that was under way as the pool stopped may have come behind
 * STOPPING=1, which is to be the last.  The socket's lock orders the two: a word that
 * comes second finds 'phase' as the first one's sender had left it.
 */
static void end_with_stopping(const struct notify *n)
{
	if (unlikely(load_acquire(&n->phase) == NOTIFY_OVER)) /* [nt] */
		say_stopping(n);
}

void notify_ready(struct heal *heal)
{
	struct notify *n = &heal->notify;
	uint32_t silent = NOTIFY_SILENT, phase;

	if (!n->claim || load_relaxed(&n->phase) != NOTIFY_SILENT)
		return;
	/* What is not taken now, the steward says again. */
	phase = host_notify_send(&n->manager, "READY=1") ? NOTIFY_READY :
							   NOTIFY_UP;
	cas_acq_rel(&n->phase, &silent, phase); /* [nt] unless it stops already */
	end_with_stopping(n);
	steward_ring(heal->pool); /* it may sleep already */
}

void notify_stopping(struct heal *heal)
{
	struct notify *n = &heal->notify;
	uint32_t phase = swap_acq_rel(&n->phase, NOTIFY_OVER); /* [nt] */

	if (phase == NOTIFY_READY || phase == NOTIFY_UP)
		say_stopping(n);
}

void notify_starve(struct heal *heal)
{
	store_relaxed(&heal->notify.starved, 1);
}

/* ---- does the pool move? --------------------------------------------------------- */

/* Puts the ping, unless the last one is still in the pool. */
static void ask(struct steward *me, uint64_t now)
{
	struct notify *n = &me->heal->notify;
	struct inbox *inbox = &me->pool->inbox;
	uint32_t back = 0;

	me->teller.asked_at = now;
	me->teller.seen = load_acquire(&n->answered); /* [nt] */
	if (!cas_acq_rel(&n->pinging, &back, 1)) /* [nt] */
		return;
	if (!inbox_enter(inbox)) {
		store_release(&n->pinging, 0); /* [nt] */
		return;
	}
	task_open_requeued(task_priv(&n->ping), 0);
	later_requeue(inbox, &n->ping, true);
	inbox_leave(inbox);
}

/* Each worker is inside of a task, and none over its budget. */
static bool all_busy(const struct steward *me)
{
	const struct pool *pool = me->pool;
	uint32_t seats = load_acquire(&pool->seats_used), busy = 0;

	for (uint32_t i = 0; i < seats; i++) {
		const struct slot *slot = load_acquire(&pool->seat[i]); /* [U] */

		if (!slot)
			continue;
		if (!slot_inside(load_acquire(&slot->word)) || /* [E] */
		    me->history[i].only_told)
			return false;
		busy++;
	}
	return busy;
}

/* A worker has answered the ping; or, as time goes, there is none that could. */
static bool moves(struct steward *me, uint64_t now)
{
	const struct notify *n = &me->heal->notify;
	struct teller *t = &me->teller;
	bool answered = load_acquire(&n->answered) != t->seen; /* [nt] */
	bool late = now - t->asked_at >= n->every / 2;

	t->stuck = !answered && late && !all_busy(me);
	return answered || (late && !t->stuck);
}

/* True: the watchdog is to be fed.  If it is not, it may be soon. */
static bool is_well(struct steward *me, uint64_t now)
{
	struct notify *n = &me->heal->notify;
	struct teller *t = &me->teller;
	uint64_t asked_at;
	bool well;

	if (!n->every || now < t->feed_at || load_relaxed(&n->starved))
		return false;
	if (!t->asked_at)
		ask(me, now);
	if (!moves(me, now))
		return false;
	asked_at = t->asked_at;
	t->asked_at = 0;
	t->audit = (struct ward_audit)WARD_AUDIT_INIT;
	n->audit((struct ward_pool *)me->pool, &t->audit);
	well = !t->audit.broken && !load_relaxed(&me->pool->degraded);
	t->feed_at = well ? asked_at + n->every : now + n->every / 4;
	return well;
}

/* ---- what is said ---------------------------------------------------------------- */

static struct health health_of(const struct steward *me)
{
	struct pool *pool = me->pool;
	struct health h = {
		.workers = size_of(load_acquire(&pool->seat_count.size)).base,
		.vacant = seats_vacant(&pool->seat_count),
		.zombies = load_relaxed(&pool->zombies_out),
		.hang = helpers_hang(me)
	};

	h.wrong |= load_relaxed(&me->heal->notify.starved) ? WRONG_STARVED : 0;
	h.wrong |= me->teller.audit.broken ? WRONG_BROKEN : 0;
	h.wrong |= me->teller.stuck ? WRONG_STUCK : 0;
	h.wrong |= load_relaxed(&pool->degraded) ? WRONG_DEGRADED : 0;
	return h;
}

static bool same(const struct health *a, const struct health *b)
{
	return !memcmp(a, b, sizeof(*a));
}

struct line {
	char text[LINE];
	size_t len;
};

__attribute__((format(printf, 2, 3))) static void add(struct line *line,
						      const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(line->text + line->len, LINE - line->len, format, args);
	va_end(args);
	line->len += (size_t)len;
	if (line->len >= LINE)
		line->len = LINE - 1;
}

/* The worst first. */
static void add_wrongs(struct line *line, const struct health *h,
		       const struct ward_audit *audit)
{
	if (h->wrong & WRONG_STARVED)
		add(line, "; the root steward gave up");
	if (h->wrong & WRONG_BROKEN)
		add(line, "; %s", audit->first);
	if (h->wrong & WRONG_STUCK)
		add(line, "; a task waits, and no worker takes it");
	if (h->wrong & WRONG_DEGRADED)
		add(line, "; degraded: stuck workers stay in their seats");
	if (h->vacant)
		add(line, "; %u of them without a thread", h->vacant);
	for (uint32_t i = 0; i < HELPERS; i++)
		if (h->hang >> i & 1)
			add(line, "; %s", helper_hangs[i]);
	if (h->zombies)
		add(line, "; fenced threads that are still out: %u", h->zombies);
}

static void add_status(struct line *line, const struct health *h,
		       const struct ward_audit *audit)
{
	size_t before;

	add(line, "STATUS=%u worker%s", h->workers, h->workers == 1 ? "" : "s");
	before = line->len;
	add_wrongs(line, h, audit);
	add(line, line->len == before ? ", all well\n" : "\n");
}

/* Once for each steward. */
static void tell_deaf(struct steward *me)
{
	if (me->teller.told_deaf)
		return;
	me->teller.told_deaf = incident_tell(
		&me->pool->tell, WARD_R_EVIDENCE,
		"the service manager cannot be told: NOTIFY_SOCKET is refused");
}

static bool send_line(struct steward *me, const struct line *line)
{
	const struct notify *n = &me->heal->notify;
	int err;

	if (!line->len)
		return true;
	err = host_notify_send(&n->manager, line->text);
	end_with_stopping(n);
	if (err && err != -EAGAIN)
		tell_deaf(me);
	return !err;
}

/* ---- a round --------------------------------------------------------------------- */

/* Seen twice in a row, for a seat is vacant for a moment at each heal. */
static bool to_be_said(const struct teller *t, const struct health *h,
		       uint64_t now)
{
	return same(h, &t->last) && !same(h, &t->said) &&
	       (!t->said_at || now - t->said_at >= WARD_S(1));
}

/* False: it was not taken, and is said again, by what is then. */
static bool speak(struct steward *me, uint64_t now)
{
	struct notify *n = &me->heal->notify;
	struct teller *t = &me->teller;
	bool well = is_well(me, now), says;
	struct health h = health_of(me);
	struct line line = { .len = 0 };
	uint32_t ready = NOTIFY_READY;

	says = to_be_said(t, &h, now);
	t->last = h;
	if (load_relaxed(&n->phase) == NOTIFY_READY)
		add(&line, "READY=1\n");
	if (well)
		add(&line, "WATCHDOG=1\n");
	if (says) /* last, for it may be cut */
		add_status(&line, &h, &t->audit);
	if (!send_line(me, &line)) {
		if (well)
			t->feed_at = now + n->every / 4;
		return false;
	}
	cas_acq_rel(&n->phase, &ready, NOTIFY_UP); /* [nt] */
	if (says) {
		t->said = h;
		t->said_at = now;
	}
	return true;
}

/* Whatever is under way is looked at soon; else there is time until the next ping. */
static uint64_t next_of(const struct steward *me)
{
	const struct notify *n = &me->heal->notify;
	const struct teller *t = &me->teller;

	if (t->asked_at || !same(&t->last, &t->said) ||
	    load_relaxed(&n->phase) == NOTIFY_READY)
		return t->look_at;
	if (!n->every || load_relaxed(&n->starved))
		return HOST_FOREVER;
	return t->feed_at > t->look_at ? t->feed_at : t->look_at;
}

uint64_t notify_round(struct steward *me, uint64_t now)
{
	const struct notify *n = &me->heal->notify;
	struct teller *t = &me->teller;
	uint32_t phase = load_acquire(&n->phase); /* [nt] */
	uint64_t pause;

	if (likely(phase == NOTIFY_SILENT || phase == NOTIFY_OVER))
		return HOST_FOREVER;
	if (now < t->look_at)
		return t->next;
	pause = speak(me, now) ? me->pool->scan : WARD_S(1);
	t->look_at = now + (n->every ? lesser(pause, n->every / 4) : pause);
	return t->next = next_of(me);
}
