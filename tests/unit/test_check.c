/* SPDX-License-Identifier: BSD-2-Clause */
/* A false condition is told, and aborts where assertions are on: as they are here. */
#ifndef WARD_ASSERTIONS
#define WARD_ASSERTIONS
#endif
#include "base/check.h"
#include "said.h"
#include "task/slot.h"
#include <stdio.h>

enum { LINE = __LINE__ + 4 }; /* of the assertion below */

static void asserts(void)
{
	WARD_ASSERT(1 + 1 == 3);
}

static void holds(void)
{
	WARD_ASSERT(1 + 1 == 2);
	if (!WARD_CHECK(1 + 1 == 2))
		_exit(1);
}

/* One of the library's own. */
static void ends_twice(void)
{
	static struct slot slot;

	slot_begin(&slot, NULL, SLOT_HOOK);
	slot_end(&slot);
	slot_end(&slot);
}

static void goes_on(void)
{
	if (check_failed("f", "file.c", 7, "a == b", false))
		_exit(1);
}

static void tells_much(void)
{
	static char much[2000];

	memset(much, 'x', sizeof(much) - 1);
	goes_on();
	check_failed("f", "file.c", 8, much, false);
}

Test(check, an_assertion_says_where_and_what_and_aborts)
{
	char where[100];
	const char *text;
	int status;

	text = said(asserts, &status);
	cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	snprintf(where, sizeof(where), "test_check.c:%d: this does not hold: "
					"1 + 1 == 3\n", LINE);
	cr_assert(strstr(text, "ward: asserts() at "), "%s", text);
	cr_assert(strstr(text, where), "%s", text);
	text = said(ends_twice, &status);
	cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	cr_assert(strstr(text, "slot.h:"), "%s", text);
	cr_assert(strstr(text, "slot_inside(word)\n"), "%s", text);
}

Test(check, what_holds_is_not_told)
{
	int status;

	cr_assert_str_eq(said(holds, &status), "");
	cr_assert_eq(status, 0);
}

Test(check, without_assertions_it_is_told_and_goes_on)
{
	const char *text;
	int status;

	cr_assert_str_eq(said(goes_on, &status),
			 "ward: f() at file.c:7: this does not hold: a == b\n");
	cr_assert_eq(status, 0);
	text = said(tells_much, &status);
	cr_assert_eq(status, 0);
	cr_assert_lt(strlen(text), 600, "one line, cut");
}
