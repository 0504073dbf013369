/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * saved.h - bytes that one incarnation leaves to the next, whole or not at all.
 *
 * A writer fills a copy that nobody else has, and publishes it by one swap of 'word'.
 * The first call with a fence number raises 'owner' to it, and then gives the word a new
 * generation.  A writer reads 'owner' after the word that it is going to swap, so a swap
 * that an earlier writer has prepared by then fails, and that writer prepares no other [v].
 *
 * An earlier writer may be held anywhere for ever: inside of a write with a copy of
 * its own, inside of a read with a copy that is written anew meanwhile; then the
 * read finds another word when it looks again [p].
 *
 * Every loop goes round only because another call has written or come.
 */
#ifndef WARD_LIB_FLOW_SAVED_H
#define WARD_LIB_FLOW_SAVED_H

#include "sync/stack.h"
#include <stddef.h>

#ifndef SAVED_COPIES
#define SAVED_COPIES 64 /* 62 may be held inside of a write */
#endif

struct saved_copy {
	/* O, word: the thread that has the copy; read meanwhile [p] */
	_Atomic uint64_t seq, len;
	_Atomic uint64_t bytes[];
};

struct saved {
	size_t room; /* I */
	/* X: */
	_Atomic uint64_t word; /* gen:32 | copy + 1:32, 0: nothing is saved */
	_Atomic uint64_t owner; /* M */
	struct stack free;
	_Atomic uint32_t below[SAVED_COPIES];
	struct saved_copy *copy[SAVED_COPIES]; /* O, free: made at first use */
};

struct saved *saved_create(size_t room); /* NULL: no memory */
void saved_destroy(struct saved *saved);

/*
 * 0; -EMSGSIZE; -ESTALE: a higher number has come; -ENOMEM: no memory, or too many
 * writers are held inside.
 */
int saved_write(struct saved *saved, uint64_t fence, const void *buf,
		size_t len, uint64_t seq);
/*
 * 0; -ENODATA; -EMSGSIZE: *len says how much; -ESTALE: buf may hold anything.  seq
 * may be NULL.
 */
int saved_read(struct saved *saved, uint64_t fence, void *buf, size_t *len,
	       uint64_t *seq);

#endif
