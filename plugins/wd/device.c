/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The watchdog device. A device without ioctl, such as a pipe in a test or a simple driver, is fed by writing a byte,
 * which every watchdog driver supports. Such a device keeps its own timeout.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/watchdog.h>
#include <string.h>
#include <sys/ioctl.h>
#include <syslog.h>
#include <unistd.h>

#include "plugins/common/keys.h"
#include "plugins/wd/wd.h"

#define DEVICE_KEY "resources.watchdog_device"
#define TIMEOUT_KEY "resources.watchdog_timeout"

enum {
	TIMEOUT_INITIAL_S = 6,
	TIMEOUT_MIN_S = 2,
	TIMEOUT_MAX_S = 120,
};

/* Interval of attempts to open a device that does not exist, or that the daemon may not open. */
#define RETRY_MS UINT64_C(5000)

static void feed_on_time(void *arg);

static void arm(struct wd_device *device)
{
	const struct wd *wd = device->wd;
	uint64_t at_ns = wd->host->now_ns(wd->ctx) + device->timeout_s * UINT64_C(500) * WD_NS_PER_MS;
	int rc = wd->host->timer_add(wd->ctx, at_ns, feed_on_time, device, &device->timer);

	if (rc < 0) {
		device->timer = NULL;
		wd->host->log(wd->ctx, LOG_ALERT,
			"no timer, the watchdog is not fed any more: this machine restarts in %u s", device->timeout_s);
	}
}

static int feed(const struct wd_device *device)
{
	int nothing = 0;

	if (device->takes_ioctl)
		return ioctl(device->fd, WDIOC_KEEPALIVE, &nothing) < 0 ? -errno : 0;
	/* Any byte except V, which ends the watchdog. */
	return write(device->fd, "\n", 1) < 0 ? -errno : 0;
}

static void feed_on_time(void *arg)
{
	struct wd_device *device = arg;
	const struct wd *wd = device->wd;
	int rc = 0;

	device->timer = NULL;
	if (wd_resources_starve(wd)) {
		if (!device->is_starved)
			wd->host->log(wd->ctx, LOG_ALERT,
				"the watchdog is NOT fed any more: this machine restarts in at most %u s",
				device->timeout_s);
		device->is_starved = true;
	} else {
		if (device->is_starved)
			wd->host->log(wd->ctx, LOG_NOTICE, "the watchdog is fed again");
		device->is_starved = false;
		rc = feed(device);
		if (rc < 0 && !device->is_unfed)
			wd->host->log(
				wd->ctx, LOG_ERR, "the watchdog %s cannot be fed: %s", device->path, strerror(-rc));
		device->is_unfed = rc < 0;
	}
	arm(device);
}

/* Set the timeout of the device. The device may choose another one, and returns it. That value is used. */
static void set_timeout(struct wd_device *device)
{
	const struct wd *wd = device->wd;
	int timeout_s = (int)device->timeout_s;

	if (!device->takes_ioctl)
		return;
	if (ioctl(device->fd, WDIOC_SETTIMEOUT, &timeout_s) < 0)
		wd->host->log(wd->ctx, LOG_WARNING,
			"the watchdog %s does not take a timeout of %u s (%s): fed as if it did", device->path,
			device->timeout_s, strerror(errno));
	else if (timeout_s > 0 && (uint32_t)timeout_s < device->timeout_s)
		device->timeout_s = (uint32_t)timeout_s;
}

