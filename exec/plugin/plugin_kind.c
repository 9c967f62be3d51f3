/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reads the kind of a plugin from its file, as an ELF file. dlopen() would run constructors of the file. The daemon
 * lists plugins only for an error text, so no code of them may run: a constructor can end or block the process.
 *
 * The file can have any content. Each offset and size in it is checked before it is used.
 */
#include "exec/plugin/plugin_private.h"

#include <elf.h>
#include <link.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <coterie/plugin.h>

#define SECTIONS_MAX 4096u
#define TABLE_MAX (4u << 20) /* bytes of a table of symbols, or of their names */

struct elf {
	int fd;
	ElfW(Shdr) * sections;
	uint32_t count;
};

static bool read_at(int fd, uint64_t at, void *to, size_t size)
{
	return at <= INT64_MAX - size && pread(fd, to, size, (off_t)at) == (ssize_t)size;
}

/* Read a part of the file. @return caller frees; NULL: it is empty, too long or not there, or out of memory */
static void *read_part(int fd, uint64_t at, uint64_t size)
{
	void *part = size > 0 && size <= TABLE_MAX ? malloc(size) : NULL;

	if (part == NULL || read_at(fd, at, part, size))
		return part;
	free(part);
	return NULL;
}

/* Read the table of sections. @return false: this is no shared object of this kind of machine */
static bool open_elf(struct elf *elf, int fd)
{
	static const unsigned char magic[] = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3,
		sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32,
		__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB};
	ElfW(Ehdr) head;
	struct stat status;

	if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode) || !read_at(fd, 0, &head, sizeof(head)) ||
		memcmp(head.e_ident, magic, sizeof(magic)) != 0 || head.e_type != ET_DYN ||
		head.e_shentsize != sizeof(ElfW(Shdr)) || head.e_shnum > SECTIONS_MAX)
		return false;
	*elf = (struct elf){.fd = fd,
		.sections = read_part(fd, head.e_shoff, (uint64_t)head.e_shnum * sizeof(ElfW(Shdr))),
		.count = head.e_shnum};
	return elf->sections != NULL;
}

/* Read the magic and the kind of a descriptor. @return the kind; 0: this is no descriptor */
static uint32_t kind_at(const struct elf *elf, const ElfW(Sym) * symbol)
{
	const ElfW(Shdr) *section = &elf->sections[symbol->st_shndx < elf->count ? symbol->st_shndx : 0];
	struct {
		uint32_t magic;
		uint16_t abi_major, abi_minor;
		uint32_t size, kind;
	} head;

	_Static_assert(
		sizeof(head) == offsetof(struct coterie_plugin, kind) + sizeof(uint32_t), "head of a descriptor");
	if (section->sh_type != SHT_PROGBITS || symbol->st_value < section->sh_addr ||
		symbol->st_value - section->sh_addr > section->sh_size ||
		section->sh_size - (symbol->st_value - section->sh_addr) < sizeof(head) ||
		section->sh_offset > INT64_MAX ||
		symbol->st_value - section->sh_addr > INT64_MAX - section->sh_offset ||
		!read_at(elf->fd, section->sh_offset + (symbol->st_value - section->sh_addr), &head, sizeof(head)))
		return 0;
	return head.magic == COTERIE_PLUGIN_MAGIC ? head.kind : 0;
}

static uint32_t kind_in(const struct elf *elf, const ElfW(Shdr) * table, const char *name)
{
	const ElfW(Shdr) *strings = &elf->sections[table->sh_link < elf->count ? table->sh_link : 0];
	ElfW(Sym) *symbols = read_part(elf->fd, table->sh_offset, table->sh_size);
	char *names = read_part(elf->fd, strings->sh_offset, strings->sh_size);
	size_t size = strlen(name) + 1;
	uint32_t kind = 0;

	for (size_t i = 0; symbols != NULL && names != NULL && kind == 0 && i < table->sh_size / sizeof(*symbols);
		i++) {
		if (symbols[i].st_name < strings->sh_size && strings->sh_size - symbols[i].st_name >= size &&
			memcmp(names + symbols[i].st_name, name, size) == 0)
			kind = kind_at(elf, &symbols[i]);
	}
	free(symbols);
	free(names);
	return kind;
}

uint32_t plugin_kind_of_file(int fd, const char *name)
{
	char symbol[128];
	struct elf elf;
	uint32_t kind = 0;

	if (!open_elf(&elf, fd))
		return 0;
	snprintf(symbol, sizeof(symbol), "%s_LTX_coterie_plugin", name);

	/* A shared object has one such section. Others would only take time. */
	uint32_t at = 0;

	while (at < elf.count && elf.sections[at].sh_type != SHT_DYNSYM)
		at++;
	if (at < elf.count)
		kind = kind_in(&elf, &elf.sections[at], symbol);
	free(elf.sections);
	return kind;
}
