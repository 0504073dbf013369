# SPDX-License-Identifier: BSD-2-Clause
# One fear each.  httpd_scripts drive examples/httpd (make check-httpd).

story_tests =
story_scripts =
httpd_scripts = \
	tests/story/httpd_degraded.sh \
	tests/story/httpd_end.sh \
	tests/story/httpd_faults.sh \
	tests/story/httpd_files.sh

# Their clients, and what they share.
httpd_programs = tests/story/httpd_client
check_PROGRAMS += $(httpd_programs)
tests_story_httpd_client_SOURCES = tests/story/httpd_client.c
tests_story_httpd_client_LDADD =
EXTRA_DIST += tests/story/httpd.lua tests/story/httpd.sh

alone_tests += $(story_tests) $(httpd_scripts)
