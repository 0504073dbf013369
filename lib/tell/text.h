/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * text.h - writing into a buffer that may be too small.
 *
 * Counts what it would have written, as snprintf does.  No locale, no lock, no
 * allocation: a stuck thread may hold whatever lock the C library has there.
 */
#ifndef WARD_LIB_TELL_TEXT_H
#define WARD_LIB_TELL_TEXT_H

#include <stddef.h>
#include <stdint.h>

struct text {
	char *buf;
	size_t len;  /* room, the final NUL included */
	size_t used; /* without it; may be more than there is room */
};

void text_char(struct text *text, char c);
void text_put(struct text *text, const char *string);
/* At least 'digits' digits, with leading zeros. */
void text_number(struct text *text, uint64_t n, unsigned digits);
/* The same behind a character. */
void text_part(struct text *text, char before, uint64_t n, unsigned digits);
void text_signed(struct text *text, int64_t n);
void text_hex(struct text *text, uint64_t n); /* 0x... */
/*
 * As inside a JSON string: quote, backslash and control characters are escaped, bytes
 * that are not UTF-8 become U+FFFD.  So it never breaks a line.
 */
void text_escaped(struct text *text, const char *string);
void text_quoted(struct text *text, const char *string); /* with the quotes */
/*
 * As inside a label's value of OpenMetrics: quote, backslash and newline are escaped,
 * bytes that are not UTF-8 become U+FFFD.
 */
void text_label(struct text *text, const char *string);
/* Seconds: 0.000000012, 10.5 */
void text_seconds(struct text *text, uint64_t ns);
/* 12ns, 3.456us, 250ms, 10.5s */
void text_span(struct text *text, uint64_t ns);
/* 2026-11-21T08:45:30.641895546Z */
void text_utc(struct text *text, int64_t s, uint32_t ns);
/* Puts the NUL; the length that all of it has, at most INT_MAX. */
int text_end(struct text *text);

#endif
