/* SPDX-License-Identifier: BSD-3-Clause */
/* Keys, and the sending side: sessions of this node. */
#include "transports/common/secure/secure_private.h"

#include <arpa/inet.h>
#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "common/crypto/mac.h"

/* Half of the bytes that SP 800-38D and RFC 8439 allow for one key, before more data helps an attacker. */
#define GENERATION_BYTES_MAX (UINT64_C(1) << 36)

#define CLEAR_MAX (SECURE_HEADER_SIZE + SECURE_EXTRA_MAX)

static int fill_from_system(void *bytes, size_t size)
{
	/* The kernel never returns fewer bytes for requests of up to 256 bytes. */
	return getrandom(bytes, size, 0) == (ssize_t)size ? 0 : -EIO;
}

/* ---- Life ---------------------------------------------------------------- */

int secure_create_with(
	uint32_t nodeid, int (*fill_random)(void *bytes, size_t size), enum aead_kind kind, struct secure **created)
{
	struct secure *secure = calloc(1, sizeof(*secure));
	int rc;

	if (secure == NULL)
		return -ENOMEM;
	secure->nodeid = nodeid;
	secure->fill_random = fill_random != NULL ? fill_random : fill_from_system;
	secure->generation_bytes_max = GENERATION_BYTES_MAX;
	secure->kind = kind;
	secure->roots = keys_page_take(SECURE_KEYS);
	rc = secure->roots == NULL ? -ENOMEM : secure->fill_random(secure->life, sizeof(secure->life));
	if (rc < 0) {
		secure_destroy(secure);
		return rc;
	}
	*created = secure;
	return 0;
}

int secure_create(uint32_t nodeid, int (*fill_random)(void *bytes, size_t size), struct secure **created)
{
	return secure_create_with(nodeid, fill_random, AEAD_FASTEST, created);
}

static void own_forget(struct secure_own *own)
{
	for (int lane = 0; lane < SECURE_LANES; lane++)
		aead_destroy(own->lanes[lane].context);
	explicit_bzero(own, sizeof(*own));
}

void secure_destroy(struct secure *secure)
{
	if (secure == NULL)
		return;
	while (secure->peer_count > 0)
		secure_peer_del(secure, secure->peers[secure->peer_count - 1]->nodeid);
	free(secure->peers);
	for (uint32_t i = 0; i < SECURE_KEYS; i++)
		own_forget(&secure->own[i]);
	aead_destroy(secure->trial);
	aead_library_close(secure->library);
	keys_page_free(secure->roots, SECURE_KEYS);
	free(secure);
}

/* ---- Keys ---------------------------------------------------------------- */

/* Open the library for the first key. A link in clear does without it: its tables take several MB of memory. */
static int library_open_once(struct secure *secure)
{
	int rc = secure->library != NULL ? 0 : aead_library_open(secure->kind, &secure->library);

	if (rc == 0 && secure->trial == NULL) {
		secure->trial = aead_create(secure->library);
		rc = secure->trial == NULL ? -ENOMEM : 0;
	}
	return rc;
}

static bool is_loaded(const struct secure *secure, uint32_t number)
{
	return number >= 1 && number <= SECURE_KEYS && secure->roots[number - 1].cipher != SECURE_NONE;
}

void secure_forget(struct secure *secure, uint32_t number)
{
	if (number < 1 || number > SECURE_KEYS)
		return;
	own_forget(&secure->own[number - 1]);
	explicit_bzero(&secure->roots[number - 1], sizeof(secure->roots[0]));
	for (uint32_t i = 0; i < secure->peer_count; i++)
		secure_session_forget(secure->peers[i], number);
	if (secure->trial != NULL)
		aead_wipe(secure->trial);
	if (secure->used == number)
		secure->used = 0;
}

/* Derive the key of the generation for the next number, and set it in the lane's context. */
static int lane_set_key(struct secure *secure, uint32_t number, enum secure_lane lane)
{
	struct secure_own *own = &secure->own[number - 1];
	struct keys_session session = {
		.nodeid = secure->nodeid,
		.lane = lane,
		.generation = (uint32_t)((own->lanes[lane].number + 1) >> 32),
	};

	memcpy(session.id, own->id, sizeof(session.id));
	return keys_context_set(own->lanes[lane].context, &secure->roots[number - 1], &session, true);
}

static int own_load(struct secure *secure, uint32_t number)
{
	struct secure_own *own = &secure->own[number - 1];
	int rc = secure->fill_random(own->id, sizeof(own->id));

	for (int lane = 0; lane < SECURE_LANES && rc == 0; lane++) {
		own->lanes[lane].context = aead_create(secure->library);
		rc = own->lanes[lane].context == NULL ? -ENOMEM : lane_set_key(secure, number, (enum secure_lane)lane);
	}
	return rc;
}

