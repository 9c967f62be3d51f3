/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Watchdog: feeds a device that restarts the machine when it is not fed. It feeds while all watched
 * resources are well.
 */
#ifndef PLUGINS_WD_WD_H
#define PLUGINS_WD_WD_H

#include <stdbool.h>
#include <stdint.h>

#include <coterie/service.h>

#define WD_NS_PER_MS UINT64_C(1000000)

struct wd;

/** Reaction to the failure of a resource. */
enum wd_recovery {
	WD_RECOVERY_NONE,     /* it is only logged */
	WD_RECOVERY_STARVE,   /* the device is no longer fed */
	WD_RECOVERY_REBOOT,   /* the machine is restarted now */
	WD_RECOVERY_SHUTDOWN, /* the daemon ends in order */
};

/** The device. */
struct wd_device {
	struct wd *wd; /* owner */
	int fd;        /* -1: none */
	char path[256];
	uint32_t timeout_s;
	bool takes_ioctl; /* otherwise it is fed by writing */
	bool is_starved;  /* said once */
	bool is_unfed;    /* feeding failed, and that was logged */
	struct coterie_timer *timer;
};

/** Read the key resources.watchdog_timeout, or set it if it is missing or wrong. */
void wd_device_read_timeout(struct wd_device *device);

/**
 * Open the device that the key resources.watchdog_device names, or close it. The timeout and the device
 * are the current ones.
 */
void wd_device_configure(struct wd_device *device);

/** Tell the device that feeding ends on purpose, and close it. */
void wd_device_close(struct wd_device *device);

/** A watched resource: resources.system.NAME or resources.process.NAME. */
struct wd_resource;

/** A key below `resources.system.` or `resources.process.` has changed. */
void wd_resource_key_changed(struct wd *wd, const char *key);

/** Read all existing keys. */
void wd_resources_load(struct wd *wd);

/** Return whether a resource has failed whose recovery is to stop feeding the device. */
bool wd_resources_starve(const struct wd *wd);

void wd_resources_free(struct wd *wd);

struct wd {
	const struct coterie_host *host; /* borrowed, outlives us */
	struct coterie_ctx *ctx;
	struct coterie_map_tracker *tracker;
	struct wd_device device;
	struct wd_resource *resources; /* owned */
	uint32_t resource_count;
	bool is_full; /* too many resources, and that was logged */
};

#endif
