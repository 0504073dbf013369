# SPDX-License-Identifier: BSD-2-Clause
# libuv with a pool that heals itself: all of libuv's own objects but one.  Nothing of it
# is kept here, so that it is built only when asked for: make libuv, and what follows.
# LIBUV_SOURCE: libuv's sources; empty: those of Debian's package are fetched.

UV_DIR = adapters/libuv
UV_STOCK = $(UV_DIR)/stock
# Asked each time: before the sources are there it is nothing.
uv_stock_objects = $(filter-out %threadpool.lo, \
	$(shell ls $(UV_STOCK)/src/libuv_la-*.lo $(UV_STOCK)/src/unix/libuv_la-*.lo))

EXTRA_LTLIBRARIES += adapters/libuv/libuv.la adapters/libuv/exercised/libuv.la

adapters_libuv_libuv_la_SOURCES = $(adapter_sources) \
	adapters/libuv/answer.c \
	adapters/libuv/answer.h \
	adapters/libuv/end.c \
	adapters/libuv/end.h \
	adapters/libuv/pool.c \
	adapters/libuv/pool.h \
	adapters/libuv/request.c \
	adapters/libuv/request.h \
	adapters/libuv/threadpool.c
adapters_libuv_libuv_la_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/adapters \
	-isystem $(UV_STOCK)/include \
	-isystem $(UV_STOCK)/src -isystem $(UV_STOCK)/src/unix
adapters_libuv_libuv_la_LIBTOOLFLAGS = --tag=disable-static
adapters_libuv_libuv_la_LIBADD = libward-core.la $(uv_stock_objects) $(UV_STOCK_LIBS)
adapters_libuv_libuv_la_DEPENDENCIES = libward-core.la $(UV_STOCK)/libuv.la \
	$(top_srcdir)/adapters/libuv/libuv.map
adapters_libuv_libuv_la_LDFLAGS = $(AM_LDFLAGS) -rpath $(pkglibdir) -version-info 1:0:0 \
	-Wl,--version-script=$(top_srcdir)/adapters/libuv/libuv.map -Wl,-z,nodelete
UV_STOCK_LIBS = -ldl -lrt

# The same, for libuv's own tests: requests in good health are convicted.
adapters_libuv_exercised_libuv_la_SOURCES = $(adapters_libuv_libuv_la_SOURCES) \
	adapters/exercise.c \
	adapters/exercise.h
adapters_libuv_exercised_libuv_la_CPPFLAGS = $(adapters_libuv_libuv_la_CPPFLAGS) \
	-DEXERCISE
adapters_libuv_exercised_libuv_la_LIBTOOLFLAGS = \
	$(adapters_libuv_libuv_la_LIBTOOLFLAGS)
adapters_libuv_exercised_libuv_la_LIBADD = $(adapters_libuv_libuv_la_LIBADD)
adapters_libuv_exercised_libuv_la_DEPENDENCIES = $(adapters_libuv_libuv_la_DEPENDENCIES)
adapters_libuv_exercised_libuv_la_LDFLAGS = $(adapters_libuv_libuv_la_LDFLAGS)

$(adapters_libuv_libuv_la_OBJECTS) $(adapters_libuv_exercised_libuv_la_OBJECTS): \
	$(UV_STOCK)/configured

$(UV_STOCK)/configured: $(top_srcdir)/adapters/libuv/source.sh
	$(AM_V_GEN)CC='$(CC)' $(SHELL) $(top_srcdir)/adapters/libuv/source.sh \
		$(UV_STOCK) $(LIBUV_SOURCE)
	@: >$@
$(UV_STOCK)/libuv.la: $(UV_STOCK)/configured
	+$(AM_V_GEN)cd $(UV_STOCK) && $(MAKE) -s libuv.la >make.log 2>&1
	@touch $@

adapters/libuv/ward-uv-run: $(top_srcdir)/adapters/libuv/ward-uv-run.in
	@$(MKDIR_P) adapters/libuv
	$(AM_V_GEN)sed 's|@pkglibdir@|$(pkglibdir)|' \
		$(top_srcdir)/adapters/libuv/ward-uv-run.in >$@ && chmod +x $@

