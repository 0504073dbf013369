/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fate.c - one byte for each submission, with an id of its own.
 *
 *	OPEN > DONE > RELEASED		accepted
 *	OPEN > REFUSED			not
 *
 * Any other step is a fault: a second done, a release before done, a done of
 * what was refused.
 */
#include "torture.h"

#include <stdlib.h>
#include <sys/mman.h>

enum fate { NONE, OPEN, REFUSED, DONE, RELEASED };

static const char *const fate_name[] = { "none", "open", "refused", "done",
					 "released" };

void fates_init(struct fates *fates, uint32_t size)
{
	void *mem = mmap(NULL, size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (mem == MAP_FAILED)
		abort();
	fates->byte = mem;
	fates->size = size;
	atomic_init(&fates->next, 0);
	atomic_init(&fates->refused, 0);
	atomic_init(&fates->accepted, 0);
	atomic_init(&fates->done, 0);
	atomic_init(&fates->released, 0);
}

void fates_fini(struct fates *fates)
{
	munmap((void *)fates->byte, fates->size);
}

static void step(struct fates *fates, uint32_t id, uint8_t from, uint8_t to)
{
	uint8_t seen = from;

	if (!cas_acq_rel(&fates->byte[id], &seen, to))
		fault("id %u: %s, but it was %s, not %s", id, fate_name[to],
		      fate_name[seen], fate_name[from]);
}

uint32_t fate_open(struct fates *fates)
{
	uint32_t id = add_relaxed(&fates->next, 1);

	if (id >= fates->size)
		abort(); /* the cycle counted wrong */
	step(fates, id, NONE, OPEN);
	return id;
}

void fate_refused(struct fates *fates, uint32_t id)
{
	step(fates, id, OPEN, REFUSED);
	add_relaxed(&fates->refused, 1);
}

void fate_accepted(struct fates *fates, uint32_t n)
{
	add_relaxed(&fates->accepted, n);
}

void fate_done(struct fates *fates, uint32_t id)
{
	step(fates, id, OPEN, DONE);
	add_relaxed(&fates->done, 1);
}

void fate_released(struct fates *fates, uint32_t id)
{
	step(fates, id, DONE, RELEASED);
	add_relaxed(&fates->released, 1);
}

bool fate_is_done(struct fates *fates, uint32_t id)
{
	uint8_t fate = load_acquire(&fates->byte[id]);

	return fate == DONE || fate == RELEASED;
}

void fates_settled(struct fates *fates)
{
	uint32_t n = load_acquire(&fates->next);
	uint64_t count[RELEASED + 1] = { 0 };

	for (uint32_t id = 0; id < n; id++) {
		uint8_t fate = load_acquire(&fates->byte[id]);

		count[fate]++;
		if (fate != REFUSED && fate != RELEASED)
			fault("id %u: was left %s", id, fate_name[fate]);
	}
	if (count[RELEASED] != load_relaxed(&fates->accepted))
		fault("%llu were accepted, %llu were released",
		      (unsigned long long)load_relaxed(&fates->accepted),
		      (unsigned long long)count[RELEASED]);
	add_relaxed(&tally.submitted, n);
	add_relaxed(&tally.accepted, count[RELEASED]);
	add_relaxed(&tally.refused, count[REFUSED]);
}
