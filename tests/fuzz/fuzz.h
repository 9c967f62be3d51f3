/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fuzz targets. Each fuzz_X.c defines LLVMFuzzerTestOneInput(). It is linked with driver.c, or with libFuzzer by clang
 * -fsanitize=fuzzer. A target ends the process (abort, assertion, sanitizer) when it finds a defect. Any bytes are a
 * valid input, and the same bytes always have the same effect.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/** @return 0 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** Return one line about the inputs so far, a static text. Only driver.c calls this. */
const char *fuzz_summary(void);

/** Words that driver.c inserts into inputs. The list ends with NULL. fuzz_words NULL: no words. */
extern const char *const *const fuzz_words;

/** Like assert, but checked in every build. */
#define FUZZ_CHECK(condition) \
	do { \
		if (!(condition)) { \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
			abort(); \
		} \
	} while (0)

/** The input, read as a sequence of small numbers. After its end all numbers are 0. */
struct script {
	const uint8_t *at;
	size_t left;
};

static inline uint8_t script_u8(struct script *script)
{
	if (script->left == 0)
		return 0;
	script->left--;
	return *script->at++;
}

static inline uint16_t script_u16(struct script *script)
{
	uint16_t low = script_u8(script);

	return (uint16_t)(low | script_u8(script) << 8);
}

static inline uint32_t script_u32(struct script *script)
{
	uint32_t low = script_u16(script);

	return low | (uint32_t)script_u16(script) << 16;
}

/** Return a pointer to the next *size bytes, and set *size to their number if fewer are left. */
static inline const uint8_t *script_bytes(struct script *script, size_t *size)
{
	const uint8_t *bytes = script->at;

	if (*size > script->left)
		*size = script->left;
	script->at += *size;
	script->left -= *size;
	return bytes;
}

#endif
