/* SPDX-License-Identifier: BSD-3-Clause */
/* Documents that are made from a snapshot: statistics as text, and the answers of coterie-ctl as JSON. */
#ifndef PLUGINS_METRICS_DOCUMENT_H
#define PLUGINS_METRICS_DOCUMENT_H

#include "plugins/common/metrics/metrics.h"
#include "plugins/metrics/snapshot.h"

enum document {
	DOCUMENT_OPENMETRICS,
	DOCUMENT_PROMETHEUS,
	DOCUMENT_STATUS, /* this document and the following ones are those of /api/v1 */
	DOCUMENT_MEMBERS,
	DOCUMENT_QUORUM,
	DOCUMENT_RINGS,
	DOCUMENT_PLUGINS,
	DOCUMENT_CLIENTS,
	DOCUMENTS,
};

/**
 * Return the document of a path below /api/v1/, in which each blank is '+' or '/'. DOCUMENTS: there is no such
 * document.
 */
enum document document_of_command(const char *command);
/** Return the value of the header Content-Type. */
const char *document_content_type(enum document document);
/**
 * Make a document. It uses only the snapshot, so any thread may call it.
 * @param text    zeroed except for size_max; freed with metrics_text_fini, also after an error
 * @param status  out: HTTP status
 * @return 0; -ENOMEM; -EMSGSIZE
 */
int document_make(enum document document, const struct snapshot *snapshot, const struct metrics_options *options,
	struct metrics_text *text, unsigned int *status);

#endif
