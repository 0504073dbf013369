/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * criterion.h - so much of Criterion as unit tests need that run under ThreadSanitizer,
 * in whose addresses Criterion's own finds no room.
 *
 * As there, each test has a process of its own, begun by an exec; one alone, for instance:
 *
 *	tests/unit/test_cells one_call_twice
 */
#ifndef WARD_TESTS_TSAN_CRITERION_H
#define WARD_TESTS_TSAN_CRITERION_H

#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct cr_test {
	const char *name;
	void (*body)(void);
	struct cr_test *next;
};

static struct cr_test *cr_tests;

#define Test(suite, test)                                                      \
	static void suite##_##test(void);                                      \
	static struct cr_test suite##_##test##_test = { #test, suite##_##test, \
							NULL };                \
	__attribute__((constructor)) static void suite##_##test##_add(void)    \
	{                                                                      \
		suite##_##test##_test.next = cr_tests;                         \
		cr_tests = &suite##_##test##_test;                             \
	}                                                                      \
	static void suite##_##test(void)

#define cr_end_(code, what, ...)                                               \
	do {                                                                   \
		fprintf(stderr, "%s:%d: %s", __FILE__, __LINE__, what);        \
		fprintf(stderr, " " __VA_ARGS__);                              \
		fputc('\n', stderr);                                           \
		_exit(code);                                                   \
	} while (0)

#define cr_skip_test(...) cr_end_(77, "skipped:", __VA_ARGS__)
#define cr_must_(is, what, ...)                                                \
	do {                                                                   \
		if (!(is))                                                     \
			cr_end_(1, "not " what, __VA_ARGS__);                  \
	} while (0)

#define cr_assert(is, ...) cr_must_(is, #is, __VA_ARGS__)
#define cr_assert_not(is, ...) cr_must_(!(is), "not " #is, __VA_ARGS__)
#define cr_assert_null(a, ...) cr_must_((a) == NULL, #a " == NULL", __VA_ARGS__)
#define cr_assert_not_null(a, ...) cr_must_((a) != NULL, #a " != NULL", __VA_ARGS__)
#define cr_assert_eq(a, b, ...) cr_must_((a) == (b), #a " == " #b, __VA_ARGS__)
#define cr_assert_neq(a, b, ...) cr_must_((a) != (b), #a " != " #b, __VA_ARGS__)
#define cr_assert_lt(a, b, ...) cr_must_((a) < (b), #a " < " #b, __VA_ARGS__)
#define cr_assert_leq(a, b, ...) cr_must_((a) <= (b), #a " <= " #b, __VA_ARGS__)
#define cr_assert_gt(a, b, ...) cr_must_((a) > (b), #a " > " #b, __VA_ARGS__)
#define cr_assert_geq(a, b, ...) cr_must_((a) >= (b), #a " >= " #b, __VA_ARGS__)
#define cr_assert_str_eq(a, b, ...)                                            \
	cr_must_(strcmp(a, b) == 0, #a " is " #b, __VA_ARGS__)

static int cr_run(const char *name)
{
	for (struct cr_test *test = cr_tests; test; test = test->next)
		if (!strcmp(test->name, name)) {
			test->body();
			return 0;
		}
	return 2;
}

/* 0, 77, or else: it has failed. */
static int cr_apart(char *program, const char *name)
{
	char *const argv[] = { program, (char *)(uintptr_t)name, NULL };
	int status = 0;
	pid_t pid;

	if (posix_spawn(&pid, "/proc/self/exe", NULL, NULL, argv, environ) ||
	    waitpid(pid, &status, 0) != pid)
		return 2;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int main(int argc, char **argv)
{
	unsigned failed = 0, all = 0;

	if (argc > 1)
		return cr_run(argv[1]);
	for (struct cr_test *test = cr_tests; test; test = test->next, all++) {
		int status = cr_apart(argv[0], test->name);

		if (status && status != 77) {
			printf("%s failed: %d\n", test->name, status);
			failed++;
		}
	}
	printf("%u tests, %u failed\n", all, failed);
	return failed || !all;
}

#endif
