# SPDX-License-Identifier: BSD-2-Clause
# The manual.  A new page is one line here.  Each name in its section NAME is another
# way to it: a link, made at installation.

man_pages = \
	man/ward.7 \
	man/ward_page.7 \
	man/ward_bridge.3 \
	man/ward_cancel.3 \
	man/ward_cell.3 \
	man/ward_cells.3 \
	man/ward_check.3 \
	man/ward_cxx.3 \
	man/ward_fail.3 \
	man/ward_for.3 \
	man/ward_fork.3 \
	man/ward_hedge.3 \
	man/ward_lane.3 \
	man/ward_limit.3 \
	man/ward_metrics.3 \
	man/ward_nats.3 \
	man/ward_now.3 \
	man/ward_pool.3 \
	man/ward_port.3 \
	man/ward_report.3 \
	man/ward_stats.3 \
	man/ward_steward.3 \
	man/ward_submit.3 \
	man/ward_task_cancel.3 \
	man/wardbench.1 \
	man/wardtop.1

dist_man_MANS = $(man_pages)
EXTRA_DIST += man/calls.sh man/html.sh man/ward.css

man_sources = $(addprefix $(top_srcdir)/,$(man_pages))

# do COMMAND for each name that is not its page's own
define for_each_name
	@$(SHELL) $(top_srcdir)/man/calls.sh $(man_sources) | \
	while read -r page name; do \
		section=$${page##*.}; \
		dir='$(DESTDIR)$(mandir)'/man$$section; \
		test "$$name.$$section" = "$$page" || $(1) || exit 1; \
	done
endef

install-data-local:
	$(call for_each_name,{ $(MKDIR_P) "$$dir" && \
		$(LN_S) -f "$$page" "$$dir/$$name.$$section"; })
uninstall-local:
	$(call for_each_name,rm -f "$$dir/$$name.$$section")
	rm -f $(addprefix '$(DESTDIR)$(htmldir)'/,index.html ward.css \
		$(addsuffix .html,$(notdir $(man_pages))))

# As HTML, in html/: index.html is the way in.
.PHONY: html-pages
html-pages:
	@test -n '$(MANDOC)' || { \
		echo 'mandoc is missing: apt-get install mandoc' >&2; exit 1; }
	MANDOC='$(MANDOC)' $(SHELL) $(top_srcdir)/man/html.sh html $(man_sources)
html-local: html-pages
install-html-local: html-pages
	$(MKDIR_P) '$(DESTDIR)$(htmldir)'
	$(INSTALL_DATA) html/* '$(DESTDIR)$(htmldir)'
clean-local:
	rm -rf html
