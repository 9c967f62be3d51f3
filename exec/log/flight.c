/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The recorder's ring has the layout of libqb's, in 32-bit words. A record is its size in bytes, a mark, and its bytes,
 * padded to a word. It may wrap at the end of the ring. Reading starts at the oldest record.
 */
#include "exec/log/flight.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/trust.h"

#define RECORD_MARK 0xa1a1a1a1u
#define RING_EXTRA 4096u /* bytes that libqb adds to the size asked for */
#define TEXT_MAX 4096u
#define NAME_MAX_LENGTH 64u
#define PREFIX "fdata"

struct flight {
	uint32_t *words;
	uint32_t count;       /* words */
	uint32_t read, write; /* words */
};

struct flight *flight_create(size_t size)
{
	struct flight *flight = calloc(1, sizeof(*flight));
	size_t bytes = size + RING_EXTRA;

	if (flight == NULL)
		return NULL;
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED) {
		free(flight);
		return NULL;
	}
	flight->words = memory;
	flight->count = (uint32_t)(bytes / sizeof(uint32_t));
	return flight;
}

void flight_destroy(struct flight *flight)
{
	if (flight == NULL)
		return;
	munmap(flight->words, flight->count * sizeof(uint32_t));
	free(flight);
}

/* --- recording --- */

static uint32_t words_of(uint32_t size) { return 2 + (size + 3) / 4; }

static uint32_t free_words(const struct flight *flight)
{
	uint32_t used = (flight->write + flight->count - flight->read) % flight->count;

	return flight->count - used - 1;
}

static void make_room(struct flight *flight, uint32_t words)
{
	while (free_words(flight) < words)
		flight->read = (flight->read + words_of(flight->words[flight->read])) % flight->count;
}

/* State of writing the bytes of a record into the ring, a word at a time. */
struct filler {
	struct flight *flight;
	uint32_t word, filled; /* word that is being filled, and bytes in it */
};

static void fill_word(struct filler *filler)
{
	struct flight *flight = filler->flight;

	flight->words[flight->write] = filler->word;
	flight->write = (flight->write + 1) % flight->count;
	filler->word = filler->filled = 0;
}

static void fill(struct filler *filler, const void *bytes, size_t size)
{
	const uint8_t *at = bytes;

	for (; size > 0; size--) {
		memcpy((uint8_t *)&filler->word + filler->filled, at++, 1);
		if (++filler->filled == sizeof(filler->word))
			fill_word(filler);
	}
}

static void fill_u32(struct filler *filler, uint32_t value) { fill(filler, &value, sizeof(value)); }

/*
 * Write a record: u32 line, u32 tags, u8 priority, u32 size of the function's name, that name with its NUL. Then the
 * time as two u64, u32 size of the message, and the message as format and arguments, with its NUL. The subsystem is
 * stored as the function's name.
 */
void flight_record(struct flight *flight, const char *subsystem, int prio, const struct timespec *at, const char *text)
{
	static const char format[] = "%s";
	uint32_t name_size = (uint32_t)strnlen(subsystem, NAME_MAX_LENGTH) + 1;
	uint32_t text_size = (uint32_t)strnlen(text, TEXT_MAX) + 1;
	uint32_t message_size = (uint32_t)sizeof(format) + text_size;
	uint32_t size = 4 + 4 + 1 + 4 + name_size + 16 + 4 + message_size;
	uint64_t seconds = (uint64_t)at->tv_sec, nanoseconds = (uint64_t)at->tv_nsec;
	uint8_t priority = (uint8_t)prio;
	struct filler filler = {.flight = flight};

	make_room(flight, words_of(size));
	fill_u32(&filler, size);
	fill_u32(&filler, RECORD_MARK);
	fill_u32(&filler, 0);
	fill_u32(&filler, 0);
	fill(&filler, &priority, sizeof(priority));
	fill_u32(&filler, name_size);
	fill(&filler, subsystem, name_size - 1);
	fill(&filler, "", 1);
	fill(&filler, &seconds, sizeof(seconds));
	fill(&filler, &nanoseconds, sizeof(nanoseconds));
	fill_u32(&filler, message_size);
	fill(&filler, format, sizeof(format));
	fill(&filler, text, text_size - 1);
	fill(&filler, "", 1);
	if (filler.filled > 0)
		fill_word(&filler);
}

/* --- writing --- */

static int write_all(int fd, const void *bytes, size_t size)
{
	const uint8_t *at = bytes;

	while (size > 0) {
		ssize_t written = write(fd, at, size);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return written < 0 ? -errno : -ENOSPC;
		at += written;
		size -= (size_t)written;
	}
	return 0;
}

