/*
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "services/quorum/tool/watch.h"

#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include <corosync/quorum.h>
#include <corosync/votequorum.h>

#include "tools/common/bytes.h"

bool quorum_watch_parse(struct quorum_watch *watch, const char *letters)
{
	*watch = (struct quorum_watch){false};
	for (const char *at = letters; *at != '\0'; at++) {
		if (*at == 'q')
			watch->has_quorum = true;
		else if (*at == 'x')
			watch->has_extra = true;
		else
			break;
		if (at[1] == '\0')
			return true;
	}
	fprintf(stderr, "Invalid watch option. valid watch options are q(quorum) or x(qdevice extra info)\n");
	return false;
}

/* Print a line if the verdict has changed. Each configuration of the ring sends the verdict again. */
static void on_quorum(quorum_handle_t handle, uint32_t quorate, uint64_t ring_seq, uint32_t count, uint32_t *ids)
{
	const void *context = NULL;

	(void)ring_seq, (void)count, (void)ids;
	if (quorum_context_get(handle, &context) != CS_OK)
		return;
	int *last = (int *)(uintptr_t)context; /* the library's context is const */

	if (*last == (quorate != 0))
		return;
	*last = quorate != 0;
	puts(quorate != 0 ? "Quorate" : "Not quorate");
}

static void on_extra(votequorum_handle_t handle, uint64_t context, uint32_t nodeid, uint32_t size, void *data)
{
	(void)handle, (void)context;
	printf("%10u ", nodeid);
	bytes_print(stdout, data, size);
	putchar('\n');
}

static int complain(const char *what, cs_error_t rc)
{
	fprintf(stderr, "%s: %s\n", what, cs_strerror(rc));
	return EXIT_FAILURE;
}

/* Connect to quorum, and set *last to the present verdict: 1 quorate, 0 not quorate. Print nothing for it. */
static cs_error_t open_quorum(quorum_handle_t *handle, int *last, int *fd)
{
	quorum_callbacks_t callbacks = {.quorum_notify_fn = on_quorum};
	uint32_t type;
	cs_error_t rc = quorum_initialize(handle, &callbacks, &type);

	if (rc != CS_OK)
		return rc;
	quorum_context_set(*handle, last);
	rc = quorum_trackstart(*handle, CS_TRACK_CHANGES_ONLY);
	if (rc == CS_OK)
		rc = quorum_getquorate(*handle, last);
	return rc == CS_OK ? quorum_fd_get(*handle, fd) : rc;
}

static cs_error_t open_votequorum(votequorum_handle_t *handle, int *fd)
{
	votequorum_model_v1_data_t model = {.model = VOTEQUORUM_MODEL_V1, .qdevice_extra_info_notify_fn = on_extra};
	cs_error_t (*initialize)(votequorum_handle_t *, votequorum_model_data_t *);

	/*
	 * Use dlsym(), so that the tool also starts with libvotequorum of Corosync 3.1, which does not have this
	 * function.
	 */
	*(void **)&initialize = dlsym(RTLD_DEFAULT, "votequorum_model_initialize");
	if (initialize == NULL)
		return CS_ERR_NOT_SUPPORTED;

	cs_error_t rc = initialize(handle, (votequorum_model_data_t *)&model);

	if (rc == CS_OK)
		rc = votequorum_trackstart(*handle, 0, CS_TRACK_CHANGES_ONLY);
	return rc == CS_OK ? votequorum_fd_get(*handle, fd) : rc;
}

/* Print changes until an error. poll() ignores a descriptor of -1. */
static int follow(quorum_handle_t quorum, votequorum_handle_t votequorum, struct pollfd fds[2])
{
	for (;;) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return EXIT_FAILURE;
		cs_error_t rc = fds[0].revents == 0 ? CS_OK : quorum_dispatch(quorum, CS_DISPATCH_ALL);

		if (rc != CS_OK)
			return complain("Unable to dispatch quorum status", rc);
		rc = fds[1].revents == 0 ? CS_OK : votequorum_dispatch(votequorum, CS_DISPATCH_ALL);
		if (rc != CS_OK)
			return complain("Unable to dispatch votequorum status", rc);
		fds[0].revents = fds[1].revents = 0;
	}
}

int quorum_watch_run(const struct quorum_watch *watch)
{
	struct pollfd fds[2] = {{.fd = -1, .events = POLLIN}, {.fd = -1, .events = POLLIN}};
	quorum_handle_t quorum = 0;
	votequorum_handle_t votequorum = 0;
	int last = 0, status;
	cs_error_t rc = watch->has_quorum ? open_quorum(&quorum, &last, &fds[0].fd) : CS_OK;

	/* Use line buffering, so that a reader at a pipe gets each line at once. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (rc != CS_OK) {
		status = complain("Unable to start quorum status tracking", rc);
	} else {
		rc = watch->has_extra ? open_votequorum(&votequorum, &fds[1].fd) : CS_OK;
		status = rc != CS_OK ? complain("Unable to start votequorum status tracking", rc)
				     : follow(quorum, votequorum, fds);
	}
	if (votequorum != 0)
		votequorum_finalize(votequorum);
	if (quorum != 0)
		quorum_finalize(quorum);
	return status;
}
