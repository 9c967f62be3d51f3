# SPDX-License-Identifier: BSD-3-Clause
# Plugins for tests. Those for test_plugin: one source, one wrong thing each.
dist_check_DATA += %D%/bad.c %D%/bad_transport.c

check_LTLIBRARIES += $(variant_plugins)
VARIANT_CFLAGS = $(AM_CFLAGS) -fvisibility=hidden
VARIANT_LDFLAGS = $(PLUGIN_LDFLAGS) -rpath /nowhere
variant_plugins =
variant_plugins += %D%/good.la
%C%_good_la_SOURCES = %D%/variant.c
%C%_good_la_CPPFLAGS = $(AM_CPPFLAGS) -DID=good
%C%_good_la_CFLAGS = $(VARIANT_CFLAGS)
%C%_good_la_LDFLAGS = $(VARIANT_LDFLAGS)
variant_plugins += %D%/newer_minor.la
%C%_newer_minor_la_SOURCES = %D%/variant.c
%C%_newer_minor_la_CPPFLAGS = $(AM_CPPFLAGS) -DID=newer_minor -DGROWN -DRING_ID=39
%C%_newer_minor_la_CFLAGS = $(VARIANT_CFLAGS)
%C%_newer_minor_la_LDFLAGS = $(VARIANT_LDFLAGS)
variant_plugins += %D%/no_symbol.la
%C%_no_symbol_la_SOURCES = %D%/variant.c
%C%_no_symbol_la_CPPFLAGS = $(AM_CPPFLAGS) -DID=no_symbol -DNO_SYMBOL
%C%_no_symbol_la_CFLAGS = $(VARIANT_CFLAGS)
%C%_no_symbol_la_LDFLAGS = $(VARIANT_LDFLAGS)
variant_plugins += %D%/wrong_magic.la
%C%_wrong_magic_la_SOURCES = %D%/variant.c
%C%_wrong_magic_la_CPPFLAGS = $(AM_CPPFLAGS) -DID=wrong_magic -DMAGIC=0x12345678
%C%_wrong_magic_la_CFLAGS = $(VARIANT_CFLAGS)
%C%_wrong_magic_la_LDFLAGS = $(VARIANT_LDFLAGS)
variant_plugins += %D%/newer_major.la
%C%_newer_major_la_SOURCES = %D%/variant.c
%C%_newer_major_la_CPPFLAGS = $(AM_CPPFLAGS) -DID=newer_major -DMAJOR=2
%C%_newer_major_la_CFLAGS = $(VARIANT_CFLAGS)
%C%_newer_major_la_LDFLAGS = $(VARIANT_LDFLAGS)
variant_plugins += %D%/older_major.la
%C%_older_major_la_SOURCES = %D%/variant.c
%C%_older_major_la_CPPFLAGS = $(AM_CPPFLAGS) -DID=older_major -DMAJOR=0
%C%_older_major_la_CFLAGS = $(VARIANT_CFLAGS)
%C%_older_major_la_LDFLAGS = $(VARIANT_LDFLAGS)
variant_plugins += %D%/short_table.la
%C%_short_table_la_SOURCES = %D%/variant.c
%C%_short_table_la_CPPFLAGS = $(AM_CPPFLAGS) -DID=short_table -DSHORT_TABLE
%C%_short_table_la_CFLAGS = $(VARIANT_CFLAGS)
%C%_short_table_la_LDFLAGS = $(VARIANT_LDFLAGS)
variant_plugins += %D%/misnamed.la
%C%_misnamed_la_SOURCES = %D%/variant.c
%C%_misnamed_la_CPPFLAGS = $(AM_CPPFLAGS) -DID=misnamed -DNAME=other
%C%_misnamed_la_CFLAGS = $(VARIANT_CFLAGS)
%C%_misnamed_la_LDFLAGS = $(VARIANT_LDFLAGS)
variant_plugins += %D%/init_fails.la
%C%_init_fails_la_SOURCES = %D%/variant.c
%C%_init_fails_la_CPPFLAGS = $(AM_CPPFLAGS) -DID=init_fails -DINIT_RC=-ENXIO
%C%_init_fails_la_CFLAGS = $(VARIANT_CFLAGS)
%C%_init_fails_la_LDFLAGS = $(VARIANT_LDFLAGS)
variant_plugins += %D%/undefined.la
%C%_undefined_la_SOURCES = %D%/variant.c
%C%_undefined_la_CPPFLAGS = $(AM_CPPFLAGS) -DID=undefined -DUNDEFINED
%C%_undefined_la_CFLAGS = $(VARIANT_CFLAGS)
%C%_undefined_la_LDFLAGS = -module -avoid-version -rpath /nowhere
variant_plugins += %D%/aborts.la
%C%_aborts_la_SOURCES = %D%/variant.c
%C%_aborts_la_CPPFLAGS = $(AM_CPPFLAGS) -DID=aborts -DABORTS
%C%_aborts_la_CFLAGS = $(VARIANT_CFLAGS)
%C%_aborts_la_LDFLAGS = $(VARIANT_LDFLAGS)
variant_plugins += %D%/same_ring_id.la
%C%_same_ring_id_la_SOURCES = %D%/variant.c
%C%_same_ring_id_la_CPPFLAGS = $(AM_CPPFLAGS) -DID=same_ring_id
%C%_same_ring_id_la_CFLAGS = $(VARIANT_CFLAGS)
%C%_same_ring_id_la_LDFLAGS = $(VARIANT_LDFLAGS)
variant_plugins += %D%/life.la
%C%_life_la_SOURCES = %D%/life.c
%C%_life_la_CFLAGS = $(VARIANT_CFLAGS)
%C%_life_la_LDFLAGS = $(VARIANT_LDFLAGS)

# The template, for rings in which it is replaced.
variant_plugins += %D%/tally.la
%C%_tally_la_SOURCES = plugins/template-service/tally.c plugins/template-service/tally.h
%C%_tally_la_CFLAGS = $(VARIANT_CFLAGS)
%C%_tally_la_LDFLAGS = $(VARIANT_LDFLAGS)
variant_plugins += %D%/leaky.la
%C%_leaky_la_SOURCES = %D%/variant.c
%C%_leaky_la_CPPFLAGS = $(AM_CPPFLAGS) -DID=leaky -DLEAKS -DRING_ID=41
%C%_leaky_la_CFLAGS = $(VARIANT_CFLAGS)
%C%_leaky_la_LDFLAGS = $(VARIANT_LDFLAGS)
