/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fuzz targets. Each fuzz_X.c defines LLVMFuzzerTestOneInput, and is linked either with driver.c or, by
 * clang -fsanitize=fuzzer, with libFuzzer. A target ends the process (abort, assertion, sanitizer) when
 * it finds something. Any bytes are an input. The same bytes always have the same effect.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/** @return 0 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** Return one line about the inputs since the start, as static text. Only driver.c calls it. */
const char *fuzz_summary(void);

/** Words that driver.c puts into inputs, ended by NULL. NULL: no words. */
extern const char *const *const fuzz_words;

/** Like assert, but checked in every build. */
#define FUZZ_CHECK(condition) \
	do { \
		if (!(condition)) { \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
			abort(); \
		} \
	} while (0)

/** The input as a script of small numbers. Zeros follow its end. */
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

/** Return up to size bytes. *size becomes their number. */
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
