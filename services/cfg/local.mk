# SPDX-License-Identifier: BSD-3-Clause
# The service plugin. The library and the man pages have their own fragments.
cfg_service_sources = \
	services/cfg/agree.c services/cfg/agree.h services/cfg/agree_ask.c services/cfg/agree_round.c \
	services/cfg/agree_send.c services/cfg/cfg.c services/cfg/cfg.h services/cfg/messages.h \
	services/cfg/rekey.c services/cfg/rekey_words.c services/cfg/reload.c services/cfg/rotate.c \
	services/cfg/shutdown.c services/cfg/state.c services/cfg/status.c services/cfg/wrap.c $(mac_sources)

if WITH_CFG
plugin_LTLIBRARIES += cfg.la
endif
cfg_la_SOURCES = $(cfg_service_sources)
cfg_la_CFLAGS = $(AM_CFLAGS) $(CRYPTO_CFLAGS) -fvisibility=hidden
cfg_la_LDFLAGS = $(PLUGIN_LDFLAGS)
cfg_la_LIBADD = $(LATE_CRYPTO_LIBS)

if HAVE_CHECK
# A plugin exports only its descriptor, so the tests link its objects from an archive.
check_LTLIBRARIES += libcfg_service.la
libcfg_service_la_SOURCES = $(cfg_service_sources)
libcfg_service_la_LIBADD = libmock_host.la $(LATE_CRYPTO_LIBS)
libcfg_service_la_CFLAGS = $(AM_CFLAGS) $(CRYPTO_CFLAGS)

cfg_service_tests = \
	tests/unit/services/cfg/test_cfg tests/unit/services/cfg/test_cfg_agree \
	tests/unit/services/cfg/test_cfg_agree_odds tests/unit/services/cfg/test_cfg_agree_expire \
	tests/unit/services/cfg/test_cfg_rekey \
	tests/unit/services/cfg/test_cfg_rekey_order tests/unit/services/cfg/test_cfg_rekey_reload \
	tests/unit/services/cfg/test_cfg_rotate tests/unit/services/cfg/test_cfg_shutdown
check_PROGRAMS += $(cfg_service_tests)
TESTS += $(cfg_service_tests)
agree_case_sources = tests/unit/services/cfg/agree_case.c tests/unit/services/cfg/agree_case.h \
	tests/unit/service_ring.c tests/unit/service_ring.h
tests_unit_services_cfg_test_cfg_agree_SOURCES = tests/unit/services/cfg/test_cfg_agree.c $(agree_case_sources)
tests_unit_services_cfg_test_cfg_agree_LDADD = libcfg_service.la $(CHECK_LIBS)
tests_unit_services_cfg_test_cfg_agree_odds_SOURCES = tests/unit/services/cfg/test_cfg_agree_odds.c \
	$(agree_case_sources)
tests_unit_services_cfg_test_cfg_agree_odds_LDADD = libcfg_service.la $(CHECK_LIBS)
tests_unit_services_cfg_test_cfg_agree_expire_SOURCES = tests/unit/services/cfg/test_cfg_agree_expire.c \
	$(agree_case_sources)
tests_unit_services_cfg_test_cfg_agree_expire_LDADD = libcfg_service.la $(CHECK_LIBS)
tests_unit_services_cfg_test_cfg_rotate_SOURCES = tests/unit/services/cfg/test_cfg_rotate.c $(agree_case_sources)
tests_unit_services_cfg_test_cfg_rotate_LDADD = libcfg_service.la $(CHECK_LIBS)
rekey_case_sources = tests/unit/services/cfg/rekey_case.c tests/unit/services/cfg/rekey_case.h \
	tests/unit/service_ring.c tests/unit/service_ring.h
tests_unit_services_cfg_test_cfg_rekey_SOURCES = tests/unit/services/cfg/test_cfg_rekey.c $(rekey_case_sources) \
	$(fail_alloc_sources)
tests_unit_services_cfg_test_cfg_rekey_LDFLAGS = $(fail_alloc_ldflags)
tests_unit_services_cfg_test_cfg_rekey_LDADD = libcfg_service.la $(CHECK_LIBS)
tests_unit_services_cfg_test_cfg_rekey_order_SOURCES = tests/unit/services/cfg/test_cfg_rekey_order.c \
	$(rekey_case_sources)
tests_unit_services_cfg_test_cfg_rekey_order_LDADD = libcfg_service.la $(CHECK_LIBS)
tests_unit_services_cfg_test_cfg_rekey_reload_SOURCES = tests/unit/services/cfg/test_cfg_rekey_reload.c \
	$(rekey_case_sources)
tests_unit_services_cfg_test_cfg_rekey_reload_LDADD = libcfg_service.la $(CHECK_LIBS)
cfg_case_sources = tests/unit/services/cfg/cfg_case.c tests/unit/services/cfg/cfg_case.h
tests_unit_services_cfg_test_cfg_SOURCES = tests/unit/services/cfg/test_cfg.c $(cfg_case_sources)
tests_unit_services_cfg_test_cfg_LDADD = libcfg_service.la $(CHECK_LIBS)
tests_unit_services_cfg_test_cfg_shutdown_SOURCES = tests/unit/services/cfg/test_cfg_shutdown.c $(cfg_case_sources)
tests_unit_services_cfg_test_cfg_shutdown_LDADD = libcfg_service.la $(CHECK_LIBS)
endif

include services/cfg/lib/local.mk
include services/cfg/man/local.mk
