/*
 * Trackers: which changes are reported to which tracker, in which order, and what a callback may do.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "tests/interop/cmap_matrix.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ALL = CMAP_TRACK_ADD | CMAP_TRACK_DELETE | CMAP_TRACK_MODIFY };

static void every_change(cmap_handle_t handle)
{
	cmap_track_handle_t tracker = track(handle, "matrix.k", ALL, "all");

	CALL(cmap_set_uint8(handle, "matrix.k", 1));
	CALL(cmap_set_uint8(handle, "matrix.k", 1)); /* no change */
	CALL(cmap_set_uint8(handle, "matrix.k", 2));
	CALL(cmap_inc(handle, "matrix.k"));
	CALL(cmap_dec(handle, "matrix.k"));
	CALL(cmap_set_uint16(handle, "matrix.k", 2));
	CALL(cmap_set_string(handle, "matrix.k", "str"));
	CALL(cmap_set_string(handle, "matrix.k", "str"));
	CALL(cmap_set_string(handle, "matrix.k", "a string of more than sixteen"));
	CALL(cmap_set(handle, "matrix.k", "str", 3, CMAP_VALUETYPE_BINARY));
	CALL(cmap_set(handle, "matrix.k", "", 0, CMAP_VALUETYPE_BINARY));
	CALL(cmap_delete(handle, "matrix.k"));
	CALL(cmap_set_uint8(handle, "matrix.kk", 1)); /* another key */
	CALL(cmap_set_double(handle, "matrix.k", 0.25));
	expect_events(handle, 11);
	expect_quiet(handle);
	CALL(cmap_delete(handle, "matrix.k"));
	CALL(cmap_delete(handle, "matrix.kk"));
	CALL(cmap_track_delete(handle, tracker));
	CALL(cmap_track_delete(handle, tracker));
	CALL(cmap_dispatch(handle, CS_DISPATCH_ALL)); /* events that wait cause no calls */
	CALL(cmap_dispatch(handle, CS_DISPATCH_ONE_NONBLOCKING));
}

static void every_type(cmap_handle_t handle)
{
	static char names[33][16];
	cmap_track_handle_t trackers[33];

	for (int type = 0; type <= 16; type++) {
		snprintf(names[type], sizeof(names[type]), "k%d", type);
		trackers[type] = track(handle, "matrix.k", type, names[type]);
	}
	for (int type = 17; type <= 32; type++) {
		snprintf(names[type], sizeof(names[type]), "p%d", type);
		trackers[type] = track(handle, "matrix.", (type - 17) | CMAP_TRACK_PREFIX, names[type]);
	}
	CALL(cmap_set_uint8(handle, "matrix.k", 1));
	CALL(cmap_set_uint8(handle, "matrix.k", 2));
	CALL(cmap_set_uint8(handle, "matrix.k.longer", 2));
	CALL(cmap_delete(handle, "matrix.k"));
	CALL(cmap_delete(handle, "matrix.k.longer"));
	/* Dispatch all events. They come for different trackers, some of which may have equal handles. */
	for (int i = 0; i < 64; i++)
		cmap_dispatch(handle, CS_DISPATCH_ALL);
	expect_quiet(handle);
	for (int type = 0; type <= 32; type++)
		if (trackers[type] != 0)
			say("delete %d = %d", type, (int)cmap_track_delete(handle, trackers[type]));
}

static void order(cmap_handle_t handle)
{
	cmap_track_handle_t trackers[] = {
		track(handle, "matrix.", ALL | CMAP_TRACK_PREFIX, "matrix. first"),
		track(handle, "matrix.order.key", ALL, "the key, first"),
		track(handle, NULL, ALL | CMAP_TRACK_PREFIX, "all, NULL"),
		track(handle, "", ALL | CMAP_TRACK_PREFIX, "all, empty"),
		track(handle, "matrix.order.key", ALL | CMAP_TRACK_PREFIX, "the key as prefix"),
		track(handle, "matrix.order.k", ALL | CMAP_TRACK_PREFIX, "part of a component"),
		track(handle, "matrix.order.key", ALL, "the key, second"),
		track(handle, "matrix.", ALL | CMAP_TRACK_PREFIX, "matrix. second"),
		track(handle, "matrix.order.key", ALL, "the key, second"),
		track(handle, NULL, ALL, "NULL, no prefix"),
		track(handle, "", ALL, "empty, no prefix"),
		track(handle, "not a name!", ALL | CMAP_TRACK_PREFIX, "not a name"),
		track(handle, "m", ALL | CMAP_TRACK_PREFIX, "m"),
	};

	CALL(cmap_set_uint8(handle, "matrix.order.key", 1));
	CALL(cmap_set_uint8(handle, "matrix.order.key.more", 1));
	CALL(cmap_inc(handle, "matrix.order.key"));
	CALL(cmap_delete(handle, "matrix.order.key"));
	CALL(cmap_delete(handle, "matrix.order.key.more"));
	expect_events(handle, 10 + 7 + 10 + 10 + 7);
	expect_quiet(handle);
	for (size_t i = 0; i < sizeof(trackers) / sizeof(trackers[0]); i++)
		CALL(cmap_track_delete(handle, trackers[i]));
}

