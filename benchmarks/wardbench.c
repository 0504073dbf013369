/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wardbench.c - options, and which benches they ask for: none, the first minute.
 */
#include "bench.h"
#include "minute.h"
#include "page.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

const struct bench *const benches[] = { &bench_throughput, &bench_inflight,
					&bench_latency,	   &bench_overhead,
					&bench_heal,	   &bench_idle,
					&bench_memory,	   &bench_limit,
					&bench_cancel,	   &bench_forkjoin,
					&bench_lanes,	   &bench_port,
					&bench_timer,	   &bench_recall,
					&bench_work1us,	   &bench_burst,
					&bench_steward,	   &bench_losses,
					&bench_cells,
#ifdef HAVE_NATS
					&bench_nats,
#endif
					NULL };

static void usage(FILE *out)
{
	fprintf(out, "usage: wardbench [BENCH...] [OPTION...]\n\n"
		     "Without a bench: a minute of some of them, and ten lines.\n\n"
		     "benches:\n");
	for (unsigned i = 0; benches[i]; i++)
		fprintf(out, "  %-12s %s\n", benches[i]->name,
			benches[i]->what);
	fprintf(out, "  %-12s all of them\n", "all");
	fprintf(out,
		"\noptions:\n"
		"  --full             as all --quick\n"
		"  --json FILE        the figures, one JSON object a line\n"
		"  --report FILE      the figures as plots, one page of HTML\n"
		"  --shapes PxW,...   producers x workers of throughput\n"
		"  --producers LIST   or every combination of these\n"
		"  --workers LIST     with these; also the pools of the others\n"
		"  --tasks N          tasks of a run, if it can do them in 1 s\n"
		"  --runs N           repetitions, 1..101\n"
		"  --rivals LIST      all, none, or names, of:");
	for (unsigned i = 0; rivals[i]; i++)
		if (!rival_is_ours(rivals[i]))
			fprintf(out, " %s", rivals[i]->name);
	fprintf(out,
		"\n"
		"  --only LIST        of nothing, floor, ward and the rivals\n"
		"  --ring N           tasks that one producer may have queued\n"
		"  --window N         tasks that one producer has in turn\n"
		"  --placement LIST   of threads: across, together, unpinned\n"
		"  --cpus N           on the first N CPUs only\n"
		"  --near             ward's workers are placed: WARD_POOL_NEAR\n"
		"  --publish          ward's pools publish a page: WARD_POOL_PUBLISH\n"
		"  --quick            fewer and shorter runs\n"
		"  --help\n");
}

static _Noreturn void refuse(const char *what, const char *value)
{
	fprintf(stderr, "wardbench: %s: %s (see --help)\n", what, value);
	exit(2);
}

/* ---- values ------------------------------------------------------------- */

static uint64_t number(const char *option, const char *text, uint64_t min,
		       uint64_t max)
{
	char *end;
	unsigned long long n;

	errno = 0;
	n = strtoull(text, &end, 10);
	if (errno || end == text || *end || text[0] == '-' || n < min ||
	    n > max)
		refuse(option, text);
	return n;
}

/* Calls 'take' with each part of a list. */
static void each(const char *option, const char *list,
		 void (*take)(const char *option, const char *part, void *arg),
		 void *arg)
{
	char *copy = strdup(list), *save = NULL;
	unsigned n = 0;

	for (char *part = copy ? strtok_r(copy, ",", &save) : NULL; part;
	     part = strtok_r(NULL, ",", &save)) {
		if (++n > LIST_MAX)
			refuse(option, "too many");
		take(option, part, arg);
	}
	if (n == 0)
		refuse(option, list);
	free(copy);
}

struct counts {
	unsigned value[LIST_MAX], n;
};

static void take_count(const char *option, const char *part, void *arg)
{
	struct counts *counts = arg;

	counts->value[counts->n++] = (unsigned)number(option, part, 1, 4096);
}

