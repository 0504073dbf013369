# SPDX-License-Identifier: BSD-2-Clause
# GLib's thread pools on a pool that heals itself: a shared object that is loaded before
# GLib.  It is built only when asked for: make glib, and what follows.

GLIB_DIR = adapters/glib
EXTRA_LTLIBRARIES += adapters/glib/libward-glib.la adapters/glib/exercised/libward-glib.la

adapters_glib_libward_glib_la_SOURCES = $(adapter_sources) \
	adapters/glib/crew.c \
	adapters/glib/crew.h \
	adapters/glib/gpool.c \
	adapters/glib/gpool.h \
	adapters/glib/queue.c \
	adapters/glib/queue.h \
	adapters/glib/threadpool.c
adapters_glib_libward_glib_la_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/adapters $(GLIB_CFLAGS)
adapters_glib_libward_glib_la_LIBTOOLFLAGS = --tag=disable-static
adapters_glib_libward_glib_la_LIBADD = libward-core.la $(GLIB_LIBS)
adapters_glib_libward_glib_la_DEPENDENCIES = libward-core.la \
	$(top_srcdir)/adapters/glib/glib.map
adapters_glib_libward_glib_la_LDFLAGS = $(AM_LDFLAGS) -rpath $(pkglibdir) -module \
	-avoid-version -Wl,-z,nodelete \
	-Wl,--version-script=$(top_srcdir)/adapters/glib/glib.map

# The same, for GLib's own tests: items in good health are convicted.
adapters_glib_exercised_libward_glib_la_SOURCES = $(adapters_glib_libward_glib_la_SOURCES) \
	adapters/exercise.c \
	adapters/exercise.h
adapters_glib_exercised_libward_glib_la_CPPFLAGS = \
	$(adapters_glib_libward_glib_la_CPPFLAGS) -DEXERCISE
adapters_glib_exercised_libward_glib_la_LIBTOOLFLAGS = \
	$(adapters_glib_libward_glib_la_LIBTOOLFLAGS)
adapters_glib_exercised_libward_glib_la_LIBADD = $(adapters_glib_libward_glib_la_LIBADD)
adapters_glib_exercised_libward_glib_la_DEPENDENCIES = \
	$(adapters_glib_libward_glib_la_DEPENDENCIES)
adapters_glib_exercised_libward_glib_la_LDFLAGS = $(adapters_glib_libward_glib_la_LDFLAGS)

adapters/glib/ward-glib-run: $(top_srcdir)/adapters/glib/ward-glib-run.in
	@$(MKDIR_P) adapters/glib
	$(AM_V_GEN)sed 's|@pkglibdir@|$(pkglibdir)|' \
		$(top_srcdir)/adapters/glib/ward-glib-run.in >$@ && chmod +x $@

EXTRA_PROGRAMS += adapters/glib/bench adapters/glib/hung
adapters_glib_bench_CPPFLAGS = -D_GNU_SOURCE $(GLIB_CFLAGS)
adapters_glib_bench_LDADD = $(GLIB_LIBS)
adapters_glib_hung_CPPFLAGS = $(GIO_CFLAGS)
adapters_glib_hung_LDADD = $(GIO_LIBS)

.PHONY: glib install-glib
glib: adapters/glib/libward-glib.la adapters/glib/ward-glib-run adapters/glib/hung
install-glib: glib
	$(MKDIR_P) '$(DESTDIR)$(pkglibdir)' '$(DESTDIR)$(bindir)'
	$(INSTALL_DATA) adapters/glib/.libs/libward-glib.so '$(DESTDIR)$(pkglibdir)'
	$(INSTALL_SCRIPT) adapters/glib/ward-glib-run '$(DESTDIR)$(bindir)'

# GLib's own tests, of Debian's package: with its pools, with ours, and with ours in healing.
$(GLIB_DIR)/tests/fetched: $(top_srcdir)/adapters/fetch.sh
	@rm -rf $(GLIB_DIR)/tests && $(MKDIR_P) $(GLIB_DIR)/tests
	$(AM_V_GEN)fetch=$$(cd $(top_srcdir)/adapters && pwd)/fetch.sh && \
		cd $(GLIB_DIR)/tests && $(SHELL) $$fetch deb download libglib2.0-tests && \
		dpkg-deb -x libglib2.0-tests_*.deb . && : >fetched
.PHONY: check-glib bench-glib
check-glib: glib adapters/glib/exercised/libward-glib.la $(GLIB_DIR)/tests/fetched
	$(SHELL) $(top_srcdir)/adapters/glib/suite.sh $(GLIB_DIR)
bench-glib: glib adapters/glib/bench
	$(SHELL) $(top_srcdir)/adapters/bench.sh $(GLIB_DIR)/bench 'empty 1us' '1 4 32' \
		STOCK=1 'LD_PRELOAD=$(abs_builddir)/$(GLIB_DIR)/.libs/libward-glib.so'
# The story under AddressSanitizer or ThreadSanitizer; a minute each.  Linked with ours, for
# nothing may be loaded before a sanitizer; GLib itself is not seen into.
EXTRA_PROGRAMS += tests/story/glib_linked
tests_story_glib_linked_SOURCES = tests/story/glib_user.c
tests_story_glib_linked_CPPFLAGS = $(tests_story_glib_user_CPPFLAGS)
tests_story_glib_linked_CFLAGS = $(tests_story_glib_user_CFLAGS)
tests_story_glib_linked_LDADD = adapters/glib/libward-glib.la $(GIO_LIBS)
.PHONY: asan-glib tsan-glib
asan-glib tsan-glib: %-glib: %/config.status
	+cd $* && $(MAKE) -s tests/story/glib_linked
	cd $* && SANITIZED=1 top_srcdir=$(abs_top_srcdir) top_builddir=. \
		TSAN_OPTIONS='ignore_noninstrumented_modules=1 $(TSAN_STAYS)' \
		$(SHELL) $(abs_top_srcdir)/tests/story/glib.sh

EXTRA_DIST += adapters/glib/suite.awk adapters/glib/suite.sh adapters/glib/glib.map adapters/glib/ward-glib-run.in
CLEANFILES += tests/story/glib_linked adapters/glib/bench adapters/glib/hung adapters/glib/ward-glib-run
clean-local: clean-glib
.PHONY: clean-glib
clean-glib:
	-rm -rf adapters/glib/.libs adapters/glib/exercised adapters/glib/tests \
		adapters/glib/libward-glib.la
