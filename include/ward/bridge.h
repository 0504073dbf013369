/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bridge.h - one stream, whoever is producing.
 *
 * A producer that is restarted begins anew, or where it left off, and an old one
 * that was fenced may still be at it.  A reader should not have to know.  A bridge
 * is a bounded queue between them whose reader sees one unbroken sequence: nothing
 * twice, nothing missing, nothing from who has been replaced.
 *
 * Right to produce: each attempt of a task, and so each incarnation of a ward, has
 * a fence number (ward_fence()).  The bridge remembers the highest that has put or
 * has called ward_bridge_open(), and refuses lower ones.  Whatever runs in no
 * attempt (threads that are no workers, callbacks) has the number 0, all of it
 * together: it is refused as soon as any attempt has taken the stream over.  One
 * stream has one producer at a time; several at once are fine where they have the
 * number 0 and their items have none.
 *
 * Numbers: items carry the producer's own sequence number, 1, 2, 3 ...; one that
 * the bridge has taken before is refused, one that leaves a gap is refused, and so
 * a producer may simply begin again from its last checkpoint.  0 is an item
 * without number, which is taken as it comes.
 *
 * Lock-free between producers: one that stops, dies or is held at any point keeps
 * no other from putting, leaves no gap, and puts no half (256 may be held inside
 * of ward_bridge_put() for ever; beyond that there is no room).  One reader at a
 * time; the caller sees to it: who lets another attempt read waits until the
 * earlier one has left.
 *
 * Waiting, on either side, is a declared block (ward_block_enter()): the point that
 * the caller had declared itself holds again afterwards.  It ends when ward_check()
 * would not say 0: fence, cancel token, the end of the pool.
 *
 * Any thread may call; none in a signal handler.
 */
#ifndef WARD_BRIDGE_H
#define WARD_BRIDGE_H

#include <ward/base.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ward_bridge;

/*
 * A bridge with room for 'slots' items (2..65536).  drop, which may be NULL, gets
 * each item that nobody will read any more.  -EINVAL, -ENOMEM.
 */
WARD_API WARD_MUST int ward_bridge_create(struct ward_bridge **out,
					  uint32_t slots,
					  void (*drop)(void *item));

/*
 * Takes the stream over: from now on older producers are refused, also those that
 * are inside a put just now.  A put does the same; this is for who wants to know
 * *last, the highest number that was taken, before it goes on (may be NULL).
 * Needs no room.  0, -ESTALE, -EPIPE, -EINVAL.
 */
WARD_API int ward_bridge_open(struct ward_bridge *bridge, uint64_t *last);

/*
 * Puts an item, and waits for room until then.  0: the reader will get it, or
 * drop(); else it stays the caller's:
 *	-EALREADY	seq was taken before
 *	-ERANGE		seq leaves a gap
 *	-ESTALE		a later producer has taken over, or the caller was fenced
 *	-EPIPE		the bridge is closed
 *	-EAGAIN, -ETIMEDOUT	no room
 *	-ECANCELED ...	the caller was told to stop while it waited: what
 *			ward_check() says
 *	-EINVAL		bridge or item is NULL
 */
WARD_API int ward_bridge_put(struct ward_bridge *bridge, uint64_t seq,
			     void *item, ward_ns until);

/*
 * The next item; *seq (may be NULL) is its number.  A restart of the producer is
 * nothing but silence.  0; -EAGAIN, -ETIMEDOUT; -EPIPE: closed, and all was read;
 * what ward_check() says; -EINVAL: bridge or item is NULL.
 */
WARD_API int ward_bridge_get(struct ward_bridge *bridge, void **item,
			     uint64_t *seq, ward_ns until);

/*
 * Up to n items ("take n"), 1..INT32_MAX: waits until then for all of them.
 * Returns how many; if none, what ward_bridge_get() would have said.
 */
WARD_API int ward_bridge_take(struct ward_bridge *bridge, void **items,
			      unsigned n, ward_ns until);

/*
 * Ends the stream.  Puts are refused, the reader gets what is there and then
 * -EPIPE.  'cause' is for ward_bridge_cause().  By either side, any thread; the
 * first one counts.  A put that was under way may still come in before the end.
 * 0; -EALREADY; -EINVAL.
 */
WARD_API int ward_bridge_close(struct ward_bridge *bridge, int cause);
/* The cause; 0 while it is open, and of NULL. */
WARD_API int ward_bridge_cause(const struct ward_bridge *bridge);

/*
 * Drops what is left, and frees it.  Puts that are under way come to nothing, as if it had
 * been closed (-EPIPE), and the last one to leave frees it: so a reader that has got
 * -EPIPE, or all that it wants, need not know who is still inside.  No call may begin
 * any more, and nobody else may be inside of get or take.
 */
WARD_API void ward_bridge_destroy(struct ward_bridge *bridge);

#ifdef __cplusplus
}
#endif
#endif
