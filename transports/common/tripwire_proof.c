/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Proofs on a connection of an encrypted ring, before the connection has any effect. Each end proves that it has the
 * ring's key. The proof is made with random bytes of the other end, so a recording cannot be replayed. A goodbye counts
 * only with a proof of its own.
 *
 * The messages, in network order: 1 greeting, from the end that has connected: word, u16 key id, u16 0, u32 from, u32
 * to, u8 random[16]. 2 answer: the same fields with random bytes of its sender, then u8 proof[32]. 3 end of the
 * greeting: u8 proof[32]. A proof is a keyed hash over greeting and answer (without its proof), with a label for the
 * role of its sender. Goodbye: one byte and a proof.
 */
#include "transports/common/tripwire_private.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "common/crypto/mac.h"

static const uint8_t word[4] = {'C', 'T', 'S', '1'};

struct hello {
	uint8_t word[4];
	uint16_t key_id, pad;
	uint32_t from, to;
	uint8_t random[16];
};
_Static_assert(sizeof(struct hello) == 32, "on the wire");

struct answer {
	struct hello hello;
	uint8_t proof[TRIPWIRE_PROOF_SIZE];
};

static bool send_all(int fd, const void *bytes, size_t size)
{
	return send(fd, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)size;
}

/* Receive a small message, which arrives completely or has not arrived yet. */
static bool receive(int fd, void *bytes, size_t size, int *error)
{
	ssize_t got = recv(fd, bytes, size, MSG_DONTWAIT);

	*error = got < 0 ? errno : 0;
	return got == (ssize_t)size;
}

bool tripwire_proves(const struct tripwire *wire) { return wire->secure != NULL && secure_used(wire->secure) != 0; }

static bool make_hello(const struct tripwire *wire, uint32_t key, uint32_t nodeid, struct hello *hello)
{
	*hello = (struct hello){
		.key_id = htons(secure_key_id(wire->secure, key)),
		.from = htonl(wire->host->local_nodeid(wire->ctx)),
		.to = htonl(nodeid),
	};
	memcpy(hello->word, word, sizeof(word));
	return getrandom(hello->random, sizeof(hello->random), 0) == (ssize_t)sizeof(hello->random);
}

/*
 * Return the number of the key that the other end has used, or 0: this is no such greeting to this node, or this node does
 * not have the key.
 */
static uint32_t read_hello(const struct tripwire *wire, const struct hello *hello)
{
	if (memcmp(hello->word, word, sizeof(word)) != 0 || hello->key_id == 0 ||
		ntohl(hello->to) != wire->host->local_nodeid(wire->ctx))
		return 0;
	for (uint32_t key = 1; key <= SECURE_KEYS; key++)
		if (secure_key_id(wire->secure, key) == ntohs(hello->key_id))
			return key;
	return 0;
}

static bool make_proof(const struct tripwire *wire, const struct tripwire_proof *proof, const char *label, uint8_t *out)
{
	return secure_proof(wire->secure, proof->key, label, proof->seen, sizeof(proof->seen), out) == 0;
}

static bool has_proof(
	const struct tripwire *wire, const struct tripwire_proof *proof, const char *label, const uint8_t *shown)
{
	uint8_t wanted[TRIPWIRE_PROOF_SIZE];

	return make_proof(wire, proof, label, wanted) && mac_is_equal(wanted, shown, sizeof(wanted));
}

/* Make the goodbyes of both ends now: when they are needed, the key may have changed. */
static bool finish(const struct tripwire *wire, struct tripwire_proof *proof, bool is_guest)
{
	proof->is_complete = make_proof(wire, proof, is_guest ? "goodbye of the host" : "goodbye of the guest",
				     proof->goodbye) &&
			     make_proof(wire, proof, is_guest ? "goodbye of the guest" : "goodbye of the host",
				     proof->their_goodbye);
	return proof->is_complete;
}

bool tripwire_proof_begin(struct tripwire *wire, int fd, uint32_t nodeid, struct tripwire_proof *proof)
{
	struct hello hello;

	*proof = (struct tripwire_proof){.key = secure_used(wire->secure), .nodeid = nodeid};
	if (!make_hello(wire, proof->key, nodeid, &hello))
		return false;
	memcpy(proof->seen, &hello, sizeof(hello));
	return send_all(fd, &hello, sizeof(hello));
}

bool tripwire_proof_end(struct tripwire *wire, int fd, struct tripwire_proof *proof, int *error)
{
	struct answer answer;
	uint8_t ours[TRIPWIRE_PROOF_SIZE];

	if (!receive(fd, &answer, sizeof(answer), error))
		return false;
	if (read_hello(wire, &answer.hello) != proof->key || ntohl(answer.hello.from) != proof->nodeid)
		return false;
	memcpy(proof->seen + sizeof(answer.hello), &answer.hello, sizeof(answer.hello));
	return has_proof(wire, proof, "answer", answer.proof) && make_proof(wire, proof, "greeting", ours) &&
	       send_all(fd, ours, sizeof(ours)) && finish(wire, proof, false);
}

bool tripwire_proof_answer(struct tripwire *wire, int fd, struct tripwire_proof *proof, int *error)
{
	struct hello hello;
	struct answer answer;

	*proof = (struct tripwire_proof){0};
	if (!receive(fd, &hello, sizeof(hello), error))
		return false;
	proof->key = read_hello(wire, &hello);
	if (proof->key == 0 || !make_hello(wire, proof->key, ntohl(hello.from), &answer.hello))
		return false;
	memcpy(proof->seen, &hello, sizeof(hello));
	memcpy(proof->seen + sizeof(hello), &answer.hello, sizeof(answer.hello));
	if (!make_proof(wire, proof, "answer", answer.proof) || !send_all(fd, &answer, sizeof(answer)))
		return false;
	proof->nodeid = ntohl(hello.from);
	return true;
}

bool tripwire_proof_check(struct tripwire *wire, int fd, struct tripwire_proof *proof, int *error)
{
	uint8_t shown[TRIPWIRE_PROOF_SIZE];

	return receive(fd, shown, sizeof(shown), error) && has_proof(wire, proof, "greeting", shown) &&
	       finish(wire, proof, true);
}
