/* SPDX-License-Identifier: BSD-3-Clause */
/* The responses: documents, each of which is made at most once in a period, and the health of the node. */
#include "plugins/metrics/metrics.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "plugins/metrics/dashboard.h" /* generated from dashboard.html */
#include "plugins/metrics/job.h"

#define HELD_MAX (16u << 20) /* bytes of all documents. Slow readers keep older documents in memory */

/* A document in memory while clients read it. */
struct held {
	struct metrics *metrics;
	char *bytes;
	size_t size;
};

static void let_go(void *arg)
{
	struct held *held = arg;

	held->metrics->held -= held->size;
	free(held->bytes);
	free(held);
}

bool page_add_headers(struct MHD_Response *response, const char *type)
{
	/* Close the connection after one request, so that the time of a connection is bounded. */
	return MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type) == MHD_YES &&
	       MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store") == MHD_YES &&
	       MHD_add_response_header(response, "X-Content-Type-Options", "nosniff") == MHD_YES &&
	       MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close") == MHD_YES;
}

/* Make a response. It owns the text then. If this fails, the caller still owns the text. */
static struct MHD_Response *wrap(struct metrics *metrics, enum document document, struct metrics_text *text)
{
	struct held *held = malloc(sizeof(*held));
	struct MHD_Response *response = held == NULL ? NULL
						     : MHD_create_response_from_buffer_with_free_callback_cls(
							       text->size, text->bytes, let_go, held);

	if (response == NULL) {
		free(held);
		return NULL;
	}
	*held = (struct held){.metrics = metrics, .bytes = text->bytes, .size = text->size};
	metrics->held += text->size;
	*text = (struct metrics_text){.bytes = NULL};
	if (!page_add_headers(response, document_content_type(document))) {
		MHD_destroy_response(response);
		return NULL;
	}
	return response;
}

/* --- making documents --- */

static void advance(struct metrics *metrics);

static void fail(struct metrics *metrics, uint32_t documents, int rc)
{
	uint64_t now_ns = metrics->host->now_ns(metrics->ctx);

	metrics->host->log(metrics->ctx, LOG_WARNING, "no answer for a client: %s", strerror(-rc));
	for (uint32_t i = 0; i < DOCUMENTS; i++)
		if ((documents & UINT32_C(1) << i) != 0)
			metrics->pages[i].failed_ns = now_ns;
	metrics->wanted &= ~documents;
	server_wake(metrics->server);
}

static void publish(struct metrics *metrics, struct job *job, enum document document)
{
	struct made *made = job_made(job, document);
	struct page *page = &metrics->pages[document];
	struct MHD_Response *response = made->rc == 0 ? wrap(metrics, document, &made->text) : NULL;

	if (response == NULL) {
		fail(metrics, UINT32_C(1) << document, made->rc < 0 ? made->rc : -ENOMEM);
		return;
	}
	if (page->response != NULL)
		MHD_destroy_response(page->response);
	*page = (struct page){.response = response, .status = made->status, .at_ns = metrics->snapshot->at_ns};
}

static void on_made(struct metrics *metrics)
{
	struct job *job = metrics->job;

	metrics->job = NULL;
	metrics->wanted &= ~job_documents(job);
	for (uint32_t i = 0; i < DOCUMENTS; i++)
		if ((job_documents(job) & UINT32_C(1) << i) != 0)
			publish(metrics, job, (enum document)i);
	job_destroy(job);
	server_wake(metrics->server);
	advance(metrics);
}

static bool is_young(const struct metrics *metrics, uint64_t at_ns)
{
	return metrics->host->now_ns(metrics->ctx) - at_ns < metrics->interval_ns;
}

static void start_job(struct metrics *metrics)
{
	int rc = job_create(metrics, metrics->wanted, on_made, &metrics->job);

	if (rc < 0)
		fail(metrics, metrics->wanted, rc);
}

/*
 * Start the job with the copy. The copy may have taken longer than a document is valid. Clients that waited for it get
 * the document nevertheless.
 */
