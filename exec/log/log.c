/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The log of the process. Its state is in static variables, as log.h says: lines come from all code, even before any
 * object exists.
 *
 * The caller writes a line at once. No target can block the caller (log_sink.h), so neither a queue nor a thread is
 * needed.
 */
#include "exec/log/log.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "config/model.h"
#include "exec/log/flight.h"
#include "exec/log/log_format.h"
#include "exec/log/log_sink.h"

#define SYSLOG_SOCKET "/dev/log"
#define TEXT_MAX 3584
#define LINE_MAX_SIZE 4096

#define NOWHERE (-1) /* a limit that no line passes */

struct file {
	char *path;
	struct log_sink sink;
};

struct subsystem {
	char *name; /* NULL: all subsystems without an entry; always entry 0 */
	int stderr_limit, syslog_limit, file_limit;
	struct file *file; /* one of settings.files, or NULL */
};

struct settings {
	struct subsystem *subsystems;
	uint32_t subsystem_count;
	struct file **files; /* each path only once */
	uint32_t file_count;
	int facility, timestamp;
	bool is_json;
};

/*
 * Settings until the config is read, and if it cannot be read. Errors go to syslog, since services often have no
 * standard error.
 */
static struct subsystem initial_subsystem = {.stderr_limit = LOG_INFO, .syslog_limit = LOG_ERR, .file_limit = NOWHERE};

static struct {
	pthread_mutex_t mutex;
	const char *ident;
	struct settings settings;
	struct log_sink stderr_sink, syslog_sink;
	uint64_t counts[LOG_TRACE + 1]; /* lines, by level */
	time_t syslog_missing_at;       /* second in which the last attempt to connect to syslog failed */
	char host[sizeof(((struct utsname *)0)->nodename)];
	struct flight *flight; /* or NULL: the settings turn it off */
	char flight_dir[4096]; /* folder for the handler of deadly signals */
	long utc_offset_s;
	/* describes the plugin whose code runs, or NULL */
	const char *(*describe)(char *text, size_t size, const void *context);
} state = {
	.mutex = PTHREAD_MUTEX_INITIALIZER,
	.ident = "coterie",
	.settings = {.subsystems = &initial_subsystem, .subsystem_count = 1, .timestamp = 2, .facility = LOG_DAEMON},
	.stderr_sink = {.fd = STDERR_FILENO},
	.syslog_sink = {.fd = -1},
};

static void settings_fini(struct settings *settings)
{
	for (uint32_t i = 0; i < settings->file_count; i++) {
		log_sink_close(&settings->files[i]->sink);
		free(settings->files[i]->path);
		free(settings->files[i]);
	}
	free(settings->files);
	if (settings->subsystems == &initial_subsystem)
		return;
	for (uint32_t i = 0; i < settings->subsystem_count; i++)
		free(settings->subsystems[i].name);
	free(settings->subsystems);
}

/* Find the file of this path in the settings. Open it if it is not there yet. */
static int settings_file(struct settings *settings, const char *path, struct file **found)
{
	for (uint32_t i = 0; i < settings->file_count; i++) {
		if (strcmp(settings->files[i]->path, path) == 0) {
			*found = settings->files[i];
			return 0;
		}
	}
	struct file **files = reallocarray(settings->files, settings->file_count + 1, sizeof(*files));

	if (files == NULL)
		return -ENOMEM;
	settings->files = files;
	struct file *file = calloc(1, sizeof(*file));

	if (file == NULL)
		return -ENOMEM;
	file->sink.fd = -1;
	file->path = strdup(path);
	int rc = file->path == NULL ? -ENOMEM : log_sink_open_file(&file->sink, path);

	if (rc < 0) {
		free(file->path);
		free(file);
		return rc;
	}
	files[settings->file_count++] = file;
	*found = file;
	return 0;
}

static int settings_subsystem(struct settings *settings, const struct config_log_subsystem *from,
	const struct config_log_subsystem *top, struct subsystem *to)
{
	*to = (struct subsystem){.stderr_limit = NOWHERE, .syslog_limit = NOWHERE, .file_limit = NOWHERE};
	if (from->name != NULL && (to->name = strdup(from->name)) == NULL)
		return -ENOMEM;
	/*
	 * stderr has no priority of its own. A subsystem can turn off the two shared targets, but
	 * not turn them on.
	 */
	if (top->to_stderr && from->to_stderr)
		to->stderr_limit = log_limit_of(from->debug, from->file_priority);
	if (top->to_syslog && from->to_syslog)
		to->syslog_limit = log_limit_of(from->debug, from->syslog_priority);
	if (!from->to_file || from->file == NULL)
		return 0;
	to->file_limit = log_limit_of(from->debug, from->file_priority);
	return settings_file(settings, from->file, &to->file);
}

