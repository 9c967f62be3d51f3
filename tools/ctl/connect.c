/* SPDX-License-Identifier: BSD-3-Clause */
/* Open connections when an answer needs them, and describe failures in ctl->error. */
#include "tools/ctl/ctl.h"

#include <stdarg.h>
#include <string.h>
#include <time.h>

#include "tools/common/reach.h"
#include "tools/ctl/progress.h"

#define LOOK_NS 100000000 /* pause between two attempts while the daemon starts */

static const char *const names[CTL_SERVICES] = {
	[CTL_CONFIG] = "cmap",
	[CTL_STATS] = "cmap",
	[CTL_CFG] = "cfg",
	[CTL_QUORUM] = "quorum",
	[CTL_VOTES] = "votequorum",
	[CTL_CPG] = "cpg",
};

/* --- errors --- */

int ctl_fail(struct ctl *ctl, int code, const char *hint, const char *format, ...)
{
	va_list arguments;

	ctl->error.code = code;
	va_start(arguments, format);
	vsnprintf(ctl->error.text, sizeof(ctl->error.text), format, arguments);
	va_end(arguments);
	snprintf(ctl->error.hint, sizeof(ctl->error.hint), "%s", hint != NULL ? hint : "");
	return code;
}

void ctl_warn(struct ctl *ctl, const char *format, ...)
{
	char text[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (ctl->warnings == NULL)
		ctl->warnings = json_object_new_array();
	json_object_array_add(ctl->warnings, json_object_new_string(text));
}

int ctl_fail_cs(struct ctl *ctl, const char *what, cs_error_t error)
{
	switch (error) {
	case CS_ERR_LIBRARY:
		return ctl_fail(ctl, CTL_NOT_RUNNING, "systemctl status coterie; journalctl -u coterie -n 50",
			"%s: the connection to the daemon broke", what);
	case CS_ERR_ACCESS:
		return ctl_fail(ctl, CTL_DENIED, "be root, or be named in block access of coterie.conf",
			"%s: not allowed", what);
	case CS_ERR_TRY_AGAIN:
		return ctl_fail(ctl, CTL_FAILED, "wait until the ring has settled, and try again",
			"%s: the daemon is busy", what);
	case CS_ERR_NOT_EXIST:
	case CS_ERR_NAME_NOT_FOUND:
		return ctl_fail(ctl, CTL_FAILED, "coterie-ctl members lists the nodes", "%s: no such thing", what);
	case CS_ERR_INVALID_PARAM:
		return ctl_fail(ctl, CTL_REFUSED, "", "%s: refused by the daemon", what);
	case CS_ERR_BUSY:
		return ctl_fail(
			ctl, CTL_REFUSED, "find who said no in the log, or use --force", "%s: voted down", what);
	case CS_ERR_EXIST:
		return ctl_fail(ctl, CTL_REFUSED, "wait for it to end", "%s: already under way", what);
	default:
		return ctl_fail(ctl, CTL_FAILED, "", "%s: %s", what, cs_strerror(error));
	}
}

int ctl_fail_connect(struct ctl *ctl, const char *service, cs_error_t error)
{
	static const int codes[] = {
		[REACH_NO_DAEMON] = CTL_NOT_RUNNING,
		[REACH_NO_INSTANCE] = CTL_NOT_RUNNING,
		[REACH_NO_SERVICE] = CTL_NOT_LOADED,
		[REACH_DENIED] = CTL_DENIED,
		[REACH_NOT_TRUSTED] = CTL_NOT_RUNNING,
		[REACH_BUSY] = CTL_TIMED_OUT,
	};
	struct reach reach;

	reach_explain(&reach, service, ctl->instance, error);
	return ctl_fail(ctl, codes[reach.cause], reach.hint, "%s", reach.text);
}

/* --- connections --- */

static cs_error_t connect_once(struct ctl *ctl, enum ctl_service service)
{
	uint32_t quorum_type;

	switch (service) {
	case CTL_CONFIG:
		return cmap_initialize_map(&ctl->config, CMAP_MAP_ICMAP);
	case CTL_STATS:
		return cmap_initialize_map(&ctl->stats, CMAP_MAP_STATS);
	case CTL_CFG:
		return corosync_cfg_initialize(&ctl->cfg, NULL);
	case CTL_QUORUM:
		return quorum_initialize(&ctl->quorum, NULL, &quorum_type);
	case CTL_VOTES:
		return votequorum_initialize(&ctl->votes, NULL);
	case CTL_CPG:
		return cpg_initialize(&ctl->cpg, NULL);
	case CTL_SERVICES:
		break;
	}
	return CS_ERR_INVALID_PARAM;
}

static cs_error_t connect_service(struct ctl *ctl, enum ctl_service service, bool is_patient)
{
	const struct timespec pause = {.tv_nsec = LOOK_NS};
	uint32_t looks = is_patient ? ctl->timeout_s * 10 : 1;

	if (ctl->is_open[service])
		return CS_OK;
	struct progress *progress = is_patient ? progress_begin(ctl, "the daemon") : NULL;
	cs_error_t error = connect_once(ctl, service);
	while (error == CS_ERR_TRY_AGAIN && --looks > 0) {
		nanosleep(&pause, NULL);
		error = connect_once(ctl, service);
	}
	progress_end(progress);
	ctl->is_open[service] = error == CS_OK;
	return error;
}

/* Return whether the service is a map of another node, which remote.c reads. */
static bool is_remote(const struct ctl *ctl, enum ctl_service service)
{
	return ctl->remote != NULL && (service == CTL_CONFIG || service == CTL_STATS);
}

bool ctl_try(struct ctl *ctl, enum ctl_service service)
{
	if (is_remote(ctl, service))
		return true;
	return connect_service(ctl, service, false) == CS_OK;
}

int ctl_open(struct ctl *ctl, enum ctl_service service)
{
	if (is_remote(ctl, service))
		return 0;
	cs_error_t error = connect_service(ctl, service, true);

	return error == CS_OK ? 0 : ctl_fail_connect(ctl, names[service], error);
}

/* Send a small request. @return CS_ERR_LIBRARY: the connection is broken. Other errors come from the service */
static cs_error_t probe(struct ctl *ctl, enum ctl_service service)
{
	struct votequorum_info info;
	cmap_value_types_t type;
	unsigned int nodeid;
	size_t size = 0;
	int quorate;

	switch (service) {
	case CTL_CONFIG:
		return cmap_get(ctl->config, "totem.version", NULL, &size, &type);
	case CTL_STATS:
		return cmap_get(ctl->stats, "stats.ipcs.global.active", NULL, &size, &type);
	case CTL_CFG:
		return corosync_cfg_local_get(ctl->cfg, &nodeid);
	case CTL_QUORUM:
		return quorum_getquorate(ctl->quorum, &quorate);
	case CTL_VOTES:
		return votequorum_getinfo(ctl->votes, 0, &info);
	case CTL_CPG:
		return cpg_local_get(ctl->cpg, &nodeid);
	case CTL_SERVICES:
		break;
	}
	return CS_OK;
}

int ctl_check(struct ctl *ctl, const char *what)
{
	for (enum ctl_service service = 0; service < CTL_SERVICES; service++)
		if (ctl->is_open[service] && probe(ctl, service) == CS_ERR_LIBRARY)
			return ctl_fail_cs(ctl, what, CS_ERR_LIBRARY);
	return 0;
}

void ctl_close(struct ctl *ctl)
{
	if (ctl->is_open[CTL_CONFIG])
		cmap_finalize(ctl->config);
	if (ctl->is_open[CTL_STATS])
		cmap_finalize(ctl->stats);
	if (ctl->is_open[CTL_CFG])
		corosync_cfg_finalize(ctl->cfg);
	if (ctl->is_open[CTL_QUORUM])
		quorum_finalize(ctl->quorum);
	if (ctl->is_open[CTL_VOTES])
		votequorum_finalize(ctl->votes);
	if (ctl->is_open[CTL_CPG])
		cpg_finalize(ctl->cpg);
	memset(ctl->is_open, 0, sizeof(ctl->is_open));
}
