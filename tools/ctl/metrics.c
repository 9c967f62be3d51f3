/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * `metrics`: the statistics of a daemon as OpenMetrics text, for a collector that reads files. What the
 * plugin metrics serves: plugins/common/metrics has the text.
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

		/* Only whole: a collector would take the rest for all there is. */
		if (rc < 0)
			code = ctl_fail(ctl, CTL_FAILED, "", "no text: %s", strerror(-rc));
		else
			fputs(text.bytes, stdout);
		metrics_text_fini(&text);
	}
	alarm(0);
	return code;
}
