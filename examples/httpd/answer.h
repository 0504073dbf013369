/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * answer.h - what a client will be told: a code, headers, a body.
 *
 * Filled by the thread that has the request, one at a time, and sent by the loop.  All
 * that it holds hangs on it from the moment it is acquired, so answer_clear() gives
 * everything back, also if the thread that filled it is gone.
 */
#ifndef HTTPD_ANSWER_H
#define HTTPD_ANSWER_H

#include <event2/buffer.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct answer {
	int code;
	struct evkeyvalq headers;
	struct evbuffer *body; /* NULL: none */
	int64_t length; /* of a body that HEAD leaves out; -1: as the body */
};

void answer_init(struct answer *answer);
void answer_clear(struct answer *answer);

/* These return 0 or -ENOMEM. */
int answer_header(struct answer *answer, const char *name, const char *format,
		  ...) __attribute__((format(printf, 3, 4)));
int answer_date(struct answer *answer, const char *name, time_t when);
/* An empty body of the given content type, and room to write into. */
int answer_body(struct answer *answer, const char *type);
/* Replaces what was there by a line of text. */
int answer_text(struct answer *answer, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * The loop: hands the answer to libevent and leaves it empty.  With 'head' the
 * body is left out.
 */
void answer_send(struct answer *answer, struct evhttp_request *http, bool head);

#endif
