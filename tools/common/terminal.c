/*
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "tools/common/terminal.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define ESCAPE 0x1b
#define MARK_LENGTH 16

/* Stands between ESC and the rest of a sequence of our own. No value can have it: it is of this run. */
static char mark[MARK_LENGTH + 1];

/* One for each of the two streams. */
struct guard {
	int fd;
	unsigned int following; /* bytes of the UTF-8 character that are still to come */
	unsigned char lead;
};

static struct guard guards[] = {{.fd = STDOUT_FILENO}, {.fd = STDERR_FILENO}};

static bool write_all(int fd, const char *bytes, size_t size)
{
	while (size > 0) {
		ssize_t done = write(fd, bytes, size);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return false;
		bytes += done;
		size -= (size_t)done;
	}
	return true;
}

/* U+0080 to U+009F are control characters, too: as bytes of their own, and behind a lead of 0xc2. */
static bool is_control(struct guard *guard, unsigned char byte)
{
	unsigned char lead = guard->lead;

	guard->lead = 0;
	if (byte < 0x80) {
		guard->following = 0;
		return (byte < ' ' && byte != '\n' && byte != '\t') || byte == 0x7f;
	}
	if (byte < 0xc0) {
		bool is_stray = guard->following == 0;

		guard->following -= is_stray ? 0 : 1;
		return is_stray || (lead == 0xc2 && byte < 0xa0);
	}
	guard->lead = byte;
	guard->following = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
	return false;
}

static ssize_t guarded_write(void *cookie, const char *bytes, size_t size)
{
	struct guard *guard = cookie;
	char *text = malloc(4 * size + 1);
	size_t length = 0;

	if (text == NULL) {
		errno = ENOMEM;
		return -1;
	}
	for (size_t i = 0; i < size; i++) {
		bool is_ours = bytes[i] == ESCAPE && size - i > MARK_LENGTH && mark[0] != '\0' &&
			       memcmp(bytes + i + 1, mark, MARK_LENGTH) == 0;

		if (is_ours) {
			text[length++] = ESCAPE;
			i += MARK_LENGTH;
		} else if (is_control(guard, (unsigned char)bytes[i])) {
			length += (size_t)sprintf(text + length, "\\x%02X", (unsigned int)(unsigned char)bytes[i]);
		} else {
			text[length++] = bytes[i];
		}
	}
	bool is_written = write_all(guard->fd, text, length);
	free(text);
	return is_written ? (ssize_t)size : -1;
}

static FILE *guarded(struct guard *guard, FILE *plain, int buffering)
{
	const cookie_io_functions_t functions = {.write = guarded_write};
	FILE *stream = isatty(guard->fd) ? fopencookie(guard, "w", functions) : NULL;

	if (stream == NULL)
		return plain;
	setvbuf(stream, NULL, buffering, BUFSIZ);
	return stream;
}

void terminal_guard(void)
{
	uint64_t number;

	if (getrandom(&number, sizeof(number), 0) == (ssize_t)sizeof(number))
		snprintf(mark, sizeof(mark), "%016llx", (unsigned long long)number);
	stdout = guarded(&guards[0], stdout, _IOLBF);
	stderr = guarded(&guards[1], stderr, _IONBF); /* a question has no line feed */
}

const char *terminal_color(char buffer[64], int color)
{
	buffer[0] = '\0';
	if (mark[0] != '\0')
		snprintf(buffer, 64, "\033%s[%dm", mark, color);
	return buffer;
}

void terminal_clear(void)
{
	static const char sequence[] = "\033[H\033[2J";

	fflush(stdout);
	(void)write_all(STDOUT_FILENO, sequence, sizeof(sequence) - 1);
}

void terminal_value(FILE *out, const char *text, size_t size)
{
	size_t length = strnlen(text, size);
	bool is_terminal = isatty(STDOUT_FILENO) != 0;

	for (size_t i = 0; i < length; i++) {
		if (is_terminal && (text[i] == '\n' || text[i] == '\t'))
			fprintf(out, "\\x%02X", (unsigned int)text[i]);
		else
			fputc(text[i], out);
	}
}
