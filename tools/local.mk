# SPDX-License-Identifier: BSD-3-Clause
# tools: the command-line tools, one program for each name. The source of a tool is beside its
# service.

# Shared by the tools. Other programs can use it as well.
noinst_LTLIBRARIES += libtool_common.la
libtool_common_la_SOURCES = \
	%D%/common/address.c %D%/common/address.h %D%/common/bytes.c %D%/common/bytes.h \
	%D%/common/compatible.h %D%/common/nodelist.c %D%/common/nodelist.h \
	%D%/common/number.c %D%/common/number.h %D%/common/reach.c %D%/common/reach.h $(holder_sources) $(standard_sources) %D%/common/terminal.c %D%/common/terminal.h

if HAVE_CHECK
check_PROGRAMS += tests/unit/tools/common/test_tool_common
TESTS += tests/unit/tools/common/test_tool_common
tests_unit_tools_common_test_tool_common_SOURCES = tests/unit/tools/common/test_tool_common.c
tests_unit_tools_common_test_tool_common_LDADD = libtool_common.la $(CHECK_LIBS)
endif

# Use RUNPATH, so that LD_LIBRARY_PATH takes precedence over the path to our libraries.
bin_PROGRAMS += %D%/coterie-ctl
%C%_coterie_ctl_SOURCES = \
	%D%/main.c %D%/blackbox.c %D%/blackbox.h %D%/keygen.c %D%/keygen.h \
	services/cfg/tool/cfgtool.c services/cfg/tool/cfgtool.h \
	services/cfg/tool/status.c services/cfg/tool/status.h \
	services/cmap/tool/change.c services/cmap/tool/cmapctl.c services/cmap/tool/cmapctl.h \
	services/cmap/tool/follow.c services/cmap/tool/follow.h services/cmap/tool/keys.h \
	services/cmap/tool/print.c services/cmap/tool/types.c services/cmap/tool/types.h \
	services/cpg/tool/cpgtool.c services/cpg/tool/cpgtool.h \
	services/quorum/tool/quorumtool.c services/quorum/tool/quorumtool.h \
	services/quorum/tool/report.c services/quorum/tool/report.h \
	services/quorum/tool/view.c services/quorum/tool/view.h \
	services/quorum/tool/watch.c services/quorum/tool/watch.h
%C%_coterie_ctl_LDFLAGS = $(AM_LDFLAGS) -Wl,--enable-new-dtags
%C%_coterie_ctl_LDADD = \
	libtool_common.la libcpg.la libcmap.la libcfg.la libquorum.la libvotequorum.la \
	libclient.la libcorosync_common.la $(QB_LIBS)

# Commands of coterie-ctl itself, if json-c is installed.
include tools/cluster/local.mk
if HAVE_JSON
%C%_coterie_ctl_SOURCES += \
	$(cluster_sources) %D%/format.c %D%/format.h \
	%D%/ctl/answer.c %D%/ctl/clients.c %D%/ctl/completion.c %D%/ctl/completion.h %D%/ctl/completion_tools.c \
	%D%/ctl/config.c %D%/ctl/connect.c %D%/ctl/control.c %D%/ctl/control.h %D%/ctl/ctl.c %D%/ctl/ctl.h \
	%D%/ctl/ctl_main.h %D%/ctl/daemon.c %D%/ctl/daemon.h %D%/ctl/facts.c %D%/ctl/key_create.c %D%/ctl/key_rotate.c %D%/ctl/key_status.c %D%/ctl/log.c \
	%D%/ctl/matrix.c %D%/ctl/metrics.c %D%/ctl/nodes.c %D%/ctl/origin.c %D%/ctl/origin.h %D%/ctl/plugin.c %D%/ctl/progress.c %D%/ctl/progress.h \
	%D%/ctl/quorum.c %D%/ctl/reload.c %D%/ctl/reload.h %D%/ctl/reload_ask.c %D%/ctl/remote.c %D%/ctl/remote.h \
	%D%/ctl/rings.c $(fixed_keys_sources) %D%/ctl/source.c %D%/ctl/status.c %D%/ctl/watch.c
nodist_%C%_coterie_ctl_SOURCES = %D%/ctl/completion_scripts.h
%C%_coterie_ctl_CPPFLAGS = $(AM_CPPFLAGS) $(JSON_CFLAGS)
%C%_coterie_ctl_LDADD += libanswers.la libmetricstext.la $(JSON_LIBS) -lm
dist_man_MANS += %D%/man/coterie-ctl.8

include %D%/ctl/doctor/local.mk

# The scripts that `coterie-ctl completion` prints are the installed ones.
BUILT_SOURCES += %D%/ctl/completion_scripts.h
CLEANFILES += %D%/ctl/completion_scripts.h
%D%/ctl/completion_scripts.h: $(completion_scripts) %D%/completion/embed.sh
	$(AM_V_GEN)$(MKDIR_P) %D%/ctl && $(SHELL) $(srcdir)/%D%/completion/embed.sh \
		bash $(srcdir)/%D%/completion/coterie-ctl.bash zsh $(srcdir)/%D%/completion/_coterie-ctl \
		fish $(srcdir)/%D%/completion/coterie-ctl.fish >$@.new && mv $@.new $@

