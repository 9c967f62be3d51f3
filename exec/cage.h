/* The daemon as a user of its own: what needs root happens before it changes the user, and few rights of root stay. */
#ifndef EXEC_CAGE_H
#define EXEC_CAGE_H

#include <stdint.h>

/**
 * Become a user, before any file of the daemon is opened. A daemon of root first gives the user the default folders of
 * state and run-time files, and itself the limits for real-time priority and locked memory. It keeps the capabilities
 * that coterie(8) lists, and can get no others. A daemon that is that user already changes nothing.
 *
 * @param user      name or number; borrowed
 * @param instance  NULL: the default one
 * @param error     out: one line, if the call fails
 * @return 0; 39, the exit code: there is no such user, or the daemon is not root
 */
int cage_enter(const char *user, const char *instance, char *error, uint32_t error_size);
/** Let programs that the daemon starts inherit no capability. A unit with User= gives them as ambient ones. */
void cage_shed_ambient(void);

#endif
