/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/ctl/doctor/judge.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- the report --- */

struct doctor_finding *doctor_find(struct doctor_report *report, enum doctor_level level, const char *format, ...)
{
	struct doctor_finding *more = realloc(report->findings, (report->finding_count + 1) * sizeof(*more));
	struct doctor_finding *finding = &report->spare;
	va_list arguments;

	if (more != NULL) {
		report->findings = more;
		finding = &more[report->finding_count++];
	}
	*finding = (struct doctor_finding){.check = report->check, .level = level, .link = -1};
	va_start(arguments, format);
	vsnprintf(finding->text, sizeof(finding->text), format, arguments);
	va_end(arguments);
	return finding;
}

void doctor_evidence(struct doctor_finding *finding, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(finding->evidence, sizeof(finding->evidence), format, arguments);
	va_end(arguments);
}

void doctor_remedy(struct doctor_finding *finding, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(finding->remedy, sizeof(finding->remedy), format, arguments);
	va_end(arguments);
}

void doctor_unchecked(struct doctor_report *report, const char *format, ...)
{
	struct doctor_gap *more = realloc(report->gaps, (report->gap_count + 1) * sizeof(*more));
	va_list arguments;

	if (more == NULL)
		return;
	report->gaps = more;
	struct doctor_gap *gap = &more[report->gap_count++];

	gap->check = report->check;
	va_start(arguments, format);
	vsnprintf(gap->why, sizeof(gap->why), format, arguments);
	va_end(arguments);
}

/* --- all checks --- */

void doctor_judge_one(const struct doctor_facts *facts, const struct doctor_check *check, struct doctor_report *report)
{
	size_t findings = report->finding_count, gaps = report->gap_count;

	report->check = check;
	check->judge(facts, report);
	/* A check that has only reported a gap was not made, so it is not counted. */
	if (report->finding_count > findings || report->gap_count == gaps)
		report->check_count++;
}

void doctor_sort(struct doctor_report *report)
{
	for (size_t i = 1; i < report->finding_count; i++) {
		struct doctor_finding moved = report->findings[i];
		size_t at = i;

		while (at > 0 && report->findings[at - 1].level < moved.level) {
			report->findings[at] = report->findings[at - 1];
			at--;
		}
		report->findings[at] = moved;
	}
}

void doctor_report_fini(struct doctor_report *report)
{
	free(report->findings);
	free(report->gaps);
	*report = (struct doctor_report){0};
}
