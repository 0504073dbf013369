/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bad input: each has its error, and a line that says it in words; a step refused while
 * messages run is told, and loses nothing.
 */
#include "nats_queue.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>

NATS_IS_THERE;

static struct ward_pool *pool;
static _Atomic int runs;

static int echo(void *arg, struct ward_nats_message *m)
{
	(void)arg;
	runs++;
	memcpy(m->out, m->data, m->size);
	m->out_size = m->size;
	return 0;
}

/* ---- what no server is asked for ------------------------------------------------- */

static void no_size(struct ward_nats_config *c) { c->size--; }
static void flag(struct ward_nats_config *c) { c->flags = 1u << 31; }
static void no_url(struct ward_nats_config *c) { c->url = NULL; }
static void empty_url(struct ward_nats_config *c) { c->url = " , "; }
static void no_stream(struct ward_nats_config *c) { c->stream = NULL; }
static void bad_stream(struct ward_nats_config *c) { c->stream = "a.b"; }
static void no_consumer(struct ward_nats_config *c) { c->consumer = ""; }
static void no_pool(struct ward_nats_config *c) { c->pool = NULL; }
static void no_run(struct ward_nats_config *c) { c->run = NULL; }
static void run_and_cells(struct ward_nats_config *c) { c->cells = (void *)c; }
static void many(struct ward_nats_config *c) { c->in_flight = 16385; }
static void wild(struct ward_nats_config *c) { c->results = "a.*."; }
static void spaces(struct ward_nats_config *c) { c->dead = "dead letters"; }
static void dots(struct ward_nats_config *c) { c->health = "a..b"; }
static void backwards(struct ward_nats_config *c) { c->backoff_max = 1; }
static void hurry(struct ward_nats_config *c) { c->health_period = 1; }
static void no_dead(struct ward_nats_config *c) { c->deliveries = 2, c->dead = NULL; }
static void policy(struct ward_nats_config *c)
{
	static const struct ward_policy none;

	c->policy = &none;
}

static char long_name[300];

static void long_stream(struct ward_nats_config *c) { c->stream = long_name; }
static void long_subject(struct ward_nats_config *c) { c->dead = long_name; }

/* ---- what a server says of it ---------------------------------------------------- */

static void nobody(struct ward_nats_config *c) { c->url = "nats://127.0.0.1:1"; }
static void who(struct ward_nats_config *c) { c->url = "nats://no.such.host.invalid:1"; }
static void other_stream(struct ward_nats_config *c) { c->stream = "OTHER"; }
static void other_consumer(struct ward_nats_config *c) { c->consumer = "other"; }
static void pushes(struct ward_nats_config *c) { c->consumer = "pushes"; }
static void gives_up(struct ward_nats_config *c) { c->consumer = "gives_up"; }
static void waits(struct ward_nats_config *c) { c->consumer = "waits"; }
static void acks_all(struct ward_nats_config *c) { c->consumer = "acks_all"; }
static void no_results(struct ward_nats_config *c) { c->results = "nowhere."; }
static void no_letters(struct ward_nats_config *c) { c->dead = "nowhere"; }

static int says_no(void *arg, void *options)
{
	(void)arg;
	cr_assert(options);
	return -EDOM;
}

static void options_say_no(struct ward_nats_config *c) { c->options = says_no; }

static const struct {
	void (*spoil)(struct ward_nats_config *config);
	int err;
	const char *line; /* "": none */
} bad[] = {
	{ no_size, -EINVAL, "" },
	{ flag, -EINVAL, "" },
	{ no_url, -EINVAL, "" },
	{ empty_url, -EINVAL, "options" },
	{ no_stream, -EINVAL, "" },
	{ bad_stream, -EINVAL, "" },
	{ no_consumer, -EINVAL, "" },
	{ no_pool, -EINVAL, "" },
	{ no_run, -EINVAL, "" },
	{ run_and_cells, -EINVAL, "" },
	{ many, -EINVAL, "" },
	{ wild, -EINVAL, "" },
	{ spaces, -EINVAL, "" },
	{ dots, -EINVAL, "" },
	{ backwards, -EINVAL, "" },
	{ hurry, -EINVAL, "" },
	{ no_dead, -EINVAL, "" },
	{ policy, -EINVAL, "" },
	{ long_stream, -ENAMETOOLONG, "" },
	{ long_subject, -ENAMETOOLONG, "" },
	{ nobody, -EHOSTUNREACH, "127.0.0.1:1" },
	{ who, -EHOSTUNREACH, "invalid" },
	{ other_stream, -ENOENT, "stream not found" },
	{ other_consumer, -ENOENT, "consumer not found" },
	{ pushes, -EPROTOTYPE, "pushes" },
	{ gives_up, -EPROTO, "max_deliver" },
	{ waits, -EPROTO, "backoff" },
	{ acks_all, -EPROTO, "explicit" },
	{ no_results, -EADDRNOTAVAIL, "nowhere.0" },
	{ no_letters, -EADDRNOTAVAIL, "nowhere" },
	{ options_say_no, -EDOM, "" },
};

