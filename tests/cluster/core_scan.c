/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Search the memory of a running daemon for keys of the ring.
 *
 *	core_scan PID KEYFILE...
 *
 * Print how often each kind of key occurs in the memory that core dumps contain, and in all memory. "key": 16
 * successive bytes of a key file. "root": 16 successive bytes of what the transport derives from it. "schedule": the
 * round keys of an AES-256 key. "session": 16 successive bytes of a key from which one of these schedules was made.
 * Exit status 0 if the memory of core dumps has none.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/hmac.h>

#define RUN 16u
#define KEY_SIZE_MAX 4096u
#define AES_KEY 32u
#define SCHEDULE_SIZE 240u
#define SESSIONS_MAX 1024u

enum kind { KIND_KEY, KIND_ROOT, KIND_SESSION, KIND_SCHEDULE, KINDS };

static const char *const names[KINDS] = {"key", "root", "session", "schedule"};

struct pattern {
	uint8_t bytes[RUN];
	enum kind kind;
};

static struct scan {
	struct pattern *patterns;
	size_t pattern_count;
	bool starts[65536]; /* by the first two bytes: whether a pattern begins with them */
	uint8_t sbox[256];
	uint8_t sessions[SESSIONS_MAX][AES_KEY];
	size_t session_count;
	unsigned long found[2][KINDS]; /* number of matches: in core dumps, in all memory */
	size_t sizes[2];
} scan;

static uint32_t word(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

/* Compute the S-box of AES (FIPS 197, 5.1.1). */
static void make_sbox(void)
{
	uint8_t p = 1, q = 1;

	do {
		p = (uint8_t)(p ^ p << 1 ^ ((p & 0x80) != 0 ? 0x1b : 0));
		q ^= (uint8_t)(q << 1);
		q ^= (uint8_t)(q << 2);
		q ^= (uint8_t)(q << 4);
		q ^= (q & 0x80) != 0 ? 0x09 : 0;
		scan.sbox[p] = (uint8_t)(q ^ (q << 1 | q >> 7) ^ (q << 2 | q >> 6) ^ (q << 3 | q >> 5) ^
					 (q << 4 | q >> 4) ^ 0x63);
	} while (p != 1);
	scan.sbox[0] = 0x63;
}

/*
 * Return whether the bytes are an AES key schedule, by its first two derived round keys (FIPS 197, 5.2). Random bytes
 * match with probability 2^-256.
 */
static bool is_schedule(const uint8_t *at)
{
	const uint8_t *last = at + 28, *next = at + 32;
	const uint8_t first[4] = {(uint8_t)(at[0] ^ scan.sbox[last[1]] ^ 1), at[1] ^ scan.sbox[last[2]],
		at[2] ^ scan.sbox[last[3]], at[3] ^ scan.sbox[last[0]]};

	if (memcmp(next, first, 4) != 0)
		return false;
	for (int i = 1; i < 4; i++) {
		if (word(next + 4 * i) != (word(at + 4 * i) ^ word(next + 4 * i - 4)))
			return false;
	}
	for (int i = 0; i < 4; i++) {
		if (next[16 + i] != (at[16 + i] ^ scan.sbox[next[12 + i]]))
			return false;
	}
	return true;
}

static void add_runs(const uint8_t *bytes, size_t size, enum kind kind)
{
	scan.patterns = reallocarray(scan.patterns, scan.pattern_count + size, sizeof(*scan.patterns));
	if (scan.patterns == NULL)
		exit(2);
	for (size_t i = 0; i + RUN <= size; i++) {
		struct pattern *pattern = &scan.patterns[scan.pattern_count++];

		memcpy(pattern->bytes, bytes + i, RUN);
		pattern->kind = kind;
		scan.starts[bytes[i] << 8 | bytes[i + 1]] = true;
	}
}

static int compare(const void *a, const void *b)
{
	return memcmp(((const struct pattern *)a)->bytes, ((const struct pattern *)b)->bytes, RUN);
}

static void find_schedules(const uint8_t *bytes, size_t size, bool is_dumped)
{
	for (size_t i = 0; i + SCHEDULE_SIZE <= size; i += 4) {
		if (!is_schedule(bytes + i))
			continue;
		scan.found[0][KIND_SCHEDULE] += is_dumped ? 1 : 0;
		scan.found[1][KIND_SCHEDULE]++;
		if (scan.session_count < SESSIONS_MAX)
			memcpy(scan.sessions[scan.session_count++], bytes + i, AES_KEY);
	}
}

static void find_runs(const uint8_t *bytes, size_t size, bool is_dumped)
{
	for (size_t i = 0; i + RUN <= size; i++) {
		if (!scan.starts[bytes[i] << 8 | bytes[i + 1]])
			continue;

		const struct pattern *found = bsearch(
			bytes + i, scan.patterns, scan.pattern_count, sizeof(*scan.patterns), compare);

		if (found == NULL)
			continue;
		scan.found[0][found->kind] += is_dumped ? 1 : 0;
		scan.found[1][found->kind]++;
	}
}

static void read_mapping(
	FILE *memory, uintptr_t from, uintptr_t to, bool is_dumped, void (*find)(const uint8_t *, size_t, bool))
{
	uint8_t *bytes = malloc(to - from);

	if (bytes == NULL)
		exit(2);
	if (fseeko(memory, (off_t)from, SEEK_SET) == 0) {
		size_t size = fread(bytes, 1, to - from, memory);

		scan.sizes[1] += size;
		scan.sizes[0] += is_dumped ? size : 0;
		find(bytes, size, is_dumped);
	}
	free(bytes);
}

/*
 * Read all memory that is mapped for writing. proc(5) explains the flags: "dd" means that core dumps leave the memory
 * out.
 */
static void read_memory(const char *pid, void (*find)(const uint8_t *, size_t, bool))
{
	char path[64], line[512], rights[8] = "";
	uintptr_t from = 0, to = 0, a, b;

	snprintf(path, sizeof(path), "/proc/%s/smaps", pid);
	FILE *maps = fopen(path, "re");
	snprintf(path, sizeof(path), "/proc/%s/mem", pid);
	FILE *memory = fopen(path, "re");
	if (maps == NULL || memory == NULL) {
		perror(path);
		exit(2);
	}
	setvbuf(memory, NULL, _IONBF, 0);
	scan.sizes[0] = scan.sizes[1] = 0;
	while (fgets(line, sizeof(line), maps) != NULL) {
		if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %7s", &a, &b, rights) == 3) {
			from = a;
			to = b;
		} else if (strncmp(line, "VmFlags:", 8) == 0 && strstr(line, " wr") != NULL) {
			read_mapping(memory, from, to, strstr(line, " dd") == NULL, find);
		}
	}
	fclose(maps);
	fclose(memory);
}