int secure_load(struct secure *secure, uint32_t number, enum secure_cipher cipher, const void *bytes, size_t size)
{
	if (number < 1 || number > SECURE_KEYS)
		return -EINVAL;
	secure_forget(secure, number);

	int rc = library_open_once(secure);

	if (rc == 0)
		rc = keys_root_load(&secure->roots[number - 1], cipher, bytes, size);
	/* The id in a datagram must name one key. Two keys have the same id once in 65,536 cases. */
	if (rc == 0 && secure_key_id(secure, 3 - number) == secure->roots[number - 1].id)
		rc = -EEXIST;
	if (rc == 0)
		rc = own_load(secure, number);
	if (rc < 0)
		secure_forget(secure, number);
	return rc;
}

bool secure_holds(
	const struct secure *secure, uint32_t number, enum secure_cipher cipher, const void *bytes, size_t size)
{
	struct keys_root *root = keys_page_take(1);
	bool holds = root != NULL && is_loaded(secure, number) && keys_root_load(root, cipher, bytes, size) == 0 &&
		     cipher == secure->roots[number - 1].cipher &&
		     mac_is_equal(root->bytes, secure->roots[number - 1].bytes, sizeof(root->bytes));

	keys_page_free(root, 1);
	return holds;
}

int secure_use(struct secure *secure, uint32_t number)
{
	if (number != 0 && !is_loaded(secure, number))
		return -EINVAL;
	secure->used = number;
	return 0;
}

void secure_allow_clear(struct secure *secure, bool is_allowed) { secure->allows_clear = is_allowed; }

const char *secure_library(const struct secure *secure) { return aead_library_name(secure->library); }

uint32_t secure_overhead(const struct secure *secure, uint32_t frame_size)
{
	if (frame_size < SECURE_OVERHEAD)
		return SECURE_OVERHEAD;
	assert(secure->library != NULL);
	return SECURE_OVERHEAD + (frame_size - SECURE_OVERHEAD) % aead_library_block(secure->library);
}

uint32_t secure_used(const struct secure *secure) { return secure->used; }

uint16_t secure_key_id(const struct secure *secure, uint32_t number)
{
	return is_loaded(secure, number) ? secure->roots[number - 1].id : 0;
}

enum secure_cipher secure_key_cipher(const struct secure *secure, uint32_t number)
{
	return is_loaded(secure, number) ? secure->roots[number - 1].cipher : SECURE_NONE;
}

int secure_proof(const struct secure *secure, uint32_t number, const char *label, const void *bytes, size_t size,
	uint8_t proof[32])
{
	return is_loaded(secure, number) ? keys_mac(&secure->roots[number - 1], label, bytes, size, proof) : -EINVAL;
}

/* ---- Datagrams ------------------------------------------------------------- */

void secure_header_read(struct secure_header *header, const uint8_t *bytes)
{
	memcpy(header, bytes, sizeof(*header));
	header->key_id = ntohs(header->key_id);
	header->nodeid = ntohl(header->nodeid);
	header->number = be64toh(header->number);
}

enum secure_lane secure_header_lane(const struct secure_header *header)
{
	return (enum secure_lane)(header->version_lane & 0xf);
}

/* Make the nonce: four zero bytes, then the number at the end of the header. */
static void read_nonce(const uint8_t *header, uint8_t nonce[AEAD_NONCE_SIZE])
{
	memset(nonce, 0, AEAD_NONCE_SIZE - sizeof(uint64_t));
	memcpy(nonce + AEAD_NONCE_SIZE - sizeof(uint64_t), header + offsetof(struct secure_header, number),
		sizeof(uint64_t));
}

static void write_header(struct secure *secure, uint32_t number, enum secure_lane lane, uint8_t *out)
{
	struct secure_header header = {
		.magic = SECURE_MAGIC,
		.version_lane = (uint8_t)(SECURE_VERSION << 4 | (uint32_t)lane),
		.key_id = htons(secure->roots[number - 1].id),
		.nodeid = htonl(secure->nodeid),
		.number = htobe64(secure->own[number - 1].lanes[lane].number),
	};

	memcpy(header.session, secure->own[number - 1].id, sizeof(header.session));
	memcpy(out, &header, sizeof(header));
}

/* Take the next number. Each number is used only once, even if the datagram is not sent. */
static int take_number(struct secure *secure, uint32_t number, enum secure_lane lane, uint32_t size)
{
	struct secure_lane_out *out = &secure->own[number - 1].lanes[lane];
	uint64_t before = out->number;

	if (out->bytes + size > secure->generation_bytes_max)
		out->number |= UINT32_MAX; /* skip the rest of this generation */
	if ((out->number + 1) >> 32 != before >> 32) {
		int rc = lane_set_key(secure, number, lane);

		if (rc < 0)
			return rc;
		out->bytes = 0;
	}
	out->number++;
	out->bytes += size;
	return 0;
}

/* Copy header and extra into `clear`, one behind the other. @return their size */
static uint32_t put_clear(const uint8_t *header, const struct secure_extra *extra, uint8_t clear[CLEAR_MAX])
{
	assert(extra->size <= SECURE_EXTRA_MAX);
	memcpy(clear, header, SECURE_HEADER_SIZE);
	if (extra->size > 0)
		memcpy(clear + SECURE_HEADER_SIZE, extra->bytes, extra->size);
	return SECURE_HEADER_SIZE + extra->size;
}

