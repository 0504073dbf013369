/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cell_lua - scripts of strangers, in cells.
 *
 *	cell_lua [FILE.lua...]
 *
 * Each script is a call, with an interpreter of its own; what it returns comes back as
 * text.  One that loops for ever is killed at its budget, one that allocates without end
 * hears that there is no memory; all others are answered.  Without files it runs some
 * scripts that are written down here.
 */
#include <errno.h>
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ward/ward.h>

enum { SCRIPT_MOST = 64 << 10, ANSWER_MOST = 4096 };
#define MEMORY (128u << 20) /* of a cell: addresses, those of this program among them */

/* ---- in a cell ----------------------------------------------------------------------- */

/* For scripts that take long, and know it: the budget begins anew. */
static int progress(lua_State *lua)
{
	int err = ward_check();

	return err ? luaL_error(lua, "told to stop: %s", strerror(-err)) : 0;
}

/* What a script has: neither files nor processes. */
static void open_libraries(lua_State *lua)
{
	static const luaL_Reg library[] = {
		{ LUA_GNAME, luaopen_base },
		{ LUA_TABLIBNAME, luaopen_table },
		{ LUA_STRLIBNAME, luaopen_string },
		{ LUA_MATHLIBNAME, luaopen_math },
	};
	static const char *const not[] = { "dofile", "loadfile", "print" };

	for (size_t i = 0; i < sizeof(library) / sizeof(library[0]); i++) {
		luaL_requiref(lua, library[i].name, library[i].func, 1);
		lua_pop(lua, 1);
	}
	for (size_t i = 0; i < sizeof(not) / sizeof(not[0]); i++) {
		lua_pushnil(lua);
		lua_setglobal(lua, not[i]);
	}
	lua_register(lua, "progress", progress);
}

/* All that may fail, in Lua's way. */
static int serve(lua_State *lua)
{
	struct ward_request *request = lua_touserdata(lua, 1);
	const char *text;
	size_t size;

	open_libraries(lua);
	if (luaL_loadbufferx(lua, request->in, request->in_size, "=script", "t"))
		return lua_error(lua);
	lua_call(lua, 0, 1);
	text = luaL_tolstring(lua, -1, &size);
	if (size > request->out_max)
		return luaL_error(lua, "an answer of %d bytes", (int)size);
	memcpy(request->out, text, size);
	request->out_size = (uint32_t)size;
	return 0;
}

static int run(struct ward_request *request)
{
	lua_State *lua = luaL_newstate();
	int how, err = 0;

	if (!lua)
		return ward_fail(-ENOMEM, "no interpreter");
	lua_pushcfunction(lua, serve);
	lua_pushlightuserdata(lua, request);
	how = lua_pcall(lua, 1, 0, 0);
	if (how)
		err = ward_fail(how == LUA_ERRMEM ? -ENOMEM : -EINVAL, "%s",
				lua_isstring(lua, -1) ? lua_tostring(lua, -1) :
							"an error without words");
	lua_close(lua); /* of a script that is killed the process's end does it */
	return err;
}

/* ---- a script ---------------------------------------------------------------------------- */

struct script {
	struct ward_call call;
	const char *name, *text;
	int status;
	char answer[ANSWER_MOST + 1]; /* or why there is none */
};

static struct script *scripts;
static int many;

static void done(struct ward_call *call, int status)
{
	struct script *script = ward_entry(call, struct script, call);

	script->status = status;
	if (!status)
		memcpy(script->answer, call->out, call->out_size);
}

/* By the scribe: what is known of a failure, in words. */
static void note(void *arg, const struct ward_report *report)
{
	(void)arg;
	if (report->kind == WARD_R_SLOW) /* a warning */
		return;
	for (int i = 0; i < many; i++)
		if (!strcmp(scripts[i].name, report->task))
			snprintf(scripts[i].answer, ANSWER_MOST, "%s",
				 *report->message ? report->message :
						    report->what);
}

static void show(const struct script *script)
{
	if (script->status)
		printf("%-9s %s: %s\n", script->name, strerror(-script->status),
		       script->answer);
	else
		printf("%-9s %s\n", script->name, script->answer);
}

/* ---- all of them -------------------------------------------------------------------------- */

