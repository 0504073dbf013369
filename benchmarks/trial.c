/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trial.c - one measurement in a process of its own.
 *
 * An implementation that hangs, crashes or leaves a mess harms nobody but itself, and
 * none finds the heap, the caches or the threads of another.  The figures come back
 * through a pipe, a line each: metric, unit, value.
 */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

static bool any_failed;

bool trials_failed(void)
{
	return any_failed;
}

double results_find(const struct results *results, const char *metric)
{
	for (unsigned i = 0; i < results->n; i++)
		if (!strcmp(results->result[i].metric, metric))
			return results->result[i].value;
	return 0;
}

/* ---- the trial's side --------------------------------------------------- */

static FILE *teller;

/* What the line of a series begins with. */
#define SERIES "series "

void tell(const char *metric, const char *unit, double value)
{
	fprintf(teller, "%s %s %.9g\n", metric, unit, value);
}

void tell_series(const char *name, const char *unit, const struct steps *steps,
		 const double *value)
{
	fprintf(teller, "%s%s %s %s %.9g", SERIES, name, unit, steps->by,
		steps->step);
	for (unsigned i = 0; i < steps->points; i++)
		fprintf(teller, " %.6g", value[i]);
	fputc('\n', teller);
}

void tell_samples(const char *prefix, double *sample, unsigned n, bool tail)
{
	static const struct {
		const char *name;
		double fraction;
		bool tail;
	} point[] = { { "p50", .5, false },
		      { "p99", .99, false },
		      { "p999", .999, true },
		      { "max", 1, false } };
	double share[101];
	char metric[40];

	for (unsigned i = 0; i < sizeof(point) / sizeof(*point); i++) {
		if (point[i].tail && !tail)
			continue;
		snprintf(metric, sizeof(metric), "%s_%s", prefix,
			 point[i].name);
		tell(metric, "us", samples_at(sample, n, point[i].fraction));
	}
	if (n == 0)
		return;
	for (unsigned i = 0; i <= 100; i++) /* sorted by now */
		share[i] = sample[i ? (n * i + 99) / 100 - 1 : 0];
	tell_series(prefix, "us", &(struct steps){ "share", .01, 101 }, share);
}

enum { ARGS = 12 };

static const struct bench *bench_find(const char *name)
{
	for (unsigned i = 0; benches[i]; i++)
		if (!strcmp(benches[i]->name, name))
			return benches[i];
	return NULL;
}

_Noreturn void trial_main(int argc, char **argv)
{
	const struct bench *bench = argc == ARGS ? bench_find(argv[0]) : NULL;
	struct trial trial;
	bool ok;

	if (!bench)
		exit(2);
	/* Nobody wants the result of an orphan. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	trial = (struct trial){ .bench = argv[0],
				.impl = argv[1],
				.mode = argv[2],
				.producers =
					(unsigned)strtoul(argv[3], NULL, 10),
				.workers = (unsigned)strtoul(argv[4], NULL, 10),
				.tasks = strtoull(argv[5], NULL, 10),
				.cap = strtoull(argv[6], NULL, 10),
				.ring = (uint32_t)strtoul(argv[7], NULL, 10),
				.window =
					(uint32_t)strtoul(argv[8], NULL, 10),
				.placement = placement_find(argv[9]) };
	teller = fdopen(atoi(argv[10]), "w");
	if (!teller || strcmp(argv[11], "end"))
		exit(2);
	ok = bench->trial(&trial);
	if (fclose(teller))
		ok = false;
	exit(ok ? 0 : 1);
}

/* ---- the asking side ---------------------------------------------------- */

static pid_t trial_start(const struct trial *t, int *from)
{
	char number[6][24], fd[12], uv[24];
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC))
		return -1;
	snprintf(number[0], 24, "%u", t->producers);
	snprintf(number[1], 24, "%u", t->workers);
	snprintf(number[2], 24, "%" PRIu64, t->tasks);
	snprintf(number[3], 24, "%" PRIu64, t->cap);
	snprintf(number[4], 24, "%" PRIu32, t->ring);
	snprintf(number[5], 24, "%" PRIu32, t->window);
	snprintf(fd, sizeof(fd), "%d", ends[1]);
	/* libuv's pool is sized by the environment, before its first use */
	snprintf(uv, sizeof(uv), "%u", t->workers);
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		setenv("UV_THREADPOOL_SIZE", uv, 1);
		fcntl(ends[1], F_SETFD, 0);
		placement_confine(t->placement);
		execl("/proc/self/exe", "wardbench", "--trial", t->bench,
		      t->impl, t->mode ? t->mode : "-", number[0], number[1],
		      number[2], number[3], number[4], number[5],
		      placement_name(t->placement), fd, "end", (char *)NULL);
		_exit(127);
	}
	close(ends[1]);
	*from = ends[0];
	return pid;
}

/* Reads until the other side closes; false: not by then. */
static bool read_all(int fd, char *text, size_t room, uint64_t until)
{
	size_t len = 0;

	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		uint64_t now = os_now();
		ssize_t n;

		text[len] = 0;
		if (now >= until)
			return false;
		if (poll(&p, 1, (int)((until - now) / MS) + 1) <= 0)
			continue;
		n = read(fd, text + len, room - 1 - len);
		if (n == 0 || (n < 0 && errno != EINTR))
			return true;
		if (n > 0)
			len += (size_t)n;
	}
}

static void parse_series(struct results *out, const char *line)
{
	struct result_series *s = &out->series[out->all_series];
	int at;

	if (out->all_series == SERIES_MAX ||
	    sscanf(line, "%39s %11s %11s %lf%n", s->name, s->unit, s->by,
		   &s->step, &at) != 4)
		return;
	for (s->points = 0; s->points < POINTS_MAX; s->points++) {
		char *end;

		s->value[s->points] = strtod(line + at, &end);
		if (end == line + at)
			break;
		at = (int)(end - line);
	}
	out->all_series++;
}

