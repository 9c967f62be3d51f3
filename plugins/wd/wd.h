/*
 * Watchdog: feeds a device that restarts the machine when it is not fed, as long as everything that is
 * watched is well.
 */
#ifndef PLUGINS_WD_WD_H
#define PLUGINS_WD_WD_H

#include <stdbool.h>
#include <stdint.h>

#include <coterie/service.h>

#define WD_NS_PER_MS UINT64_C(1000000)

struct wd;

/** What happens when a resource has failed. */
enum wd_recovery {
	WD_RECOVERY_NONE,     /* it is logged */
	WD_RECOVERY_STARVE,   /* the device is not fed any more */
	WD_RECOVERY_REBOOT,   /* the machine is restarted now */
	WD_RECOVERY_SHUTDOWN, /* the daemon ends in order */
};

/** The device. */
struct wd_device {
	struct wd *wd; /* owner */
	int fd;        /* -1: none */
	char path[256];
	uint32_t timeout_s;
	bool takes_ioctl;          /* else it is fed by writing */
	bool is_starved;           /* said once */
	bool is_unfed;             /* feeding failed; said once */
	struct coterie_timer *timer;
};

/** Take the key resources.watchdog_timeout, or set it where it is missing or wrong. */
void wd_device_read_timeout(struct wd_device *device);

/** Open what the key resources.watchdog_device names, or close it; timeout and device as they are now. */
void wd_device_configure(struct wd_device *device);

/** Tell the device that its silence is meant, and close it. */
void wd_device_close(struct wd_device *device);

/** One thing that is watched: resources.system.NAME or resources.process.NAME. */
struct wd_resource;

/** A key below `resources.system.` or `resources.process.` has changed. */
void wd_resource_key_changed(struct wd *wd, const char *key);

/** Look at all keys that are there. */
void wd_resources_load(struct wd *wd);

/** True while one has failed whose recovery is to starve the device. */
bool wd_resources_starve(const struct wd *wd);

void wd_resources_free(struct wd *wd);

struct wd {
	const struct coterie_host *host; /* borrowed, outlives us */
	struct coterie_ctx *ctx;
	struct coterie_map_tracker *tracker;
	struct wd_device device;
	struct wd_resource *resources; /* owned */
	uint32_t resource_count;
	bool is_full; /* too many resources; said once */
};

#endif