int secure_seal_with(struct secure *secure, uint32_t number, enum secure_lane lane, const struct secure_extra *extra,
	const uint8_t *plain, uint32_t size, uint8_t *out)
{
	uint8_t nonce[AEAD_NONCE_SIZE], clear[CLEAR_MAX];

	if (!is_loaded(secure, number))
		return -EINVAL;

	int rc = take_number(secure, number, lane, size);

	if (rc < 0)
		return rc;

	struct aead *context = secure->own[number - 1].lanes[lane].context;
	uint8_t *sealed = out + SECURE_HEADER_SIZE;

	write_header(secure, number, lane, out);
	if (extra->is_sent) {
		memcpy(sealed, extra->bytes, extra->size);
		sealed += extra->size;
	}
	read_nonce(out, nonce);
	return aead_seal(context, nonce, clear, put_clear(out, extra, clear), plain, size, sealed, sealed + size);
}

struct secure_extra secure_bind(enum secure_lane lane, uint32_t to, uint32_t *receiver)
{
	*receiver = htonl(to);
	return (struct secure_extra){
		.bytes = (const uint8_t *)receiver, .size = lane == SECURE_UNICAST ? sizeof(*receiver) : 0};
}

int secure_seal(
	struct secure *secure, enum secure_lane lane, uint32_t to, const uint8_t *plain, uint32_t size, uint8_t *out)
{
	uint32_t receiver;
	const struct secure_extra extra = secure_bind(lane, to, &receiver);

	return secure_seal_with(secure, secure->used, lane, &extra, plain, size, out);
}

/* Decrypt the sealed part into `to`. @return whether it is authentic */
static bool decrypt(
	struct aead *context, const struct secure_extra *extra, const uint8_t *bytes, uint8_t *to, uint32_t size)
{
	uint32_t clear_size = SECURE_HEADER_SIZE + (extra->is_sent ? extra->size : 0);
	uint32_t plain_size = size - clear_size - SECURE_TAG_SIZE;
	uint8_t nonce[AEAD_NONCE_SIZE], clear[CLEAR_MAX];

	read_nonce(bytes, nonce);
	return aead_open(context, nonce, clear, put_clear(bytes, extra, clear), bytes + clear_size, plain_size, to,
		bytes + size - SECURE_TAG_SIZE);
}

bool secure_decrypt(struct aead *context, const struct secure_extra *extra, uint8_t *bytes, uint32_t size)
{
	return decrypt(context, extra, bytes, bytes + SECURE_HEADER_SIZE + (extra->is_sent ? extra->size : 0), size);
}

/* ---- What the network quotes ------------------------------------------------ */

static uint32_t read_quote(
	struct aead *context, const struct secure_extra *extra, const uint8_t *quote, uint32_t size, uint8_t *out)
{
	if (size >= SECURE_OVERHEAD && decrypt(context, extra, quote, out, size))
		return size - SECURE_OVERHEAD;

	uint8_t nonce[AEAD_NONCE_SIZE], clear[CLEAR_MAX];

	size -= SECURE_HEADER_SIZE;
	read_nonce(quote, nonce);
	return aead_open(context, nonce, clear, put_clear(quote, extra, clear), quote + SECURE_HEADER_SIZE, size, out,
		       NULL)
		       ? size
		       : 0;
}

/* Return the number of the key with whose session this node made a datagram with this header, or 0: it did not make it. */
static uint32_t own_number(const struct secure *secure, const struct secure_header *header)
{
	if (header->magic != SECURE_MAGIC || header->version_lane >> 4 != SECURE_VERSION ||
		header->nodeid != secure->nodeid)
		return 0;
	for (uint32_t number = 1; number <= SECURE_KEYS; number++)
		if (is_loaded(secure, number) && header->key_id == secure->roots[number - 1].id &&
			memcmp(header->session, secure->own[number - 1].id, sizeof(header->session)) == 0)
			return number;
	return 0;
}

bool secure_is_own(const struct secure *secure, const uint8_t *quote, uint32_t size)
{
	struct secure_header header;

	if (size < SECURE_HEADER_SIZE)
		return false;
	secure_header_read(&header, quote);
	return own_number(secure, &header) != 0;
}

uint32_t secure_quote(const struct secure *secure, uint32_t to, const uint8_t *quote, uint32_t size, uint8_t *out)
{
	struct secure_header header;
	uint32_t receiver;

	if (size <= SECURE_HEADER_SIZE)
		return 0;
	secure_header_read(&header, quote);

	enum secure_lane lane = secure_header_lane(&header);
	const struct secure_extra extra = secure_bind(lane, to, &receiver);
	uint32_t number = own_number(secure, &header), found = 0;

	if (number == 0 || (lane != SECURE_UNICAST && lane != SECURE_GROUP))
		return 0;

	struct keys_session session = {
		.nodeid = header.nodeid, .lane = lane, .generation = (uint32_t)(header.number >> 32)};
	struct aead *context = aead_create(secure->library);

	memcpy(session.id, header.session, sizeof(session.id));
	if (context != NULL && keys_context_set(context, &secure->roots[number - 1], &session, false) == 0)
		found = read_quote(context, &extra, quote, size, out);
	aead_destroy(context);
	return found;
}
