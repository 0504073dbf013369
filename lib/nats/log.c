/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * log.c - what a person should know, a line at a time.
 */
#include "nats/consumer.h"
#include <stdarg.h>
#include <stdio.h>

#define LINES_A_SECOND 10

static void write_line(struct ward_nats *nats, const char *line)
{
	if (nats->config.log)
		nats->config.log(nats->config.arg, line);
	else
		fprintf(stderr, "ward-nats: %s\n", line);
}

/* A new second: the lines that were left out in the last ones are told first. */
static void tell_unsaid(struct ward_nats *nats)
{
	uint32_t n = atomic_exchange_explicit(&nats->unsaid, 0, memory_order_relaxed);
	char line[64];

	if (!n)
		return;
	snprintf(line, sizeof(line), "%u more lines were not told", n);
	write_line(nats, line);
}

static bool may_say(struct ward_nats *nats)
{
	uint64_t second = ward_now() / WARD_S(1), seen = load_relaxed(&nats->said_in);

	if (seen != second && cas_relaxed(&nats->said_in, &seen, second)) {
		store_relaxed(&nats->said, 0);
		tell_unsaid(nats);
	}
	if (add_relaxed(&nats->said, 1) < LINES_A_SECOND)
		return true;
	add_relaxed(&nats->unsaid, 1);
	return false;
}

void say(struct ward_nats *nats, const char *format, ...)
{
	char line[512];
	va_list args;

	if (load_relaxed(&nats->stopping) || !may_say(nats))
		return;
	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	write_line(nats, line);
}
