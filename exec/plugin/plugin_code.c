/* SPDX-License-Identifier: BSD-3-Clause */
#include "exec/plugin/plugin_code.h"

#include <link.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/uio.h>
#include <ucontext.h>
#include <unistd.h>

#define CODES_MAX 256
#define READ_SIZE 4096u /* bytes that are read at once, at most a page, since a read must not cross one */
#define STACK_PAGES 16u

/*
 * Mapped code of a plugin file. A signal handler may read an entry at any time. So `begin` is written last, and is 0
 * while the entry is not valid.
 */
struct code {
	atomic_uintptr_t begin; /* 0: unused */
	uintptr_t end, base;
	const char *path;
};

/* One table for the process, as its signals have no argument. */
static struct code codes[CODES_MAX];
static pid_t owner;
static atomic_flag is_describing = ATOMIC_FLAG_INIT;

/* --- where files are mapped --- */

struct wanted {
	uintptr_t inside;
	uintptr_t begin, end, base; /* out. If end is 0, no file was found */
};

static int find_object(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct wanted *wanted = arg;
	uintptr_t begin = UINTPTR_MAX, end = 0;
	bool is_inside = false;

	(void)size;
	for (size_t i = 0; i < info->dlpi_phnum; i++) {
		uintptr_t from = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
		uintptr_t to = from + info->dlpi_phdr[i].p_memsz;

		if (info->dlpi_phdr[i].p_type != PT_LOAD)
			continue;
		is_inside = is_inside || (wanted->inside >= from && wanted->inside < to);
		if ((info->dlpi_phdr[i].p_flags & PF_X) == 0)
			continue;
		begin = from < begin ? from : begin;
		end = to > end ? to : end;
	}
	if (!is_inside)
		return 0;
	/* The entry of the program itself has no name. Its code belongs to no plugin. */
	if (info->dlpi_name != NULL && info->dlpi_name[0] != '\0' && begin < end)
		*wanted = (struct wanted){wanted->inside, begin, end, info->dlpi_addr};
	return 1;
}

void plugin_code_add(const void *inside, const char *path)
{
	struct wanted wanted = {.inside = (uintptr_t)inside};

	if (inside == NULL || dl_iterate_phdr(find_object, &wanted) == 0 || wanted.end == 0)
		return;
	owner = getpid();
	for (size_t i = 0; i < CODES_MAX; i++) {
		struct code *code = &codes[i];

		if (atomic_load(&code->begin) != 0)
			continue;
		code->end = wanted.end;
		code->base = wanted.base;
		code->path = path;
		atomic_store(&code->begin, wanted.begin);
		return;
	}
}

void plugin_code_forget(const char *path)
{
	for (size_t i = 0; i < CODES_MAX; i++)
		if (atomic_load(&codes[i].begin) != 0 && codes[i].path == path)
			atomic_store(&codes[i].begin, 0);
}

static const struct code *find_code(uintptr_t address)
{
	for (size_t i = 0; i < CODES_MAX; i++) {
		uintptr_t begin = atomic_load(&codes[i].begin);

		if (begin != 0 && address >= begin && address < codes[i].end)
			return &codes[i];
	}
	return NULL;
}

/* --- in the handler of a signal --- */

/*
 * Read the address of the instruction that failed, and of the top of the stack. Both are 0 if the processor is not
 * known here.
 */
static void read_registers(const ucontext_t *context, uintptr_t *instruction, uintptr_t *stack)
{
	*instruction = *stack = 0;
#if defined(__x86_64__)
	*instruction = (uintptr_t)context->uc_mcontext.gregs[REG_RIP];
	*stack = (uintptr_t)context->uc_mcontext.gregs[REG_RSP];
#elif defined(__i386__)
	*instruction = (uintptr_t)context->uc_mcontext.gregs[REG_EIP];
	*stack = (uintptr_t)context->uc_mcontext.gregs[REG_ESP];
#elif defined(__aarch64__)
	*instruction = (uintptr_t)context->uc_mcontext.pc;
	*stack = (uintptr_t)context->uc_mcontext.sp;
#elif defined(__arm__)
	*instruction = (uintptr_t)context->uc_mcontext.arm_pc;
	*stack = (uintptr_t)context->uc_mcontext.arm_sp;
#else
	(void)context;
#endif
}

/*
 * Find the first word of the stack that is an address in a plugin's file. The code there has called the function that
 * died, for example abort(). The kernel reads the stack, so an address that is not mapped is an error and no second
 * signal.
 */
static const struct code *find_on_stack(uintptr_t stack, uintptr_t *place)
{
	static uintptr_t
		/* static, since a thread's stack may be small. is_describing guards it */
		words[READ_SIZE / sizeof(uintptr_t)];
	uintptr_t at = stack & ~(sizeof(uintptr_t) - 1);

	for (size_t i = 0; i < STACK_PAGES; i++) {
		size_t size = READ_SIZE - at % READ_SIZE;
		struct iovec local = {words, size}, remote = {(void *)at, size};

		if (process_vm_readv(getpid(), &local, 1, &remote, 1, 0) != (ssize_t)size)
			return NULL;
		for (size_t n = 0; n < size / sizeof(uintptr_t); n++) {
			const struct code *code = find_code(words[n]);

			*place = words[n];
			if (code != NULL)
				return code;
		}
		at += size;
	}
	return NULL;
}

/* Append a text without stdio.h, whose functions are not async-signal-safe. */
static size_t append(char *text, size_t size, size_t length, const char *more)
{
	while (length + 1 < size && *more != '\0')
		text[length++] = *more++;
	text[length] = '\0';
	return length;
}

static void append_hex(char *text, size_t size, size_t length, uintptr_t number)
{
	char digits[2 * sizeof(number) + 1];
	size_t at = sizeof(digits) - 1;

	digits[at] = '\0';
	do {
		digits[--at] = "0123456789abcdef"[number % 16];
		number /= 16;
	} while (number > 0);
	append(text, size, length, &digits[at]);
}

static void write_place(char *text, size_t size, const struct code *code, uintptr_t place, bool is_first)
{
	const char *slash = strrchr(code->path, '/');
	size_t length = append(text, size, 0, "the plugin file ");

	length = append(text, size, length, code->path);
	length = append(text, size, length, is_first ? " ran (function " : " ran a thread of its own (function ");
	length = append(text, size, length, slash != NULL ? slash + 1 : code->path);
	length = append(text, size, length, "+0x");
	append_hex(text, size, length, place - code->base);
	append(text, size, strnlen(text, size), ")");
}

const char *plugin_code_describe(char *text, size_t size, const void *context)
{
	bool is_first = gettid() == owner;
	uintptr_t place, stack;
	const struct code *code;

	if (context == NULL || size == 0 || getpid() != owner || atomic_flag_test_and_set(&is_describing))
		return NULL;
	read_registers(context, &place, &stack);
	code = find_code(place);
	if (code == NULL && !is_first && stack != 0)
		code = find_on_stack(stack, &place);
	if (code != NULL)
		write_place(text, size, code, place, is_first);
	atomic_flag_clear(&is_describing);
	return code != NULL ? text : NULL;
}
