/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * openmetrics.h - whether a text is an exposition by OpenMetrics 1.0, of the types that
 * the library has, and what a sample says.  A reader of its own, so that the writer is
 * not its own judge.
 */
#ifndef WARD_TESTS_UNIT_OPENMETRICS_H
#define WARD_TESTS_UNIT_OPENMETRICS_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OM_LINE = 512, OM_NAMES = 128 };

/* What has been read; a family's lines stand together. */
struct om {
	char wrong[OM_LINE + 64];     /* the first fault, or "" */
	char family[OM_NAMES][OM_LINE]; /* all so far; the last one is open */
	unsigned families, samples;
	char type[16], unit[16];
	bool helped, ended;
	char last[OM_LINE]; /* histogram: name and labels without le */
	double bound, count;
};

static inline bool om_wrong(struct om *om, const char *what, const char *line)
{
	if (!*om->wrong)
		snprintf(om->wrong, sizeof(om->wrong), "%s: %s", what, line);
	return false;
}

static inline size_t om_name(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz_"
			     "ABCDEFGHIJKLMNOPQRSTUVWXYZ:0123456789");

	return *s >= '0' && *s <= '9' ? 0 : n;
}

/* The rest after a quoted string, or NULL. */
static inline const char *om_quoted(const char *s)
{
	if (*s++ != '"')
		return NULL;
	for (; *s != '"'; s++)
		if (!*s || (*s == '\\' && !strchr("\\\"n", *++s)) || !*s)
			return NULL;
	return s + 1;
}

/* The rest after {label="value",...}, or NULL; there may be none. */
static inline const char *om_labels(const char *s)
{
	if (*s != '{')
		return s;
	do {
		size_t n = om_name(++s);

		if (!n || memchr(s, ':', n) || s[n] != '=' ||
		    !(s = om_quoted(s + n + 1)))
			return NULL;
	} while (*s == ',');
	return *s == '}' ? s + 1 : NULL;
}

/* "# TYPE name counter" and the like. */
static inline bool om_about(struct om *om, const char *line)
{
	char key[8], name[OM_LINE], value[OM_LINE];

	if (sscanf(line, "# %7s %511s %511[^\n]", key, name, value) != 3 ||
	    om_name(name) != strlen(name))
		return om_wrong(om, "no such line", line);
	if (!om->families || strcmp(om->family[om->families - 1], name)) {
		for (unsigned i = 0; i < om->families; i++)
			if (!strcmp(om->family[i], name))
				return om_wrong(om, "a family twice", line);
		if (om->families == OM_NAMES)
			return om_wrong(om, "too many families", line);
		strcpy(om->family[om->families++], name);
		*om->type = *om->unit = *om->last = '\0';
		om->helped = false;
	} else if (*om->last) {
		return om_wrong(om, "metadata behind samples", line);
	}
	if (!strcmp(key, "HELP") && !om->helped)
		return om->helped = true;
	if (!strcmp(key, "TYPE") && !*om->type &&
	    (!strcmp(value, "gauge") || !strcmp(value, "counter") ||
	     !strcmp(value, "histogram")))
		return strcpy(om->type, value);
	if (!strcmp(key, "UNIT") && !*om->unit && strlen(value) < 16 &&
	    strlen(name) > strlen(value) &&
	    !strcmp(name + strlen(name) - strlen(value), value))
		return strcpy(om->unit, value);
	return om_wrong(om, "no such metadata", line);
}

/* Buckets of one histogram follow one another, and only rise, up to +Inf. */
static inline bool om_bucket(struct om *om, const char *line, double count)
{
	const char *le = strstr(line, ",le=\"");
	char key[OM_LINE], *end;
	double bound;

	if (!le)
		return om_wrong(om, "a bucket without a bound", line);
	snprintf(key, sizeof(key), "%.*s", (int)(le - line), line);
	bound = strncmp(le + 5, "+Inf\"", 5) ? strtod(le + 5, &end) :
					       (end = (char *)le + 9, 1e300);
	if (*end != '"')
		return om_wrong(om, "a bound that is no number", line);
	if (!strcmp(key, om->last) ? bound <= om->bound || count < om->count :
				     *om->last && om->bound < 1e300)
		return om_wrong(om, "a bucket out of order", line);
	strcpy(om->last, key);
	om->bound = bound;
	om->count = count;
	return true;
}

static inline bool om_sample(struct om *om, const char *line)
{
	size_t n = om_name(line), family;
	const char *rest = om_labels(line + n);
	const char *suffix;
	char *end;
	double value;

	if (!n || !rest || *rest != ' ')
		return om_wrong(om, "no sample", line);
	value = strtod(rest + 1, &end);
	if (end == rest + 1 || *end || strpbrk(rest + 1, "nNiIxX \t"))
		return om_wrong(om, "no number", line);
	if (!om->families || !*om->type || !om->helped)
		return om_wrong(om, "a sample without type or help", line);
	family = strlen(om->family[om->families - 1]);
	if (strncmp(line, om->family[om->families - 1], family))
		return om_wrong(om, "a sample of another family", line);
	suffix = !strcmp(om->type, "counter")	? "_total{" :
		 !strcmp(om->type, "histogram") ? "_bucket{" :
						  "{";
	if (strncmp(line + family, suffix, strlen(suffix)))
		return om_wrong(om, "a name that its type has not", line);
	if (value < 0)
		return om_wrong(om, "less than nothing", line);
	om->samples++;
	if (!strcmp(om->type, "histogram"))
		return om_bucket(om, line, value);
	return strcpy(om->last, "samples");
}

/* Each line in turn. */
static inline bool om_line(struct om *om, const char *line)
{
	if (om->ended)
		return om_wrong(om, "behind the end", line);
	if (!strcmp(line, "# EOF"))
		return om->ended = true;
	return *line == '#' ? om_about(om, line) : om_sample(om, line);
}

/* "", or what is wrong; *om is what was read. */
static inline const char *om_read(struct om *om, const char *text)
{
	char line[OM_LINE];
	size_t n;

	memset(om, 0, sizeof(*om));
	for (; *text && !*om->wrong; text += n + 1) {
		n = strcspn(text, "\n");
		if (!text[n] || n >= sizeof(line)) {
			om_wrong(om, "no end of the line, or far", text);
			break;
		}
		memcpy(line, text, n);
		line[n] = '\0';
		om_line(om, line);
	}
	if (!om->ended)
		om_wrong(om, "no # EOF", "");
	return om->wrong;
}

/* The value of the sample that begins so, with its labels; -1: there is none. */
static inline long double om_value(const char *text, const char *sample)
{
	size_t n = strlen(sample);

	for (; text; text = strchr(text, '\n'), text += text ? 1 : 0)
		if (!strncmp(text, sample, n) && text[n] == ' ')
			return strtold(text + n + 1, NULL);
	return -1;
}

#endif
