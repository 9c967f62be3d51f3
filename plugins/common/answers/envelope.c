/* SPDX-License-Identifier: BSD-3-Clause */
/* The document around every answer. */
#include "plugins/common/answers/answers.h"

#include <stdio.h>
#include <time.h>

void answers_time(char buffer[48])
{
	struct timespec now;
	struct tm utc;
	char seconds[24];

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	strftime(seconds, sizeof(seconds), "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(buffer, 48, "%s.%03ldZ", seconds, now.tv_nsec / 1000000);
}

struct json_object *answers_envelope(
	const char *command, uint32_t node, struct json_object *data, struct json_object *error)
{
	struct json_object *document = json_object_new_object();
	char now[48];

	answers_time(now);
	put_text(document, "schema", "coterie-ctl/1");
	put_text(document, "command", command);
	if (node != 0)
		put_number(document, "node", node);
	put_text(document, "time", now);
	json_object_object_add(document, data != NULL ? "data" : "error", data != NULL ? data : error);
	return document;
}

/* The codes are the exit statuses of coterie-ctl: book configuration, "Programs". */
struct json_object *answers_error(int code, const char *text, const char *hint)
{
	static const char *const names[] = {[1] = "FAILED",
		[2] = "NOT_QUORATE",
		[3] = "NOT_RUNNING",
		[4] = "DENIED",
		[5] = "NOT_LOADED",
		[6] = "TIMED_OUT",
		[7] = "REFUSED",
		[8] = "INVALID",
		[64] = "USAGE"};
	struct json_object *object = json_object_new_object();

	put_number(object, "code", code);
	if (code > 0 && (size_t)code < sizeof(names) / sizeof(names[0]) && names[code] != NULL)
		put_text(object, "name", names[code]);
	put_text(object, "text", text);
	if (*hint != '\0')
		put_text(object, "hint", hint);
	return object;
}
