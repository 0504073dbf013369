# SPDX-License-Identifier: BSD-2-Clause
# Programs that use the library as its users do.  HAVE_EVENT is the conditional
# of what needs libevent (EVENT_CFLAGS, EVENT_LIBS).

httpd_sources = \
	examples/httpd/answer.c \
	examples/httpd/answer.h \
	examples/httpd/faults.c \
	examples/httpd/faults.h \
	examples/httpd/figures.c \
	examples/httpd/figures.h \
	examples/httpd/files.c \
	examples/httpd/files.h \
	examples/httpd/finished.c \
	examples/httpd/finished.h \
	examples/httpd/main.c \
	examples/httpd/options.c \
	examples/httpd/options.h \
	examples/httpd/pool.c \
	examples/httpd/pool.h \
	examples/httpd/range.c \
	examples/httpd/range.h \
	examples/httpd/request.c \
	examples/httpd/request.h \
	examples/httpd/routes.c \
	examples/httpd/routes.h \
	examples/httpd/server.c \
	examples/httpd/server.h \
	examples/httpd/types.c \
	examples/httpd/types.h \
	examples/httpd/work.c \
	examples/httpd/work.h

if HAVE_EVENT
noinst_PROGRAMS += examples/httpd/httpd
endif
examples_httpd_httpd_SOURCES = $(httpd_sources)
examples_httpd_httpd_CPPFLAGS = -D_GNU_SOURCE -I$(top_srcdir)/include \
	$(EVENT_CFLAGS)
examples_httpd_httpd_LDADD = libward.la $(EVENT_LIBS)

EXTRA_DIST += examples/httpd/README.md