static void others(cmap_handle_t handle)
{
	cmap_handle_t other = connect_cmap();
	cmap_track_handle_t here = track(handle, "matrix.", ALL | CMAP_TRACK_PREFIX, "here");
	cmap_track_handle_t there = track(other, "matrix.", ALL | CMAP_TRACK_PREFIX, "there");

	CALL(cmap_track_delete(handle, there + here)); /* a handle that no tracker has */
	CALL(cmap_set_uint8(handle, "matrix.o", 1));
	CALL(cmap_set_uint8(other, "matrix.o", 2));
	say("here");
	expect_events(handle, 2);
	say("there");
	expect_events(other, 2);
	CALL(cmap_track_delete(handle, here));
	CALL(cmap_finalize(other)); /* the tracker ends with its handle */
	CALL(cmap_delete(handle, "matrix.o"));
	expect_quiet(handle);
}

static void hook_delete(cmap_handle_t handle, cmap_track_handle_t tracker)
{
	change_hook = NULL;
	CALL(cmap_track_delete(handle, tracker));
}

static void hook_nested(cmap_handle_t handle, cmap_track_handle_t tracker)
{
	(void)tracker;
	change_hook = NULL;
	say("  nested:");
	CALL(cmap_set_uint8(handle, "matrix.h", 99));
	CALL(cmap_dispatch(handle, CS_DISPATCH_ONE));
	show(handle, "matrix.h");
	say("  out again");
}

static void hook_finalize(cmap_handle_t handle, cmap_track_handle_t tracker)
{
	(void)tracker;
	change_hook = NULL;
	CALL(cmap_finalize(handle));
	CALL(cmap_finalize(handle));
}

static void inside_callbacks(cmap_handle_t handle)
{
	static const cs_dispatch_flags_t all[] = {
		CS_DISPATCH_ONE, CS_DISPATCH_ALL, CS_DISPATCH_BLOCKING, CS_DISPATCH_ONE_NONBLOCKING};

	for (int i = 0; i < 2; i++) {
		cmap_track_handle_t tracker = track(handle, "matrix.h", ALL, "hooked");

		CALL(cmap_set_uint8(handle, "matrix.h", 1));
		CALL(cmap_set_uint8(handle, "matrix.h", 2));
		change_hook = i == 0 ? hook_nested : hook_delete;
		CALL(cmap_dispatch(handle, CS_DISPATCH_ALL));
		expect_quiet(handle);
		CALL(cmap_track_delete(handle, tracker));
		CALL(cmap_delete(handle, "matrix.h"));
		CALL(cmap_dispatch(handle, CS_DISPATCH_ALL));
	}
	for (size_t i = 0; i < 4; i++) {
		cmap_handle_t ending = connect_cmap();

		track(ending, "matrix.h", ALL, "ending");
		CALL(cmap_set_uint8(handle, "matrix.h", (uint8_t)i));
		CALL(cmap_inc(handle, "matrix.h"));
		change_hook = hook_finalize;
		say("finalize in mode %d", (int)all[i]);
		CALL(cmap_dispatch(ending, all[i]));
		CALL(cmap_dispatch(ending, all[i]));
		CALL(cmap_delete(handle, "matrix.h"));
	}
}

static void modes(cmap_handle_t handle)
{
	cmap_track_handle_t tracker = track(handle, "matrix.m", ALL, "modes");

	for (uint8_t i = 0; i < 5; i++)
		CALL(cmap_set_uint8(handle, "matrix.m", i));
	say("one, one, one, all, none:");
	CALL(cmap_dispatch(handle, CS_DISPATCH_ONE));
	CALL(cmap_dispatch(handle, CS_DISPATCH_ONE));
	CALL(cmap_dispatch(handle, CS_DISPATCH_ONE_NONBLOCKING));
	CALL(cmap_dispatch(handle, CS_DISPATCH_ALL));
	CALL(cmap_dispatch(handle, CS_DISPATCH_ALL));
	CALL(cmap_dispatch(handle, CS_DISPATCH_ONE_NONBLOCKING));
	CALL(cmap_track_delete(handle, tracker));
	CALL(cmap_delete(handle, "matrix.m"));
}

/* Track the largest values, two in one event, and more events than the ring can hold. */
static void much(cmap_handle_t handle)
{
	cmap_track_handle_t tracker;
	char *text = malloc(16385);

	memset(text, 'o', 16384);
	text[16384] = '\0';
	CALL(cmap_set_string(handle, "matrix.much", text));
	tracker = track(handle, "matrix.much", ALL, "much");
	memset(text, 'n', 16384);
	CALL(cmap_set_string(handle, "matrix.much", text));
	expect_events(handle, 1);
	CALL(cmap_track_delete(handle, tracker));
	CALL(cmap_set_uint32(handle, "matrix.much", 0));
	tracker = track(handle, "matrix.much", ALL, "many");
	for (int i = 0; i < 5000; i++)
		if (cmap_inc(handle, "matrix.much") != CS_OK)
			say("inc %d failed", i);
	say("%s", "five thousand");
	expect_events(handle, 5000);
	CALL(cmap_track_delete(handle, tracker));
	CALL(cmap_delete(handle, "matrix.much"));
	free(text);
}

void part_track(pid_t daemon)
{
	cmap_handle_t handle = connect_cmap();

	(void)daemon;
	every_change(handle);
	every_type(handle);
	order(handle);
	others(handle);
	modes(handle);
	inside_callbacks(handle);
	much(handle);
	CALL(cmap_finalize(handle));
}
