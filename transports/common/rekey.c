/* SPDX-License-Identifier: BSD-3-Clause */
#include "transports/common/rekey.h"

#include <errno.h>

#include <coterie/transport.h>

int rekey_open(struct rekey *rekey, const void *wanted)
{
	const struct rekey_ops *ops = rekey->ops;

	if (ops->holds(rekey->self, 0, wanted))
		return ops->allow_clear(rekey->self, true);

	int rc = ops->load(rekey->self, 1, wanted);

	if (rc == 0)
		rc = ops->use(rekey->self, 1);
	if (rc == 0)
		rc = ops->allow_clear(rekey->self, false);
	if (rc == 0)
		rekey->used = rekey->target = 1;
	return rc;
}

bool rekey_is_target(const struct rekey *rekey, const void *wanted)
{
	return rekey->ops->holds(rekey->self, rekey->target, wanted);
}

/* Return the number that has this key. REKEY_KEYS + 1: none. */
static uint32_t held_number(const struct rekey *rekey, const void *wanted)
{
	uint32_t number = 0;

	while (number <= REKEY_KEYS && !rekey->ops->holds(rekey->self, number, wanted))
		number++;
	return number;
}

/*
 * Return the number for a new key. The key in use is never replaced. Between ACTIVATE and CLEANUP peers may still send
 * with the old key, or in clear if that was before, so a third key has to wait. A key that was loaded but not used is
 * replaced, since the members have agreed on that (services/cfg).
 *
 * @return 0: there is no free number now
 */
static uint32_t free_number(const struct rekey *rekey)
{
	if (rekey->has_old)
		return 0;
	if (rekey->used != 0)
		return 3 - rekey->used;
	return rekey->ops->is_loaded(rekey->self, 1) ? 2 : 1;
}

int rekey_begin(struct rekey *rekey, const void *wanted)
{
	uint32_t number = held_number(rekey, wanted);
	int rc = 0;

	if (number > REKEY_KEYS) {
		number = free_number(rekey);
		rc = number == 0 ? -EBUSY : rekey->ops->load(rekey->self, number, wanted);
	}
	if (rc == 0)
		rc = rekey->ops->allow_clear(rekey->self, number == 0 || rekey->used == 0 || rekey->is_old_clear);
	if (rc < 0)
		return rc;
	rekey->target = number;
	rekey->is_changing = true;
	rekey->is_activated = false;
	return COTERIE_RELOAD_REKEY;
}

/* Forget all keys but the one in use. @return 0, or the first error, after which the others are still there */
static int forget_others(struct rekey *rekey)
{
	int rc = 0;

	for (uint32_t number = 1; number <= REKEY_KEYS && rc == 0; number++)
		if (number != rekey->used)
			rc = rekey->ops->forget(rekey->self, number);
	return rc;
}

void rekey_abandon(struct rekey *rekey)
{
	if (!rekey->is_changing || rekey->is_activated || rekey->has_old)
		return;
	/* There may be two, where the ring sends in clear. */
	(void)forget_others(rekey);
	(void)rekey->ops->allow_clear(rekey->self, rekey->used == 0);
	rekey->target = rekey->used;
	rekey->is_changing = false;
}

static int activate(struct rekey *rekey)
{
	int rc = rekey->ops->use(rekey->self, rekey->target);

	if (rc < 0)
		return rc;
	rekey->is_old_clear = rekey->is_old_clear || rekey->used == 0;
	rekey->used = rekey->target;
	rekey->is_activated = rekey->has_old = true;
	return 0;
}

static int clean_up(struct rekey *rekey)
{
	int rc = forget_others(rekey);

	if (rc == 0)
		rc = rekey->ops->allow_clear(rekey->self, rekey->used == 0);
	if (rc == 0)
		rekey->is_changing = rekey->has_old = rekey->is_old_clear = false;
	return rc;
}

int rekey_step(struct rekey *rekey, uint32_t phase)
{
	if (!rekey->is_changing)
		return -EINVAL;
	if (phase == COTERIE_REKEY_ACTIVATE && !rekey->is_activated)
		return activate(rekey);
	if (phase == COTERIE_REKEY_CLEANUP && rekey->is_activated)
		return clean_up(rekey);
	return -EINVAL;
}
