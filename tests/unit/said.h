/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * said.h - what a call says on stderr, and how its process ends.
 */
#ifndef WARD_TESTS_UNIT_SAID_H
#define WARD_TESTS_UNIT_SAID_H

#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* The child's words on stderr; *status is how it ended. */
static inline const char *said(void (*call)(void), int *status)
{
	static char text[1024];
	size_t had = 0;
	ssize_t got;
	pid_t child;
	int fd[2];

	cr_assert_eq(pipe(fd), 0);
	child = fork();
	if (child == 0) {
		dup2(fd[1], STDERR_FILENO);
		call();
		_exit(0);
	}
	close(fd[1]);
	while ((got = read(fd[0], text + had, sizeof(text) - 1 - had)) > 0)
		had += (size_t)got;
	close(fd[0]);
	text[had] = '\0';
	cr_assert_eq(waitpid(child, status, 0), child);
	return text;
}

/* The call ends its process by an assertion of that function's, and what it asks. */
static inline void aborts(void (*call)(void), const char *where, const char *what)
{
	int status;
	const char *text = said(call, &status);

	cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT, "%s", text);
	cr_assert(strstr(text, where), "%s", text);
	cr_assert(strstr(text, what), "%s", text);
}

#endif