/*
 * Create the file. A file with its name is removed before and never opened: in a folder that other users can write it may
 * be theirs, a link, or a FIFO that blocks.
 */
static int write_file(const struct flight *flight, int folder, const char *name)
{
	/*
	 * Header of a blackbox whose times have nanoseconds, which distinguishes it from the old
	 * kind.
	 */
	const uint32_t mark[5] = {0, 0xccbbccbbu, 0xbbccbbccu, 2, 0};
	const uint32_t version = 1;
	const uint32_t header[5] = {flight->count, flight->write, flight->read, version,
		flight->count + flight->write + flight->read + version};

	unlinkat(folder, name, 0);

	int fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	int rc;

	if (fd < 0)
		return -errno;
	rc = write_all(fd, mark, sizeof(mark));
	if (rc == 0)
		rc = write_all(fd, header, sizeof(header));
	if (rc == 0)
		rc = write_all(fd, flight->words, flight->count * sizeof(uint32_t));
	if (close(fd) < 0 && rc == 0)
		rc = -errno;
	if (rc < 0)
		unlinkat(folder, name, 0);
	return rc;
}

/* A text that is built without printf, which a signal handler must not call. */
struct text {
	char *bytes;
	size_t length, size;
};

static void add_char(struct text *text, char byte)
{
	if (text->length + 1 < text->size) {
		text->bytes[text->length++] = byte;
		text->bytes[text->length] = '\0';
	} else {
		text->length = text->size; /* too long: callers check the length once, at the end */
	}
}

static void add_text(struct text *text, const char *from)
{
	for (; *from != '\0'; from++)
		add_char(text, *from);
}

static void add_number(struct text *text, uint64_t number, int digits)
{
	char reversed[20];
	int count = 0;

	do {
		reversed[count++] = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0 || count < digits);
	while (count > 0)
		add_char(text, reversed[--count]);
}

/* Append YYYY-MM-DDTHH:MM:SS. The date is computed here, since localtime(3) takes locks. */
static void add_time(struct text *text, int64_t seconds)
{
	int64_t days = seconds / 86400, rest = seconds % 86400;
	/* Days since 0000-03-01. Years begin in March here, so that the leap day is the last day of a year. */
	int64_t shifted = days + 719468;
	int64_t era = shifted / 146097, day_of_era = shifted % 146097;
	int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t month = (5 * day_of_year + 2) / 153;
	int64_t day = day_of_year - (153 * month + 2) / 5 + 1;

	month = month < 10 ? month + 3 : month - 9;
	add_number(text, (uint64_t)(era * 400 + year_of_era + (month <= 2)), 4);
	add_char(text, '-');
	add_number(text, (uint64_t)month, 2);
	add_char(text, '-');
	add_number(text, (uint64_t)day, 2);
	add_char(text, 'T');
	add_number(text, (uint64_t)(rest / 3600), 2);
	add_char(text, ':');
	add_number(text, (uint64_t)(rest / 60 % 60), 2);
	add_char(text, ':');
	add_number(text, (uint64_t)(rest % 60), 2);
}

int flight_write(
	const struct flight *flight, const char *dir, time_t now, long utc_offset_s, char path[FLIGHT_PATH_MAX])
{
	char folder_path[FLIGHT_PATH_MAX];
	struct text file = {.bytes = path, .size = FLIGHT_PATH_MAX};
	struct text inside = {.bytes = folder_path, .size = sizeof(folder_path)};
	bool is_private;

	add_text(&file, dir);
	add_text(&file, "/");

	const char *name = path + file.length;

	add_text(&file, PREFIX "-");
	add_time(&file, (int64_t)now + utc_offset_s);
	add_char(&file, '-');
	add_number(&file, (uint64_t)getpid(), 1);
	/* The dot makes the folder a part of the path, in which links of trusted users are followed. */
	add_text(&inside, dir);
	add_text(&inside, "/.");
	if (file.length >= file.size || inside.length >= inside.size) {
		path[0] = '\0';
		return -ENAMETOOLONG;
	}

	int folder = trust_open(folder_path, O_PATH | O_DIRECTORY | O_CLOEXEC, 0, &is_private);

	if (folder < 0)
		return folder;

	int rc = write_file(flight, folder, name);

	if (rc == 0) {
		unlinkat(folder, PREFIX, 0);
		rc = symlinkat(path, folder, PREFIX) < 0 ? -errno : 0;
	}
	close(folder);
	return rc;
}