void log_open(const char *ident)
{
	struct utsname names;

	pthread_mutex_lock(&state.mutex);
	state.ident = ident;
	if (uname(&names) == 0)
		memcpy(state.host, names.nodename, sizeof(state.host));
	pthread_mutex_unlock(&state.mutex);
}

static int settings_init(struct settings *settings, const struct config_log *from, char *error, uint32_t error_size)
{
	const char *path = NULL;
	int rc = -ENOMEM;

	*settings = (struct settings){
		.facility = from->facility, .timestamp = from->timestamp, .is_json = from->is_json};
	settings->subsystems = calloc(from->subsystem_count, sizeof(*settings->subsystems));
	for (uint32_t i = 0; settings->subsystems != NULL && i < from->subsystem_count; i++) {
		settings->subsystem_count = i + 1;
		rc = settings_subsystem(settings, &from->subsystems[i], &from->subsystems[0], &settings->subsystems[i]);
		if (rc < 0) {
			path = from->subsystems[i].file;
			break;
		}
	}
	if (rc == 0)
		return 0;
	if (rc == -ENOMEM || path == NULL)
		snprintf(error, error_size, "out of memory for the log's settings");
	else if (rc == -ELOOP || rc == -EPERM)
		snprintf(error, error_size,
			"cannot open log file '%s' (%s another user may have put there): remove it, or use a "
			"folder that only root can write",
			path, rc == -ELOOP ? "a link that" : "a file that");
	else
		snprintf(error, error_size,
			"cannot open log file '%s' (%s): create the folder or change "
			"'logfile'",
			path, strerror(-rc));
	settings_fini(settings);
	return rc;
}

int log_check(const struct config_log *from, char *error, uint32_t error_size)
{
	struct settings settings;
	int rc = settings_init(&settings, from, error, error_size);

	if (rc == 0)
		settings_fini(&settings);
	return rc;
}

int log_configure(const struct config_log *from, char *error, uint32_t error_size)
{
	struct settings settings;
	int rc = settings_init(&settings, from, error, error_size);

	if (rc < 0)
		return rc;
	uint32_t flight_size = from->blackbox_size != 0 ? from->blackbox_size / 4096 * 4096 : FLIGHT_SIZE;
	struct flight *flight = from->blackbox && state.flight == NULL ? flight_create(flight_size) : NULL;

	if (from->blackbox && state.flight == NULL && flight == NULL)
		log_line("MAIN", LOG_WARNING, "Unable to initialize log flight recorder: out of memory");
	pthread_mutex_lock(&state.mutex);
	struct settings old = state.settings;
	struct flight *old_flight = NULL;

	state.settings = settings;
	if (flight != NULL) {
		state.flight = flight;
	} else if (!from->blackbox) {
		old_flight = state.flight;
		state.flight = NULL;
	}
	pthread_mutex_unlock(&state.mutex);
	settings_fini(&old);
	flight_destroy(old_flight);
	return 0;
}

int log_reopen(void)
{
	int first = 0;

	pthread_mutex_lock(&state.mutex);
	for (uint32_t i = 0; i < state.settings.file_count; i++) {
		struct file *file = state.settings.files[i];
		struct log_sink sink;
		int rc = log_sink_open_file(&sink, file->path);

		if (rc == 0) {
			log_sink_close(&file->sink);
			file->sink = sink;
		} else if (first == 0) {
			first = rc; /* the old file stays in use */
		}
	}
	pthread_mutex_unlock(&state.mutex);
	return first;
}

void log_close(void)
{
	pthread_mutex_lock(&state.mutex);
	struct settings old = state.settings;

	state.settings = (struct settings){.subsystems = &initial_subsystem,
		.subsystem_count = 1,
		.timestamp = old.timestamp,
		.facility = old.facility};
	log_sink_close(&state.syslog_sink);
	struct flight *flight = state.flight;

	state.flight = NULL;
	pthread_mutex_unlock(&state.mutex);
	settings_fini(&old);
	flight_destroy(flight);
}

/* --- the flight recorder --- */

