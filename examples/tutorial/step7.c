/* SPDX-License-Identifier: BSD-2-Clause */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <ward/ward.h>

struct request {
	struct ward_task task;
	int client;
	char line[64];
};

static struct ward_pool *pool;
static struct sockaddr_in address = { .sin_family = AF_INET };
static int listener;
static int *volatile nowhere;

static int run(struct ward_task *task)
{
	struct request *r = ward_entry(task, struct request, task);
	ssize_t n = read(r->client, r->line, sizeof(r->line) - 1);

	if (!strcmp(r->line, "leave\n"))
		pthread_exit(NULL); /* the worker's thread ends */
	if (!strcmp(r->line, "crash\n"))
		*nowhere = 1;
	if (!strcmp(r->line, "hang\n"))
		for (;;)
			pause(); /* for ever, and silent */
	for (ssize_t i = 0; i < n; i++)
		r->line[i] = (char)toupper(r->line[i]);
	return n > 0 ? 0 : -EPROTO;
}

/* The client hears something, whatever became of run(). */
static void done(struct ward_task *task, int status)
{
	struct request *r = ward_entry(task, struct request, task);

	dprintf(r->client, "%s", status ? "sorry\n" : r->line);
	shutdown(r->client, SHUT_RDWR);
}

/* Not in done(): a thread that lost the request may still read from it. */
static void release(struct ward_task *task)
{
	struct request *r = ward_entry(task, struct request, task);

	close(r->client);
	free(r);
}

static void take(int client)
{
	struct request *r = calloc(1, sizeof(*r));

	if (r) {
		r->task = (struct ward_task){ run, done, release, .name = "request" };
		r->client = client;
		if (ward_submit(pool, &r->task, WARD_NOWAIT) == 0)
			return;
		free(r); /* no room: better told now than kept waiting */
	}
	dprintf(client, "busy\n");
	close(client);
}

/* The ward: it is told to stop by ward_check(), which is its sign of life, too. */
static int serve(void *arg)
{
	struct pollfd fd = { .fd = listener, .events = POLLIN };

	(void)arg;
	while (!ward_check()) {
		int client = poll(&fd, 1, 50) > 0 ? accept(listener, NULL, NULL) : -1;

		if (client >= 0)
			take(client);
	}
	return 0;
}

enum { CLIENTS = 4, EACH = 250 };
static _Atomic int served, sorry;

static void ask(const char *text)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char answer[64] = "";

	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) ||
	    write(fd, text, strlen(text)) < 0 ||
	    read(fd, answer, sizeof(answer) - 1) < 0)
		perror("client");
	served += !strcmp(answer, "HELLO\n");
	sorry += !strcmp(answer, "sorry\n");
	close(fd);
}

/* Every 25th request costs the server a worker. */
static void *client(void *arg)
{
	static const char *const bad[] = { "leave\n", "crash\n" };

	(void)arg;
	for (int i = 1; i <= EACH; i++)
		ask(i % 25 ? "hello\n" : i == EACH ? "hang\n" : bad[i / 25 % 2]);
	return NULL;
}

static void watch(void)
{
	struct ward_stats s = WARD_STATS_INIT;
	bool over;

	do {
		over = served + sorry == CLIENTS * EACH;
		ward_pause(ward_in(WARD_MS(100)));
		ward_pool_stats(pool, &s);
		fprintf(stderr, "served %d, sorry %d; workers %u of %u, heals %llu\n",
			served, sorry, s.workers, s.wanted,
			(unsigned long long)s.heals);
	} while (!over || s.vacant);
	printf("%d served, %d sorry\n", served, sorry);
	printf("workers lost: %d left, %d crashed, %d hung\n", (int)s.died,
	       (int)s.faulted, (int)s.stalled);
	printf("workers: %u of %u\n", s.workers, s.wanted);
}

int main(void)
{
	static const struct ward_policy quick = {
		.size = sizeof(quick),
		.blocked_within = WARD_MS(200), /* the default is 10 s */
	};
	struct ward_pool_config how = WARD_POOL_CONFIG_INIT;
	struct ward_steward_config config = WARD_STEWARD_CONFIG_INIT;
	struct ward_spec spec = WARD_SPEC_INIT;
	socklen_t len = sizeof(address);
	struct ward_steward *steward;
	pthread_t load[CLIENTS];
	struct ward *ward;

	how.workers = 4;
	how.policy = &quick;
	how.flags = WARD_POOL_CATCH_FAULTS; /* a crash ends the request only */
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	config.wards = 1;
	spec.name = "accept";
	spec.run = serve;
	if (bind(listener, (struct sockaddr *)&address, len) ||
	    getsockname(listener, (struct sockaddr *)&address, &len) ||
	    listen(listener, 64) || ward_pool_create(&pool, &how) ||
	    ward_pool_start(pool) || ward_steward_create(&steward, &config) ||
	    ward_start(&ward, steward, &spec))
		return 1;
	for (int i = 0; i < CLIENTS; i++)
		pthread_create(&load[i], NULL, client, NULL);
	watch();
	for (int i = 0; i < CLIENTS; i++)
		pthread_join(load[i], NULL);
	ward_put(ward);
	ward_steward_destroy(steward, WARD_FOREVER);
	printf("threads that hang still: %d\n",
	       ward_pool_destroy(pool, ward_in(WARD_S(1))));
	return 0;
}
