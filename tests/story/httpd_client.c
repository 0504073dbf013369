/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * httpd_client - the clients of the stories of examples/httpd.
 *
 *	get PORT TARGET [METHOD] ["Name: value"]...
 *		prints the whole answer as it came
 *	leave PORT TARGET N
 *		asks N times and hangs up without waiting for the answer
 *	ask PORT TARGET N
 *		asks N times at once; for each answer, as they come, a line
 *		"CODE INCIDENT", with 0 for no answer or no incident
 *	inject PORT SECONDS RATE WORKERS IDS KINDS
 *		RATE times a second ruins a worker, in KINDS ways by turns, and
 *		looks at what the server makes of it; the incidents' ids go to
 *		the file IDS
 *
 * The exit status is 0 if all went as it must.  The server is at 127.0.0.1.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_S 30 /* longer than any answer takes */

static uint16_t port;

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void sleep_until(uint64_t ns)
{
	const struct timespec t = {
		.tv_sec = (time_t)(ns / 1000000000u),
		.tv_nsec = (long)(ns % 1000000000u),
	};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL))
		;
}

/* ---- one request ----------------------------------------------------------- */

/* Sends a request; a descriptor to read the answer from, or -1. */
static int ask(const char *method, const char *target, const char *headers)
{
	const struct sockaddr_in at = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr = { htonl(INADDR_LOOPBACK) },
	};
	const struct timeval patience = { PATIENCE_S, 0 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char text[8192];
	int len;

	len = snprintf(text, sizeof(text),
		       "%s %s HTTP/1.1\r\nHost: localhost\r\n"
		       "Connection: close\r\n%s\r\n",
		       method, target, headers);
	if (fd < 0 || len < 0 || (size_t)len >= sizeof(text))
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (connect(fd, (const struct sockaddr *)&at, sizeof(at)) ||
	    send(fd, text, (size_t)len, MSG_NOSIGNAL) != len) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Reads to the end, at most room - 1 bytes; the length, or -1. */
static ssize_t hear(int fd, char *text, size_t room)
{
	size_t len = 0;
	ssize_t n;

	while ((n = recv(fd, text + len, room - 1 - len, 0)) > 0)
		len += (size_t)n;
	text[len] = '\0';
	return n < 0 ? -1 : (ssize_t)len;
}

/* An answer's code, or 0 if there was none. */
static int talk(const char *target, char *text, size_t room)
{
	int code = 0, fd = ask("GET", target, "");

	text[0] = '\0';
	if (fd < 0)
		return 0;
	if (hear(fd, text, room) <= 0 || sscanf(text, "HTTP/1.1 %d", &code) < 1)
		code = 0;
	close(fd);
	return code;
}

static unsigned long long incident_of(const char *text)
{
	const char *at = strstr(text, "\r\nWard-Incident: ");

	return at ? strtoull(at + strlen("\r\nWard-Incident: "), NULL, 10) : 0;
}

/* ---- get, leave, ask ------------------------------------------------------- */

static int get(int argc, char **argv)
{
	char headers[4096] = "", buffer[65536];
	ssize_t n;
	int fd;

	for (int i = 2; i < argc; i++) {
		strncat(headers, argv[i],
			sizeof(headers) - strlen(headers) - 1);
		strncat(headers, "\r\n", sizeof(headers) - strlen(headers) - 1);
	}
	fd = ask(argc > 1 ? argv[1] : "GET", argv[0], headers);
	if (fd < 0)
		return 1;
	while ((n = recv(fd, buffer, sizeof(buffer), 0)) > 0)
		fwrite(buffer, 1, (size_t)n, stdout);
	close(fd);
	return n < 0;
}

static int leave(char **argv)
{
	for (int n = atoi(argv[1]); n > 0; n--) {
		int fd = ask("GET", argv[0], "");

		if (fd < 0)
			return 1;
		close(fd);
	}
	return 0;
}

static void *ask_one(void *target)
{
	char text[8192];
	int code = talk(target, text, sizeof(text));

	printf("%d %llu\n", code, incident_of(text));
	fflush(stdout);
	return (void *)(intptr_t)!code;
}

static int ask_many(char **argv)
{
	int n = atoi(argv[1]), started, wrong = 0;
	pthread_t *threads = calloc((size_t)n, sizeof(*threads));
	void *result;

	for (started = 0; started < n; started++)
		if (pthread_create(&threads[started], NULL, ask_one, argv[0]))
			break;
	for (int i = 0; i < started; i++) {
		pthread_join(threads[i], &result);
		wrong += result != NULL;
	}
	free(threads);
	return wrong || started < n;
}

/* ---- inject ---------------------------------------------------------------- */

static const struct kind {
	const char *name, *target;
} kinds[] = {
	{ "spin", "/fault/spin" },
	{ "exit", "/fault/exit" },
	{ "sleep", "/fault/sleep" },
	{ "cancel", "/fault/exit?how=cancel" },
	{ "deadlock", "/fault/deadlock?ms=1000" },
	{ "raw exit", "/fault/exit?how=raw" },
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))
static size_t used; /* of these, the first so many */

/* So many may be waited for at once. */
#define INJECTORS 8
#define FAULTS_MOST 10000
#define BACK_WITHIN_NS 2000000000u

