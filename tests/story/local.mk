# SPDX-License-Identifier: BSD-2-Clause
# One fear each.  httpd_scripts drive examples/httpd (make check-httpd).

story_tests =
story_scripts =
httpd_scripts =

alone_tests += $(story_tests) $(httpd_scripts)
