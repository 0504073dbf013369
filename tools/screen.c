/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * screen.c - see screen.h.  One page at a time, or a fleet, as the lines of view.h, cut off
 * at the width; the first row and the last are the screen's own.
 */
#include "screen.h"
#include <curses.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What is shown of one page. */
struct picture {
	struct model now, before;
	bool has_now, has_before;
	enum fate fate;
};

struct state {
	struct screen how;
	struct fleet *fleet; /* or NULL: pages */
	const struct finds *finds;
	size_t page; /* which one */
	struct picture picture;
	size_t top; /* line */
	bool paused, help, quit;
};

/* ---- the picture ----------------------------------------------------------------------- */

static void forget(struct picture *picture)
{
	if (picture->has_now)
		model_free(&picture->now);
	if (picture->has_before)
		model_free(&picture->before);
	*picture = (struct picture){ .has_now = false };
}

/* Rates are told from the last snapshot that was another one. */
static void keep(struct picture *picture, const struct model *next)
{
	bool newer = picture->has_now &&
		     picture->now.pool.head.number != next->pool.head.number;

	if (newer) {
		if (picture->has_before)
			model_free(&picture->before);
		picture->before = picture->now;
		picture->has_before = true;
	} else if (picture->has_now) {
		model_free(&picture->now);
	}
	picture->now = *next;
	picture->has_now = true;
}

/* Where nothing can be had, the last one stays. */
static void look_at_page(struct state *state)
{
	const struct found *found = &state->finds->found[state->page];
	struct picture *picture = &state->picture;
	struct model next;

	if (state->paused && picture->has_now)
		return;
	if (!model_read(&next, found->fd))
		keep(picture, &next);
	if (picture->has_now)
		picture->fate = fate_of(&picture->now, found);
}

static void turn_to(struct state *state, size_t page)
{
	state->page = page % state->finds->n;
	state->top = 0;
	forget(&state->picture);
	look_at_page(state);
}

static void look(struct state *state)
{
	if (!state->fleet)
		look_at_page(state);
	else if (!state->paused)
		fleet_hear(state->fleet, WARD_NOWAIT);
}

/* ---- drawn -------------------------------------------------------------------------- */

static attr_t attribute(const struct state *state, enum look look)
{
	bool colours = !state->how.mono;

	switch (look) {
	case LOOK_TITLE:
		return A_BOLD;
	case LOOK_GOOD:
		return colours ? COLOR_PAIR(1) : A_NORMAL;
	case LOOK_BAD:
		return colours ? COLOR_PAIR(2) | A_BOLD : A_BOLD;
	case LOOK_DIM:
		return A_DIM;
	default:
		return A_NORMAL;
	}
}

static void put(const struct state *state, int row, enum look look, const char *text)
{
	attr_t how = attribute(state, look);

	attron(how);
	mvaddnstr(row, 0, text, COLS > 0 ? COLS : 0);
	attroff(how);
}

static void draw_lines(struct state *state, const struct lines *lines)
{
	size_t rows = LINES > 1 ? (size_t)LINES - 1 : 1;

	if (state->top + rows > lines->n)
		state->top = lines->n > rows ? lines->n - rows : 0;
	for (size_t i = 0; i < rows && state->top + i < lines->n; i++) {
		const struct line *line = &lines->line[state->top + i];

		put(state, (int)i, line->look, line->text);
	}
}

static void draw_help(const struct state *state)
{
	static const char *const text[] = {
		"q          quit",
		"p, space   pause, and go on",
		"n, tab, N  next pool, previous pool",
		"s          sort workers by seat, silence, time, task",
		"0 to 7     all; workers, zombies, lanes, limits, wards, cells, reports",
		"up, down, page up, page down, home",
		"?          this, and back",
		"",
		"Bar of a silent worker or cell: # on its CPU, = asleep, ~ kept from it, ? unseen,",
		". not looked at yet.  At its end a budget is spent, and it is judged.",
	};

	for (size_t i = 0; i < sizeof(text) / sizeof(*text) && (int)i < LINES - 1; i++)
		put(state, (int)i, LOOK_PLAIN, text[i]);
}

static void draw_foot(const struct state *state)
{
	const char *paused = state->paused ? "PAUSED  " : "";
	char text[LINE_MAX_];

	if (state->fleet)
		snprintf(text, sizeof(text), "%sq quit  p pause", paused);
	else
		snprintf(text, sizeof(text), "%s%zu/%zu  %s  by %s  q quit  ? help", paused,
			 state->page + 1, state->finds->n,
			 section_name[state->how.view.section],
			 sort_name[state->how.view.sort]);
	put(state, LINES - 1, LOOK_TITLE, text);
}

