/* SPDX-License-Identifier: BSD-2-Clause */
#include "answer.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/queue.h>

void answer_init(struct answer *answer)
{
	*answer = (struct answer){ .code = 200, .length = -1 };
	TAILQ_INIT(&answer->headers);
}

void answer_clear(struct answer *answer)
{
	evhttp_clear_headers(&answer->headers);
	if (answer->body)
		evbuffer_free(answer->body);
	answer_init(answer);
}

int answer_header(struct answer *answer, const char *name, const char *format,
		  ...)
{
	char value[4096];
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(value, sizeof(value), format, args);
	va_end(args);
	if (len < 0 || (size_t)len >= sizeof(value))
		return -ENOMEM;
	return evhttp_add_header(&answer->headers, name, value) ? -ENOMEM : 0;
}

int answer_date(struct answer *answer, const char *name, time_t when)
{
	char text[64];
	struct tm utc;

	if (!gmtime_r(&when, &utc))
		return 0; /* a date beyond the calendar: leave it out */
	strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &utc);
	return answer_header(answer, name, "%s", text);
}

int answer_body(struct answer *answer, const char *type)
{
	answer->body = evbuffer_new();
	if (!answer->body)
		return -ENOMEM;
	/* It ends in a socket, so files may go the way of sendfile(). */
	evbuffer_set_flags(answer->body, EVBUFFER_FLAG_DRAINS_TO_FD);
	return answer_header(answer, "Content-Type", "%s", type);
}

int answer_text(struct answer *answer, int code, const char *format, ...)
{
	va_list args;
	int err;

	answer_clear(answer);
	answer->code = code;
	err = answer_body(answer, "text/plain; charset=utf-8");
	if (err)
		return err;
	va_start(args, format);
	if (evbuffer_add_vprintf(answer->body, format, args) < 0 ||
	    evbuffer_add(answer->body, "\n", 1))
		err = -ENOMEM;
	va_end(args);
	return err;
}

static bool has_body(int code)
{
	return code >= 200 && code != 204 && code != 304;
}

void answer_send(struct answer *answer, struct evhttp_request *http, bool head)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(http);
	struct evbuffer *body = answer->body;
	int64_t length = answer->length;

	if (length < 0)
		length = body ? (int64_t)evbuffer_get_length(body) : 0;
	if (has_body(answer->code))
		(void)answer_header(answer, "Content-Length", "%lld",
				    (long long)length);
	TAILQ_CONCAT(headers, &answer->headers, next);
	if (head || !has_body(answer->code))
		body = NULL;
	evhttp_send_reply(http, answer->code, NULL, body);
	answer_clear(answer);
}
