# SPDX-License-Identifier: BSD-3-Clause
# Files for operators and packagers: the unit, example configs, the SDK's pkg-config file, the demo.
pkgconfig_DATA += %D%/coterie-plugin.pc
CLEANFILES += %D%/coterie-plugin.pc
EXTRA_DIST += %D%/coterie-plugin.pc.in
# The file contains the version of the ABI.
%D%/coterie-plugin.pc: include/coterie/plugin.h
# Install the README beside the files that it names, without the parts that only the source tree
# has.
EXTRA_DIST += README.md
CLEANFILES += %D%/installed/README.md
%D%/installed/README.md: README.md
	$(AM_V_GEN)$(MKDIR_P) %D%/installed && sed -e '/^## In the source tree/,$$d' -e 's,`docs/,`,g' -e 's,`conf/,`,g' \
		-e 's,`plugins/template-,`template-,g' -e 's,`plugins/example-,`example-,g' \
		-e 's,`plugins/lock/,`lock/,g' $(srcdir)/README.md >$@.new && mv $@.new $@
dist_doc_DATA += \
	%D%/demo_client.c %D%/coterie.conf.example-demo %D%/coterie.conf.example-embedded %D%/coterie.conf.example-knet3-crypto \
	%D%/coterie.conf.example-multicast %D%/coterie.conf.example-qdevice %D%/coterie.conf.example-thirdparty \
	%D%/coterie.conf.example-two-node \
	%D%/corosync.conf.example-demo %D%/corosync.conf.example-knet %D%/corosync.conf.example-udp \
	%D%/corosync.conf.example-udpu

# Files for services of the system: the unit, the user, folders, rotation of log files.
sysusersdir = $(prefix)/lib/sysusers.d
tmpfilesdir = $(prefix)/lib/tmpfiles.d
logrotatedir = $(sysconfdir)/logrotate.d
if HAVE_SYSTEMD_UNIT
systemdsystemunit_DATA += %D%/coterie.service
if WITH_WD
systemddropindir = $(systemdsystemunitdir)/coterie.service.d
nodist_systemddropin_DATA = %D%/coterie-wd.conf
udevrulesdir = $(prefix)/lib/udev/rules.d
nodist_udevrules_DATA = %D%/60-coterie-wd.rules
endif
nodist_sysusers_DATA = %D%/sysusers/coterie.conf
nodist_tmpfiles_DATA = %D%/tmpfiles/coterie.conf
endif
nodist_logrotate_DATA = %D%/logrotate/coterie
if WITH_OPENRC
openrcdir = $(sysconfdir)/init.d
nodist_openrc_SCRIPTS = %D%/openrc/coterie
endif
%D%/openrc/coterie: %D%/coterie.openrc.in
	$(AM_V_GEN)$(substitute) $< >$@.new && chmod +x $@.new && mv $@.new $@
%D%/sysusers/coterie.conf: %D%/coterie.sysusers
	$(AM_V_GEN)$(substitute) $< >$@.new && mv $@.new $@
%D%/tmpfiles/coterie.conf: %D%/coterie.tmpfiles.in
	$(AM_V_GEN)$(substitute) $< >$@.new && mv $@.new $@
%D%/logrotate/coterie: %D%/coterie.logrotate.in
	$(AM_V_GEN)$(substitute) $< >$@.new && mv $@.new $@
CLEANFILES += \
	%D%/coterie.service %D%/sysusers/coterie.conf %D%/tmpfiles/coterie.conf \
	%D%/logrotate/coterie %D%/openrc/coterie
EXTRA_DIST += \
	%D%/container/README.md %D%/container/make-image %D%/container/three \
	%D%/60-coterie-wd.rules %D%/coterie-compat.conf %D%/coterie-wd.conf %D%/coterie.openrc.in %D%/coterie.service.in %D%/coterie.sysusers %D%/coterie.tmpfiles.in %D%/coterie.logrotate.in

# Not part of make install: the daemon and its unit under Corosync's names, for programs that look
# for these.
install-compat:
	$(MKDIR_P) "$(DESTDIR)$(sbindir)"
	cd "$(DESTDIR)$(sbindir)" && rm -f corosync && $(LN_S) coterie corosync
	test '$(systemdsystemunitdir)' = no || { \
		$(MKDIR_P) "$(DESTDIR)$(systemdsystemunitdir)" && cd "$(DESTDIR)$(systemdsystemunitdir)" && \
		rm -f corosync.service && $(LN_S) coterie.service corosync.service && $(MKDIR_P) coterie.service.d; }
	test '$(systemdsystemunitdir)' = no || $(INSTALL_DATA) $(srcdir)/%D%/coterie-compat.conf \
		"$(DESTDIR)$(systemdsystemunitdir)/coterie.service.d/coterie-compat.conf"
