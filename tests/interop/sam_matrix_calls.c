/* SPDX-License-Identifier: BSD-3-Clause */
/* Check every call in every state, and each error that a call can return by itself. */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/interop/sam_matrix.h"

static int check(void) { return 0; }

static void data_calls(void)
{
	char bytes[16] = "????????";
	size_t size = 99;

	CALL(sam_data_getsize(NULL));
	CALL(sam_data_restore(NULL, 8));
	CALL(sam_data_getsize(&size));
	say("  size %zu", size);
	CALL(sam_data_restore(bytes, sizeof(bytes)));
	say("  %s", bytes);
	CALL(sam_data_store("one", 4));
	CALL(sam_data_getsize(&size));
	say("  size %zu", size);
	CALL(sam_data_restore(bytes, 3));
	CALL(sam_data_restore(bytes, 4));
	say("  %s", bytes);
	CALL(sam_data_store("seven77", 8));
	CALL(sam_data_restore(bytes, sizeof(bytes)));
	say("  %s", bytes);
	CALL(sam_data_store("x", 0));
	CALL(sam_data_getsize(&size));
	say("  size %zu", size);
	CALL(sam_data_restore(bytes, 0));
	CALL(sam_data_store("two", 4));
	CALL(sam_data_store(NULL, 4));
	CALL(sam_data_getsize(&size));
	say("  size %zu", size);
	CALL(sam_data_restore(bytes, 0));
	say("  %s", bytes);
}

static int uninitialized(void)
{
	unsigned int instance = 77;

	data_calls();
	CALL(sam_register(&instance));
	say("  instance %u", instance);
	CALL(sam_start());
	CALL(sam_stop());
	CALL(sam_hc_send());
	CALL(sam_hc_callback_register(check));
	CALL(sam_hc_callback_register(NULL));
	CALL(sam_warn_signal_set(SIGUSR1));
	CALL(sam_mark_failed());
	CALL(sam_finalize());
	return 0;
}

static int initialize_codes(void)
{
	static const int refused[] = {0, 3, 4, 5, 7, 32, 33, 64, -1};

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		say("sam_initialize(1, %d) = %d", refused[i],
			(int)sam_initialize(1, (sam_recovery_policy_t)refused[i]));
	CALL(sam_initialize(0, SAM_RECOVERY_POLICY_QUORUM));
	CALL(sam_initialize(0, SAM_RECOVERY_POLICY_CMAP));
	CALL(sam_initialize(-5, SAM_RECOVERY_POLICY_QUIT));
	CALL(sam_initialize(1, SAM_RECOVERY_POLICY_QUIT));
	CALL(sam_initialize(1, (sam_recovery_policy_t)0));
	CALL(sam_finalize());
	CALL(sam_finalize());
	CALL(sam_initialize(1, SAM_RECOVERY_POLICY_QUIT));
	return 0;
}

static int initialized(void)
{
	CALL(sam_initialize(0, SAM_RECOVERY_POLICY_RESTART));
	CALL(sam_start());
	CALL(sam_stop());
	CALL(sam_hc_send());
	CALL(sam_hc_callback_register(check));
	CALL(sam_warn_signal_set(SIGUSR1));
	CALL(sam_warn_signal_set(-1));
	CALL(sam_mark_failed());
	data_calls();
	CALL(sam_finalize());
	data_calls();
	CALL(sam_register(NULL));
	CALL(sam_warn_signal_set(SIGUSR1));
	CALL(sam_mark_failed());
	return 0;
}

static int with_quorum(void)
{
	CALL(sam_initialize(0, SAM_RECOVERY_POLICY_QUORUM_QUIT));
	CALL(sam_finalize());
	CALL(sam_initialize(0, SAM_RECOVERY_POLICY_QUORUM_RESTART));
	return 0;
}

static int with_keys(void)
{
	unsigned int instance = 77;

	CALL(sam_initialize(0, (sam_recovery_policy_t)(SAM_RECOVERY_POLICY_QUIT | SAM_RECOVERY_POLICY_CMAP)));
	CALL(sam_register(&instance));
	say("  instance %u", instance);
	CALL(sam_finalize());
	return 0;
}

static int in_child_process(void)
{
	CALL(sam_initialize(INTERVAL_MS, SAM_RECOVERY_POLICY_QUIT));
	say("  instance %u", registered());
	CALL(sam_initialize(1, SAM_RECOVERY_POLICY_QUIT));
	CALL(sam_register(NULL));
	CALL(sam_stop());
	CALL(sam_hc_send());
	CALL(sam_hc_callback_register(NULL));
	CALL(sam_warn_signal_set(SIGUSR1));
	CALL(sam_warn_signal_set(-1));
	CALL(sam_mark_failed());
	data_calls();
	CALL(sam_hc_callback_register(check));
	CALL(sam_hc_callback_register(check));
	CALL(sam_start());
	CALL(sam_start());
	CALL(sam_register(NULL));
	CALL(sam_hc_callback_register(check));
	CALL(sam_warn_signal_set(SIGTERM));
	CALL(sam_mark_failed());
	CALL(sam_hc_send());
	data_calls();
	CALL(sam_stop());
	CALL(sam_stop());
	CALL(sam_hc_send());
	CALL(sam_start());
	CALL(sam_finalize());
	CALL(sam_finalize());
	CALL(sam_start());
	CALL(sam_stop());
	CALL(sam_hc_send());
	data_calls();
	return 5;
}

static int without_interval(void)
{
	CALL(sam_initialize(0, SAM_RECOVERY_POLICY_QUIT));
	CALL(sam_register(NULL));
	CALL(sam_hc_callback_register(check));
	CALL(sam_hc_callback_register(NULL));
	return 6;
}

static int without_descriptors(void)
{
	CALL(sam_initialize(0, SAM_RECOVERY_POLICY_QUIT));
	forbid_descriptors();
	CALL(sam_register(NULL));
	return 7;
}

static int much_data(void)
{
	size_t size = 3000000;
	uint8_t *bytes = pattern(size, 1), *back = malloc(size);

	CALL(sam_initialize(0, SAM_RECOVERY_POLICY_QUIT));
	CALL(sam_register(NULL));
	CALL(sam_data_store(bytes, size));
	CALL(sam_data_restore(back, size));
	free(bytes);
	free(back);
	return 8;
}

void part_calls(pid_t daemon)
{
	(void)daemon;
	scenario("uninitialized", uninitialized);
	scenario("initialize", initialize_codes);
	scenario("initialized", initialized);
	scenario("quorum policy", with_quorum);
	scenario("cmap policy", with_keys);
	scenario("registered", in_child_process);
	scenario("no interval", without_interval);
	scenario("no descriptors", without_descriptors);
	scenario("much data", much_data);
}

void part_calls_answered(pid_t daemon)
{
	cmap_finalize(map_open());
	part_calls(daemon);
}
