/* SPDX-License-Identifier: BSD-3-Clause */
/* Keys with their values and places, messages for the operator, and the memory that they use. */
#include "config/tree.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <coterie/plugin.h>

#include "exec/map/map.h"

#define CHUNK_SIZE 65536

struct chunk {
	struct chunk *next;
	size_t used, size;
	max_align_t bytes[];
};

/* A secret has its own memory mapping. */
struct secret {
	struct secret *next;
	size_t size; /* bytes of the mapping */
	max_align_t bytes[];
};

struct arena {
	struct chunk *chunks;
	struct secret *secrets;
};

struct arena *arena_create(void) { return calloc(1, sizeof(struct arena)); }

void arena_destroy(struct arena *arena)
{
	if (arena == NULL)
		return;
	while (arena->chunks != NULL) {
		struct chunk *next = arena->chunks->next;

		explicit_bzero(arena->chunks->bytes, arena->chunks->used);
		free(arena->chunks);
		arena->chunks = next;
	}
	while (arena->secrets != NULL) {
		struct secret *secret = arena->secrets;

		arena->secrets = secret->next;
		size_t size = secret->size;
		explicit_bzero(secret, size);
		munmap(secret, size);
	}
	free(arena);
}

void *arena_take_secret(struct arena *arena, size_t size)
{
	struct secret *secret = mmap(
		NULL, sizeof(*secret) + size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (secret == MAP_FAILED)
		return NULL;
	/* These calls may fail on some kernels or by a limit. The start is not refused for that. */
	(void)madvise(secret, sizeof(*secret) + size, MADV_DONTDUMP);
	(void)mlock(secret, sizeof(*secret) + size);
	secret->size = sizeof(*secret) + size;
	secret->next = arena->secrets;
	arena->secrets = secret;
	return secret->bytes;
}

void *arena_take(struct arena *arena, size_t size)
{
	struct chunk *chunk = arena->chunks;

	size = (size + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
	if (chunk == NULL || chunk->size - chunk->used < size) {
		size_t room = size > CHUNK_SIZE ? size : CHUNK_SIZE;

		chunk = calloc(1, sizeof(*chunk) + room);
		if (chunk == NULL)
			return NULL;
		chunk->size = room;
		chunk->next = arena->chunks;
		arena->chunks = chunk;
	}
	void *at = (char *)chunk->bytes + chunk->used;

	chunk->used += size;
	return at;
}

char *arena_copy(struct arena *arena, const char *text, size_t length)
{
	char *copy = arena_take(arena, length + 1);

	if (copy != NULL && length > 0)
		memcpy(copy, text, length);
	return copy;
}

char *arena_print(struct arena *arena, const char *format, ...)
{
	char *text;
	va_list arguments;

	va_start(arguments, format);
	int length = vasprintf(&text, format, arguments);
	va_end(arguments);
	if (length < 0)
		return NULL;
	char *copy = arena_copy(arena, text, (size_t)length);

	free(text);
	return copy;
}

void *arena_grow(struct arena *arena, const void *array, size_t old_size, size_t size)
{
	void *bigger = arena_take(arena, size);

	if (bigger != NULL && old_size > 0)
		memcpy(bigger, array, old_size);
	return bigger;
}

static uint32_t hash(const char *key)
{
	uint32_t sum = 2166136261u; /* FNV-1a. A file of 1 MiB is too small to make the table slow */

	for (; *key != '\0'; key++)
		sum = (sum ^ (unsigned char)*key) * 16777619u;
	return sum;
}

/* Return the slot of this key, or the free slot where it belongs. */
static uint32_t *slot_of(const struct tree *tree, const char *key)
{
	uint32_t at = hash(key) & (tree->slot_count - 1);

	while (tree->slots[at] != 0 && strcmp(tree->items[tree->slots[at] - 1].key, key) != 0)
		at = (at + 1) & (tree->slot_count - 1);
	return &tree->slots[at];
}

static int tree_make_room(struct tree *tree)
{
	if (tree->count < tree->capacity)
		return 0;
	uint32_t capacity = tree->capacity == 0 ? 256 : tree->capacity * 2;
	struct tree_item *items = arena_grow(
		tree->arena, tree->items, tree->count * sizeof(*tree->items), capacity * sizeof(*items));
	uint32_t *slots = arena_take(tree->arena, 2 * capacity * sizeof(*slots));

	if (items == NULL || slots == NULL)
		return -ENOMEM;
	tree->items = items;
	tree->capacity = capacity;
	tree->slots = slots;
	tree->slot_count = 2 * capacity;
	for (uint32_t i = 0; i < tree->count; i++)
		*slot_of(tree, items[i].key) = i + 1;
	return 0;
}

static struct tree_item *tree_take(struct tree *tree, const char *key)
{
	if (tree->is_out_of_memory || tree_make_room(tree) < 0) {
		tree->is_out_of_memory = true;
		return NULL;
	}
	uint32_t *slot = slot_of(tree, key);

	if (*slot != 0)
		return &tree->items[*slot - 1];
	char *copy = arena_copy(tree->arena, key, strlen(key));

	if (copy == NULL) {
		tree->is_out_of_memory = true;
		return NULL;
	}
	struct tree_item *item = &tree->items[tree->count++];

	*slot = tree->count;
	*item = (struct tree_item){.key = copy, .text = ""};
	return item;
}

/* Copy the value. The text of the ring's key goes to secret memory, as the key itself. */
static char *copy_value(struct arena *arena, const char *key, const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = strcmp(key, "totem.key") == 0 ? arena_take_secret(arena, size) : arena_take(arena, size);

	return copy == NULL ? NULL : memcpy(copy, text, size);
}

struct tree_item *tree_set_string(struct tree *tree, const char *key, const char *text, struct place place)
{
	size_t length = strlen(text);
	char *copy = copy_value(tree->arena, key, text);
	struct tree_item *item = copy == NULL ? NULL : tree_take(tree, key);

	if (item == NULL) {
		tree->is_out_of_memory = true;
		return NULL;
	}
	item->text = copy;
	item->type = COTERIE_MAP_STRING;
	item->value = copy;
	item->size = (uint32_t)length + 1;
	item->place = place;
	return item;
}

static uint32_t number_size(uint32_t type)
{
	switch (type) {
	case COTERIE_MAP_U8:
		return 1;
	case COTERIE_MAP_U16:
		return 2;
	case COTERIE_MAP_U64:
		return 8;
	default:
		return 4;
	}
}

struct tree_item *tree_set_number(
	struct tree *tree, const char *key, uint32_t type, uint64_t number, struct place place)
{
	char text[24];

	if (type == COTERIE_MAP_I32)
		snprintf(text, sizeof(text), "%" PRId32, (int32_t)number);
	else
		snprintf(text, sizeof(text), "%" PRIu64, number);
	struct tree_item *item = tree_set_string(tree, key, text, place);
	void *value = arena_take(tree->arena, sizeof(uint64_t));
	const uint8_t u8 = (uint8_t)number;
	const uint16_t u16 = (uint16_t)number;
	const uint32_t u32 = (uint32_t)number;

	if (item == NULL || value == NULL) {
		tree->is_out_of_memory = true;
		return NULL;
	}
	item->type = type;
	item->number = number;
	item->size = number_size(type);
	item->value = value;
	if (item->size == 1)
		memcpy(value, &u8, 1);
	else if (item->size == 2)
		memcpy(value, &u16, 2);
	else if (item->size == 4)
		memcpy(value, &u32, 4);
	else
		memcpy(value, &number, 8);
	return item;
}

const struct tree_item *tree_find(const struct tree *tree, const char *key)
{
	if (tree->slot_count == 0)
		return NULL;
	const uint32_t *slot = slot_of(tree, key);

	return *slot == 0 ? NULL : &tree->items[*slot - 1];
}

void tree_delete(struct tree *tree, const char *key)
{
	const struct tree_item *item = tree_find(tree, key);

	if (item == NULL)
		return;
	size_t at = (size_t)(item - tree->items);

	tree->count--;
	memmove(&tree->items[at], &tree->items[at + 1], (tree->count - at) * sizeof(*tree->items));
	memset(tree->slots, 0, tree->slot_count * sizeof(*tree->slots));
	for (uint32_t i = 0; i < tree->count; i++)
		*slot_of(tree, tree->items[i].key) = i + 1;
}

void tree_set_text(struct tree *tree, const char *key, const char *text)
{
	const struct tree_item *item = tree_find(tree, key);
	char *copy = copy_value(tree->arena, key, text);

	if (copy == NULL)
		tree->is_out_of_memory = true;
	else if (item != NULL)
		tree->items[item - tree->items].text = copy;
}

const char *tree_text(const struct tree *tree, const char *key)
{
	const struct tree_item *item = tree_find(tree, key);

	return item == NULL ? NULL : item->text;
}

uint64_t tree_number(const struct tree *tree, const char *key, uint64_t otherwise)
{
	const struct tree_item *item = tree_find(tree, key);

	return item == NULL || item->type == COTERIE_MAP_STRING ? otherwise : item->number;
}

bool config_integer_text(const struct map_value *value, char *text, size_t size)
{
	const void *bytes = value->bytes;

	switch (value->type) {
	case COTERIE_MAP_I8:
		snprintf(text, size, "%" PRId8, *(const int8_t *)bytes);
		return true;
	case COTERIE_MAP_U8:
		snprintf(text, size, "%" PRIu8, *(const uint8_t *)bytes);
		return true;
	case COTERIE_MAP_I16:
		snprintf(text, size, "%" PRId16, *(const int16_t *)bytes);
		return true;
	case COTERIE_MAP_U16:
		snprintf(text, size, "%" PRIu16, *(const uint16_t *)bytes);
		return true;
	case COTERIE_MAP_I32:
		snprintf(text, size, "%" PRId32, *(const int32_t *)bytes);
		return true;
	case COTERIE_MAP_U32:
		snprintf(text, size, "%" PRIu32, *(const uint32_t *)bytes);
		return true;
	case COTERIE_MAP_I64:
		snprintf(text, size, "%" PRId64, *(const int64_t *)bytes);
		return true;
	case COTERIE_MAP_U64:
		snprintf(text, size, "%" PRIu64, *(const uint64_t *)bytes);
		return true;
	default:
		return false;
	}
}

uint64_t config_number(uint32_t type, uint32_t size, const void *value)
{
	uint32_t u32;
	uint16_t u16;
	uint64_t number = 0;

	if (type == COTERIE_MAP_STRING || type == COTERIE_MAP_BINARY)
		return 0;
	switch (size) {
	case sizeof(uint8_t):
		return *(const uint8_t *)value;
	case sizeof(u16):
		memcpy(&u16, value, sizeof(u16));
		return u16;
	case sizeof(u32):
		memcpy(&u32, value, sizeof(u32));
		return type == COTERIE_MAP_I32 ? (uint64_t)(int64_t)(int32_t)u32 : u32;
	default:
		memcpy(&number, value, size < sizeof(number) ? size : sizeof(number));
		return number;
	}
}

struct place tree_place(const struct tree *tree, const char *key)
{
	const struct tree_item *item = tree_find(tree, key);

	return item == NULL ? (struct place){.file = tree->file} : item->place;
}

void tree_add_service(struct tree *tree, const char *name, struct place place)
{
	if (tree->service_count == tree->service_capacity) {
		uint32_t capacity = tree->service_capacity == 0 ? 16 : tree->service_capacity * 2;
		struct config_plugin *bigger = arena_grow(
			tree->arena, tree->services, tree->service_count * sizeof(*bigger), capacity * sizeof(*bigger));

		if (bigger == NULL) {
			tree->is_out_of_memory = true;
			return;
		}
		tree->services = bigger;
		tree->service_capacity = capacity;
	}
	tree->services[tree->service_count++] = (struct config_plugin){
		.name = name, .is_required = true, .file = place.file, .line = place.line};
}

void tree_add_option(struct tree *tree, const char *plugin, const char *name, const char *value, struct place place)
{
	struct config_option option = {.plugin = plugin,
		.name = arena_copy(tree->arena, name, strlen(name)),
		.value = arena_copy(tree->arena, value, strlen(value)),
		.file = place.file,
		.line = place.line};

	if (tree->option_count == tree->option_capacity) {
		uint32_t capacity = tree->option_capacity == 0 ? 16 : tree->option_capacity * 2;
		struct config_option *bigger = arena_grow(
			tree->arena, tree->options, tree->option_count * sizeof(*bigger), capacity * sizeof(*bigger));

		if (bigger != NULL) {
			tree->options = bigger;
			tree->option_capacity = capacity;
		}
	}
	if (option.name == NULL || option.value == NULL || tree->option_count == tree->option_capacity)
		tree->is_out_of_memory = true;
	else
		tree->options[tree->option_count++] = option;
}

/* A file may contain any bytes, but a message must be one line of printable text. */
static void make_printable(char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = '?';
}

__attribute__((format(printf, 5, 0))) static void add_message(
	struct tree *tree, char ***texts, uint32_t *count, struct place place, const char *format, va_list arguments)
{
	char *text, *line;

	if (vasprintf(&text, format, arguments) < 0) {
		tree->is_out_of_memory = true;
		return;
	}
	int length;

	if (place.file == NULL)
		length = asprintf(&line, "%s", text);
	else if (place.line == 0)
		length = asprintf(&line, "%s: %s", place.file, text);
	else
		length = asprintf(&line, "%s:%u: %s", place.file, place.line, text);
	free(text);
	char **bigger = length < 0 ? NULL : reallocarray(*texts, *count + 1, sizeof(**texts));

	if (bigger == NULL) {
		if (length >= 0)
			free(line);
		tree->is_out_of_memory = true;
		return;
	}
	make_printable(line);
	bigger[(*count)++] = line;
	*texts = bigger;
}

__attribute__((format(printf, 3, 0))) static void add_error(
	struct tree *tree, struct place place, const char *format, va_list arguments)
{
	struct config_messages *messages = tree->messages;

	if (messages->error_count < CONFIG_ERRORS_MAX)
		add_message(tree, &messages->errors, &messages->error_count, place, format, arguments);
	else
		tree->hidden++;
}

void tree_error_list(struct tree *tree, struct place place, const char *format, va_list arguments)
{
	add_error(tree, place, format, arguments);
	tree->has_error = true;
}

void tree_error(struct tree *tree, struct place place, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	tree_error_list(tree, place, format, arguments);
	va_end(arguments);
}

void tree_log_error(struct tree *tree, struct place place, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	add_error(tree, place, format, arguments);
	va_end(arguments);
	tree->has_log_error = true;
}

void tree_warning_list(struct tree *tree, struct place place, const char *format, va_list arguments)
{
	struct config_messages *messages = tree->messages;

	if (messages->warning_count < CONFIG_WARNINGS_MAX)
		add_message(tree, &messages->warnings, &messages->warning_count, place, format, arguments);
}

void tree_warning(struct tree *tree, struct place place, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	tree_warning_list(tree, place, format, arguments);
	va_end(arguments);
}

void tree_notice(struct tree *tree, const char *format, ...)
{
	struct config_messages *messages = tree->messages;
	va_list arguments;

	va_start(arguments, format);
	add_message(tree, &messages->notices, &messages->notice_count, (struct place){0}, format, arguments);
	va_end(arguments);
}

void tree_restart(struct tree *tree, const char *format, ...)
{
	struct config_messages *messages = tree->messages;
	va_list arguments;

	va_start(arguments, format);
	add_message(tree, &messages->restarts, &messages->restart_count, (struct place){0}, format, arguments);
	va_end(arguments);
}

static void add_note(struct tree *tree, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add_note(struct tree *tree, const char *format, ...)
{
	struct config_messages *messages = tree->messages;
	va_list arguments;

	va_start(arguments, format);
	add_message(
		tree, &messages->errors, &messages->error_count, (struct place){.file = tree->file}, format, arguments);
	va_end(arguments);
}

/* Return the line of the main file that an error names. Errors without a line are sorted last. */
static unsigned long line_of(const struct tree *tree, const char *text)
{
	size_t length = strlen(tree->file);

	return strncmp(text, tree->file, length) == 0 && text[length] == ':' ? strtoul(text + length + 1, NULL, 10)
									     : ULONG_MAX;
}

void tree_errors_sort(struct tree *tree)
{
	struct config_messages *messages = tree->messages;

	for (uint32_t i = 1; i < messages->error_count; i++) {
		char *text = messages->errors[i];
		uint32_t at = i;

		for (; at > 0 && line_of(tree, messages->errors[at - 1]) > line_of(tree, text); at--)
			messages->errors[at] = messages->errors[at - 1];
		messages->errors[at] = text;
	}
}

void tree_messages_close(struct tree *tree)
{
	if (tree->hidden > 0)
		add_note(tree, "%u more errors: correct these first", tree->hidden);
	tree->hidden = 0;
}

void config_messages_fini(struct config_messages *messages)
{
	for (uint32_t i = 0; i < messages->error_count; i++)
		free(messages->errors[i]);
	for (uint32_t i = 0; i < messages->warning_count; i++)
		free(messages->warnings[i]);
	for (uint32_t i = 0; i < messages->notice_count; i++)
		free(messages->notices[i]);
	for (uint32_t i = 0; i < messages->restart_count; i++)
		free(messages->restarts[i]);
	free(messages->errors);
	free(messages->warnings);
	free(messages->notices);
	free(messages->restarts);
	*messages = (struct config_messages){0};
}

/* Parse optional blanks and a sign, digits, and the end of the text. */
static int parse_digits(const char *text, bool *is_negative, uint64_t *number)
{
	const char *at = text + strspn(text, " \t");

	*is_negative = *at == '-';
	*number = 0;
	if (*at == '+' || *at == '-')
		at++;
	if (*at < '0' || *at > '9')
		return -EINVAL;
	size_t digits = strspn(at, "0123456789");

	if (at[digits] != '\0')
		return -EINVAL;
	for (; *at != '\0'; at++)
		if (__builtin_mul_overflow(*number, (uint64_t)10, number) ||
			__builtin_add_overflow(*number, (uint64_t)(*at - '0'), number))
			return -ERANGE;
	return 0;
}

int config_parse_integer(const char *text, int64_t min, int64_t max, int64_t *value)
{
	bool is_negative;
	uint64_t number;
	int rc = parse_digits(text, &is_negative, &number);

	if (rc < 0)
		return rc;
	if (number > INT64_MAX)
		return -ERANGE;
	*value = is_negative ? -(int64_t)number : (int64_t)number;
	return *value < min || *value > max ? -ERANGE : 0;
}

int config_parse_unsigned(const char *text, uint64_t *value)
{
	bool is_negative;
	int rc = parse_digits(text, &is_negative, value);

	if (rc < 0)
		return rc;
	return is_negative ? -EINVAL : 0;
}