static void on_collected(struct metrics *metrics, struct snapshot *snapshot, int rc)
{
	if (rc < 0) {
		fail(metrics, metrics->wanted, rc);
		return;
	}
	snapshot_destroy(metrics->snapshot);
	metrics->snapshot = snapshot;
	if (metrics->wanted != 0)
		start_job(metrics);
}

/* Start the next step towards the wanted documents, if none is running. */
static void advance(struct metrics *metrics)
{
	if (metrics->wanted == 0 || metrics->collect != NULL || metrics->job != NULL)
		return;
	if (metrics->snapshot != NULL && is_young(metrics, metrics->snapshot->at_ns)) {
		start_job(metrics);
		return;
	}
	int rc = collect_begin(metrics, on_collected);
	if (rc < 0)
		fail(metrics, metrics->wanted, rc);
}

struct MHD_Response *page_get(struct metrics *metrics, enum document document, uint64_t since_ns, bool is_last,
	unsigned int *status, bool *is_refused)
{
	struct page *page = &metrics->pages[document];
	bool has_failed = page->failed_ns != 0 && is_young(metrics, page->failed_ns);
	bool is_full = metrics->held >= HELD_MAX;

	*status = page->status;
	*is_refused = false;
	if (page->response != NULL &&
		(is_full || is_young(metrics, page->at_ns) || (since_ns != 0 && page->at_ns >= since_ns)))
		return page->response;
	*is_refused = is_last || is_full || has_failed;
	if (*is_refused)
		return NULL;
	metrics->wanted |= UINT32_C(1) << document;
	advance(metrics);
	*is_refused = (metrics->wanted & UINT32_C(1) << document) == 0; /* making it could not be started */
	return NULL;
}

static void drop_pages(struct metrics *metrics)
{
	for (uint32_t i = 0; i < DOCUMENTS; i++) {
		if (metrics->pages[i].response != NULL)
			MHD_destroy_response(metrics->pages[i].response);
		metrics->pages[i] = (struct page){.response = NULL};
	}
}

/* Drop the documents. A running job still uses the old options, and clients that wait for it get its documents. */
void page_forget(struct metrics *metrics) { drop_pages(metrics); }

void page_fini(struct metrics *metrics)
{
	collect_cancel(metrics);
	job_destroy(metrics->job);
	metrics->job = NULL;
	snapshot_destroy(metrics->snapshot);
	metrics->snapshot = NULL;
	drop_pages(metrics);
}

struct MHD_Response *page_note(const char *text)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(
		strlen(text), (void *)(uintptr_t)text, MHD_RESPMEM_MUST_COPY);

	if (response != NULL && !page_add_headers(response, "text/plain; charset=utf-8")) {
		MHD_destroy_response(response);
		return NULL;
	}
	return response;
}

struct MHD_Response *page_dashboard(void)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(
		sizeof(dashboard_page) - 1, (void *)(uintptr_t)dashboard_page, MHD_RESPMEM_PERSISTENT);

	if (response == NULL)
		return NULL;
	if (page_add_headers(response, "text/html; charset=utf-8") &&
		MHD_add_response_header(response, "Content-Security-Policy", dashboard_policy) == MHD_YES &&
		MHD_add_response_header(response, "Referrer-Policy", "no-referrer") == MHD_YES)
		return response;
	MHD_destroy_response(response);
	return NULL;
}

struct MHD_Response *page_health(const struct metrics *metrics, unsigned int *status)
{
	static const char key[] = "stats.coterie.state";
	const struct coterie_host *host = metrics->host;
	struct coterie_map_value state;
	bool is_operational = host->map_read(metrics->ctx, COTERIE_MAP_STATS, key, &state) == 0 &&
			      state.size == sizeof("operational") &&
			      memcmp(state.bytes, "operational", sizeof("operational")) == 0;
	bool is_quorate = host->is_quorate(metrics->ctx) != 0;
	bool is_known = collect_quorate(metrics) != METRICS_QUORATE_NOT_KNOWN;

	*status = is_operational && is_quorate && is_known ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE;
	return page_note(!is_operational ? "not operational\n"
			 : !is_quorate   ? "not quorate\n"
			 : !is_known     ? "quorum is not known yet\n"
					 : "ok\n");
}
