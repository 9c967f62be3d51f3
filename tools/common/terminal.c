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
#include <termios.h>
#include <unistd.h>

#define ESCAPE 0x1b
#define MARK_LENGTH 16

/*
 * These bytes follow ESC in the tool's own escape sequences. They are random, so a value from outside cannot contain
 * them.
 */
static char mark[MARK_LENGTH + 1];

/* The state for one of the two streams. */
struct guard {
	int fd;
	bool is_utf8;
	unsigned int following; /* number of missing bytes of the current UTF-8 character */
	unsigned char lead;
	char held[1 + MARK_LENGTH]; /* bytes at the end of a write that may begin one of the tool's own sequences */
	size_t held_size;
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

/*
 * Return whether a byte is a control character. U+0080 to U+009F are control characters, too. In UTF-8 such a byte
 * follows a lead byte of 0xc2, or is malformed. In other character sets the byte alone is a control character, even
 * inside bytes that were meant to be UTF-8.
 */
static bool is_control(struct guard *guard, unsigned char byte)
{
	unsigned char lead = guard->lead;

	guard->lead = 0;
	if (byte < 0x80) {
		guard->following = 0;
		return (byte < ' ' && byte != '\n' && byte != '\t') || byte == 0x7f;
	}
	if (!guard->is_utf8)
		return byte < 0xa0;
	if (byte < 0xc0) {
		bool is_stray = guard->following == 0;

		guard->following -= is_stray ? 0 : 1;
		return is_stray || (lead == 0xc2 && byte < 0xa0);
	}
	guard->lead = byte;
	guard->following = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
	return false;
}

static size_t put(struct guard *guard, unsigned char byte, char *text)
{
	if (is_control(guard, byte))
		return (size_t)sprintf(text, "\\x%02X", (unsigned int)byte);
	*text = (char)byte;
	return 1;
}

/* Write the held bytes as ordinary bytes, since they do not begin one of the tool's own sequences. */
static size_t put_held(struct guard *guard, char *text)
{
	size_t length = 0;

	for (size_t i = 0; i < guard->held_size; i++)
		length += put(guard, (unsigned char)guard->held[i], text + length);
	guard->held_size = 0;
	return length;
}

/* Process one byte. The state is kept between two writes, since stdio may split a sequence. */
static size_t pass(struct guard *guard, char byte, char *text)
{
	size_t length = 0;

	if (guard->held_size > 0 && byte != mark[guard->held_size - 1])
		length = put_held(guard, text);
	if (guard->held_size == 0 && (byte != ESCAPE || mark[0] == '\0'))
		return length + put(guard, (unsigned char)byte, text + length);
	guard->held[guard->held_size++] = byte;
	if (guard->held_size == sizeof(guard->held)) {
		guard->held_size = 0;
		text[length++] = ESCAPE;
	}
	return length;
}

/* Write bytes for stdio. According to fopencookie(3), a result of 0 is an error. */
static ssize_t guarded_write(void *cookie, const char *bytes, size_t size)
{
	struct guard *guard = cookie;
	char *text = malloc(4 * (size + sizeof(guard->held)) + 1);
	size_t length = 0;

	if (text == NULL) {
		errno = ENOMEM;
		return 0;
	}
	for (size_t i = 0; i < size; i++)
		length += pass(guard, bytes[i], text + length);
	bool is_written = write_all(guard->fd, text, length);
	free(text);
	return is_written ? (ssize_t)size : 0;
}

/* Write the held bytes at the end of the process: the output may end with a value whose last byte is ESC. */
static void write_held(void)
{
	char text[4 * (1 + MARK_LENGTH) + 1];

	fflush(stdout);
	for (size_t i = 0; i < sizeof(guards) / sizeof(guards[0]); i++)
		(void)write_all(guards[i].fd, text, put_held(&guards[i], text));
}

/* Return whether the locale, or the kernel's setting of the terminal (termios(3), IUTF8), is UTF-8. */
static bool is_utf8(int fd)
{
	static const char *const variables[] = {"LC_ALL", "LC_CTYPE", "LANG"};
	const char *value = NULL;
	struct termios settings;

	for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]) && (value == NULL || *value == '\0'); i++)
		value = getenv(variables[i]);
	return (value != NULL && (strcasestr(value, "utf-8") != NULL || strcasestr(value, "utf8") != NULL)) ||
	       (tcgetattr(fd, &settings) == 0 && (settings.c_iflag & IUTF8) != 0);
}

static FILE *guarded(struct guard *guard, FILE *plain, int buffering)
{
	const cookie_io_functions_t functions = {.write = guarded_write};
	FILE *stream = isatty(guard->fd) ? fopencookie(guard, "w", functions) : NULL;

	if (stream == NULL)
		return plain;
	guard->is_utf8 = is_utf8(guard->fd);
	setvbuf(stream, NULL, buffering, BUFSIZ);
	return stream;
}

void terminal_guard(void)
{
	uint64_t number;

	if (getrandom(&number, sizeof(number), 0) == (ssize_t)sizeof(number))
		snprintf(mark, sizeof(mark), "%016llx", (unsigned long long)number);
	stdout = guarded(&guards[0], stdout, _IOLBF);
	stderr = guarded(&guards[1], stderr, _IONBF); /* without a buffer, since a question does not end with a line
						       * feed */
	(void)atexit(write_held);
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
