/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * checkpoint.c - what a ward keeps for its next incarnation: kept.h, by the fence
 * number of the incarnation that the caller is inside of.
 */
#include "flow/ward.h"
#include <errno.h>

static int here(struct kept **kept, uint64_t *fence)
{
	const struct incarnation *it = incarnation_here();

	if (!it || !it->ward->kept)
		return -EPERM;
	*kept = it->ward->kept;
	return ward_fence(fence);
}

int ward_checkpoint(const void *buf, size_t len, uint64_t seq)
{
	struct kept *kept;
	uint64_t fence;
	int err;

	if (!buf)
		return -EINVAL;
	err = here(&kept, &fence);
	return err ? err : kept_write(kept, fence, buf, len, seq);
}

int ward_resume(void *buf, size_t *len, uint64_t *seq)
{
	struct kept *kept;
	uint64_t fence;
	int err;

	if (!buf || !len)
		return -EINVAL;
	err = here(&kept, &fence);
	return err ? err : kept_read(kept, fence, buf, len, seq);
}
