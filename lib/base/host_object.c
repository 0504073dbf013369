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
	int saved = errno;
	ssize_t len = readlink("/proc/thread-self/exe", program, sizeof(program) - 1);

	program[len > 0 ? len : 0] = '\0';
	errno = saved;
}

bool host_object_range(const void *code, struct host_range *range)
{
#ifdef DLFO_STRUCT_HAS_EH_DBASE
	struct dl_find_object found;

	if (_dl_find_object((void *)(uintptr_t)code, &found) == 0) {
		uint64_t offset;

		range->name = host_object(code, &offset);
		range->start = (uintptr_t)found.dlfo_map_start;
		range->end = (uintptr_t)found.dlfo_map_end;
		return *range->name;
	}
#endif
	(void)code;
	(void)range;
	return false;
}

bool host_object_is_program(const char *name)
{
	return *program && strcmp(name, program) == 0;
}

const char *host_object(const void *code, uint64_t *offset)
{
#ifdef DLFO_STRUCT_HAS_EH_DBASE
	struct dl_find_object found;

	if (_dl_find_object((void *)(uintptr_t)code, &found) == 0) {
		const struct link_map *map = found.dlfo_link_map;

		*offset = (uintptr_t)code - map->l_addr;
		if (map->l_name && *map->l_name)
			return map->l_name;
		/* The program itself has no name there. */
		return *program ? program : program_invocation_name;
	}
#endif
	(void)code;
	*offset = 0;
	return "";
}
