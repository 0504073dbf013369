/* SPDX-License-Identifier: BSD-2-Clause */
#include "log.h"
#include "base/atomic.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { A_SECOND = 10 }; /* lines; what is more is counted */

static enum log_format format;
static int to = STDERR_FILENO;
static _Atomic uint64_t convictions; /* X: scribes */

void log_open(const struct settings *settings)
{
	int fd;

	format = settings->format;
	/* In a child there was another pool, and its file. */
	store_relaxed(&convictions, 0);
	if (to != STDERR_FILENO)
		close(to);
	to = STDERR_FILENO;
	if (!settings->log)
		return;
	/* A pipe that nobody reads is not waited for. */
	fd = open(settings->log,
		  O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK, 0666);
	if (fd < 0) {
		fprintf(stderr, "libward: %s: %s: %s\n", settings->names->log, settings->log,
			strerror(errno));
		return;
	}
	fcntl(fd, F_SETFL, O_APPEND);
	to = fd;
}

/* True: the line is one too many for this second, of all pools.  Scribes; where two begin a
 * second at once, both count in it. */
static bool too_many(ward_ns at)
{
	static _Atomic ward_ns second;
	static _Atomic unsigned lines;
	ward_ns seen = load_relaxed(&second);

	if (at - seen >= WARD_S(1) && cas_relaxed(&second, &seen, at))
		store_relaxed(&lines, 0);
	return add_relaxed(&lines, 1) >= A_SECOND;
}

/* In one piece, so that lines of several processes do not mix. */
static void put(char *line, size_t length)
{
	line[length] = '\n';
	if (write(to, line, length + 1) < 0)
		return; /* there is nobody to tell */
}

static void tell(const struct ward_report *report)
{
	char line[8192];
	int length = ward_report_format(report, line, sizeof(line) - 1,
					format == LOG_JSON);

	if (length > 0)
		put(line, (size_t)length < sizeof(line) - 1 ? (size_t)length :
							      sizeof(line) - 2);
}

void log_report(void *arg, const struct ward_report *report)
{
	(void)arg;
	/* Of half of a budget many requests take more, and end well. */
	if (format != LOG_NONE && report->kind != WARD_R_SLOW && !too_many(report->at))
		tell(report);
	if (report->kind <= WARD_R_OVERDUE)
		add_relaxed(&convictions, 1);
}

uint64_t log_convictions(void)
{
	return load_relaxed(&convictions);
}
