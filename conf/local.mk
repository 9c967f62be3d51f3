# What operators and packagers get: the unit, example configs, the SDK's pkg-config file, the demo.
pkgconfig_DATA += %D%/coterie-plugin.pc
CLEANFILES += %D%/coterie-plugin.pc
EXTRA_DIST += %D%/coterie-plugin.pc.in
dist_doc_DATA += \
	%D%/corosync.conf.example-demo %D%/corosync.conf.example-knet %D%/corosync.conf.example-udp \
	%D%/corosync.conf.example-udpu

if HAVE_SYSTEMD_UNIT
systemdsystemunit_DATA += %D%/coterie.service
endif
CLEANFILES += %D%/coterie.service
EXTRA_DIST += %D%/coterie.service.in

noinst_PROGRAMS += %D%/demo_client
%C%_demo_client_SOURCES = %D%/demo_client.c
%C%_demo_client_LDFLAGS = $(AM_LDFLAGS) -Wl,--enable-new-dtags
%C%_demo_client_LDADD = libcpg.la
EXTRA_DIST += %D%/demo

demo: demo-run
demo-run: all
	@$(srcdir)/%D%/demo $(abs_top_builddir)
.PHONY: demo-run

dist_man_MANS += \
	%D%/man/coterie.8 %D%/man/corosync.8 %D%/man/corosync.conf.5 %D%/man/corosync_overview.7
