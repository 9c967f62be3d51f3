/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Send this node's messages about reloads in their order, and keep them while the ring has no room. agree.c describes
 * the rounds.
 */
#include "services/cfg/cfg.h"

#include <stdlib.h>
#include <string.h>
#include <syslog.h>

/* The rounds that go on at a time need fewer. A member that begins and drops rounds could cause any number. */
#define LETTERS_MAX 2048u

static int send_now(struct cfg *cfg, uint32_t function, const void *bytes, uint32_t size)
{
	struct iovec iov = {(void *)(uintptr_t)bytes, size};

	return cfg->host->ring_send(cfg->ctx, function, COTERIE_SAFE, &iov, 1);
}

void cfg_letters_send(struct cfg *cfg)
{
	struct cfg_agreement *agreement = &cfg->agreement;
	struct cfg_letter *first;

	while ((first = agreement->letters) != NULL && send_now(cfg, first->function, first->bytes, first->size) == 0) {
		agreement->letters = first->next;
		agreement->letter_count--;
		if (agreement->letters == NULL)
			agreement->last_letter = &agreement->letters;
		free(first);
	}
	cfg_agreement_arm(cfg);
}

/*
 * Add a message to the end of the queue. body: the message without the executive's header. @return false: out of memory,
 * or too many messages wait
 */
static bool write_letter(
	struct cfg *cfg, uint32_t function, const void *body, uint32_t body_size, const char *text, uint32_t text_size)
{
	struct cfg_letter *letter = NULL;

	if (cfg->agreement.letter_count == LETTERS_MAX)
		return false;
	letter = malloc(sizeof(*letter) + body_size + text_size);
	if (letter == NULL) {
		cfg->host->log(cfg->ctx, LOG_ERR, "Cannot speak of a reload: out of memory");
		return false; /* this node then counts as silent, and the node of the client ends the round */
	}
	*letter = (struct cfg_letter){.function = function, .size = body_size + text_size};
	memcpy(letter->bytes, body, body_size);
	memcpy(letter->bytes + body_size, text, text_size);
	cfg->agreement.letter_count++;
	*cfg->agreement.last_letter = letter;
	cfg->agreement.last_letter = &letter->next;
	cfg_letters_send(cfg);
	return true;
}

/* Send a word whose text and text_size are not set yet. */
static void say(struct cfg *cfg, struct cfg_ring_reload_word *word, const char *text)
{
	static const char more[] = "more\n";
	char *cut = NULL;

	word->text_size = (uint32_t)strlen(text);
	if (word->text_size > CFG_TEXT_MAX && (cut = malloc(CFG_TEXT_MAX + 1)) != NULL) {
		const char *end = memrchr(text, '\n', CFG_TEXT_MAX - sizeof(more));
		size_t whole = end == NULL ? 0 : (size_t)(end + 1 - text);

		memcpy(cut, text, whole);
		memcpy(cut + whole, more, sizeof(more));
		text = cut;
		word->text_size = (uint32_t)strlen(cut);
	} else if (word->text_size > CFG_TEXT_MAX) {
		word->text_size = 0;
	}
	(void)write_letter(cfg, CFG_RING_RELOAD_WORD, (const uint8_t *)word + sizeof(word->header),
		sizeof(*word) - sizeof(word->header), text, word->text_size);
	free(cut);
}

void cfg_say(struct cfg *cfg, uint32_t asker, uint64_t number, enum cfg_stage stage, const char *text)
{
	struct cfg_ring_reload_word word = {.number = number, .asker = asker, .stage = stage};

	say(cfg, &word, text);
}

void cfg_say_partly(struct cfg *cfg, uint32_t asker, uint64_t number, const char *text)
{
	struct cfg_ring_reload_word word = {
		.number = number, .asker = asker, .stage = CFG_STAGE_FAILED, .flags = CFG_WORD_PARTLY};

	say(cfg, &word, text);
}

bool cfg_order(struct cfg *cfg, const struct cfg_round *round, enum cfg_order what, uint32_t flags)
{
	struct cfg_ring_reload_order message = {.number = round->number, .order = what, .flags = flags};

	return write_letter(cfg, CFG_RING_RELOAD_ORDER, (const uint8_t *)&message + sizeof(message.header),
		sizeof(message) - sizeof(message.header), "", 0);
}

bool cfg_expire(struct cfg *cfg, const struct cfg_round *round)
{
	struct cfg_ring_reload_expire message = {.number = round->number, .asker = round->asker};

	return write_letter(cfg, CFG_RING_RELOAD_EXPIRE, (const uint8_t *)&message + sizeof(message.header),
		sizeof(message) - sizeof(message.header), "", 0);
}

void cfg_letters_free(struct cfg *cfg)
{
	while (cfg->agreement.letters != NULL) {
		struct cfg_letter *next = cfg->agreement.letters->next;

		free(cfg->agreement.letters);
		cfg->agreement.letters = next;
	}
	cfg->agreement.letter_count = 0;
	cfg->agreement.last_letter = &cfg->agreement.letters;
}
