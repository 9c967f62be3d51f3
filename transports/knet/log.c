/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Log lines of libknet, from all its threads, through a pipe. All lines above level debug are limited, since a host
 * outside of the ring can cause them: errors about packets by their cause, all others as lines.h describes. Lines about
 * packets with another key are replaced by clearer ones.
 */
#include "transports/knet/knet.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

/* Records that are read at a time, before the loop handles other events. */
#define RECORDS_MAX 64
/* The largest size for an unprivileged process: room for 4096 records while the loop is late. */
#define PIPE_SIZE (1 << 20)

/* Newer versions of libknet have a level below debug. */
#ifdef KNET_LOG_TRACE
#define LEVEL_TRACE KNET_LOG_TRACE
#else
#define LEVEL_TRACE KNET_LOG_DEBUG
#endif
#define LOG_TRACE (LOG_DEBUG + 1) /* the level that the host table has */

/* Return whether any packet from outside of the ring can cause lines of this subsystem. */
static bool is_outsiders(uint8_t subsystem)
{
	return subsystem == KNET_SUB_RX || subsystem == KNET_SUB_CRYPTO || subsystem == KNET_SUB_NSSCRYPTO ||
	       subsystem == KNET_SUB_OPENSSLCRYPTO || subsystem >= KNET_SUB_ZLIBCOMP;
}

/* Return the limiter of a line. Each cause is one kind of packet, so it is found by the beginning of the line. */
static struct limiter *limiter_of(struct mesh *mesh, const struct knet_log_msg *record)
{
	uint32_t hash = record->subsystem;

	for (int i = 0; i < 12 && record->msg[i] != '\0'; i++)
		hash = hash * 31 + (uint8_t)record->msg[i];
	return &mesh->limiters[hash % MESH_CAUSES];
}

/* Handle a line about a packet with another key. @return whether this was such a line */
static bool tell_wrong_key(struct mesh *mesh, const struct knet_log_msg *record)
{
	static const char refused[] = "Unable to decrypt packet from ";
	const char *from = strstr(record->msg, refused);
	bool is_clear = strstr(record->msg, "acket version does not match") != NULL;
	uint64_t now_ns = mesh->host->now_ns(mesh->ctx);
	uint64_t hidden;

	if (from == NULL && !is_clear)
		return false;
	if (now_ns < mesh->crypto.quiet_ns)
		return !mesh->is_debugging;
	if (from != NULL && limiter_pass(&mesh->key_limiter, now_ns, &hidden)) {
		from += strlen(refused);
		mesh->host->log(mesh->ctx, LOG_WARNING,
			"packet refused from %.*s: it is not encrypted with our key, cipher and "
			"hash; make totem.keyfile, crypto_cipher and crypto_hash equal on all "
			"nodes "
			"(%ju more before this)",
			(int)strcspn(from, " ("), from, (uintmax_t)hidden);
	} else if (is_clear && limiter_pass(&mesh->clear_limiter, now_ns, &hidden)) {
		mesh->host->log(mesh->ctx, LOG_WARNING,
			"packet refused: it is encrypted, or not libknet's, and this node has no "
			"key; set crypto_cipher and crypto_hash as on the other nodes (%ju more "
			"before this)",
			(uintmax_t)hidden);
	}
	return !mesh->is_debugging;
}

/* Write a line, unless there were too many lines like it. */
static void tell_limited(struct mesh *mesh, const struct knet_log_msg *record, int priority)
{
	const char *subsystem = knet_log_get_subsystem_name(record->subsystem);
	uint64_t now_ns = mesh->host->now_ns(mesh->ctx), spent = 0;
	char before[64] = "", after[64] = "";
	uint32_t hidden = 0;

	switch (lines_ask(&mesh->lines, now_ns, record->subsystem, record->msg, &hidden)) {
	case LINES_REPEATED:
		return;
	case LINES_SPENT:
		if (limiter_pass(&mesh->line_limiter, now_ns, &spent))
			mesh->host->log(mesh->ctx, LOG_WARNING,
				"too many lines of libknet: most of them are left out until there are fewer (%ju more "
				"before this)",
				(uintmax_t)spent);
		return;
	case LINES_WRITE_LAST:
		snprintf(after, sizeof(after), " (lines like it are left out for up to %u seconds)", LINES_PERIOD_S);
		break;
	case LINES_WRITE:
		break;
	}
	if (hidden > 0)
		snprintf(before, sizeof(before), " (%u like it before this)", hidden);
	mesh->host->log(mesh->ctx, priority, "%s: %s%s%s", subsystem, record->msg, before, after);
}