static void read_key(const char *path)
{
	static const char salt[] = "coterie sealed datagrams 1"; /* docs/encryption.md */
	uint8_t key[KEY_SIZE_MAX], root[32];
	unsigned int root_size = sizeof(root);
	FILE *file = fopen(path, "re");
	size_t size = file == NULL ? 0 : fread(key, 1, sizeof(key), file);

	if (size < RUN || HMAC(EVP_sha256(), salt, sizeof(salt) - 1, key, size, root, &root_size) == NULL) {
		perror(path);
		exit(2);
	}
	fclose(file);
	add_runs(key, size, KIND_KEY);
	add_runs(root, sizeof(root), KIND_ROOT);
}

int main(int argc, char **argv)
{
	unsigned long sum = 0;

	if (argc < 3)
		return 2;
	make_sbox();
	for (int i = 2; i < argc; i++)
		read_key(argv[i]);
	read_memory(argv[1], find_schedules);
	for (size_t i = 0; i < scan.session_count; i++)
		add_runs(scan.sessions[i], AES_KEY, KIND_SESSION);
	qsort(scan.patterns, scan.pattern_count, sizeof(*scan.patterns), compare);
	read_memory(argv[1], find_runs);
	for (int kind = 0; kind < KINDS; kind++) {
		printf("%s=%lu/%lu ", names[kind], scan.found[0][kind], scan.found[1][kind]);
		sum += scan.found[0][kind];
	}
	printf("bytes=%zu/%zu\n", scan.sizes[0], scan.sizes[1]);
	return sum == 0 ? 0 : 1;
}
