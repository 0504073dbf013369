/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host_where.c - which process on which machine this is.
 */
#include "base/host_inside.h"

#include <stdio.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

static char name[65], boot[37];
static _Atomic int32_t pid;

void host_where_forked(void)
{
	store_relaxed(&pid, (int32_t)syscall(SYS_getpid));
}

void host_where_init(void)
{
	struct utsname machine;
	char line[64] = "";

	host_where_forked();
	if (uname(&machine) == 0)
		snprintf(name, sizeof(name), "%.64s", machine.nodename);
	host_read_path("/proc/sys/kernel/random/boot_id", line, sizeof(line));
	snprintf(boot, sizeof(boot), "%.36s", line);
}

const char *host_name(void)
{
	return name;
}

const char *host_boot(void)
{
	return boot;
}

/* Asked again as long as the kernel does not tell. */
int32_t host_pid(void)
{
	if (unlikely(load_relaxed(&pid) <= 0))
		host_where_forked();
	return load_relaxed(&pid);
}
