/* SPDX-License-Identifier: BSD-2-Clause */
#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

static const char help[] =
	"usage: httpd [OPTION]...\n"
	"Serves the files below a directory by HTTP/1.1, each request a task of "
	"a pool\n"
	"that replaces the workers it loses.\n"
	"\n"
	"  --port N         port to listen on; 0: any, printed (default 8080)\n"
	"  --bind ADDRESS   address to listen on (default 127.0.0.1)\n"
	"  --root DIR       the directory (default .)\n"
	"  --workers N      worker threads (default: the CPUs)\n"
	"  --cells N        /work and /fault/... run in N processes\n"
	"  --zombies N      lost threads that may be out at once\n"
	"  --ring N         requests that may wait, a power of two\n"
	"  --busy-ms N      CPU time without a sign of life: livelock\n"
	"  --blocked-ms N   sleep without a sign of life: blocked\n"
	"  --scan-ms N      between two looks at busy workers\n"
	"  --drain-ms N     patience at SIGTERM (default 10000)\n"
	"  --faults         offer /fault/..., which ruin their workers\n"
	"  --json-reports   reports on stderr as JSON\n"
	"  --help           this\n";

enum {
	PORT = 256,
	BIND,
	ROOT,
	WORKERS,
	CELLS,
	ZOMBIES,
	RING,
	BUSY,
	BLOCKED,
	SCAN,
	DRAIN,
	FAULTS,
	JSON,
	HELP
};

static const struct option names[] = {
	{ "port", required_argument, NULL, PORT },
	{ "bind", required_argument, NULL, BIND },
	{ "root", required_argument, NULL, ROOT },
	{ "workers", required_argument, NULL, WORKERS },
	{ "cells", required_argument, NULL, CELLS },
	{ "zombies", required_argument, NULL, ZOMBIES },
	{ "ring", required_argument, NULL, RING },
	{ "busy-ms", required_argument, NULL, BUSY },
	{ "blocked-ms", required_argument, NULL, BLOCKED },
	{ "scan-ms", required_argument, NULL, SCAN },
	{ "drain-ms", required_argument, NULL, DRAIN },
	{ "faults", no_argument, NULL, FAULTS },
	{ "json-reports", no_argument, NULL, JSON },
	{ "help", no_argument, NULL, HELP },
	{ NULL, 0, NULL, 0 },
};

static uint32_t number(int option, uint32_t most)
{
	char *end;
	long n = strtol(optarg, &end, 10);

	if (end == optarg || *end || n < 0 || n > (long)most) {
		fprintf(stderr, "httpd: --%s: a number up to %u, not '%s'\n",
			names[option - PORT].name, most, optarg);
		exit(2);
	}
	return (uint32_t)n;
}

void options_parse(struct options *o, int argc, char **argv)
{
	int option;

	*o = (struct options){
		.bind = "127.0.0.1",
		.root = ".",
		.port = 8080,
		.drain_ms = 10000,
	};
	while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
		switch (option) {
		case PORT:
			o->port = (uint16_t)number(option, UINT16_MAX);
			break;
		case BIND:
			o->bind = optarg;
			break;
		case ROOT:
			o->root = optarg;
			break;
		case WORKERS:
			o->workers = number(option, 4096);
			break;
		case CELLS:
			o->cells = number(option, 48);
			break;
		case ZOMBIES:
			o->zombies = number(option, 4096);
			break;
		case RING:
			o->ring = number(option, 1u << 20);
			break;
		case BUSY:
			o->busy_ms = number(option, 3600000);
			break;
		case BLOCKED:
			o->blocked_ms = number(option, 3600000);
			break;
		case SCAN:
			o->scan_ms = number(option, 1000);
			break;
		case DRAIN:
			o->drain_ms = number(option, 3600000);
			break;
		case FAULTS:
			o->faults = true;
			break;
		case JSON:
			o->json_reports = true;
			break;
		case HELP:
			fputs(help, stdout);
			exit(0);
		default:
			fputs("httpd: --help lists the options\n", stderr);
			exit(2);
		}
	}
	if (optind < argc) {
		fprintf(stderr, "httpd: '%s' is no option\n", argv[optind]);
		exit(2);
	}
}
