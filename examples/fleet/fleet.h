/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fleet.h - files are hashed by worker processes on as many machines as there are: their
 * names are messages of a work queue on NATS JetStream, their hashes are entries of a
 * key-value bucket, one for each file.
 */
#ifndef FLEET_H
#define FLEET_H

#include <nats/nats.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define STREAM "FILES"
#define SUBJECT "files.names"
#define CONSUMER "hashers"
#define BUCKET "hashes"
#define RESULTS "$KV." BUCKET "." /* what a key stands behind */
#define DEAD_STREAM "UNREADABLE"
#define DEAD_SUBJECT "files.unreadable"
#define HEALTH "fleet.health"

/* ---- serve.c: one worker process, until SIGTERM ------------------------------ */

int serve(const char *url);

/* ---- queue.c: what is asked of the queue from outside ------------------------ */

/* Stream, consumer, bucket; any that are there stay. */
int set_up(const char *url, int replicas);
int add(const char *url, char **paths);
/* Waits until all that were added are done. */
int await(const char *url);
int show(const char *url, FILE *out);

/* ---- key.c: any path as a key of a bucket, and back -------------------------- */

enum { KEY_MOST = 200 };
/* False: it would be too long. */
int key_of(const char *path, char key[KEY_MOST + 1]);
void path_of(const char *key, char path[KEY_MOST + 1]);

/* ---- sha256.c ---------------------------------------------------------------- */

struct sha256 {
	uint32_t state[8];
	uint64_t bytes;
	unsigned char block[64];
};
void sha256_begin(struct sha256 *hash);
void sha256_add(struct sha256 *hash, const void *data, size_t size);
void sha256_end(struct sha256 *hash, char hex[65]);

#endif
