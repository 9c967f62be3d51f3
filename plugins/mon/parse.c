/* SPDX-License-Identifier: BSD-3-Clause */
#include "plugins/mon/mon.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Find the line that starts with this name, and get the number behind the name, in kB. */
static bool field(const char *text, const char *name, double *value)
{
	size_t length = strlen(name);

	for (const char *line = text; line != NULL && *line != '\0';) {
		if (strncmp(line, name, length) == 0 && line[length] == ':') {
			char *end;

			*value = strtod(line + length + 1, &end);
			return end != line + length + 1 && isfinite(*value) && *value >= 0;
		}
		line = strchr(line, '\n');
		if (line != NULL)
			line++;
	}
	return false;
}

int mon_parse_memory(const char *text, double *percent)
{
	double total, unused, buffers, cached, swap_total, swap_unused, used;

	if (!field(text, "MemTotal", &total) || !field(text, "MemFree", &unused) || !field(text, "Buffers", &buffers) ||
		!field(text, "Cached", &cached) || !field(text, "SwapTotal", &swap_total) ||
		!field(text, "SwapFree", &swap_unused))
		return -EBADMSG;
	if (total + swap_total <= 0)
		return -EBADMSG;
	used = total - unused - buffers - cached + swap_total - swap_unused;
	*percent = used < 0 ? 0 : 100 * used / (total + swap_total);
	return 0;
}

int mon_parse_load(const char *text, double *load)
{
	double values[3];

	for (unsigned int i = 0; i < 3; i++) {
		char *end;

		values[i] = strtod(text, &end);
		if (end == text || !isfinite(values[i]) || values[i] < 0)
			return -EBADMSG;
		text = end;
	}
	*load = values[2];
	return 0;
}