.PHONY: install-compat

noinst_PROGRAMS += %D%/demo_client
%C%_demo_client_SOURCES = %D%/demo_client.c
%C%_demo_client_LDFLAGS = $(AM_LDFLAGS) -Wl,--enable-new-dtags
%C%_demo_client_LDADD = libcpg.la
EXTRA_DIST += %D%/demo

demo: demo-run
demo-run: all
	@$(srcdir)/%D%/demo $(abs_top_builddir)
.PHONY: demo-run

dist_man_MANS += %D%/man/coterie.conf.5 \
	%D%/man/coterie.8 %D%/man/corosync.8 %D%/man/corosync.conf.5 %D%/man/corosync_overview.7 \
	%D%/man/coterie-plugin-life.7

# Packages: dpkg-buildpackage wants its files in a folder at the top of the source, rpmbuild in the
# tarball.
EXTRA_DIST += \
	%D%/coterie.spec.in \
	debian/changelog debian/control debian/copyright debian/coterie-compat-corosync.dirs debian/coterie-compat-corosync.install \
	debian/coterie-compat-corosync.lintian-overrides debian/coterie-compat-corosync.postinst \
	debian/coterie-compat-corosync.postrm debian/coterie-compat-corosync.preinst debian/coterie-compat-corosync.prerm \
	debian/coterie-dev.install debian/coterie-notifyd.install debian/coterie-notifyd.lintian-overrides \
	debian/coterie-notifyd.postinst debian/coterie-notifyd.postrm debian/coterie-notifyd.preinst debian/coterie-notifyd.prerm \
	debian/coterie-sdk.install debian/coterie-sdk.lintian-overrides debian/coterie-service-cfg.install debian/coterie-service-cmap.install \
	debian/coterie-service-cpg.install debian/coterie-service-evs.install \
	debian/coterie-service-kv.install debian/libcoterie-kv0.install debian/libcoterie-kv0.symbols \
	debian/libcoterie-client0.install debian/libcoterie-client0.symbols \
	debian/coterie-service-metrics.install debian/coterie-service-mon.install debian/coterie-service-pload.install \
	debian/coterie-service-quorum.install debian/coterie-service-votequorum.install \
	debian/coterie-service-wd.install debian/coterie-tools.install debian/coterie-transport-knet.install \
	debian/coterie-transport-udp.install debian/coterie-transport-udpu.install \
	debian/coterie-vqsim.install debian/coterie.dirs debian/coterie.install debian/coterie.lintian-overrides debian/coterie.postinst debian/coterie.postrm \
	debian/libcoterie-cfg7.install debian/libcoterie-cfg7.lintian-overrides \
	debian/libcoterie-cfg7.symbols debian/libcoterie-cmap4.install \
	debian/libcoterie-cmap4.lintian-overrides debian/libcoterie-cmap4.symbols \
	debian/libcoterie-common4.install debian/libcoterie-common4.lintian-overrides \
	debian/libcoterie-common4.symbols debian/libcoterie-cpg4.install \
	debian/libcoterie-cpg4.lintian-overrides debian/libcoterie-cpg4.symbols \
	debian/libcoterie-evs4.install debian/libcoterie-evs4.lintian-overrides \
	debian/libcoterie-evs4.symbols debian/libcoterie-quorum5.install \
	debian/libcoterie-quorum5.lintian-overrides debian/libcoterie-quorum5.symbols \
	debian/libcoterie-sam4.install debian/libcoterie-sam4.lintian-overrides \
	debian/libcoterie-sam4.symbols debian/libcoterie-votequorum8.install \
	debian/libcoterie-votequorum8.lintian-overrides debian/libcoterie-votequorum8.symbols \
	debian/not-installed debian/python3-coterie.install debian/rules debian/source/format
EXTRA_DIST += coterie.spec
CLEANFILES += coterie.spec
coterie.spec: %D%/coterie.spec.in
	$(AM_V_GEN)$(SED) -e 's,[@]VERSION[@],$(VERSION),g' $< >$@.new && mv $@.new $@

deb:
	cd $(srcdir) && dpkg-buildpackage -us -uc -b
.PHONY: deb
