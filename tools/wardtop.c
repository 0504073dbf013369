/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wardtop.c - shows the pools of a running process, or of one that has ended, by the
 * pages that they publish (ward/page.h).
 */
#include "json.h"
#include "screen.h"
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum mode { MODE_SCREEN, MODE_ONCE, MODE_JSON, MODE_LIST };

static const char usage[] =
	"usage: wardtop [--once | --json | --list] [--interval SECONDS] [--mono]\n"
	"               [--section NAME] [--sort NAME] [PID | FILE]\n"
	"Shows the pools that were made with WARD_POOL_PUBLISH.\n"
	"  --once      prints them as text\n"
	"  --json      prints them as one JSON object\n"
	"  --list      prints which there are, also of processes that have ended\n"
	"  --interval  seconds between two looks (1)\n"
	"  --mono      no colours; NO_COLOR in the environment says the same\n"
	"  --section   all, workers, zombies, lanes, limits, wards or reports\n"
	"  --sort      workers by seat, silence, time or task\n";

static int fail(const char *whom, const char *why)
{
	fprintf(stderr, "wardtop: %s: %s\n", whom, why);
	return 1;
}

/* ---- arguments ---------------------------------------------------------------------- */

static int pick(const char *const *name, int n, const char *given)
{
	for (int i = 0; i < n; i++)
		if (!strcmp(name[i], given))
			return i;
	return -1;
}

/* 10 ms to an hour; 0: it is no such number. */
static ward_ns interval_of(const char *text)
{
	char *end;
	double s = strtod(text, &end);

	return end != text && !*end && s >= .01 && s <= 3600 ? (ward_ns)(s * 1e9) : 0;
}

/* False: it is not to be understood. */
static bool set_option(struct screen *how, enum mode *mode, int option)
{
	int section, sort;

	switch (option) {
	case 'o':
		*mode = MODE_ONCE;
		return true;
	case 'j':
		*mode = MODE_JSON;
		return true;
	case 'l':
		*mode = MODE_LIST;
		return true;
	case 'm':
		return how->mono = true;
	case 'i':
		return (how->interval = interval_of(optarg));
	case 's':
		section = pick(section_name, SECTIONS, optarg);
		how->view.section = (enum section)section;
		return section >= 0;
	case 't':
		sort = pick(sort_name, SORTS, optarg);
		how->view.sort = (enum sort)sort;
		return sort >= 0;
	default:
		return false;
	}
}

/* ---- which pages ---------------------------------------------------------------------- */

static bool is_number(const char *text)
{
	return *text && strspn(text, "0123456789") == strlen(text) && strlen(text) < 10;
}

static const char *why_not(int err)
{
	switch (-err) {
	case EPERM:
	case EACCES:
		return "another user's; only that user and root may look";
	case ENOMSG:
		return "no page of a pool";
	case EPROTONOSUPPORT:
		return "a page of another version of libward";
	case EAGAIN:
		return "the page is not ready";
	default:
		return strerror(-err);
	}
}

static int find(struct finds *finds, const char *what)
{
	int err;

	if (!is_number(what)) {
		err = find_file(finds, what);
		return err ? fail(what, why_not(err)) : 0;
	}
	err = find_pid(finds, (int32_t)atoi(what));
	if (err == -ENOENT)
		return fail(what, "no such process, and it has left no page");
	if (err)
		return fail(what, why_not(err));
	if (!finds->n)
		return fail(what, "publishes no page: its pools are made without "
				  "WARD_POOL_PUBLISH");
	return 0;
}

static void drop(struct finds *finds, size_t i)
{
	close(finds->found[i].fd);
	memmove(&finds->found[i], &finds->found[i + 1],
		(--finds->n - i) * sizeof(*finds->found));
}

/* Without an argument: pages of processes that live; of one, or there is a list. */
static void only_living(struct finds *finds)
{
	for (size_t i = finds->n; i--;) {
		struct model model;
		bool lives = false;

		if (!model_read(&model, finds->found[i].fd)) {
			lives = fate_of(&model, &finds->found[i]) == FATE_LIVES;
			model_free(&model);
		}
		if (!lives)
			drop(finds, i);
	}
}

static bool of_one_process(const struct finds *finds)
{
	int32_t first = 0;

	for (size_t i = 0; i < finds->n; i++) {
		struct model model;

		if (model_read(&model, finds->found[i].fd))
			continue;
		if (first && first != model.page.pid)
			first = -1;
		else if (!first)
			first = model.page.pid;
		model_free(&model);
	}
	return first > 0;
}

