/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * manager.h - a socket of ours stands for the service manager; what it hears, line by
 * line.
 */
#ifndef WARD_TESTS_STORY_MANAGER_H
#define WARD_TESTS_STORY_MANAGER_H

#include "story.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define ALL_WELL "STATUS=2 workers, all well"
#define FED "WATCHDOG=1"

static int manager;
static char manager_text[600], *manager_at; /* the rest of a message */

/* 'path' NULL: a name that the kernel chooses, and that is in no folder. */
static inline void manager_up(const char *path, const char *watchdog_us)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	socklen_t len = path ? sizeof(name) : sizeof(sa_family_t);

	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	expect(manager >= 0);
	if (path)
		strncpy(name.sun_path, path, sizeof(name.sun_path) - 1);
	expect_equal(bind(manager, (struct sockaddr *)&name, len), 0);
	len = sizeof(name);
	expect_equal(getsockname(manager, (struct sockaddr *)&name, &len), 0);
	if (!path)
		name.sun_path[0] = '@';
	manager_at = NULL;
	expect_equal(setenv("NOTIFY_SOCKET", name.sun_path, 1), 0);
	if (watchdog_us)
		expect_equal(setenv("WATCHDOG_USEC", watchdog_us, 1), 0);
	else
		unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
}

static inline void manager_down(void)
{
	close(manager);
}

/* The next line; NULL: none within the time. */
static inline const char *manager_hears(uint64_t within)
{
	struct timeval time = { (time_t)(within / SECOND),
				(suseconds_t)(within % SECOND / 1000) };
	ssize_t got;
	char *line;

	if (!manager_at || !*manager_at) {
		setsockopt(manager, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time));
		got = recv(manager, manager_text, sizeof(manager_text) - 1, 0);
		if (got <= 0)
			return NULL;
		manager_text[got] = '\0';
		manager_at = manager_text;
	}
	line = strsep(&manager_at, "\n");
	return line;
}

/* The next line, after others that are 'skip'. */
static inline const char *manager_next(const char *skip)
{
	const char *line;

	do {
		line = manager_hears(IN_TIME);
		expect(line);
	} while (skip && !strcmp(line, skip));
	return line;
}

/* That is it. */
static inline void says(const char *want, const char *skip)
{
	const char *line = manager_next(skip);

	if (strcmp(line, want))
		story_fail(__FILE__, __LINE__, "it says %s, not %s", line, want);
}

/* It comes to be said, whatever comes before. */
static inline void comes_to_say(const char *part)
{
	uint64_t end = host_now() + IN_TIME;

	while (!strstr(manager_next(NULL), part))
		if (host_now() > end)
			story_fail(__FILE__, __LINE__, "never said: %s", part);
}

static inline void is_fed(unsigned times)
{
	while (times--)
		comes_to_say(FED);
}

/* From now on, that is after all that is under way: what is never said is not missed. */
static inline void is_not_fed(void)
{
	uint64_t end;
	const char *line;

	nap(50 * MS);
	while (manager_hears(1000))
		;
	for (end = host_now() + 200 * MS; host_now() < end;) {
		line = manager_hears(50 * MS);
		if (line && !strcmp(line, FED))
			story_fail(__FILE__, __LINE__, "it is fed");
	}
}

#endif
