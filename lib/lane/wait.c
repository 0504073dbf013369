/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wait.c - see wait.h; and the calls that only wait, or declare a wait.
 *
 * An entry sleeps on up to five words at once, no longer than to its tokens' deadlines.
 */
#include "lane/wait.h"
#include "lane/stop.h"

static void add_word(struct wait_entry *entry, _Atomic uint32_t *word)
{
	entry->waitv[entry->words++].word = word;
}

void wait_token(struct wait_entry *entry, const struct ward_cancel *token)
{
	if (!token)
		return;
	entry->token[entry->tokens++] = token;
	if (cancel_word(token) != entry->waitv[0].word)
		add_word(entry, cancel_word(token));
}

/* ---- in a task ----------------------------------------------------------------- */

/* The task, or its callback, is excused while it waits, up to then. */
static void declare(struct slot *slot, ward_ns until)
{
	if (slot_runs(slot))
		slot->needs_cleanup = 1;
	store_relaxed(&slot->declared, until ? until : 1);
}

/* The word that slot_wake_waiter() is to move; the entry sleeps on it. */
static _Atomic uint32_t *wake_word(struct wait_entry *entry, struct slot *slot)
{
	_Atomic uint32_t *first = entry->waitv[0].word;

	if (entry->how & WAIT_ONE_WORD)
		return first;
	if (first != &slot->wait.pause)
		add_word(entry, &slot->wait.pause);
	return &slot->wait.pause;
}

static void show(struct wait_entry *entry, struct slot *slot)
{
	_Atomic uint32_t *word = wake_word(entry, slot);

	entry->slot = slot;
	if (entry->how & WAIT_STOPS)
		wait_token(entry, stop_token(slot));
	entry->declared = load_relaxed(&slot->declared);
	if (entry->how & WAIT_DECLARED)
		declare(slot, entry->until);
	store_release(&slot->wait.on, word);
	barrier_seq_cst(); /* [G] [dw] I wait there | fenced? stopping? ended? */
	if (entry->how & WAIT_RELIEVED)
		pool_worker_waits(slot->pool);
}

static void hide(const struct wait_entry *entry, struct slot *slot)
{
	if (entry->how & WAIT_DECLARED)
		store_relaxed(&slot->declared, entry->declared);
	if (entry->how & WAIT_ONE_WORD)
		slot_await_wakers(slot);
	else
		store_relaxed(&slot->wait.on, NULL);
}

/* ---- a wait ------------------------------------------------------------------------ */

void wait_prepare(struct wait_entry *entry, _Atomic uint32_t *word,
		  ward_ns until, unsigned how)
{
	static _Atomic uint32_t still; /* never moves */
	struct slot *slot = host_self();
	bool inside = slot && slot_inside(load_relaxed(&slot->word));

	*entry = (struct wait_entry){ .how = how, .until = until };
	if (!word)
		word = inside ? &slot->wait.pause : &still;
	add_word(entry, word);
	if (inside)
		show(entry, slot);
}

void wait_enter(struct wait_entry *entry, struct wait_queue *queue,
		ward_ns until, unsigned how)
{
	wait_prepare(entry, &queue->word, until, how);
	entry->queue = queue;
	add_acq_rel(&queue->inside, 1);
	host_barrier_heavy(); /* [y] [M] [D] I wait | is it there? room? closed? */
}

void wait_look(struct wait_entry *entry)
{
	for (unsigned i = 0; i < entry->words; i++)
		entry->waitv[i].seen = load_acquire(entry->waitv[i].word); /* [q] */
}

int wait_nap(struct wait_entry *entry, ward_ns until)
{
	int err = entry->how & WAIT_STOPS ? stop_self(entry->slot) : 0;
	ward_ns end = until;

	if (err)
		return err;
	for (unsigned i = 0; i < entry->tokens; i++)
		end = cancel_until(entry->token[i], end);
	if (entry->words == 1)
		err = host_wait(entry->waitv->word, entry->waitv->seen, end);
	else
		err = host_wait_any(entry->waitv, entry->words, end);
	return end == until ? err : 0; /* a deadline: the look finds it */
}

int wait_sleep(struct wait_entry *entry)
{
	if (entry->slot && entry->how & WAIT_DECLARED)
		ward_beat();
	return wait_nap(entry, entry->until);
}

void wait_finish(struct wait_entry *entry)
{
	if (entry->queue)
		sub_acq_rel(&entry->queue->inside, 1);
	if (entry->slot)
		hide(entry, entry->slot);
}

/* ---- public ------------------------------------------------------------------------ */

/* One futex, also where the kernel cannot sleep on several. */
int ward_pause(ward_ns until)
{
	const struct ward_cancel *token = stop_token(host_self());
	struct wait_entry entry;
	int err;

	wait_prepare(&entry, token ? cancel_word(token) : NULL, until,
		     WAIT_RELIEVED | WAIT_STOPS | WAIT_ONE_WORD);
	if (entry.slot)
		pool_until(entry.slot->pool, until);
	err = wait_event(&entry, false);
	return err == -ETIMEDOUT ? stop_self(entry.slot) : err;
}

int ward_cancel_wait(struct ward_cancel *cancel, ward_ns until)
{
	struct wait_entry entry;

	if (!cancel)
		return -EINVAL;
	wait_prepare(&entry, cancel_word(cancel), until,
		     WAIT_RELIEVED | WAIT_STOPS);
	wait_token(&entry, cancel);
	return wait_event(&entry, cancel_cause(cancel));
}

/* It is only read; atomic words have no const here. */
static _Atomic uint32_t *word_of(const uint32_t *word)
{
	return (_Atomic uint32_t *)(uintptr_t)word;
}

int ward_block_on(const uint32_t *word, uint32_t seen, ward_ns until)
{
	struct wait_entry entry;

	if (!word || (uintptr_t)word % sizeof(*word))
		return -EINVAL;
	wait_prepare(&entry, word_of(word), until, WAIT_BLOCK);
	if (entry.slot)
		pool_until(entry.slot->pool, until);
	return wait_event(&entry, load_acquire(word_of(word)) != seen);
}

void ward_wake(const uint32_t *word)
{
	if (word)
		host_wake(word_of(word), INT32_MAX);
}

void ward_block_enter(ward_ns until)
{
	struct slot *slot = host_self();

	if (!slot || !slot_runs(slot))
		return;
	declare(slot, until);
	pool_worker_waits(slot->pool);
}

void ward_block_leave(void)
{
	struct slot *slot = host_self();

	if (slot && slot_runs(slot))
		store_relaxed(&slot->declared, 0);
}
