/* What is sent: the text, at most so often, and how the node is. */
#include "plugins/metrics/metrics.h"

#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#define TEXT_SIZE_MAX (4u << 20) /* of a hundred nodes with eight links each, about half */
#define TEXTS_MAX 4u             /* at once; slow readers hold old ones */

/* A text for as long as somebody reads it. */
struct held {
	struct metrics *metrics;
	char *bytes;
};

static void let_go(void *arg)
{
	struct held *held = arg;

	held->metrics->texts--;
	free(held->bytes);
	free(held);
}

static bool add_headers(struct MHD_Response *response, const char *type)
{
	/* One request on a connection: so its time is bounded as a whole. */
	return MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type) == MHD_YES &&
	       MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close") == MHD_YES;
}

static struct MHD_Response *render(struct metrics *metrics, enum metrics_format format)
{
	const struct metrics_source source = source_of_host(metrics);
	struct metrics_options options = metrics->text_options;
	struct metrics_text text = {.size_max = TEXT_SIZE_MAX};

	options.format = format;
	int rc = metrics_render(&source, &options, &text);
	if (rc < 0) {
		metrics->host->log(metrics->ctx, LOG_WARNING, "no metrics for a client: %s", strerror(-rc));
		metrics_text_fini(&text);
		return NULL;
	}
	struct held *held = malloc(sizeof(*held));
	struct MHD_Response *response =
		held == NULL ? NULL
			     : MHD_create_response_from_buffer_with_free_callback_cls(
				       text.size, text.bytes, let_go, held);
	if (response == NULL) {
		free(held);
		metrics_text_fini(&text);
		return NULL;
	}
	*held = (struct held){.metrics = metrics, .bytes = text.bytes};
	metrics->texts++;
	if (!add_headers(response, metrics_content_type(format))) {
		MHD_destroy_response(response);
		return NULL;
	}
	return response;
}

struct MHD_Response *page_get(struct metrics *metrics, enum metrics_format format)
{
	struct page *page = &metrics->pages[format];
	uint64_t now_ns = metrics->host->now_ns(metrics->ctx);

	if (page->response != NULL &&
		(now_ns - page->at_ns < metrics->interval_ns || metrics->texts >= TEXTS_MAX))
		return page->response;
	if (metrics->texts >= TEXTS_MAX)
		return NULL;
	struct MHD_Response *response = render(metrics, format);
	if (response == NULL)
		return NULL;
	if (page->response != NULL)
		MHD_destroy_response(page->response);
	*page = (struct page){.response = response, .at_ns = now_ns};
	return response;
}

void page_fini(struct metrics *metrics)
{
	for (uint32_t i = 0; i < sizeof(metrics->pages) / sizeof(metrics->pages[0]); i++) {
		if (metrics->pages[i].response != NULL)
			MHD_destroy_response(metrics->pages[i].response);
		metrics->pages[i].response = NULL;
	}
}

struct MHD_Response *page_note(const char *text)
{
	struct MHD_Response *response =
		MHD_create_response_from_buffer(strlen(text), (void *)(uintptr_t)text, MHD_RESPMEM_MUST_COPY);

	if (response != NULL && !add_headers(response, "text/plain; charset=utf-8")) {
		MHD_destroy_response(response);
		return NULL;
	}
	return response;
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

	*status = is_operational && is_quorate ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE;
	return page_note(!is_operational ? "not operational\n" : !is_quorate ? "not quorate\n" : "ok\n");
}