int log_flight_write(const char *dir)
{
	char path[FLIGHT_PATH_MAX];
	time_t now = time(NULL);
	struct tm tm;
	int rc = -ENOENT;

	pthread_mutex_lock(&state.mutex);
	if (localtime_r(&now, &tm) != NULL)
		state.utc_offset_s = tm.tm_gmtoff;
	if (state.flight != NULL)
		rc = flight_write(state.flight, dir, now, state.utc_offset_s, path);
	pthread_mutex_unlock(&state.mutex);
	return rc;
}

/*
 * Log the plugin whose code ran. This needs the lock of the log, and locks of the C library and its loader, which the
 * code that died may hold. An alarm ends the process if it waits for one of them.
 */
static void tell_culprit(int number, const void *context)
{
	char text[FLIGHT_PATH_MAX];
	sigset_t alarm_set;

	if (state.describe == NULL)
		return;
	sigemptyset(&alarm_set);
	sigaddset(&alarm_set, SIGALRM);
	signal(SIGALRM, SIG_DFL);
	sigprocmask(SIG_UNBLOCK, &alarm_set, NULL);
	alarm(2);
	if (state.describe(text, sizeof(text), context) != NULL && pthread_mutex_trylock(&state.mutex) == 0) {
		pthread_mutex_unlock(&state.mutex);
		log_line(
			"MAIN", LOG_CRIT, "signal %d (%s) while %s: the process ends", number, strsignal(number), text);
	}
	alarm(0);
}

/*
 * Write the flight record without a lock, since the code that died may hold it. An incomplete last line does no harm.
 */
static void on_deadly_signal(int number, siginfo_t *info, void *context)
{
	char path[FLIGHT_PATH_MAX];

	(void)info;
	if (state.flight != NULL && state.flight_dir[0] != '\0')
		flight_write(state.flight, state.flight_dir, time(NULL), state.utc_offset_s, path);
	tell_culprit(number, context);
	raise(number); /* the handler was reset, so this ends the process */
}

static void catch_deadly_signals(void)
{
	struct sigaction action = {.sa_sigaction = on_deadly_signal, .sa_flags = (int)(SA_RESETHAND | SA_SIGINFO)};

#ifndef __SANITIZE_ADDRESS__ /* the sanitizer's own handlers report more */
	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGABRT, &action, NULL);
	sigaction(SIGFPE, &action, NULL);
	sigaction(SIGILL, &action, NULL);
#else
	(void)action;
#endif
}

void log_flight_arm(const char *dir)
{
	time_t now = time(NULL);
	struct tm tm;

	if (localtime_r(&now, &tm) != NULL)
		state.utc_offset_s = tm.tm_gmtoff;
	snprintf(state.flight_dir, sizeof(state.flight_dir), "%s", dir);
	catch_deadly_signals();
}

void log_on_death(const char *(*describe)(char *text, size_t size, const void *context))
{
	state.describe = describe;
	catch_deadly_signals();
}

static const struct subsystem *find_subsystem(const char *name)
{
	const struct settings *settings = &state.settings;

	for (uint32_t i = 1; i < settings->subsystem_count; i++)
		if (strcmp(settings->subsystems[i].name, name) == 0)
			return &settings->subsystems[i];
	return &settings->subsystems[0];
}

static bool is_wanted(const struct subsystem *subsystem, int prio)
{
	return prio <= subsystem->stderr_limit || prio <= subsystem->syslog_limit || prio <= subsystem->file_limit;
}

/* Write a line to a file or to stderr. If lines were lost, write a line about them first. */
static void write_line(struct log_sink *sink, enum log_target target, const struct log_frame *frame,
	const char *subsystem, int prio, const char *text)
{
	char line[LINE_MAX_SIZE], lost[128];

	if (log_sink_lost_text(sink, lost, sizeof(lost)) > 0) {
		size_t length = log_format(line, sizeof(line) - 1, target, frame, "MAIN", LOG_WARNING, lost);

		line[length++] = '\n';
		if (log_sink_write(sink, line, length) < 0) {
			/* the line about lost lines could not be written, so this line is lost, too, and counted */
			return;
		}
	}
	size_t length = log_format(line, sizeof(line) - 1, target, frame, subsystem, prio, text);

	line[length++] = '\n';
	log_sink_write(sink, line, length);
}