static void add_shape(struct options *o, unsigned producers, unsigned workers)
{
	if (o->shapes == LIST_MAX)
		refuse("--shapes", "too many");
	o->shape[o->shapes++] = (struct shape){ producers, workers };
}

static void take_shape(const char *option, const char *part, void *arg)
{
	unsigned producers, workers;
	char end;

	if (sscanf(part, "%ux%u%c", &producers, &workers, &end) != 2 ||
	    producers < 1 || producers > 4096 || workers < 1 || workers > 4096)
		refuse(option, part);
	add_shape(arg, producers, workers);
}

static void add_impl(struct options *o, const struct rival *rival)
{
	for (unsigned i = 0; i < o->impls; i++)
		if (o->impl[i] == rival)
			return;
	o->impl[o->impls++] = rival;
}

static void take_rival(const char *option, const char *part, void *arg)
{
	struct options *o = arg;

	if (!strcmp(part, "none"))
		return;
	if (strcmp(part, "all")) {
		const struct rival *rival = rival_find(part);

		if (!rival)
			refuse(option, part);
		add_impl(o, rival);
		return;
	}
	for (unsigned i = 0; rivals[i]; i++)
		add_impl(o, rivals[i]);
}

static void take_placement(const char *option, const char *part, void *arg)
{
	enum placement placement = placement_find(part);
	struct options *o = arg;

	if (placement == NO_PLACEMENT)
		refuse(option, part);
	for (unsigned i = 0; i < o->placements; i++)
		if (o->placement[i] == placement)
			return;
	o->placement[o->placements++] = placement;
}

/* ---- the command line --------------------------------------------------- */

struct line {
	struct options options;
	struct counts producers;
	const char *json, *report;
	const char *of_benches; /* an option that the first minute has not */
	bool full, only, rivals, minute;
	const struct bench *bench[LIST_MAX];
	unsigned benches;
};

static const struct option options[] = {
	{ "shapes", required_argument, NULL, 's' },
	{ "producers", required_argument, NULL, 'p' },
	{ "workers", required_argument, NULL, 'w' },
	{ "tasks", required_argument, NULL, 't' },
	{ "runs", required_argument, NULL, 'r' },
	{ "ring", required_argument, NULL, 'c' },
	{ "window", required_argument, NULL, 'W' },
	{ "placement", required_argument, NULL, 'P' },
	{ "quick", no_argument, NULL, 'q' },
	/* from here on also of the first minute */
	{ "full", no_argument, NULL, 'f' },
	{ "rivals", required_argument, NULL, 'R' },
	{ "only", required_argument, NULL, 'o' },
	{ "cpus", required_argument, NULL, 'C' },
	{ "near", no_argument, NULL, 'N' },
	{ "publish", no_argument, NULL, 'B' },
	{ "json", required_argument, NULL, 'j' },
	{ "report", required_argument, NULL, 'H' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 }
};

/* The option's name if it is of named benches alone, or else 'before'. */
static const char *of_benches(int option, const char *before)
{
	for (unsigned i = 0; options[i].val != 'f'; i++)
		if (options[i].val == option)
			return options[i].name;
	return before;
}

