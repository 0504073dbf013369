/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * text.c - see text.h
 */
#include "tell/text.h"

#include <limits.h>
#include <stdbool.h>
#include <string.h>

void text_char(struct text *text, char c)
{
	if (text->used + 1 < text->len)
		text->buf[text->used] = c;
	text->used++;
}

void text_put(struct text *text, const char *string)
{
	while (*string)
		text_char(text, *string++);
}

int text_end(struct text *text)
{
	if (text->len > 0)
		text->buf[text->used < text->len ? text->used : text->len - 1] =
			'\0';
	return text->used < INT_MAX ? (int)text->used : INT_MAX;
}

/* ---- numbers --------------------------------------------------------------------- */

static void digits_of(struct text *text, uint64_t n, unsigned base,
		      unsigned least)
{
	char digit[64];
	unsigned count = 0;

	while (n > 0 || count < least) {
		digit[count++] = "0123456789abcdef"[n % base];
		n /= base;
	}
	while (count > 0)
		text_char(text, digit[--count]);
}

void text_number(struct text *text, uint64_t n, unsigned digits)
{
	digits_of(text, n, 10, digits > 0 ? digits : 1);
}

void text_part(struct text *text, char before, uint64_t n, unsigned digits)
{
	text_char(text, before);
	text_number(text, n, digits);
}

void text_signed(struct text *text, int64_t n)
{
	if (n < 0)
		text_char(text, '-');
	text_number(text, n < 0 ? -(uint64_t)n : (uint64_t)n, 1);
}

void text_hex(struct text *text, uint64_t n)
{
	text_put(text, "0x");
	digits_of(text, n, 16, 1);
}

/* What is behind the point, without the zeros at the end; nothing if that is 0. */
static void part_of_one(struct text *text, unsigned rest, unsigned digits)
{
	if (rest == 0)
		return;
	for (; rest % 10 == 0; digits--)
		rest /= 10;
	text_part(text, '.', rest, digits);
}

void text_seconds(struct text *text, uint64_t ns)
{
	text_number(text, ns / 1000000000u, 1);
	part_of_one(text, (unsigned)(ns % 1000000000u), 9);
}

/* Three digits behind the point. */
void text_span(struct text *text, uint64_t ns)
{
	static const char *const unit[] = { "ns", "us", "ms", "s" };
	unsigned i = 0, rest = 0;

	for (; i < 3 && ns >= 1000; i++) {
		rest = (unsigned)(ns % 1000);
		ns /= 1000;
	}
	text_number(text, ns, 1);
	part_of_one(text, rest, 3);
	text_put(text, unit[i]);
}

/* ---- the date -------------------------------------------------------------------- */

/*
 * Days since 1970 as a date: in years that begin with March, the leap day is
 * the last of its year, and 400 years are always 146097 days.
 */
static void date_of(int64_t days, int64_t *year, unsigned *month, unsigned *day)
{
	int64_t since = days + 719468; /* 0000-03-01 */
	int64_t era = (since >= 0 ? since : since - 146096) / 146097;
	unsigned of_era = (unsigned)(since - era * 146097);
	unsigned years =
		(of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) /
		365;
	unsigned of_year = of_era - (365 * years + years / 4 - years / 100);
	unsigned from_march = (5 * of_year + 2) / 153;

	*day = of_year - (153 * from_march + 2) / 5 + 1;
	*month = from_march < 10 ? from_march + 3 : from_march - 9;
	*year = era * 400 + years + (*month <= 2);
}

void text_utc(struct text *text, int64_t s, uint32_t ns)
{
	int64_t days = s / 86400, year;
	unsigned of_day, month, day;

	if (s % 86400 < 0)
		days--;
	of_day = (unsigned)(s - days * 86400);
	date_of(days, &year, &month, &day);
	if (year < 0)
		text_char(text, '-');
	text_number(text, (uint64_t)(year < 0 ? -year : year), 4);
	text_part(text, '-', month, 2);
	text_part(text, '-', day, 2);
	text_part(text, 'T', of_day / 3600, 2);
	text_part(text, ':', of_day / 60 % 60, 2);
	text_part(text, ':', of_day % 60, 2);
	text_part(text, '.', ns, 9);
	text_char(text, 'Z');
}

/* ---- strings --------------------------------------------------------------------- */

static bool in(unsigned char c, unsigned from, unsigned to)
{
	return c >= from && c <= to;
}

/*
 * Bytes of the UTF-8 character that begins here, 0 if none does.  The second byte shows
 * overlong forms, surrogates and codes beyond U+10FFFF.  The NUL, no continuation byte,
 * ends it.
 */
static unsigned utf8(const unsigned char *s)
{
	unsigned from = 0x80, to = 0xbf, n;

	if (s[0] < 0x80)
		return 1;
	n = in(s[0], 0xc2, 0xdf)   ? 2
	    : in(s[0], 0xe0, 0xef) ? 3
	    : in(s[0], 0xf0, 0xf4) ? 4
				   : 0;
	if (s[0] == 0xe0)
		from = 0xa0;
	else if (s[0] == 0xed)
		to = 0x9f;
	else if (s[0] == 0xf0)
		from = 0x90;
	else if (s[0] == 0xf4)
		to = 0x8f;
	for (unsigned i = 1; i < n; i++, from = 0x80, to = 0xbf)
		if (!in(s[i], from, to))
			return 0;
	return n;
}

static void escape(struct text *text, unsigned code)
{
	text_put(text, "\\u");
	digits_of(text, code, 16, 4);
}

/* Control characters, those of U+0080..U+009F too: terminals obey them. */
static void put_ascii(struct text *text, unsigned char c)
{
	static const char special[] = "\"\\\n\r\t", letter[] = "\"\\nrt";
	const char *at = strchr(special, c);

	if (at) {
		text_char(text, '\\');
		text_char(text, letter[at - special]);
	} else if (c < 0x20 || c == 0x7f) {
		escape(text, c);
	} else {
		text_char(text, (char)c);
	}
}

void text_escaped(struct text *text, const char *string)
{
	const unsigned char *s = (const unsigned char *)string;

	while (*s) {
		unsigned n = utf8(s);

		if (n == 0) {
			escape(text, 0xfffd);
			s++;
		} else if (n == 1) {
			put_ascii(text, *s++);
		} else if (s[0] == 0xc2 && s[1] < 0xa0) {
			escape(text, s[1]);
			s += 2;
		} else {
			while (n-- > 0)
				text_char(text, (char)*s++);
		}
	}
}

void text_label(struct text *text, const char *string)
{
	const unsigned char *s = (const unsigned char *)string;

	while (*s) {
		unsigned n = utf8(s);

		if (n == 0) {
			text_put(text, "\xef\xbf\xbd"); /* U+FFFD */
			s++;
			continue;
		}
		if (strchr("\"\\\n", *s))
			text_char(text, '\\');
		text_char(text, *s == '\n' ? 'n' : (char)*s);
		while (s++, --n > 0)
			text_char(text, (char)*s);
	}
}

void text_quoted(struct text *text, const char *string)
{
	text_char(text, '"');
	text_escaped(text, string);
	text_char(text, '"');
}
