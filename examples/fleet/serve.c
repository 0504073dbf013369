/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * serve.c - one worker process.  A file on a disk that does not answer, or a pipe that
 * nobody writes to, hangs its thread: after a second the name goes back to the queue, for
 * another process to try.  A file that three of them cannot read is a dead letter.
 */
#include "fleet.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>
#include <ward/nats.h>
#include <ward/ward.h>

/* Each block is a sign of life; a thread that has lost its attempt stops. */
static int hash_open(int fd, struct sha256 *hash)
{
	static __thread char block[1 << 16];
	ssize_t n;

	while ((n = read(fd, block, sizeof(block))) > 0) {
		sha256_add(hash, block, (size_t)n);
		if (ward_check())
			return -ECANCELED;
	}
	return n < 0 ? -errno : 0;
}

static int hash_file(const char *path, char hex[65])
{
	struct sha256 hash;
	int fd = open(path, O_RDONLY | O_CLOEXEC), err;

	if (fd < 0)
		return -errno;
	sha256_begin(&hash);
	err = hash_open(fd, &hash);
	sha256_end(&hash, hex);
	close(fd);
	return err;
}

/* No process can read what is not there: no other attempt is made. */
static int for_good(int err)
{
	return err == -ENOENT || err == -EISDIR || err == -ENAMETOOLONG ? -EBADMSG : err;
}

static int run(void *arg, struct ward_nats_message *m)
{
	char path[KEY_MOST + 1], hex[65];
	int err;

	(void)arg;
	if (m->size > KEY_MOST)
		return -EBADMSG;
	memcpy(path, m->data, m->size);
	path[m->size] = '\0';
	err = hash_file(path, hex);
	if (err)
		return for_good(err);
	m->out_size = (uint32_t)snprintf(m->out, m->out_max, "%s", hex);
	return 0;
}

static struct ward_pool *pool_up(void)
{
	struct ward_pool_config config = WARD_POOL_CONFIG_INIT;
	struct ward_policy policy = WARD_POLICY_INIT;
	struct ward_pool *pool = NULL;

	policy.blocked_within = WARD_S(1);
	config.name = "hashers";
	config.policy = &policy;
	if (ward_pool_create(&pool, &config) || ward_pool_start(pool))
		return NULL;
	return pool;
}

static int consumer_up(struct ward_nats **consumer, struct ward_pool *pool,
		       const char *url)
{
	struct ward_nats_config config = WARD_NATS_CONFIG_INIT;

	config.url = url;
	config.stream = STREAM;
	config.consumer = CONSUMER;
	config.pool = pool;
	config.run = run;
	config.results = RESULTS;
	config.out_max = 65;
	config.deliveries = 3;
	config.dead = DEAD_SUBJECT;
	config.health = HEALTH;
	return ward_nats_create(consumer, &config);
}

/* SIGTERM is blocked before there is another thread. */
int serve(const char *url)
{
	struct ward_nats *consumer;
	struct ward_pool *pool;
	sigset_t end;
	int signal, err;

	sigemptyset(&end);
	sigaddset(&end, SIGTERM);
	sigaddset(&end, SIGINT);
	sigprocmask(SIG_BLOCK, &end, NULL);
	pool = pool_up();
	err = pool ? consumer_up(&consumer, pool, url) : -ENOMEM;
	if (err)
		return err;
	sigwait(&end, &signal);
	err = ward_nats_drain(consumer, ward_in(WARD_S(10)));
	ward_nats_destroy(consumer, WARD_NOWAIT);
	ward_pool_destroy(pool, WARD_NOWAIT);
	return err;
}
