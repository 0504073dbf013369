# SPDX-License-Identifier: BSD-2-Clause
# Programs that are installed beside the library.

if HAVE_NCURSES
bin_PROGRAMS += wardtop
endif
wardtop_SOURCES = \
	tools/find.c \
	tools/find.h \
	tools/json.c \
	tools/json.h \
	tools/model.c \
	tools/model.h \
	tools/screen.c \
	tools/screen.h \
	tools/view.c \
	tools/view.h \
	tools/wardtop.c
wardtop_CFLAGS = $(AM_CFLAGS) $(NCURSES_CFLAGS)
wardtop_LDADD = $(LDADD) $(NCURSES_LIBS)
