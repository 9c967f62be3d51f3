/* coterie --check-plugin FILE: check whether the executive would load this plugin. */
#ifndef EXEC_CHECK_PLUGIN_H
#define EXEC_CHECK_PLUGIN_H

struct executive;

/**
 * Open a plugin file, check its descriptor, start it with its default options and stop it again, without
 * a ring or a client. Print the outcome on stdout or stderr.
 * @param fd  the same file, open: it is loaded even if the path names another file by now (only a service); -1: none
 * @return exit code: 0, or 30 to 33 (book configuration, "Exit codes")
 */
int check_plugin(struct executive *executive, const char *file, int fd);

#endif
