/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where the code of plugin files is mapped. With this, the last log line of a process names the file whose own thread
 * died. For calls by the executive, plugin_watch.h gives that line.
 */
#ifndef EXEC_PLUGIN_PLUGIN_CODE_H
#define EXEC_PLUGIN_PLUGIN_CODE_H

#include <stddef.h>

/**
 * Remember where the code of a file is mapped. At most 256 files are remembered.
 * @param inside  an address in the file. NULL, and an address of the program itself, are ignored
 * @param path    kept until plugin_code_forget
 */
void plugin_code_add(const void *inside, const char *path);
/** Forget the file that was added with this path. Call it before the file is unmapped. */
void plugin_code_forget(const char *path);
/**
 * Describe the plugin file whose code a thread runs, or has called other code from. Async-signal-safe: it takes no lock
 * and allocates no memory. The stack is searched only on threads other than the first.
 *
 * @param context  ucontext_t of the handler of the signal; NULL: nothing is known
 * @return text, of size bytes at most; NULL: no such code, another process than that of plugin_code_add, another thread
 *         is inside this function, or the processor is not known here
 */
const char *plugin_code_describe(char *text, size_t size, const void *context);

#endif
