/*
 * Look-ups of host names that end, although the resolver does not.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "common/lookup.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/thread.h"

#define MS_PER_S 1000
#define NS_PER_MS 1000000

/* A lookup, shared by the caller and the thread. The one that leaves last frees it. */
struct lookup {
	pthread_mutex_t lock;
	pthread_cond_t is_ended;
	struct addrinfo hints;
	struct addrinfo *found; /* written by the thread, taken by the caller */
	int rc;                 /* EAI_INPROGRESS until the resolver has answered */
	bool is_left;           /* the caller does not wait any more */
	char name[];
};

int64_t lookup_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * MS_PER_S + now.tv_nsec / NS_PER_MS;
}

static struct lookup *lookup_create(const char *name, const struct addrinfo *hints)
{
	struct lookup *lookup = calloc(1, sizeof(*lookup) + strlen(name) + 1);
	pthread_condattr_t attributes;

	if (lookup == NULL)
		return NULL;
	lookup->hints = (struct addrinfo){
		.ai_flags = hints->ai_flags, .ai_family = hints->ai_family, .ai_socktype = hints->ai_socktype};
	lookup->rc = EAI_INPROGRESS;
	strcpy(lookup->name, name);
	pthread_mutex_init(&lookup->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&lookup->is_ended, &attributes);
	pthread_condattr_destroy(&attributes);
	return lookup;
}

static void lookup_destroy(struct lookup *lookup)
{
	if (lookup->found != NULL)
		freeaddrinfo(lookup->found);
	pthread_cond_destroy(&lookup->is_ended);
	pthread_mutex_destroy(&lookup->lock);
	free(lookup);
}

static void *lookup_run(void *arg)
{
	struct lookup *lookup = arg;
	struct addrinfo *found = NULL;
	int rc = getaddrinfo(lookup->name, NULL, &lookup->hints, &found);

	pthread_mutex_lock(&lookup->lock);
	lookup->rc = rc;
	lookup->found = rc == 0 ? found : NULL;
	bool is_left = lookup->is_left;

	pthread_cond_signal(&lookup->is_ended);
	pthread_mutex_unlock(&lookup->lock);
	if (is_left)
		lookup_destroy(lookup);
	return NULL;
}

/* Start the thread, detached. @return whether it runs */
static bool lookup_start(struct lookup *lookup)
{
	pthread_t thread;

	if (thread_start(&thread, 0, lookup_run, lookup) < 0)
		return false;
	pthread_detach(thread);
	return true;
}

int lookup_name(const char *name, const struct addrinfo *hints, int64_t limit_ms, struct addrinfo **found)
{
	struct timespec end;

	*found = NULL;
	if (limit_ms <= 0)
		return EAI_INPROGRESS;
	struct lookup *lookup = lookup_create(name, hints);

	if (lookup == NULL)
		return EAI_MEMORY;
	if (!lookup_start(lookup)) {
		lookup_destroy(lookup);
		return EAI_MEMORY;
	}
	int64_t end_ms = lookup_now_ms() + limit_ms;

	end.tv_sec = (time_t)(end_ms / MS_PER_S);
	end.tv_nsec = (long)(end_ms % MS_PER_S * NS_PER_MS);
	pthread_mutex_lock(&lookup->lock);
	while (lookup->rc == EAI_INPROGRESS && pthread_cond_timedwait(&lookup->is_ended, &lookup->lock, &end) == 0)
		;
	int rc = lookup->rc;

	*found = lookup->found;
	lookup->found = NULL;
	lookup->is_left = true;
	pthread_mutex_unlock(&lookup->lock);
	if (rc != EAI_INPROGRESS)
		lookup_destroy(lookup);
	return rc;
}