static void take_option(struct line *line, int option, const char *value)
{
	struct options *o = &line->options;

	line->of_benches = of_benches(option, line->of_benches);
	switch (option) {
	case 's':
		each("--shapes", value, take_shape, o);
		break;
	case 'p':
		each("--producers", value, take_count, &line->producers);
		break;
	case 'w': {
		struct counts counts = { .n = 0 };

		each("--workers", value, take_count, &counts);
		memcpy(o->workers, counts.value, sizeof(o->workers));
		o->nworkers = counts.n;
		break;
	}
	case 'f':
		line->full = true;
		break;
	case 't':
		o->tasks = number("--tasks", value, 1, UINT64_C(1) << 40);
		break;
	case 'r':
		o->runs = (unsigned)number("--runs", value, 1, RUNS_MAX);
		break;
	case 'o':
	case 'R':
		line->only |= option == 'o';
		line->rivals |= option == 'R';
		if (line->only && line->rivals)
			refuse("--only is without --rivals", value);
		o->impls = 0;
		if (!line->only)
			take_rival("--rivals", "nothing", o),
				take_rival("--rivals", "floor", o),
				take_rival("--rivals", "ward", o);
		each("--rivals", value, take_rival, o);
		break;
	case 'c':
		o->ring = (uint32_t)number("--ring", value, 2, 1u << 20);
		if (o->ring & (o->ring - 1))
			refuse("--ring: not a power of two", value);
		break;
	case 'W':
		o->window = (uint32_t)number("--window", value, 1, JOB_WINDOW);
		break;
	case 'P':
		o->placements = 0;
		each("--placement", value, take_placement, o);
		break;
	case 'C':
		if (!machine_use((unsigned)number("--cpus", value, 1, 1024)))
			refuse("--cpus: there are fewer", value);
		break;
	case 'N':
		machine_place();
		break;
	case 'B':
		machine_publish();
		break;
	case 'q':
		o->quick = true;
		break;
	case 'j':
		line->json = value;
		break;
	case 'H':
		line->report = value;
		break;
	case 'h':
		usage(stdout);
		exit(0);
	default:
		usage(stderr);
		exit(2);
	}
}

static void take_bench(struct line *line, const char *name)
{
	bool found = false;

	for (unsigned i = 0; benches[i]; i++) {
		if (strcmp(name, "all") && strcmp(name, benches[i]->name))
			continue;
		found = true;
		if (line->benches == LIST_MAX)
			refuse("too many benches", name);
		line->bench[line->benches++] = benches[i];
	}
	if (!found)
		refuse("no such bench", name);
}

/* Defaults for all options that were not given. */
static void defaults(struct line *line)
{
	static const struct shape usual[] = { { 1, 1 }, { 1, 2 },  { 1, 4 },
					      { 1, 8 }, { 1, 64 }, { 2, 2 },
					      { 4, 4 }, { 8, 8 } };
	struct options *o = &line->options;

	if (line->full && line->benches)
		refuse("--full is every bench", line->bench[0]->name);
	if (line->full) {
		take_bench(line, "all");
		o->quick = true;
	}
	line->minute = !line->benches;
	if (line->minute && line->of_benches)
		refuse("an option of named benches, or of all",
		       line->of_benches);
	if (!o->impls)
		take_rival("", "all", o);
	if (!o->tasks)
		o->tasks = o->quick ? 300000 : 2000000;
	if (!o->runs)
		o->runs = o->quick ? 3 : 5;
	if (!o->ring)
		o->ring = 4096;
	if (!o->window)
		o->window = 2 * o->ring < JOB_WINDOW ? 2 * o->ring : JOB_WINDOW;
	if (!o->placements)
		each("", machine_cpus() > 1 ? "across,together" : "together",
		     take_placement, o);
	if (o->shapes)
		return;
	if (line->producers.n || o->nworkers) {
		struct counts one = { { 1 }, 1 };
		struct counts *p = line->producers.n ? &line->producers : &one;

		for (unsigned i = 0; i < p->n; i++)
			for (unsigned k = 0; k < o->nworkers || k == 0; k++)
				add_shape(o, p->value[i],
					  o->nworkers ? o->workers[k] : 1);
		return;
	}
	for (unsigned i = 0; i < sizeof(usual) / sizeof(*usual); i++)
		add_shape(o, usual[i].producers, usual[i].workers);
}

static void command_line(struct line *line, int argc, char **argv)
{
	int c;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1)
		take_option(line, c, optarg);
	for (; optind < argc; optind++)
		take_bench(line, argv[optind]);
	defaults(line);
}

/* ---- main --------------------------------------------------------------- */

static unsigned parts(const struct line *line)
{
	return line->minute ? MINUTE_PARTS : line->benches;
}

static void part_run(const struct line *line, unsigned i, struct book *book)
{
	struct options o;

	if (line->minute) {
		o = minute_options(&line->options, i);
		minute_bench(i)->run(&o, book);
	} else {
		line->bench[i]->run(&line->options, book);
	}
}

