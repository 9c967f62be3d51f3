/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * `metrics`: print the statistics of a daemon as OpenMetrics text, for a collector that reads files. It is the text
 * that the plugin metrics sends. plugins/common/metrics makes it.
 */
#include "tools/ctl/ctl.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int metrics_run(struct ctl *ctl, const struct ctl_command *command, int argc, char **argv)
{
	const struct metrics_source source = ctl_source(ctl);
	const struct metrics_options options = {.format = METRICS_OPENMETRICS};
	struct metrics_text text = {.bytes = NULL};
	int code = argc > 0 ? ctl_fail(ctl, CTL_USAGE, "coterie-ctl --help", "metrics takes no '%s'", argv[0]) : 0;

	answer_limit(ctl, command);
	if (code == 0)
		code = ctl_open(ctl, CTL_CONFIG);

	if (code == 0)
		code = ctl_open(ctl, CTL_STATS);
	if (code == 0) {
		int rc = metrics_render(&source, &options, &text);

		/* Print only a complete text: a collector could not detect that a part is missing. */
		if (rc < 0)
			code = ctl_fail(ctl, CTL_FAILED, "", "no text: %s", strerror(-rc));
		else
			code = ctl_check(ctl, command->name);
		if (code == 0)
			fputs(text.bytes, stdout);
		metrics_text_fini(&text);
	}
	alarm(0);
	return code;
}
