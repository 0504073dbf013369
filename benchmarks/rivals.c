/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rivals.c - the rivals that were built.
 */
#include "bench.h"

#include <string.h>

const struct rival *const rivals[] = { &rival_nothing,
				       &rival_floor,
				       &rival_ward,
				       &rival_ck_mpmc,
				       &rival_mutex,
#ifdef HAVE_UV
				       &rival_libuv,
#endif
#ifdef HAVE_GLIB
				       &rival_glib,
#endif
#ifdef HAVE_TBB
				       &rival_tbb_enqueue,
				       &rival_tbb_group,
#endif
#ifdef HAVE_OPENMP
				       &rival_openmp,
#endif
#ifdef HAVE_MOODYCAMEL
				       &rival_moodycamel,
#endif
#ifdef HAVE_ASIO
				       &rival_asio,
#endif
				       NULL };

const struct rival *rival_find(const char *name)
{
	for (unsigned i = 0; rivals[i]; i++)
		if (!strcmp(rivals[i]->name, name))
			return rivals[i];
	return NULL;
}

bool rival_is_ours(const struct rival *rival)
{
	return rival == &rival_nothing || rival == &rival_floor ||
	       rival == &rival_ward;
}

uint32_t rival_room(const struct setup *setup)
{
	uint32_t room = setup->ring;

	while (room < setup->ring * setup->producers)
		room *= 2;
	return room;
}