static void parse(struct results *out, char *text)
{
	char *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		struct result *r = &out->result[out->n];

		if (!strncmp(line, SERIES, strlen(SERIES)))
			parse_series(out, line + strlen(SERIES));
		else if (out->n < RESULTS_MAX &&
			 sscanf(line, "%39s %11s %lf", r->metric, r->unit,
				&r->value) == 3)
			out->n++;
	}
}

struct title {
	char text[64];
};

static struct title title_of(const struct trial *t)
{
	const char *placement = placement_name(t->placement);
	struct title title;

	snprintf(title.text, sizeof(title.text), "%s %ux%u%s%s", t->bench,
		 t->producers, t->workers, *placement ? " " : "", placement);
	return title;
}

static void trial_ask(const struct trial *trial, unsigned limit_s,
		      struct results *out)
{
	uint64_t until = os_now() + limit_s * S;
	static char text[65536];
	int fd = -1, status = 0;
	pid_t pid = trial_start(trial, &fd);

	if (pid < 0) {
		out->failed = any_failed = true;
		return;
	}
	out->collapsed = !read_all(fd, text, sizeof(text), until);
	if (out->collapsed)
		kill(pid, SIGKILL);
	close(fd);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (out->collapsed)
		return;
	parse(out, text);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return;
	progress_end();
	fprintf(stderr, "wardbench: %s %s: %s %d\n", title_of(trial).text,
		trial->impl,
		WIFSIGNALED(status) ? "killed by signal" : "failed with",
		WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	out->failed = any_failed = true;
}

void trial_run(const struct trial *trial, unsigned limit_s, struct results *out)
{
	uint64_t from = os_now();

	memset(out, 0, sizeof(*out));
	if (progress_counts(trial->bench))
		return;
	trial_ask(trial, limit_s, out);
	progress_ran(trial->bench, os_now() - from);
}

bool trial_load(struct load *load, const struct trial *t)
{
	if (!load->rival)
		load->rival = rival_find(t->impl);
	load->setup = (struct setup){ .workers = t->workers,
				      .producers = t->producers,
				      .ring = t->ring,
				      .window = t->window };
	return load->rival && load_start(load);
}

bool skip_nothing(const struct rival *rival)
{
	return rival == &rival_nothing;
}

unsigned size_at(const struct options *o, const unsigned *usual, unsigned at)
{
	if (o->nworkers)
		return at < o->nworkers ? o->workers[at] : 0;
	while (at && *usual)
		usual++, at--;
	return *usual;
}

static void book_result(struct book *book, const struct trial *t,
			const struct result *r)
{
	char bench[sizeof(r->metric)];
	const char *metric = strchr(r->metric, '/');
	struct key key = { .bench = t->bench,
			   .impl = t->impl,
			   .metric = metric ? metric + 1 : r->metric,
			   .unit = r->unit,
			   .workers = t->workers,
			   .producers = t->producers,
			   .placement = placement_name(t->placement) };

	if (metric) {
		snprintf(bench, sizeof(bench), "%.*s",
			 (int)(metric - r->metric), r->metric);
		key.bench = bench;
	}
	book_add(book, &key, r->value);
}

static void book_results(struct book *book, const struct trial *t,
			 const struct results *r)
{
	for (unsigned i = 0; i < r->n; i++)
		book_result(book, t, &r->result[i]);
	for (unsigned i = 0; i < r->all_series; i++) {
		const struct result_series *s = &r->series[i];
		struct key key = { .bench = t->bench,
				   .impl = t->impl,
				   .metric = s->name,
				   .unit = s->unit,
				   .workers = t->workers,
				   .producers = t->producers,
				   .placement = placement_name(t->placement) };

		book_add_series(book, &key,
				&(struct steps){ s->by, s->step, s->points },
				s->value);
	}
}

bool trial_book(struct book *book, const struct trial *t, unsigned limit_s)
{
	struct results r;

	progress("%s  %s%s%s", title_of(t).text, *t->mode == '-' ? "" : t->mode,
		 *t->mode == '-' ? "" : "  ", t->impl);
	trial_run(t, limit_s, &r);
	if (!r.failed)
		book_results(book, t, &r);
	return !r.failed && !r.collapsed;
}

void trials_in_turn(const struct options *options, struct book *book,
		    const struct trial *like, const char *first,
		    const char *unit, bool (*skip)(const struct rival *rival))
{
	bool out[LIST_MAX] = { false };

	for (unsigned run = 0; run < options->runs; run++) {
		for (unsigned i = 0; i < options->impls; i++) {
			/* each run begins with another one */
			unsigned at = (i + run) % options->impls;
			const struct rival *rival = options->impl[at];
			struct trial t = *like;
			struct results r;

			if (out[at] || (skip && skip(rival)))
				continue;
			t.impl = rival->name;
			progress("%s  run %u of %u  %s", title_of(&t).text,
				 run + 1, options->runs, t.impl);
			trial_run(&t, TRIAL_LIMIT_S, &r);
			out[at] = r.collapsed || r.failed;
			if (r.collapsed) {
				struct key key = {
					.bench = t.bench,
					.impl = t.impl,
					.metric = first,
					.unit = unit,
					.workers = t.workers,
					.producers = t.producers,
					.placement = placement_name(t.placement)
				};

				book_add(book, &key, INFINITY);
			}
			if (!r.failed)
				book_results(book, &t, &r);
		}
	}
	progress_end();
}