/* ---- printed ------------------------------------------------------------------------ */

static int list(const struct finds *finds)
{
	static const char *const fates[] = { "lives", "destroyed", "dead" };

	printf("%7s %-11s %-16s %-9s %s\n", "PID", "POOL", "PROGRAM", "PROCESS", "FILE");
	for (size_t i = 0; i < finds->n; i++) {
		const struct found *found = &finds->found[i];
		struct model m;
		int err = model_read(&m, found->fd);

		if (err) {
			printf("%7s %-11s %-16s %-9s %s (%s)\n", "-", "-", "-", "-",
			       found->path, why_not(err));
			continue;
		}
		printf("%7d %-11s %-16s %-9s %s\n", m.page.pid, m.page.pool,
		       m.page.program, fates[fate_of(&m, found)], found->path);
		model_free(&m);
	}
	return 0;
}

static unsigned width_of_output(void)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size = { .ws_col = 0 };

	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_col)
		return size.ws_col;
	return columns && atoi(columns) > 0 ? (unsigned)atoi(columns) : 100;
}

static void print_lines(const struct screen *how, const struct model *model,
			enum fate fate)
{
	struct view view = how->view;
	struct lines lines;

	view.width = width_of_output();
	view_lines(&lines, &view, model, NULL, fate);
	for (size_t i = 0; i < lines.n; i++)
		puts(lines.line[i].text);
	lines_free(&lines);
}

static int print(const struct finds *finds, const struct screen *how, bool json)
{
	int failed = 0;
	bool first = true;

	if (json)
		printf("{\"pages\":[");
	for (size_t i = 0; i < finds->n; i++) {
		const struct found *found = &finds->found[i];
		struct model model;
		int err = model_read(&model, found->fd);

		if (err) {
			failed = fail(found->path, why_not(err));
			continue;
		}
		if (!first)
			fputs(json ? ",\n" : "\n", stdout);
		first = false;
		if (json)
			json_model(stdout, &model, found, fate_of(&model, found));
		else
			print_lines(how, &model, fate_of(&model, found));
		model_free(&model);
	}
	if (json)
		printf("]}\n");
	return failed;
}

/* ---- all of it ---------------------------------------------------------------------- */

static int show(const struct finds *finds, const struct screen *how, enum mode mode)
{
	struct model model;
	int err;

	if (mode == MODE_LIST)
		return list(finds);
	if (mode != MODE_SCREEN)
		return print(finds, how, mode == MODE_JSON);
	/* What is wrong is said before the terminal is taken. */
	err = model_read(&model, finds->found[0].fd);
	if (err)
		return fail(finds->found[0].path, why_not(err));
	model_free(&model);
	err = screen_run(how, finds);
	return err ? fail("no terminal", "use --once or --json") : 0;
}

static int look(struct finds *finds, const struct screen *how, enum mode mode,
		const char *what)
{
	if (what) {
		if (find(finds, what))
			return 1;
		return show(finds, how, mode);
	}
	find_all(finds);
	if (mode != MODE_LIST)
		only_living(finds);
	if (!finds->n && mode != MODE_JSON)
		return fail("nothing to see", "no process of this user publishes a page");
	if (mode != MODE_JSON && !of_one_process(finds))
		mode = MODE_LIST;
	return show(finds, how, mode);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "once", no_argument, NULL, 'o' },
		{ "json", no_argument, NULL, 'j' },
		{ "list", no_argument, NULL, 'l' },
		{ "mono", no_argument, NULL, 'm' },
		{ "interval", required_argument, NULL, 'i' },
		{ "section", required_argument, NULL, 's' },
		{ "sort", required_argument, NULL, 't' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const char *no_color = getenv("NO_COLOR");
	struct screen how = { .interval = 1000000000, .mono = no_color && *no_color };
	enum mode mode = MODE_SCREEN;
	struct finds finds = { .n = 0 };
	int option, result;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (option == 'h') {
			fputs(usage, stdout);
			return 0;
		}
		if (!set_option(&how, &mode, option)) {
			fputs(usage, stderr);
			return 2;
		}
	}
	if (argc - optind > 1) {
		fputs(usage, stderr);
		return 2;
	}
	result = look(&finds, &how, mode, argv[optind]);
	find_free(&finds);
	return result;
}
