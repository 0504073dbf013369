/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wardtop.c - shows the pools of a running process, or of one that has ended, by the
 * pages that they publish (ward/page.h); or the processes of a fleet, by their health.
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
	"       wardtop --nats SUBJECT [--url URL] [--once | --json] [--interval SECONDS]\n"
	"Shows the pools that were made with WARD_POOL_PUBLISH; or the processes that are fed\n"
	"from NATS, by the health that they publish.\n"
	"  --once      prints them as text\n"
	"  --json      prints them as one JSON object\n"
	"  --list      prints which there are, also of processes that have ended\n"
	"  --interval  seconds between two looks (1)\n"
	"  --mono      no colours; NO_COLOR in the environment says the same\n"
	"  --section   all, workers, zombies, lanes, limits, wards, cells or reports\n"
	"  --sort      workers by seat, silence, time or task\n"
	"  --nats      the subject of the health, as in their configuration\n"
	"  --url       of the servers (NATS_URL, or nats://127.0.0.1:4222)\n";

/* The options that were given. */
struct asked {
	struct screen how;
	enum mode mode;
	const char *nats, *url; /* NULL: not */
};

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
static bool set_option(struct asked *asked, int option)
{
	struct screen *how = &asked->how;
	int section, sort;

	switch (option) {
	case 'o':
		asked->mode = MODE_ONCE;
		return true;
	case 'j':
		asked->mode = MODE_JSON;
		return true;
	case 'l':
		asked->mode = MODE_LIST;
		return true;
	case 'n':
		return *(asked->nats = optarg);
	case 'u':
		return *(asked->url = optarg);
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

/* ---- a fleet ------------------------------------------------------------------------ */

/* The first one that is heard says how long the others may take. */
static bool hear_all(struct fleet *fleet)
{
	enum { PATIENCE_MS = 5000, LONGEST_MS = 60000 };
	uint64_t period;

	for (int ms = 0; !fleet->n && ms < PATIENCE_MS; ms += 100)
		fleet_hear(fleet, ward_in(100000000));
	if (!fleet->n)
		return false;
	period = fleet->member[0].period_ms;
	period += period / 8;
	fleet_hear(fleet, ward_in((period < LONGEST_MS ? period : LONGEST_MS) * 1000000));
	return true;
}

static int print_fleet(struct fleet *fleet, const struct asked *asked)
{
	struct view view = { .width = width_of_output() };
	struct lines lines;

	if (!hear_all(fleet))
		return fail(asked->nats, "no process tells of its health there");
	if (asked->mode == MODE_JSON) {
		fleet_json(stdout, fleet);
		return 0;
	}
	fleet_lines(&lines, &view, fleet, ward_now());
	for (size_t i = 0; i < lines.n; i++)
		puts(lines.line[i].text);
	lines_free(&lines);
	return 0;
}

static int show_fleet(const struct asked *asked)
{
	const char *env = getenv("NATS_URL"), *url = asked->url ? asked->url : env;
	struct fleet fleet;
	const char *wrong;
	int result;

	if (!url || !*url)
		url = "nats://127.0.0.1:4222";
	wrong = fleet_open(&fleet, asked->nats, url);
	if (wrong)
		result = fail(url, wrong);
	else if (asked->mode != MODE_SCREEN)
		result = print_fleet(&fleet, asked);
	else
		result = screen_fleet(&asked->how, &fleet) ?
				 fail("no terminal", "use --once or --json") :
				 0;
	fleet_close(&fleet);
	return result;
}

/* An argument, a list and a URL go with one of the two alone. */
static bool goes_together(const struct asked *asked, int arguments)
{
	if (asked->nats)
		return !arguments && asked->mode != MODE_LIST;
	return arguments <= 1 && !asked->url;
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
		{ "nats", required_argument, NULL, 'n' },
		{ "url", required_argument, NULL, 'u' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const char *no_color = getenv("NO_COLOR");
	struct asked asked = { .how = { .interval = 1000000000,
					.mono = no_color && *no_color } };
	struct finds finds = { .n = 0 };
	int option, result;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (option == 'h') {
			fputs(usage, stdout);
			return 0;
		}
		if (!set_option(&asked, option)) {
			fputs(usage, stderr);
			return 2;
		}
	}
	if (!goes_together(&asked, argc - optind)) {
		fputs(usage, stderr);
		return 2;
	}
	if (asked.nats)
		return show_fleet(&asked);
	result = look(&finds, &asked.how, asked.mode, argv[optind]);
	find_free(&finds);
	return result;
}