static bool make_lines(const struct state *state, struct lines *lines)
{
	const struct picture *picture = &state->picture;
	struct view view = state->how.view;

	view.width = COLS > 0 ? (unsigned)COLS : 1;
	if (state->fleet)
		return fleet_lines(lines, &view, state->fleet, ward_now());
	return view_lines(lines, &view, &picture->now,
			  picture->has_before ? &picture->before : NULL, picture->fate);
}

static void draw(struct state *state)
{
	struct lines lines = { .n = 0 };

	erase();
	if (state->help)
		draw_help(state);
	else if (!state->fleet && !state->picture.has_now)
		put(state, 0, LOOK_BAD, "the page cannot be read");
	else if (make_lines(state, &lines))
		draw_lines(state, &lines);
	lines_free(&lines);
	draw_foot(state);
	refresh();
}

/* ---- keys --------------------------------------------------------------------------- */

static void scroll_by(struct state *state, int by)
{
	if (by < 0 && state->top < (size_t)-by)
		state->top = 0;
	else
		state->top += (size_t)by; /* draw_lines() finds the end */
}

static void press_at_page(struct state *state, int key)
{
	struct view *view = &state->how.view;

	if (key >= '0' && key < '0' + SECTIONS) {
		view->section = (enum section)(key - '0');
		state->top = 0;
		return;
	}
	switch (key) {
	case 'n':
	case '\t':
		turn_to(state, state->page + 1);
		break;
	case 'N':
	case KEY_BTAB:
		turn_to(state, state->page + state->finds->n - 1);
		break;
	case 's':
		view->sort = (enum sort)((view->sort + 1) % SORTS);
		break;
	case '?':
	case 'h':
		state->help = !state->help;
		break;
	default:
		break;
	}
}

static void press(struct state *state, int key)
{
	switch (key) {
	case 'q':
		state->quit = true;
		break;
	case 'p':
	case ' ':
		state->paused = !state->paused;
		break;
	case KEY_UP:
		scroll_by(state, -1);
		break;
	case KEY_DOWN:
		scroll_by(state, 1);
		break;
	case KEY_PPAGE:
		scroll_by(state, -LINES / 2);
		break;
	case KEY_NPAGE:
		scroll_by(state, LINES / 2);
		break;
	case KEY_HOME:
		state->top = 0;
		break;
	default:
		if (!state->fleet)
			press_at_page(state, key);
		break;
	}
}

/* Looks when the interval is over, draws after each key. */
static void run(struct state *state)
{
	if (!state->fleet)
		turn_to(state, 0);
	while (!state->quit) {
		int key;

		draw(state);
		timeout((int)(state->how.interval / 1000000));
		key = getch();
		if (key == ERR)
			look(state);
		else
			press(state, key);
	}
}

/* What a terminal without it, or NO_COLOR, has not. */
static bool set_colours(bool mono)
{
	if (mono || !has_colors() || start_color() == ERR)
		return false;
	use_default_colors();
	init_pair(1, COLOR_GREEN, -1);
	init_pair(2, COLOR_RED, -1);
	return true;
}

/* Behind the screen, where it stays to be read. */
static void say_fate(const struct state *state)
{
	const struct model *m = &state->picture.now;

	if (!state->picture.has_now || state->picture.fate == FATE_LIVES)
		return;
	fprintf(stderr, "wardtop: %s[%d]: %s\n", m->page.program, m->page.pid,
		state->picture.fate == FATE_DEAD ?
			"the process has ended; the page is what it left" :
			"the pool was destroyed");
}

static int screen_of(struct state *state)
{
	SCREEN *screen;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return -ENOTTY;
	screen = newterm(NULL, stdout, stdin);
	if (!screen)
		return -ENODEV;
	cbreak();
	noecho();
	keypad(stdscr, TRUE);
	curs_set(0);
	state->how.mono = !set_colours(state->how.mono);
	run(state);
	endwin();
	delscreen(screen);
	say_fate(state);
	forget(&state->picture);
	return 0;
}

int screen_run(const struct screen *how, const struct finds *finds)
{
	struct state state = { .how = *how, .finds = finds };

	return screen_of(&state);
}

int screen_fleet(const struct screen *how, struct fleet *fleet)
{
	struct state state = { .how = *how, .fleet = fleet };

	return screen_of(&state);
}