static void consumer(const char *name, void (*change)(jsConsumerConfig *))
{
	jsConsumerConfig config;

	jsConsumerConfig_Init(&config);
	config.Durable = name;
	config.AckPolicy = js_AckExplicit;
	change(&config);
	nats_ok(js_AddConsumer(NULL, queue.js, "MORE", &config, NULL, NULL));
}

static void change_push(jsConsumerConfig *c) { c->DeliverSubject = "there"; }
static void change_max(jsConsumerConfig *c) { c->MaxDeliver = 3; }
static void change_ack(jsConsumerConfig *c) { c->AckPolicy = js_AckAll; }
static void change_wait(jsConsumerConfig *c)
{
	static int64_t spans[] = { 1000000000, 2000000000 };

	c->BackOff = spans;
	c->BackOffLen = 2;
	c->MaxDeliver = 3;
}

static void consumers(void)
{
	const char *subject = "more.>";
	jsStreamConfig config;

	jsStreamConfig_Init(&config);
	config.Name = "MORE";
	config.Subjects = &subject;
	config.SubjectsLen = 1;
	nats_ok(js_AddStream(NULL, queue.js, &config, NULL, NULL));
	consumer("pushes", change_push);
	consumer("gives_up", change_max);
	consumer("acks_all", change_ack);
	consumer("waits", change_wait);
}

Test(nats_bad, each_has_its_error)
{
	struct ward_nats *const untouched = (void *)&pool, *nats;
	struct ward_nats_config config;
	int err;

	memset(long_name, 'a', sizeof(long_name) - 1);
	server_begin(LONG);
	consumers();
	pool = pool_of(1);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		config = config_of(pool);
		config.run = echo;
		if (bad[i].err == -EPROTO || bad[i].err == -EPROTOTYPE)
			config.stream = "MORE";
		bad[i].spoil(&config);
		last_line[0] = 0;
		nats = untouched;
		err = ward_nats_create(&nats, &config);
		cr_expect_eq(err, bad[i].err, "%zu: %d, %s", i, err, last_line);
		cr_expect(strstr(last_line, bad[i].line), "%zu: %s", i, last_line);
		cr_expect_eq(!*bad[i].line, !*last_line, "%zu: %s", i, last_line);
		cr_expect_eq(nats, untouched, "%zu", i);
	}
	cr_assert_eq(ward_nats_create(NULL, &config), -EINVAL);
	cr_assert_eq(ward_nats_create(&nats, NULL), -EINVAL);
	cr_assert_eq(ward_pool_destroy(pool, ward_in(IN_TIME)), 0);
	server_end();
}

Test(nats_bad, calls)
{
	struct ward_nats_stats stats = WARD_NATS_STATS_INIT;
	uint64_t none[64] = { 0 };
	struct ward_nats *nats = (void *)none;

	cr_assert_eq(ward_nats_stats(NULL, &stats), -EINVAL);
	cr_assert_eq(ward_nats_stats(nats, &stats), -EINVAL);
	cr_assert_eq(ward_nats_drain(nats, WARD_NOWAIT), -EINVAL);
	cr_assert_eq(ward_nats_destroy(NULL, WARD_NOWAIT), -EINVAL);
}

/* ---- a server with users --------------------------------------------------------- */

static pid_t server;
static char dir[] = "/tmp/ward-nats.XXXXXX";

static void write_users(const char *mute)
{
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "%s/conf", dir);
	f = fopen(path, "w");
	cr_assert(f);
	fprintf(f, "listen: 127.0.0.1:-1\njetstream { store_dir: \"%s\" }\n"
		   "authorization { users = [\n"
		   "{ user: all, password: p }\n"
		   "{ user: blind, password: p, permissions: { publish: { deny: "
		   "\"$JS.API.CONSUMER.INFO.>\" } } }\n%s] }\n", dir, mute);
	fclose(f);
}

