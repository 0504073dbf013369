/* SPDX-License-Identifier: BSD-2-Clause */
#include "../../tools/fleet.h"
#include "../../tools/json_read.h"
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define MS UINT64_C(1000000)

static struct fleet fleet = { .subject = "health" };
static const struct view wide = { .width = 200 };

static bool says(const char *text, ward_ns now)
{
	return fleet_take(&fleet, text, strlen(text), now);
}

/* Of the lines, one that has these words; NULL: none. */
static const struct line *line_with(const char *words, ward_ns now)
{
	static struct lines lines;

	lines_free(&lines);
	cr_assert(fleet_lines(&lines, &wide, &fleet, now));
	for (size_t i = 0; i < lines.n; i++)
		if (strstr(lines.line[i].text, words))
			return &lines.line[i];
	return NULL;
}

static void tells(const char *host, int pid, const char *state, int done, ward_ns now)
{
	char text[256];

	snprintf(text, sizeof(text),
		 "{\"host\":\"%s\",\"pid\":%d,\"state\":\"%s\",\"period_ms\":1000,"
		 "\"done\":%d,\"running\":1,\"pool\":{\"workers\":4,\"running\":9}}",
		 host, pid, state, done);
	cr_assert(says(text, now));
}

Test(fleet, one_row_for_each_process)
{
	tells("b", 2, "serving", 10, 1000 * MS);
	tells("a", 3, "serving", 20, 1000 * MS);
	tells("b", 1, "draining", 30, 1000 * MS);
	tells("b", 2, "serving", 510, 2000 * MS);
	cr_assert_eq(fleet.n, 3);
	cr_assert(line_with("processes 3  silent 0", 2000 * MS));
	cr_assert(line_with("done 560 (500/s)", 2000 * MS));
	cr_assert(line_with("draining        1/4", 2000 * MS));
	/* by name */
	cr_assert_str_eq(fleet.member[0].host, "a");
	cr_assert_eq(fleet.member[1].pid, 1);
}

Test(fleet, one_that_does_not_speak_is_silent_but_not_one_that_ended)
{
	tells("a", 1, "serving", 1, 1000 * MS);
	tells("a", 2, "ended", 1, 1000 * MS);
	cr_assert_eq(line_with(" 1 serving", 4500 * MS)->look, LOOK_GOOD);
	cr_assert_eq(line_with(" 1 silent 3.5s", 4501 * MS)->look, LOOK_BAD);
	cr_assert_eq(line_with(" 2 ended", 9000 * MS)->look, LOOK_DIM);
	cr_assert(line_with("processes 0  silent 1", 9000 * MS));
	tells("a", 1, "serving", 1, 9000 * MS);
	cr_assert(line_with("processes 1  silent 0", 9000 * MS));
}

/* Text from elsewhere is not trusted. */
Test(fleet, what_is_no_health_is_counted)
{
	static const char *const bad[] = {
		"", "{", "[]", "{}", "null", "{\"pid\":1}", "{\"pid\":1,}",
		"{\"host\":\"a\",\"state\":\"serving\"}",
		"{\"host\":\"\",\"pid\":1,\"state\":\"serving\"}",
		"{\"host\":\"a\",\"pid\":1,\"state\":\"serving\"} and more",
		"{\"host\":\"a\",\"pid\":1,\"state\":\"serving\"",
		"{\"host\":\"a\",\"pid\":1,\"state\":\"serving",
		"{\"host\":\"a\\", "{\"host\" \"a\"}", "{\"a\":{\"b\":[1,{]}}",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		cr_expect(!says(bad[i], MS), "%s", bad[i]);
	cr_assert_eq(fleet.n, 0);
	cr_assert_eq(fleet.malformed, sizeof(bad) / sizeof(*bad));
	cr_assert(line_with("15 messages were no health", MS));
}

Test(fleet, a_terminal_is_told_no_more_than_letters)
{
	cr_assert(says("{\"host\":\"\x1b[2J\",\"pid\":1,\"state\":\"\x9bserving\"}", MS));
	cr_assert(line_with("?[2J", MS));
	cr_assert_not(line_with("\x1b", MS));
}

Test(fleet, more_than_there_is_room_for)
{
	for (int i = 0; i <= FLEET_MOST; i++)
		tells("a", i + 1, "serving", 1, (ward_ns)(i + 1) * MS);
	cr_assert_eq(fleet.n, FLEET_MOST);
	cr_assert_not(line_with(" 1 silent", 100000 * MS));
	cr_assert(line_with(" 4097 silent", 100000 * MS));
}

static unsigned taken;

static void count(void *arg, const char *name, const char *value)
{
	taken++;
	cr_assert(strlen(name) < 128 && strlen(value) < 128);
	if (arg)
		snprintf(arg, 300, "%s=%s", name, value);
}

Test(json_read, deeper_objects_and_arrays_are_passed_over)
{
	static const char text[] =
		"{ \"a\" : [1, [\"b\", {\"c\":2}], {}], \"d\":{\"e\":{\"f\":3}, \"g\":4},"
		" \"h\":true }";
	char last[300];

	cr_assert(json_read(text, strlen(text), count, last));
	cr_assert_eq(taken, 2);
	cr_assert_str_eq(last, "h=true");
}

Test(json_read, what_is_long_is_cut_and_what_is_deep_refused)
{
	static char text[100000];

	snprintf(text, sizeof(text), "{\"%0300d\":{\"%0300d\":\"%0900d\"}}", 1, 2, 3);
	cr_assert(json_read(text, strlen(text), count, NULL));
	memset(text, '[', sizeof(text));
	memcpy(text, "{\"a\":", 5);
	cr_assert_not(json_read(text, sizeof(text), count, NULL));
	for (size_t i = 5; i + 5 < sizeof(text); i += 5)
		memcpy(text + i, "{\"a\":", 5);
	cr_assert_not(json_read(text, sizeof(text), count, NULL));
}

/* Every prefix of a message, and every message with one byte of it another. */
Test(json_read, whatever_the_bytes_are)
{
	static const char whole[] = "{\"host\":\"a\",\"pid\":7,\"pool\":{\"x\":[1,2]},\"y\":-1e5}";
	size_t n = strlen(whole);

	for (size_t size = 0; size < n; size++) {
		char *text = malloc(size + 1); /* so that a read beyond is seen */

		memcpy(text, whole, size);
		cr_assert_not(json_read(text, size, count, NULL));
		free(text);
	}
	for (size_t i = 0; i < n * 256; i++) {
		char text[sizeof(whole)];

		memcpy(text, whole, sizeof(whole));
		text[i / 256] = (char)i;
		json_read(text, n, count, NULL);
	}
}