/* Open the device. @param is_again  a failure was logged before */
static void device_open(struct wd_device *device, bool is_again)
{
	const struct wd *wd = device->wd;
	struct watchdog_info info = {0};

	/* Opening must not wait: with O_NONBLOCK a pipe without a reader is rejected at once. */
	device->fd = open(device->path, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (device->fd < 0) {
		if (!is_again)
			wd->host->log(wd->ctx, LOG_ERR,
				"the watchdog %s cannot be opened: %s; failures are logged, nothing restarts "
				"this machine until it can be opened",
				device->path, strerror(errno));
		return;
	}
	device->takes_ioctl = ioctl(device->fd, WDIOC_GETSUPPORT, &info) == 0;
	device->is_starved = device->is_unfed = false;
	if (device->takes_ioctl)
		wd->host->log(wd->ctx, LOG_NOTICE, "Watchdog %s (%.32s) is now being tickled by corosync.",
			device->path, (const char *)info.identity);
	else
		wd->host->log(wd->ctx, LOG_WARNING,
			"Watchdog %s is now being tickled by corosync. It takes no ioctl (%s): it is "
			"fed by writing, and keeps its own timeout",
			device->path, strerror(errno));
}

void wd_device_read_timeout(struct wd_device *device)
{
	const struct wd *wd = device->wd;
	uint64_t timeout;
	uint32_t written;
	int rc = keys_whole(wd->host, wd->ctx, TIMEOUT_KEY, &timeout);

	if (rc == 0 && timeout >= TIMEOUT_MIN_S && timeout <= TIMEOUT_MAX_S) {
		device->timeout_s = (uint32_t)timeout;
		return;
	}
	if (rc != -ENOENT)
		wd->host->log(wd->ctx, LOG_WARNING,
			"Set watchdog_timeout is out of range (%d..%d). It is %d seconds now", TIMEOUT_MIN_S,
			TIMEOUT_MAX_S, TIMEOUT_INITIAL_S);
	written = device->timeout_s = TIMEOUT_INITIAL_S;
	wd->host->map_set(wd->ctx, TIMEOUT_KEY, COTERIE_MAP_U32, &written, sizeof(written));
}

/* Feed the device at once, since it is not known how much of its time is left. */
static void start(struct wd_device *device)
{
	set_timeout(device);
	feed_on_time(device);
}

/* Try to open the device again later: its driver may be loaded later, or the daemon's user may get access. */
static void open_later(struct wd_device *device);

static void open_again(void *arg)
{
	struct wd_device *device = arg;

	device->timer = NULL;
	device_open(device, true);
	if (device->fd < 0)
		open_later(device);
	else
		start(device);
}

static void open_later(struct wd_device *device)
{
	const struct wd *wd = device->wd;
	uint64_t at_ns = wd->host->now_ns(wd->ctx) + RETRY_MS * WD_NS_PER_MS;

	if (wd->host->timer_add(wd->ctx, at_ns, open_again, device, &device->timer) < 0)
		device->timer = NULL; /* without a timer, a change of the keys opens the device */
}

void wd_device_configure(struct wd_device *device)
{
	const struct wd *wd = device->wd;
	const char *path = keys_text(wd->host, wd->ctx, DEVICE_KEY);

	wd_device_read_timeout(device);
	if (path == NULL || strcmp(path, "off") == 0)
		path = "";
	if (strlen(path) >= sizeof(device->path)) {
		wd->host->log(wd->ctx, LOG_ERR, "the path of the watchdog is too long: none is used");
		path = "";
	}
	if (device->fd < 0 || strcmp(path, device->path) != 0) {
		wd_device_close(device);
		strcpy(device->path, path);
		if (*path != '\0')
			device_open(device, false);
		else
			wd->host->log(wd->ctx, LOG_NOTICE, "Watchdog not enabled by configuration");
	}
	wd->host->timer_del(wd->ctx, device->timer);
	device->timer = NULL;
	if (device->fd >= 0)
		start(device);
	else if (*path != '\0')
		open_later(device);
}

void wd_device_close(struct wd_device *device)
{
	const struct wd *wd = device->wd;

	wd->host->timer_del(wd->ctx, device->timer);
	device->timer = NULL;
	if (device->fd < 0)
		return;
	if (write(device->fd, "V", 1) == 1)
		wd->host->log(wd->ctx, LOG_INFO, "magically closing the watchdog.");
	else
		wd->host->log(wd->ctx, LOG_ERR,
			"the watchdog %s does not hear that it is not needed (%s): it may restart this "
			"machine",
			device->path, strerror(errno));
	close(device->fd);
	device->fd = -1;
}
