# SPDX-License-Identifier: BSD-2-Clause
# Programs that are installed beside the library.

if HAVE_NCURSES
bin_PROGRAMS += wardtop
endif
wardtop_SOURCES = \
	tools/find.c \
	tools/find.h \
	tools/fleet.c \
	tools/fleet.h \
	tools/fleet_nats.c \
	tools/json.c \
	tools/json.h \
	tools/json_read.c \
	tools/json_read.h \
	tools/model.c \
	tools/model.h \
	tools/screen.c \
	tools/screen.h \
	tools/view.c \
	tools/view.h \
	tools/wardtop.c
wardtop_CFLAGS = $(AM_CFLAGS) $(NCURSES_CFLAGS)
wardtop_CPPFLAGS = $(AM_CPPFLAGS) $(WARDTOP_NATS_CPP) $(NATS_CFLAGS)
wardtop_LDADD = $(LDADD) $(NCURSES_LIBS) $(NATS_LIBS)
if HAVE_NATS
WARDTOP_NATS_CPP = -DHAVE_NATS
endif
