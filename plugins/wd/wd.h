/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A watchdog: a device that restarts the machine when it is not fed. The plugin feeds it while no watched resource has
 * failed.
 */
#ifndef PLUGINS_WD_WD_H
#define PLUGINS_WD_WD_H

#include <stdbool.h>
#include <stdint.h>

#include <coterie/service.h>
#include <coterie/state.h>

#define WD_NS_PER_MS UINT64_C(1000000)

struct wd;

/** Reaction to the failure of a resource. */
enum wd_recovery {
	WD_RECOVERY_NONE,     /* only log the failure */
	WD_RECOVERY_STARVE,   /* do not feed the device any more */
	WD_RECOVERY_REBOOT,   /* restart the machine at once */
	WD_RECOVERY_SHUTDOWN, /* end the daemon in the normal way */
};

/** The watchdog device. */
struct wd_device {
	struct wd *wd; /* borrowed */
	int fd;        /* -1: not open */
	char path[256];
	uint32_t timeout_s;
	bool takes_ioctl; /* the device supports ioctl. Otherwise it is fed by writing */
	bool is_starved;  /* it was logged that feeding has stopped */
	bool is_unfed;    /* feeding failed, and that was logged */
	struct coterie_timer *timer;
};

/** Read the key resources.watchdog_timeout, or set it if it is missing or wrong. */
void wd_device_read_timeout(struct wd_device *device);

/**
 * Read the keys of the device. Open the device that resources.watchdog_device names, or close it, and set its timeout.
 * A device that is open already with the same path stays open.
 */
void wd_device_configure(struct wd_device *device);

/** Inform the device that feeding ends on purpose, and close it. */
void wd_device_close(struct wd_device *device);

/** A watched resource: resources.system.NAME or resources.process.NAME. */
struct wd_resource;

/** Handle a change of a key below `resources.system.` or `resources.process.`. */
void wd_resource_key_changed(struct wd *wd, const char *key);

/** Create the resources for all existing keys. */
void wd_resources_load(struct wd *wd);

/** Return whether a resource has failed whose recovery is to stop feeding the device. */
bool wd_resources_starve(const struct wd *wd);

void wd_resources_free(struct wd *wd);

/** Write the resources that have failed, for a new version of the plugin. */
void wd_resources_save(const struct wd *wd, struct coterie_state_writer *writer);

/** Read them: what has failed stays failed. @return 0; -ENOTSUP: it is no such list */
int wd_resources_inherit(struct wd *wd, struct coterie_state_reader *reader);

struct wd {
	const struct coterie_host *host; /* borrowed, lives longer than this struct */
	struct coterie_ctx *ctx;
	struct coterie_map_tracker *tracker;
	struct wd_device device;
	struct wd_resource *resources; /* owned */
	uint32_t resource_count;
	bool is_full; /* it was logged that there are too many resources */
};

#endif
