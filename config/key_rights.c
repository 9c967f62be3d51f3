/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which users can read a key file. The mode alone does not say it: with an access list (acl(5)) the bits of the group
 * are a limit of all its entries. The credentials of systemd (systemd.exec(5), LoadCredential=) have mode 0440 and an
 * entry for the daemon's user, and no group can read them.
 */
#include "config/tree.h"

#include <endian.h>
#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>

#include "common/trust.h"

#define ACL_ENTRIES_MAX 64
#define UNIT_USER "coterie"

/*
 * The systemd unit's daemon runs as this user. Its key is also accepted by commands and daemons that
 * run as root.
 */
static bool is_unit_user(uid_t uid)
{
	struct passwd entry, *found = NULL;
	char text[4096];

	return getpwnam_r(UNIT_USER, &entry, text, sizeof(text), &found) == 0 && found != NULL && found->pw_uid == uid;
}

static bool is_ours(uid_t uid) { return trust_owner(uid) || (geteuid() == 0 && is_unit_user(uid)); }

/*
 * Return whether the group is the daemon's. If the daemon is root, no group counts: root can read every file, and
 * members of its group are often people, who do not need the key.
 */
static bool is_our_group(gid_t gid) { return geteuid() != 0 && gid == getegid(); }

/* Return whether the entry, as limited by the mask, gives rights to other users. */
static bool shares(const struct posix_acl_xattr_entry *entry, uint16_t mask, gid_t group)
{
	uint16_t perm = le16toh(entry->e_perm);
	bool is_to_all = (perm & ~ACL_READ & mask) != 0; /* no group may have rights beyond reading */
	uint32_t id = le32toh(entry->e_id);

	switch (le16toh(entry->e_tag)) {
	case ACL_USER_OBJ:
	case ACL_MASK:
		return false;
	case ACL_USER:
		return (perm & mask) != 0 && !is_ours(id);
	case ACL_GROUP_OBJ:
		return is_to_all || ((perm & mask) != 0 && !is_our_group(group));
	case ACL_GROUP:
		return is_to_all || ((perm & mask) != 0 && !is_our_group(id));
	default:
		return perm != 0;
	}
}

/* @return 1: the list gives rights to other users; 0: it does not; -ENODATA: there is no list */
static int list_shares(int fd, gid_t group)
{
	struct {
		struct posix_acl_xattr_header header;
		struct posix_acl_xattr_entry entries[ACL_ENTRIES_MAX];
	} list;
	uint16_t mask = ACL_READ | ACL_WRITE | ACL_EXECUTE;
	ssize_t size = fgetxattr(fd, "system.posix_acl_access", &list, sizeof(list));

	if (size < 0)
		return errno == ENODATA || errno == ENOTSUP ? -ENODATA : 1;
	if ((size_t)size < sizeof(list.header) || le32toh(list.header.a_version) != POSIX_ACL_XATTR_VERSION)
		return 1;
	size_t count = ((size_t)size - sizeof(list.header)) / sizeof(list.entries[0]);
	for (size_t i = 0; i < count; i++) {
		if (le16toh(list.entries[i].e_tag) == ACL_MASK)
			mask = le16toh(list.entries[i].e_perm);
	}
	for (size_t i = 0; i < count; i++) {
		if (shares(&list.entries[i], mask, group))
			return 1;
	}
	return 0;
}

bool key_file_is_shared(int fd)
{
	struct stat status;

	if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode))
		return false;
	if (!is_ours(status.st_uid) || (status.st_mode & 07) != 0)
		return true;
	if ((status.st_mode & 070) == 0)
		return false;
	int rc = list_shares(fd, status.st_gid);
	if (rc >= 0)
		return rc == 1;
	return (status.st_mode & 030) != 0 || !is_our_group(status.st_gid);
}
