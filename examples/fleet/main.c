/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * main.c - fleet, with NATS_URL in the environment or nats://127.0.0.1:4222:
 *
 *	fleet set-up [REPLICAS]	once
 *	fleet serve		a worker process, on as many machines as there are
 *	fleet add FILE...	to be hashed
 *	fleet await		until all of them are
 *	fleet show		what came of it, as sha256sum(1) has it
 *
 * wardtop --nats fleet.health shows its processes.
 */
#include "fleet.h"
#include <stdlib.h>
#include <string.h>

static int command(const char *url, const char *name, char **rest)
{
	if (!strcmp(name, "serve"))
		return serve(url);
	if (!strcmp(name, "set-up"))
		return set_up(url, *rest ? atoi(*rest) : 1);
	if (!strcmp(name, "add"))
		return add(url, rest);
	if (!strcmp(name, "await"))
		return await(url);
	return show(url, stdout);
}

int main(int argc, char **argv)
{
	static const char *const names[] = { "serve", "set-up", "add", "await", "show" };
	const char *url = getenv("NATS_URL");
	int err;

	for (size_t i = 0; argc > 1 && i < sizeof(names) / sizeof(*names); i++) {
		if (strcmp(argv[1], names[i]))
			continue;
		err = command(url ? url : "nats://127.0.0.1:4222", names[i], argv + 2);
		if (err)
			fprintf(stderr, "fleet: %s: %s\n", names[i], strerror(-err));
		return err ? 1 : 0;
	}
	fprintf(stderr,
		"usage: fleet set-up [REPLICAS] | serve | add FILE... | await | show\n");
	return 2;
}
