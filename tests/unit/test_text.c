/* SPDX-License-Identifier: BSD-2-Clause */
#include "tell/text.h"
#include "json.h"
#include <criterion/criterion.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <time.h>

static char buf[256];
static struct text text;

static void begin(void)
{
	memset(buf, '#', sizeof(buf));
	text = (struct text){ .buf = buf, .len = sizeof(buf) };
}

static const char *said(void)
{
	int len = text_end(&text);

	cr_assert_eq((size_t)len, strlen(buf));
	return buf;
}

/* ---- room ------------------------------------------------------------ */

Test(text, too_little_room_is_counted)
{
	for (size_t len = 0; len < 20; len++) {
		begin();
		text.len = len;
		text_put(&text, "0123456789");
		cr_assert_eq(text_end(&text), 10);
		if (len > 0)
			cr_assert_eq(strlen(buf), len > 10 ? 10 : len - 1);
		cr_assert_eq(strncmp(buf, "0123456789", len > 0 ? len - 1 : 0),
			     0);
		for (size_t i = len; i < sizeof(buf); i++)
			cr_assert_eq(buf[i], '#', "wrote beyond %zu", len);
	}
	text = (struct text){ .buf = NULL, .len = 0 };
	text_put(&text, "0123456789");
	cr_assert_eq(text_end(&text), 10);
}

/* ---- numbers --------------------------------------------------------- */

Test(text, numbers)
{
	begin();
	text_number(&text, 0, 0);
	text_char(&text, ' ');
	text_number(&text, UINT64_MAX, 1);
	text_char(&text, ' ');
	text_number(&text, 42, 5);
	text_char(&text, ' ');
	text_number(&text, 123456, 5);
	text_char(&text, ' ');
	text_signed(&text, 0);
	text_char(&text, ' ');
	text_signed(&text, INT64_MIN);
	text_char(&text, ' ');
	text_signed(&text, INT64_MAX);
	cr_assert_str_eq(said(), "0 18446744073709551615 00042 123456 0 "
				 "-9223372036854775808 9223372036854775807");
	begin();
	text_hex(&text, 0);
	text_hex(&text, UINT64_MAX);
	text_hex(&text, 0xabc0);
	cr_assert_str_eq(said(), "0x00xffffffffffffffff0xabc0");
}

Test(text, spans)
{
	static const struct {
		uint64_t ns;
		const char *text;
	} row[] = {
		{ 0, "0ns" },
		{ 999, "999ns" },
		{ 1000, "1us" },
		{ 1001, "1.001us" },
		{ 1010, "1.01us" },
		{ 1100, "1.1us" },
		{ 999999, "999.999us" },
		{ 1000000, "1ms" },
		{ 1000999, "1ms" },
		{ 250000000, "250ms" },
		{ 10500000000, "10.5s" },
		{ 3600000000000, "3600s" },
		{ UINT64_MAX, "18446744073.709s" },
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		begin();
		text_span(&text, row[i].ns);
		cr_assert_str_eq(said(), row[i].text);
	}
}

/* ---- dates ----------------------------------------------------------- */

