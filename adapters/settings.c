/* SPDX-License-Identifier: BSD-2-Clause */
#include "settings.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void no_sense(const char *name, const char *value, const char *wanted)
{
	fprintf(stderr, "libward: %s=%s is not %s, and is left as it was\n", name, value,
		wanted);
}

static uint32_t number(const char *name, uint32_t otherwise, uint32_t max)
{
	const char *value = getenv(name);
	char wanted[40], *end;
	unsigned long n;

	if (!value)
		return otherwise;
	n = strtoul(value, &end, 10);
	if (*value >= '0' && *value <= '9' && !*end && n >= 1 && n <= max)
		return (uint32_t)n;
	snprintf(wanted, sizeof(wanted), "a number from 1 to %u", max);
	no_sense(name, value, wanted);
	return otherwise;
}

/* FORMAT, or FORMAT:FILE. */
static void log_to(struct settings *settings)
{
	static const char *const formats[] = {
		[LOG_TEXT] = "text", [LOG_JSON] = "json", [LOG_NONE] = "none"
	};
	const char *value = getenv(settings->names->log);
	size_t length;

	if (!value)
		return;
	length = strcspn(value, ":");
	for (unsigned i = 0; i < sizeof(formats) / sizeof(*formats); i++)
		if (strlen(formats[i]) == length && !strncmp(formats[i], value, length)) {
			settings->format = (enum log_format)i;
			settings->log = value[length] ? value + length + 1 : NULL;
			return;
		}
	no_sense(settings->names->log, value,
		 "text, json or none, or text:FILE or json:FILE");
}

static bool yes(const char *name)
{
	const char *value = getenv(name);

	if (!value || !strcmp(value, "0"))
		return false;
	if (!strcmp(value, "1"))
		return true;
	no_sense(name, value, "0 or 1");
	return false;
}

void settings_read(struct settings *settings, const struct setting_names *names)
{
	*settings = (struct settings){
		.names = names,
		.zombies = number(names->zombies, 256, 4096),
		.asleep = WARD_MS(number(names->budget, 500, 3600000)),
		.busy = WARD_MS(number(names->cpu_budget, 10000, 3600000)),
		.publish = yes(names->publish),
	};
	log_to(settings);
}