struct fault {
	bool asked, back;	 /* asked for; every seat was taken again */
	int code;		 /* of the answer */
	unsigned long long id;	 /* the incident's */
	uint64_t answer, heal;	 /* ns until the answer; until it was back */
};

static struct fault faults[FAULTS_MOST];
static _Atomic unsigned next_fault;
static uint64_t inject_from, inject_until, inject_period;
static unsigned workers;

static long field(const char *json, const char *name)
{
	char key[64];
	const char *at;

	snprintf(key, sizeof(key), "\"%s\": ", name);
	at = strstr(json, key);
	return at ? strtol(at + strlen(key), NULL, 10) : -1;
}

/* Waits until the pool says that every seat is taken. */
static bool capacity_back(uint64_t from)
{
	char text[16384];

	do {
		if (talk("/stats", text, sizeof(text)) == 200 &&
		    field(text, "vacant") == 0 &&
		    field(text, "workers") == (long)workers)
			return true;
	} while (now_ns() - from < BACK_WITHIN_NS);
	return false;
}

static void *inject_some(void *arg)
{
	char text[8192];

	for (;;) {
		unsigned i = atomic_fetch_add_explicit(&next_fault, 1,
						       memory_order_relaxed);
		uint64_t due = inject_from + i * inject_period, answered;
		struct fault *fault = &faults[i];

		if (i >= FAULTS_MOST || due >= inject_until)
			return arg;
		sleep_until(due);
		due = now_ns();
		fault->asked = true;
		fault->code = talk(kinds[i % used].target, text, sizeof(text));
		fault->id = incident_of(text);
		answered = now_ns();
		fault->answer = answered - due;
		fault->back = capacity_back(answered);
		fault->heal = now_ns() - answered;
	}
}

static int by_id(const void *a, const void *b)
{
	unsigned long long x = *(const unsigned long long *)a;
	unsigned long long y = *(const unsigned long long *)b;

	return x < y ? -1 : x > y;
}

/* Writes the ids to a file; how many there are that no other has. */
static unsigned write_ids(const char *path, unsigned n)
{
	unsigned long long *ids = calloc(n + 1, sizeof(*ids));
	FILE *file = fopen(path, "w");
	unsigned distinct = 0;

	for (unsigned i = 0; i < n; i++)
		ids[i] = faults[i].id;
	qsort(ids, n, sizeof(*ids), by_id);
	for (unsigned i = 0; i < n; i++) {
		if (!ids[i] || (i && ids[i] == ids[i - 1]))
			continue;
		distinct++;
		if (file)
			fprintf(file, "%llu\n", ids[i]);
	}
	if (file)
		fclose(file);
	free(ids);
	return distinct;
}

static void print_kind(size_t kind, unsigned n)
{
	uint64_t sum = 0, worst = 0, heal = 0;
	unsigned count = 0;

	for (unsigned i = (unsigned)kind; i < n; i += (unsigned)used) {
		count++;
		sum += faults[i].answer;
		if (faults[i].answer > worst)
			worst = faults[i].answer;
		if (faults[i].heal > heal)
			heal = faults[i].heal;
	}
	if (count)
		printf("  %-9s %4u  answered after %7.1f ms, at most %7.1f; "
		       "seats full again at most %5.1f ms later\n",
		       kinds[kind].name, count, (double)(sum / count) / 1e6,
		       (double)worst / 1e6, (double)heal / 1e6);
}

static int inject(char **argv)
{
	unsigned n, distinct, good = 0, back = 0;
	pthread_t threads[INJECTORS];

	inject_from = now_ns();
	inject_until = inject_from + (uint64_t)(atof(argv[0]) * 1e9);
	inject_period = (uint64_t)(1e9 / atof(argv[1]));
	workers = (unsigned)atoi(argv[2]);
	used = (size_t)atoi(argv[4]);
	if (!used || used > KINDS)
		return 2;
	for (int i = 0; i < INJECTORS; i++)
		if (pthread_create(&threads[i], NULL, inject_some, NULL))
			return 1;
	for (int i = 0; i < INJECTORS; i++)
		pthread_join(threads[i], NULL);
	for (n = 0; n < FAULTS_MOST && faults[n].asked; n++) {
		good += faults[n].code == 503 && faults[n].id;
		back += faults[n].back;
		if (faults[n].code != 503 || !faults[n].id)
			printf("  %s: code %d, incident %llu\n",
			       kinds[n % used].name, faults[n].code,
			       faults[n].id);
	}
	distinct = write_ids(argv[3], n);
	for (size_t kind = 0; kind < used; kind++)
		print_kind(kind, n);
	printf("injected %u: answered 503 with an id %u, distinct ids %u, "
	       "capacity back %u\n",
	       n, good, distinct, back);
	return !n || good < n || distinct < n || back < n;
}

int main(int argc, char **argv)
{
	if (argc >= 4) {
		port = (uint16_t)atoi(argv[2]);
		if (!strcmp(argv[1], "get"))
			return get(argc - 3, argv + 3);
		if (argc == 5 && !strcmp(argv[1], "leave"))
			return leave(argv + 3);
		if (argc == 5 && !strcmp(argv[1], "ask"))
			return ask_many(argv + 3);
		if (argc == 8 && !strcmp(argv[1], "inject"))
			return inject(argv + 3);
	}
	fprintf(stderr, "httpd_client: get, leave, ask or inject\n");
	return 2;
}