/* Connect to the syslog daemon, if there is one. A failed attempt is repeated at most once a second. */
static int connect_syslog(const struct log_frame *frame)
{
	if (state.syslog_sink.fd >= 0)
		return 0;
	if (state.syslog_missing_at == frame->at.tv_sec)
		return -1;
	int rc = log_sink_open_syslog(&state.syslog_sink, SYSLOG_SOCKET);

	if (rc < 0)
		state.syslog_missing_at = frame->at.tv_sec;
	return rc;
}

/* One datagram in the old form of RFC 3164, which every syslog daemon on a local socket reads. */
static int send_syslog(const struct log_frame *frame, const char *subsystem, int prio, const char *text)
{
	char line[LINE_MAX_SIZE], body[TEXT_MAX + 64], time[32];
	struct tm tm;

	if (localtime_r(&frame->at.tv_sec, &tm) == NULL || strftime(time, sizeof(time), "%b %e %H:%M:%S", &tm) == 0)
		return -1;
	/* Log debug and trace one level higher, so that the syslog daemon's usual filters do not drop debug lines. */
	if (prio > LOG_INFO)
		prio--;
	log_format(body, sizeof(body), LOG_TARGET_SYSLOG, frame, subsystem, prio, text);
	int length = snprintf(line, sizeof(line), "<%d>%s %s[%d]: %s", state.settings.facility | prio, time,
		frame->ident, frame->pid, body);

	if (length >= (int)sizeof(line))
		length = (int)sizeof(line) - 1;
	if (connect_syslog(frame) < 0)
		return -1;
	if (log_sink_write(&state.syslog_sink, line, (size_t)length) == 0)
		return 0;
	if (errno != EAGAIN && errno != ENOBUFS)
		log_sink_close(&state.syslog_sink); /* the syslog daemon was restarted: the next line connects again */
	return -1;
}

static void write_syslog(const struct log_frame *frame, const char *subsystem, int prio, const char *text)
{
	char lost[128];

	if (log_sink_lost_text(&state.syslog_sink, lost, sizeof(lost)) > 0 &&
		send_syslog(frame, "MAIN", LOG_WARNING, lost) < 0)
		return;
	bool was_connected = state.syslog_sink.fd >= 0;

	/* A restarted syslog daemon has closed the connection: try once more, then drop the line. */
	if (send_syslog(frame, subsystem, prio, text) < 0 && was_connected && state.syslog_sink.fd < 0)
		send_syslog(frame, subsystem, prio, text);
}

void log_vline(const char *subsystem, int prio, const char *format, va_list arguments)
{
	char text[TEXT_MAX];
	int saved_errno = errno;

	pthread_mutex_lock(&state.mutex);
	const struct subsystem *settings = find_subsystem(subsystem);
	bool wanted = is_wanted(settings, prio);

	if (wanted && prio >= 0 && prio <= LOG_TRACE)
		state.counts[prio]++;
	if (state.flight != NULL || wanted) {
		struct log_frame frame = {.timestamp = state.settings.timestamp,
			.is_json = state.settings.is_json,
			.host = state.host,
			.ident = state.ident,
			.pid = (int)getpid()};

		clock_gettime(CLOCK_REALTIME, &frame.at);
		errno = saved_errno; /* for %m */
		vsnprintf(text, sizeof(text), format, arguments);
		log_make_printable(text);
		if (state.flight != NULL)
			flight_record(state.flight, subsystem, prio, &frame.at, text);
		if (prio <= settings->stderr_limit)
			write_line(&state.stderr_sink, LOG_TARGET_STDERR, &frame, subsystem, prio, text);
		if (settings->file != NULL && prio <= settings->file_limit)
			write_line(&settings->file->sink, LOG_TARGET_FILE, &frame, subsystem, prio, text);
		if (prio <= settings->syslog_limit)
			write_syslog(&frame, subsystem, prio, text);
	}
	pthread_mutex_unlock(&state.mutex);
	errno = saved_errno;
}

void log_line(const char *subsystem, int prio, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	log_vline(subsystem, prio, format, arguments);
	va_end(arguments);
}

bool log_is_wanted(const char *subsystem, int prio)
{
	pthread_mutex_lock(&state.mutex);
	bool wanted = state.flight != NULL || is_wanted(find_subsystem(subsystem), prio);

	pthread_mutex_unlock(&state.mutex);
	return wanted;
}

uint64_t log_count(int prio)
{
	pthread_mutex_lock(&state.mutex);
	uint64_t count = prio >= 0 && prio <= LOG_TRACE ? state.counts[prio] : 0;

	pthread_mutex_unlock(&state.mutex);
	return count;
}