static int submit(struct ward_cells *cells, struct script *script)
{
	script->call.in = script->text;
	script->call.in_size = (uint32_t)strlen(script->text);
	script->call.done = done;
	script->call.task.name = script->name;
	return ward_cells_submit(cells, &script->call, WARD_FOREVER);
}

static int run_all(struct ward_pool *pool)
{
	struct ward_cell_program program = WARD_CELL_PROGRAM_INIT;
	struct ward_cells_config config = WARD_CELLS_CONFIG_INIT;
	struct ward_cells *cells;
	int err;

	program.run = run;
	config.program = &program;
	config.cells = 2;
	config.depth = 8;
	config.in_max = SCRIPT_MOST;
	config.out_max = ANSWER_MOST;
	config.memory = MEMORY;
	config.recycle_calls = 1000;
	config.name = "lua";
	err = ward_cells_create(&cells, pool, &config);
	if (err)
		return err;
	for (int i = 0; i < many; i++)
		if ((err = submit(cells, &scripts[i])))
			scripts[i].status = err;
	err = ward_cells_drain(cells, WARD_FOREVER);
	return err ? err : ward_cells_destroy(cells, ward_in(WARD_S(1)));
}

static int make_pool(struct ward_pool **pool)
{
	struct ward_pool_config config = WARD_POOL_CONFIG_INIT;
	struct ward_policy policy = WARD_POLICY_INIT;
	struct ward_hooks hooks = { .report = note };
	int err;

	policy.busy_within = WARD_MS(200);
	policy.blocked_within = WARD_S(2);
	config.policy = &policy;
	config.hooks = &hooks;
	config.workers = 1;
	err = ward_pool_create(pool, &config);
	return err ? err : ward_pool_start(*pool);
}

/* ---- where scripts come from ---------------------------------------------------------------- */

static const struct script here[] = {
	{ .name = "answer", .text = "return 6 * 7" },
	{ .name = "loops", .text = "while true do end" },
	{ .name = "words", .text = "return (\"cell\"):rep(3, \" \")" },
	{ .name = "hoards", .text = "local all, much = {}, (\"x\"):rep(1 << 20)\n"
				    "while true do\n"
				    "    all[#all + 1] = much .. #all\n"
				    "end" },
	{ .name = "patient", .text = "local n = 0\n"
				     "for i = 1, 20000000 do\n"
				     "    if i % 10000 == 0 then progress() end\n"
				     "    n = n + i\n"
				     "end\n"
				     "return n" },
	{ .name = "errs", .text = "error(\"no such luck\")" },
	{ .name = "reads", .text = "return io.open(\"/etc/passwd\"):read()" },
	{ .name = "typo", .text = "return 6 *" },
	{ .name = "sum", .text = "local n = 0\n"
				 "for i = 1, 100 do n = n + i end\n"
				 "return n" },
};

static const char *read_file(const char *path)
{
	char *text = calloc(1, SCRIPT_MOST + 1);
	FILE *file = fopen(path, "r");

	if (!text || !file || (!fread(text, 1, SCRIPT_MOST, file) && ferror(file))) {
		perror(path);
		exit(1);
	}
	fclose(file);
	return text;
}

static void gather(int n, char **paths)
{
	many = n ? n : (int)(sizeof(here) / sizeof(here[0]));
	scripts = calloc((size_t)many, sizeof(*scripts));
	if (!scripts)
		exit(1);
	for (int i = 0; i < many; i++) {
		scripts[i].name = n ? paths[i] : here[i].name;
		scripts[i].text = n ? read_file(paths[i]) : here[i].text;
	}
}

int main(int argc, char **argv)
{
	struct ward_pool *pool;
	int err = ward_cell_zygote(); /* before all else: small */

	if (!err)
		err = make_pool(&pool);
	if (err)
		return 1;
	gather(argc - 1, argv + 1);
	err = run_all(pool);
	ward_pool_destroy(pool, WARD_FOREVER); /* all is told then */
	for (int i = 0; i < many && !err; i++)
		show(&scripts[i]);
	if (err)
		fprintf(stderr, "cell_lua: %s\n", strerror(-err));
	return err != 0;
}
