/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The code of the plugin files that are mapped. With it the last log line of a process names the file whose own thread died.
 * For plugins that the executive has called, plugin_watch.h does that.
 */
#ifndef EXEC_PLUGIN_PLUGIN_CODE_H
#define EXEC_PLUGIN_PLUGIN_CODE_H

#include <stddef.h>

/**
 * Remember where the code of a file is mapped. Further files than 256 are not remembered.
 * @param inside  an address in the file. NULL, and an address of the program itself, are ignored
 * @param path    kept until plugin_code_forget
 */
void plugin_code_add(const void *inside, const char *path);
/** Forget the file that was added with this path. Call it before the file is unmapped. */
void plugin_code_forget(const char *path);
/**
 * Describe the plugin file whose code a thread runs, or has called other code from. Async-signal-safe: it takes no lock and
 * allocates no memory. The stack is searched on threads other than the first only.
 *
 * @param context  ucontext_t of the handler of the signal; NULL: nothing is known
 * @return text, of size bytes at most; NULL: no such code, another process than that of plugin_code_add, another thread is
 *     inside this function, or the processor is not known here
 */
const char *plugin_code_describe(char *text, size_t size, const void *context);

#endif
