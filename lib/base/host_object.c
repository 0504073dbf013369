/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host_object.c - which file a piece of code came from, and from where in it:
 * what addr2line asks for, and good still when the process is gone.
 *
 * dladdr() takes the loader's lock, which a stuck thread may hold; this way
 * takes none.  Older C libraries do not have it: there nothing is known.
 */
#include "base/host.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>

const char *host_object(const void *code, uint64_t *offset)
{
#ifdef DLFO_STRUCT_HAS_EH_DBASE
	struct dl_find_object found;

	if (_dl_find_object((void *)(uintptr_t)code, &found) == 0) {
		const struct link_map *map = found.dlfo_link_map;

		*offset = (uintptr_t)code - map->l_addr;
		/* The program itself has no name there. */
		return map->l_name && *map->l_name ? map->l_name
						   : program_invocation_name;
	}
#endif
	(void)code;
	*offset = 0;
	return "";
}