static void tell(struct mesh *mesh, const struct knet_log_msg *record)
{
	static const int priorities[] = {LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG};
	int priority = record->msglevel <= KNET_LOG_DEBUG ? priorities[record->msglevel] : LOG_TRACE;
	uint64_t hidden = 0;

	if (tell_wrong_key(mesh, record) || (priority >= LOG_DEBUG && !mesh->is_debugging) ||
		(priority == LOG_TRACE && !mesh->is_tracing))
		return;
	if (is_outsiders(record->subsystem) && priority != LOG_INFO) {
		if (mesh->host->now_ns(mesh->ctx) < mesh->crypto.quiet_ns)
			priority = LOG_DEBUG; /* packets with the other key are expected now */
		if (!limiter_pass(limiter_of(mesh, record), mesh->host->now_ns(mesh->ctx), &hidden))
			return;
	} else if (priority < LOG_DEBUG) {
		tell_limited(mesh, record, priority);
		return;
	}
	if (hidden > 0)
		mesh->host->log(mesh->ctx, priority, "%s: %s (%ju like it before this)",
			knet_log_get_subsystem_name(record->subsystem), record->msg, (uintmax_t)hidden);
	else
		mesh->host->log(
			mesh->ctx, priority, "%s: %s", knet_log_get_subsystem_name(record->subsystem), record->msg);
}

void mesh_log_read(struct mesh *mesh)
{
	struct knet_log_msg record;

	/* Each record is written as a whole. */
	for (int i = 0; i < RECORDS_MAX; i++) {
		if (read(mesh->log_fds[0], &record, sizeof(record)) != (ssize_t)sizeof(record))
			return;
		record.msg[sizeof(record.msg) - 1] = '\0';
		tell(mesh, &record);
	}
}

static void log_ready(void *arg, int fd, uint32_t revents)
{
	(void)fd, (void)revents;
	mesh_log_read(arg);
}

static uint8_t level_of(const struct mesh *mesh)
{
	if (mesh->is_tracing)
		return LEVEL_TRACE;
	return mesh->is_debugging ? KNET_LOG_DEBUG : KNET_LOG_INFO;
}

void mesh_log_levels(struct mesh *mesh)
{
	const char *debug = mesh_map_text(
		mesh, "logging.logger_subsys.KNET.debug", mesh_map_text(mesh, "logging.debug", "off"));

	mesh->is_debugging = strcmp(debug, "off") != 0;
	mesh->is_tracing = strcmp(debug, "trace") == 0;
	for (int i = 0; i < KNET_MAX_SUBSYSTEMS; i++)
		knet_log_set_loglevel(mesh->handle, (uint8_t)i, level_of(mesh));
	/*
	 * Only at this level libknet reports encrypted packets that arrive at a node without a key. But it also writes
	 * a useless line for each packet of a node whose link is not up yet.
	 */
	if (mesh->is_listening && !mesh->is_tracing)
		knet_log_set_loglevel(mesh->handle, KNET_SUB_RX, KNET_LOG_DEBUG);
}

void mesh_log_listen(struct mesh *mesh, bool is_listening)
{
	if (mesh->is_listening == is_listening)
		return;
	mesh->is_listening = is_listening;
	knet_log_set_loglevel(
		mesh->handle, KNET_SUB_RX, is_listening && !mesh->is_debugging ? KNET_LOG_DEBUG : level_of(mesh));
}

int mesh_log_open(struct mesh *mesh)
{
	if (pipe2(mesh->log_fds, O_NONBLOCK | O_CLOEXEC) < 0) {
		mesh->log_fds[0] = mesh->log_fds[1] = -1;
		return -errno;
	}
	(void)fcntl(mesh->log_fds[1], F_SETPIPE_SZ, PIPE_SIZE); /* a smaller pipe is enough, too */
	return mesh->host->fd_add(mesh->ctx, mesh->log_fds[0], COTERIE_FD_IN, 0, log_ready, mesh);
}

void mesh_log_close(struct mesh *mesh)
{
	if (mesh->log_fds[0] < 0)
		return;
	mesh_log_read(mesh); /* reads the last lines of libknet */
	mesh->host->fd_del(mesh->ctx, mesh->log_fds[0]);
	close(mesh->log_fds[0]);
	close(mesh->log_fds[1]);
}

/* Return whether the version is before 1.35. (Distributions repair older versions, too, and keep their numbers.) */
bool mesh_version_is_old(const char *version)
{
	unsigned int major = 0, minor = 0;

	if (sscanf(version, "%u.%u", &major, &minor) != 2)
		return false;
	return major < 1 || (major == 1 && minor < 35);
}

void mesh_log_version(struct mesh *mesh)
{
	if (mesh_version_is_old(LIBKNET_VERSION))
		mesh->host->log(mesh->ctx, LOG_WARNING,
			"built with libknet " LIBKNET_VERSION
			": versions before 1.35 have known vulnerabilities (CVE-2026-15811, -15812, -15813): "
			"see whether your distribution has mended them, or upgrade libknet");
}