static void same_date(int64_t s)
{
	char expected[64];
	time_t time = (time_t)s;
	struct tm tm;

	cr_assert_not_null(gmtime_r(&time, &tm));
	snprintf(expected, sizeof(expected),
		 "%04d-%02d-%02dT%02d:%02d:%02d.000000007Z", tm.tm_year + 1900,
		 tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
	begin();
	text_utc(&text, s, 7);
	cr_assert_str_eq(said(), expected, "%" PRId64, s);
}

Test(text, dates_are_those_of_the_c_library)
{
	/* Each day of the years 1900 to 2500, at times that wander. */
	for (int64_t day = -25600; day < 193600; day++)
		same_date(day * 86400 + (day * 7919) % 86400);
	for (int64_t s = -86402; s < 86402; s += 7)
		same_date(s);
	same_date(INT64_C(253402300799)); /* the end of 9999 */
	same_date(INT64_C(253402300800));
}

Test(text, dates_beyond_all_calendars)
{
	begin();
	text_utc(&text, INT64_MAX, 999999999);
	cr_assert_str_eq(said(), "292277026596-12-04T15:30:07.999999999Z");
	begin();
	text_utc(&text, INT64_MIN, 0);
	cr_assert_str_eq(said(), "-292277022657-01-27T08:29:52.000000000Z");
}

/* ---- strings --------------------------------------------------------- */

#define BAD "\\ufffd"

Test(text, strings)
{
	static const struct {
		const char *raw, *text;
	} row[] = {
		{ "", "\"\"" },
		{ "plain text/1.", "\"plain text/1.\"" },
		{ "a\"b\\c", "\"a\\\"b\\\\c\"" },
		{ "\n\r\t", "\"\\n\\r\\t\"" },
		{ "\x01\x08\x0c\x1b[31m\x1f\x7f",
		  "\"\\u0001\\u0008\\u000c\\u001b[31m\\u001f\\u007f\"" },
		/* whole characters of two, three and four bytes */
		{ "\xc2\xa0\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\xb4",
		  "\"\xc2\xa0\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\xb4\"" },
		{ "\xf4\x8f\xbf\xbf\xed\x9f\xbf\xee\x80\x80",
		  "\"\xf4\x8f\xbf\xbf\xed\x9f\xbf\xee\x80\x80\"" },
		/* control characters beyond ASCII */
		{ "\xc2\x80\xc2\x9b\xc2\x9f", "\"\\u0080\\u009b\\u009f\"" },
		/* none: a continuation alone, cut off, overlong */
		{ "\x80x\xbf", "\"" BAD "x" BAD "\"" },
		{ "\xc3", "\"" BAD "\"" },
		{ "\xc3(", "\"" BAD "(\"" },
		{ "\xe2\x82", "\"" BAD BAD "\"" },
		{ "\xf0\x9f\x90", "\"" BAD BAD BAD "\"" },
		{ "\xc0\x80\xc1\xbf", "\"" BAD BAD BAD BAD "\"" },
		{ "\xe0\x80\xaf", "\"" BAD BAD BAD "\"" },
		{ "\xf0\x80\x80\xaf", "\"" BAD BAD BAD BAD "\"" },
		/* surrogates, beyond U+10FFFF, bytes that never occur */
		{ "\xed\xa0\x80", "\"" BAD BAD BAD "\"" },
		{ "\xf4\x90\x80\x80", "\"" BAD BAD BAD BAD "\"" },
		{ "\xf5\xfe\xff", "\"" BAD BAD BAD "\"" },
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		begin();
		text_quoted(&text, row[i].raw);
		cr_assert_str_eq(said(), row[i].text, "row %zu", i);
		cr_assert(json_is_one(buf));
	}
}

/* Whatever it is, it comes out as one JSON string on one line. */
Test(text, any_bytes_are_a_string)
{
	char raw[24], big[24 * 6 + 3];
	uint64_t seed = 1;

	for (int i = 0; i < 200000; i++) {
		for (size_t at = 0; at < sizeof(raw) - 1; at++) {
			seed = seed * UINT64_C(6364136223846793005) + 1;
			raw[at] = (char)(seed >> (i % 2 ? 56 : 57) |
					 (i % 2 ? 0 : 0x80));
		}
		raw[sizeof(raw) - 1] = '\0';
		text = (struct text){ .buf = big, .len = sizeof(big) };
		text_quoted(&text, raw);
		cr_assert_lt((size_t)text_end(&text), sizeof(big));
		cr_assert(json_is_one(big), "round %d", i);
	}
}

/* ---- for collectors ---------------------------------------------------- */

Test(text, seconds)
{
	begin();
	text_seconds(&text, 0);
	text_char(&text, ' ');
	text_seconds(&text, 1);
	text_char(&text, ' ');
	text_seconds(&text, 1023);
	text_char(&text, ' ');
	text_seconds(&text, 10500000000);
	text_char(&text, ' ');
	text_seconds(&text, UINT64_MAX);
	cr_assert_str_eq(said(), "0 0.000000001 0.000001023 10.5 "
				 "18446744073.709551615");
}

Test(text, labels)
{
	begin();
	text_label(&text, "a\"\\\n\t\xc3\xa9\xe2\x82\xac\xf0\x9f\x92\xa9");
	cr_assert_str_eq(said(), "a\\\"\\\\\\n\t\xc3\xa9\xe2\x82\xac"
				 "\xf0\x9f\x92\xa9");
	begin();
	text_label(&text, "\xff\xc3(\xe2\x82");
	cr_assert_str_eq(said(), "\xef\xbf\xbd\xef\xbf\xbd("
				 "\xef\xbf\xbd\xef\xbf\xbd");
}
