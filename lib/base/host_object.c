/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host_object.c - which file a piece of code came from, and from where in it:
 * what addr2line asks for, and good still when the process is gone.
 *
 * dladdr() takes the loader's lock, which a stuck thread may hold; this way
 * takes none.  Older C libraries do not have it: there nothing is known.
 */
#include "base/host_inside.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <link.h>
#include <string.h>
#include <unistd.h>

static char program[PATH_MAX]; /* "" where /proc is not to be read */

void host_object_init(void)
{
	long len = host_call(readlink("/proc/thread-self/exe", program,
				      sizeof(program) - 1));

	program[len > 0 ? len : 0] = '\0';
}

bool host_object_range(const void *code, struct host_range *range)
{
	*range = (struct host_range){ .name = "" };
#ifdef DLFO_STRUCT_HAS_EH_DBASE
	struct dl_find_object found;

	if (_dl_find_object((void *)(uintptr_t)code, &found) == 0) {
		const char *name = found.dlfo_link_map->l_name;

		/* The program itself has no name there. */
		range->name = name && *name ? name :
			      *program	    ? program :
					      program_invocation_name;
		range->offset = (uintptr_t)code - found.dlfo_link_map->l_addr;
		range->start = (uintptr_t)found.dlfo_map_start;
		range->end = (uintptr_t)found.dlfo_map_end;
	}
#endif
	(void)code;
	return *range->name;
}

const char *host_object(const void *code, uint64_t *offset)
{
	struct host_range range;

	host_object_range(code, &range);
	*offset = range.offset;
	return range.name;
}

bool host_object_is_program(const char *name)
{
	return *program && strcmp(name, program) == 0;
}
