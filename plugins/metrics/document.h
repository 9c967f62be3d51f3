/*
 * What is made of a snapshot: texts of statistics, and the answers of coterie-ctl as JSON.
 */
#ifndef PLUGINS_METRICS_DOCUMENT_H
#define PLUGINS_METRICS_DOCUMENT_H

#include "plugins/common/metrics/metrics.h"
#include "plugins/metrics/snapshot.h"

enum document {
	DOCUMENT_OPENMETRICS,
	DOCUMENT_PROMETHEUS,
	DOCUMENT_STATUS, /* from here on those of /api/v1 */
	DOCUMENT_MEMBERS,
	DOCUMENT_QUORUM,
	DOCUMENT_RINGS,
	DOCUMENT_PLUGINS,
	DOCUMENT_CLIENTS,
	DOCUMENTS,
};

/** The one below /api/v1/, words between blanks, signs plus or strokes; DOCUMENTS: none. */
enum document document_of_command(const char *command);
/** The value of the header Content-Type. */
const char *document_content_type(enum document document);
/**
 * Make one. Touches nothing but the snapshot, so that any thread may.
 * @param text    zeroed but for size_max; freed with metrics_text_fini, also after an error
 * @param status  out: of HTTP
 * @return 0; -ENOMEM; -EMSGSIZE
 */
int document_make(enum document document, const struct snapshot *snapshot, const struct metrics_options *options,
	struct metrics_text *text, unsigned int *status);

#endif