EXTRA_PROGRAMS += adapters/libuv/bench
adapters_libuv_bench_CPPFLAGS = -D_GNU_SOURCE
adapters_libuv_bench_LDADD = $(UV_LIBS)

.PHONY: libuv install-libuv check-libuv tsan-libuv bench-libuv soak-libuv picture-libuv
libuv: adapters/libuv/libuv.la adapters/libuv/ward-uv-run
install-libuv: libuv
	$(MKDIR_P) '$(DESTDIR)$(pkglibdir)' '$(DESTDIR)$(bindir)'
	$(INSTALL_DATA) adapters/libuv/.libs/libuv.so.1.0.0 '$(DESTDIR)$(pkglibdir)/libuv.so.1'
	$(INSTALL_SCRIPT) adapters/libuv/ward-uv-run '$(DESTDIR)$(bindir)'

# libuv's own tests, with its pool, with ours, and with ours in healing; minutes.
check-libuv: libuv adapters/libuv/exercised/libuv.la
	+cd $(UV_STOCK) && $(MAKE) -s test/run-tests >tests.log 2>&1
	$(SHELL) $(top_srcdir)/adapters/libuv/suite.sh $(UV_DIR)
# The story under ThreadSanitizer, linked with a libuv that it sees into; a minute.
EXTRA_PROGRAMS += tests/story/libuv_linked
tests_story_libuv_linked_SOURCES = tests/story/libuv_user.c
tests_story_libuv_linked_CPPFLAGS = $(tests_story_libuv_user_CPPFLAGS)
tests_story_libuv_linked_CFLAGS = $(tests_story_libuv_user_CFLAGS)
tests_story_libuv_linked_LDADD = adapters/libuv/libuv.la
tsan-libuv: libuv tsan/config.status
	+cd tsan && LIBUV_CFLAGS='-g -O1 -fsanitize=thread' $(MAKE) -s \
		tests/story/libuv_linked LIBUV_SOURCE=$(abs_builddir)/$(UV_STOCK)
	cd tsan && SANITIZED=1 top_srcdir=$(abs_top_srcdir) top_builddir=. TSAN_OPTIONS="$(UV_TSAN)" \
		$(SHELL) $(abs_top_srcdir)/tests/story/libuv.sh
UV_TSAN = suppressions=$(abs_top_srcdir)/adapters/libuv/tsan.supp $(TSAN_STAYS)
bench-libuv: libuv adapters/libuv/bench
	$(SHELL) $(top_srcdir)/adapters/bench.sh $(UV_DIR)/bench 'stat work' '1 4 16 32' \
		'LD_LIBRARY_PATH=$(abs_builddir)/$(UV_STOCK)/.libs' \
		'LD_LIBRARY_PATH=$(abs_builddir)/$(UV_DIR)/.libs UV_WARD_LOG=none'
# A file server of Node's whose threads hang, under wrk.
MINUTES = 10
soak-libuv: libuv
	$(SHELL) $(top_srcdir)/adapters/libuv/soak.sh $(UV_DIR) $(MINUTES)
# The picture of docs/libuv.md.
picture-libuv: libuv
	$(SHELL) $(top_srcdir)/adapters/libuv/picture.sh $(UV_DIR) >libuv.svg
	mv libuv.svg $(top_srcdir)/docs/libuv.svg

EXTRA_DIST += adapters/libuv/hung.js \
	adapters/libuv/libuv.map adapters/libuv/picture.awk adapters/libuv/picture.js \
	adapters/libuv/picture.sh adapters/libuv/soak.js adapters/libuv/soak.sh \
	adapters/libuv/source.sh adapters/libuv/suite.awk adapters/libuv/suite.sh \
	adapters/libuv/tsan.supp \
	adapters/libuv/ward-uv-run.in
CLEANFILES += tests/story/libuv_linked adapters/libuv/bench adapters/libuv/ward-uv-run
clean-local: clean-libuv
.PHONY: clean-libuv
clean-libuv:
	-rm -rf $(UV_STOCK) adapters/libuv/.libs adapters/libuv/exercised \
		adapters/libuv/libuv.la