static bool read_port(void)
{
	char path[128], text[512] = "", *at;
	FILE *f;

	snprintf(path, sizeof(path), "%s/nats-server_%d.ports", dir, server);
	f = fopen(path, "r");
	if (!f)
		return false;
	if (!fread(text, 1, sizeof(text) - 1, f))
		text[0] = 0;
	fclose(f);
	at = strstr(text, "nats://");
	return at && sscanf(at, "%127[^\"]", url) == 1;
}

static void users_begin(const char *mute)
{
	char conf[64];
	int null;

	cr_assert(mkdtemp(dir));
	write_users(mute);
	snprintf(conf, sizeof(conf), "%s/conf", dir);
	server = fork();
	if (server == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		null = open("/dev/null", O_WRONLY);
		dup2(null, 2);
		execlp("nats-server", "nats-server", "-c", conf, "--ports_file_dir", dir,
		       NULL);
		_exit(127);
	}
	soon(read_port());
}

static void users_end(void)
{
	char command[64];

	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	cr_assert_eq(system(command), 0);
}

static void as_user(struct queue_config *config, char *as_all)
{
	snprintf(as_all, CLUSTER_URLS, "nats://all:p@%s", url + strlen("nats://"));
	*config = (struct queue_config){ .replicas = 1,
					 .ack_wait = (int64_t)LONG,
					 .history = 1 };
	nats_ok(queue_open(&queue, as_all));
	nats_ok(queue_make(&queue, config));
}

Test(nats_bad, who_is_asking)
{
	struct queue_config users;
	struct ward_nats_config config;
	char as_all[CLUSTER_URLS];
	struct ward_nats *nats;

	users_begin("");
	as_user(&users, as_all);
	pool = pool_of(1);
	config = config_of(pool);
	config.run = echo;
	cr_assert_eq(ward_nats_create(&nats, &config), -EACCES);
	config.user = "all";
	config.password = "wrong";
	cr_assert_eq(ward_nats_create(&nats, &config), -EACCES);
	config.user = "blind";
	config.password = "p";
	cr_assert_eq(ward_nats_create(&nats, &config), -EACCES);
	cr_assert(strstr(last_line, "Permission"), "%s", last_line);
	config.user = "all";
	nats = nats_of(&config);
	put(1);
	soon(counted(nats).done == 1);
	nats_end(nats, pool);
	queue_close(&queue);
	users_end();
}

/* One that may not store results: it is told, and the message is not lost. */
Test(nats_bad, a_permission_that_is_missing)
{
	static char said[512];
	struct queue_config users;
	struct ward_nats_config config;
	char as_all[CLUSTER_URLS];
	struct ward_nats *nats;

	users_begin("{ user: mute, password: p, permissions: { publish: { deny: "
		    "\"$KV.>\" } } }\n");
	as_user(&users, as_all);
	pool = pool_of(1);
	config = config_of(pool);
	config.run = echo;
	config.user = "mute";
	config.password = "p";
	nats = nats_of(&config);
	put(1);
	soon(strstr(last_line, "Permission"));
	strcpy(said, last_line);
	cr_assert(strstr(said, "$KV."), "%s", said);
	cr_assert_eq(left(), 1);
	cr_assert_eq(ward_nats_destroy(nats, WARD_NOWAIT), 0);
	config.user = "all";
	nats = nats_of(&config);
	soon(counted(nats).done == 1);
	cr_assert_eq(counted(nats).claims, 1);
	nats_end(nats, pool);
	queue_close(&queue);
	users_end();
}

/* Refused twice for who it is, the client library gives up: that is told, and what the
 * process had goes to others. */
Test(nats_bad, a_user_that_is_gone)
{
	struct queue_config users;
	struct ward_nats_config config;
	char as_all[CLUSTER_URLS];
	struct ward_nats *nats;

	users_begin("{ user: some, password: p }\n");
	as_user(&users, as_all);
	pool = pool_of(1);
	config = config_of(pool);
	config.run = echo;
	config.user = "some";
	config.password = "p";
	nats = nats_of(&config);
	put(1);
	soon(counted(nats).done == 1 && left() == 0); /* its ack has come, too */
	write_users("");
	kill(server, SIGHUP);
	soon(was_said("closed for good"));
	cr_assert_eq(counted(nats).connected, 0);
	put(1);
	cr_assert_eq(ward_nats_drain(nats, ward_in(WARD_MS(10))), -ENOTCONN);
	cr_assert_eq(ward_nats_destroy(nats, WARD_NOWAIT), 0);
	config.user = "all";
	nats = nats_of(&config);
	soon(left() == 0);
	nats_end(nats, pool);
	queue_close(&queue);
	users_end();
}