/* Counts the trials. */
static void rehearse(const struct line *line)
{
	struct book none = { .figures = 0 };

	progress_rehearse(true);
	for (unsigned i = 0; i < parts(line); i++)
		part_run(line, i, &none);
	progress_rehearse(false);
	book_free(&none);
}

static void report(const struct line *line, const struct book *book,
		   uint64_t took)
{
	if (line->minute)
		minute_report(book, (unsigned)(took / S));
	for (unsigned i = 0; i < line->benches; i++)
		line->bench[i]->report(&line->options, book);
}

/* ---- the report ---------------------------------------------------------- */

struct made {
	char *text;
	size_t size;
	FILE *out;
};

static FILE *made_open(struct made *made)
{
	made->out = open_memstream(&made->text, &made->size);
	if (!made->out)
		refuse("no memory", "");
	return made->out;
}

static const char *made_text(struct made *made)
{
	fclose(made->out);
	made->text[strcspn(made->text, "\n")] = 0;
	return made->text;
}

static bool page(const struct line *line, const struct book *book,
		 uint64_t took, const char *command)
{
	struct page_head head = { .command = command,
				  .seconds = (unsigned)(took / S) };
	FILE *out = fopen(line->report, "we");
	struct page_name name[LIST_MAX];
	struct made machine;
	char day[16] = "?";
	time_t now = time(NULL);
	struct tm tm;
	bool ok;

	if (!out)
		return false;
	for (unsigned i = 0; i < line->options.impls; i++)
		name[head.names++] =
			(struct page_name){ line->options.impl[i]->name,
					    line->options.impl[i]->what };
	head.name = name;
	machine_line(made_open(&machine));
	head.machine = made_text(&machine);
	if (localtime_r(&now, &tm))
		strftime(day, sizeof(day), "%Y-%m-%d", &tm);
	head.day = day;
	ok = page_print(book, &head, out);
	free(machine.text);
	return fclose(out) == 0 && ok;
}

/* Before minutes of measuring; what is there stays until there is a new one. */
static void must_write(const char *file)
{
	FILE *out = fopen(file, "ae");

	if (!out || fclose(out))
		refuse(strerror(errno), file);
}

static char *command_of(int argc, char **argv)
{
	struct made made;

	fputs("wardbench", made_open(&made));
	for (int i = 1; i < argc; i++)
		fprintf(made.out, " %s", argv[i]);
	return (char *)made_text(&made);
}

int main(int argc, char **argv)
{
	static struct line line;
	struct book book = { .figures = 0 };
	uint64_t from = os_now();
	FILE *json = NULL;
	bool ok = true;
	char *command;

	if (argc > 1 && !strcmp(argv[1], "--trial"))
		trial_main(argc - 2, argv + 2);
	command = command_of(argc, argv); /* before options change places */
	command_line(&line, argc, argv);
	if (line.report)
		must_write(line.report);
	if (line.json && !(json = fopen(line.json, "we")))
		refuse(strerror(errno), line.json);
	machine_print(stdout);
	rehearse(&line);
	for (unsigned i = 0; i < parts(&line); i++) {
		unsigned before = book.figures, series = book.all_series;

		part_run(&line, i, &book);
		if (json)
			ok = book_json(&book, before, json) &&
			     book_json_series(&book, series, json) && ok;
	}
	report(&line, &book, os_now() - from);
	if (json)
		ok = fclose(json) == 0 && ok;
	if (!ok)
		fprintf(stderr, "wardbench: %s: not all was written\n",
			line.json);
	if (line.report && !page(&line, &book, os_now() - from, command)) {
		fprintf(stderr, "wardbench: %s: %s\n", line.report,
			strerror(errno));
		ok = false;
	} else if (line.report) {
		printf("report: %s\n", line.report);
	}
	free(command);
	book_free(&book);
	return ok && !trials_failed() ? 0 : 1;
}
