/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/host_symbol.h"
#include "base/host.h"
#include <criterion/criterion.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <ward/report.h>

static char buf[512];

static const char *named(const void *frame)
{
	int len = ward_frame_format((void *)(uintptr_t)frame, buf, sizeof(buf));

	cr_assert_eq((size_t)len, strlen(buf));
	return buf;
}

/* A build without libdw knows no names at all. */
static void needs_names(void)
{
	struct host_symbol symbol;

	host_init();
	if (!host_symbol((const void *)(uintptr_t)host_init, HOST_CODE_AT,
			 &symbol))
		cr_skip("no names in this build");
}

/* ---- names ----------------------------------------------------------- */

static void *returns_to;

static __attribute__((noinline)) void remembers_who_called(void)
{
	returns_to = __builtin_extract_return_addr(__builtin_return_address(0));
}

static __attribute__((noinline)) int a_static_function(void)
{
	remembers_who_called();
	return 1 + (returns_to != NULL); /* no tail call */
}

Test(frame, a_static_function_with_its_line)
{
	char want[64];

	needs_names();
	snprintf(want, sizeof(want), "a_static_function+0x");
	cr_assert_eq(a_static_function(), 2);
	cr_assert_eq(strncmp(named(returns_to), want, strlen(want)), 0, "%s",
		     buf);
	cr_assert_not_null(strstr(buf, " (test_frame.c:"), "%s", buf);
	named((const void *)(uintptr_t)a_static_function);
	cr_assert_eq(strncmp(buf, "a_static_function+0x0 (", 23), 0, "%s",
		     buf);
}

/* Behind its last call another function begins, or nothing. */
static _Noreturn __attribute__((noinline)) void never_returns(jmp_buf to)
{
	remembers_who_called();
	longjmp(to, 1);
}

static __attribute__((noinline)) void ends_with_a_call(jmp_buf to)
{
	never_returns(to);
}

Test(frame, a_call_that_does_not_return_is_its_callers)
{
	struct host_symbol symbol;
	jmp_buf back;

	needs_names();
	if (!setjmp(back))
		ends_with_a_call(back);
	cr_assert(host_symbol(returns_to, HOST_CODE_RETURN, &symbol));
	cr_assert_str_eq(symbol.name, "never_returns");
	cr_assert_gt(symbol.offset, 0);
}

Test(frame, of_an_object_that_is_loaded_later_and_gone_again)
{
	struct host_symbol symbol;
	void *object, *code;

	needs_names();
	host_symbol_hold();
	cr_assert_gt(strlen(named((const void *)(uintptr_t)host_init)), 0);
	for (int i = 0; i < 3; i++) {
		object = dlopen("libm.so.6", RTLD_NOW | RTLD_LOCAL);
		cr_assert_not_null(object);
		code = dlsym(object, "cbrtl");
		cr_assert_not_null(code);
		cr_assert(host_symbol(code, HOST_CODE_AT, &symbol));
		cr_assert_not_null(strstr(symbol.name, "cbrt"), "%s",
				   symbol.name);
		cr_assert_eq(symbol.offset, 0);
		dlclose(object);
		named(code); /* whatever it says now */
	}
	host_symbol_drop();
}

Test(frame, what_is_no_code_is_an_address)
{
	cr_assert_str_eq(named((void *)0x10), "0x10");
	cr_assert_str_eq(named(NULL), "0x0");
}

Test(frame, code_without_a_name_has_its_object)
{
	struct host_symbol symbol;
	uint64_t offset;
	const void *code = (const void *)(uintptr_t)strlen;

	host_init();
	if (host_symbol(code, HOST_CODE_UNKNOWN, &symbol) ||
	    !*host_object(code, &offset))
		return; /* it has a name, or there are no objects */
	cr_assert_eq(strncmp(named(code), "libc.so.6+0x", 12), 0, "%s", buf);
}

/* ---- arguments ------------------------------------------------------- */

Test(frame, is_cut_as_snprintf_does)
{
	void *code = (void *)(uintptr_t)host_init;
	char part[64];
	int len;

	host_init();
	host_symbol_hold();
	len = ward_frame_format(code, buf, sizeof(buf));
	cr_assert_gt(len, 6);
	cr_assert_eq(ward_frame_format(code, NULL, 0), len);
	memset(part, '#', sizeof(part));
	cr_assert_eq(ward_frame_format(code, part, 6), len);
	cr_assert_eq(strlen(part), 5);
	cr_assert_eq(strncmp(part, buf, 5), 0);
	cr_assert_eq(part[6], '#');
	cr_assert_eq(ward_frame_format(code, NULL, 1), -EINVAL);
	host_symbol_drop();
}
