/* SPDX-License-Identifier: BSD-2-Clause */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <poll.h>
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

static int run(struct ward_task *task)
{
	struct request *r = ward_entry(task, struct request, task);
	ssize_t n = read(r->client, r->line, sizeof(r->line) - 1);

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

static void ask(const char *text)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char answer[64] = "";

	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) ||
	    write(fd, text, strlen(text)) < 0 ||
	    read(fd, answer, sizeof(answer) - 1) < 0)
		perror("client");
	printf("%s", answer);
	close(fd);
}

int main(void)
{
	struct ward_steward_config config = WARD_STEWARD_CONFIG_INIT;
	struct ward_spec spec = WARD_SPEC_INIT;
	socklen_t len = sizeof(address);
	struct ward_steward *steward;
	struct ward *ward;

	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK); /* at any free port */
	config.wards = 1;
	spec.name = "accept";
	spec.run = serve;
	if (bind(listener, (struct sockaddr *)&address, len) ||
	    getsockname(listener, (struct sockaddr *)&address, &len) ||
	    listen(listener, 64) || ward_pool_create(&pool, NULL) ||
	    ward_pool_start(pool) || ward_steward_create(&steward, &config) ||
	    ward_start(&ward, steward, &spec))
		return 1;
	ask("hello\n");
	ask("is anybody there?\n");
	ward_put(ward);
	ward_steward_destroy(steward, WARD_FOREVER); /* nobody new */
	ward_pool_drain(pool, WARD_FOREVER);	     /* and those inside */
	return ward_pool_destroy(pool, WARD_FOREVER);
}