endif
completion_scripts = \
	%D%/completion/coterie-ctl.bash %D%/completion/_coterie-ctl %D%/completion/coterie-ctl.fish
EXTRA_DIST += $(completion_scripts) %D%/completion/embed.sh

# bash and fish look for a file named after the command, zsh for one file that names all commands. The folder of
# zsh differs between systems.
bashcompletiondir = $(datadir)/bash-completion/completions
zshcompletiondir = $(datadir)/zsh/site-functions
fishcompletiondir = $(datadir)/fish/vendor_completions.d
completed_names = $(tool_names) corosync-notifyd corosync-vqsim

install-completion:
	$(MKDIR_P) "$(DESTDIR)$(bashcompletiondir)" "$(DESTDIR)$(zshcompletiondir)" "$(DESTDIR)$(fishcompletiondir)"
	$(INSTALL_DATA) $(srcdir)/%D%/completion/coterie-ctl.bash "$(DESTDIR)$(bashcompletiondir)/coterie-ctl"
	$(INSTALL_DATA) $(srcdir)/%D%/completion/_coterie-ctl "$(DESTDIR)$(zshcompletiondir)/_coterie-ctl"
	$(INSTALL_DATA) $(srcdir)/%D%/completion/coterie-ctl.fish "$(DESTDIR)$(fishcompletiondir)/coterie-ctl.fish"
	for name in $(completed_names); do \
		(cd "$(DESTDIR)$(bashcompletiondir)" && rm -f $$name && $(LN_S) coterie-ctl $$name) && \
		(cd "$(DESTDIR)$(fishcompletiondir)" && rm -f $$name.fish && $(LN_S) coterie-ctl.fish $$name.fish) || \
		exit; \
	done

uninstall-completion:
	rm -f "$(DESTDIR)$(zshcompletiondir)/_coterie-ctl"
	for name in coterie-ctl $(completed_names); do \
		rm -f "$(DESTDIR)$(bashcompletiondir)/$$name" "$(DESTDIR)$(fishcompletiondir)/$$name.fish"; \
	done
.PHONY: install-completion uninstall-completion

dist_man_MANS += \
	services/cfg/man/corosync-cfgtool.8 services/cmap/man/corosync-cmapctl.8 \
	services/cpg/man/corosync-cpgtool.8 services/quorum/man/corosync-quorumtool.8 \
	%D%/man/corosync-blackbox.8 %D%/man/corosync-keygen.8

# Other names of the program. In the build folder they are links to the program itself, since
# libtool's wrapper would lose the name. Between the install folders they are relative links.
tool_names = \
	corosync-blackbox corosync-cfgtool corosync-cmapctl corosync-cpgtool corosync-keygen \
	corosync-quorumtool

%D%/links.stamp: %D%/coterie-ctl$(EXEEXT)
	$(AM_V_GEN)cd %D% && target=coterie-ctl$(EXEEXT) && \
	{ test ! -x .libs/$$target || target=.libs/$$target; } && \
	for name in $(tool_names); do rm -f $$name && $(LN_S) $$target $$name || exit; done && \
	: >links.stamp

all-local: %D%/links.stamp
CLEANFILES += %D%/links.stamp
clean-local: tool-links-clean
tool-links-clean:
	cd %D% 2>/dev/null && rm -f $(tool_names) || :

install_completion =
uninstall_completion =
if HAVE_JSON
install_completion += install-completion
uninstall_completion += uninstall-completion
endif
install-data-local: $(install_completion)

install-exec-local: install-tool-links
install-tool-links:
	$(MKDIR_P) "$(DESTDIR)$(sbindir)"
	target=`realpath -m --relative-to="$(sbindir)" "$(bindir)"`/coterie-ctl$(EXEEXT) && \
	cd "$(DESTDIR)$(sbindir)" && \
	for name in $(tool_names); do rm -f $$name && $(LN_S) $$target $$name || exit; done

uninstall-local: uninstall-tool-links $(uninstall_completion)
uninstall-tool-links:
	cd "$(DESTDIR)$(sbindir)" 2>/dev/null && rm -f $(tool_names) || :

.PHONY: tool-links-clean install-tool-links uninstall-tool-links
include tools/notifyd/local.mk

# The simulator contains the plugin's own sources, and needs no daemon and no library.
sbin_PROGRAMS += %D%/vqsim/corosync-vqsim
%C%_vqsim_corosync_vqsim_SOURCES = \
	%D%/vqsim/cluster.c %D%/vqsim/cluster.h %D%/vqsim/host.c %D%/vqsim/host.h \
	%D%/vqsim/settings.c %D%/vqsim/settings.h %D%/vqsim/vqsim.c \
	$(votequorum_service_sources)
%C%_vqsim_corosync_vqsim_LDADD = libtool_common.la
dist_man_MANS += %D%/man/corosync-vqsim.8
