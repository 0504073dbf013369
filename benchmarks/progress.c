/* SPDX-License-Identifier: BSD-2-Clause */
#include "progress.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* How long a trial takes, as long as none of its bench has run. */
#define GUESS UINT64_C(400000000)

/* The trials of one bench, in the order of the rehearsal. */
static struct part {
	const char *bench;
	unsigned counted, ran;
	uint64_t ns;
} part[64];
static unsigned parts;
static bool rehearsing, told;

static struct part *part_of(const char *bench)
{
	for (unsigned i = 0; i < parts; i++)
		if (!strcmp(part[i].bench, bench))
			return &part[i];
	if (parts == sizeof(part) / sizeof(*part))
		return &part[parts - 1];
	part[parts].bench = bench;
	return &part[parts++];
}

void progress_rehearse(bool on)
{
	rehearsing = on;
}

bool progress_rehearses(void)
{
	return rehearsing;
}

bool progress_counts(const char *bench)
{
	if (rehearsing)
		part_of(bench)->counted++;
	return rehearsing;
}

/* Those before it that did not run were left out: nothing is left of them. */
void progress_ran(const char *bench, uint64_t ns)
{
	struct part *now = part_of(bench);

	for (struct part *p = part; p < now; p++)
		p->counted = p->ran;
	now->ran++;
	now->ns += ns;
	if (now->counted < now->ran)
		now->counted = now->ran;
}

/* By the trials of the same bench so far. */
static uint64_t ns_left(void)
{
	uint64_t left = 0;

	for (unsigned i = 0; i < parts; i++) {
		const struct part *p = &part[i];
		uint64_t each = p->ran ? p->ns / p->ran : GUESS;

		left += each * (p->counted - p->ran);
	}
	return left;
}

void progress(const char *fmt, ...)
{
	unsigned counted = 0, ran = 0;
	va_list ap;

	if (rehearsing || !isatty(STDERR_FILENO))
		return;
	for (unsigned i = 0; i < parts; i++) {
		counted += part[i].counted;
		ran += part[i].ran;
	}
	told = true;
	fputs("\r\033[K", stderr);
	if (counted)
		fprintf(stderr, "%u of %u, %u s left: ", ran + 1, counted,
			(unsigned)(ns_left() / 1000000000) + 1);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fflush(stderr);
}

void progress_end(void)
{
	if (told)
		fputs("\r\033[K", stderr);
	told = false;
}
