#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Make the Debian packages of this tree in a root of a suite: make.sh SUITE. They are in the folder beside the root with
# .packages to its name, as a repository for apt. The build root is kept beside it, with .build to its name. Packages that
# are there are taken if they are of the same sources.
set -u
# shellcheck source=tests/packages/roots.sh
. "$(dirname "$0")/roots.sh"
suite=$1
source=${abs_top_srcdir:-$(cd "$(dirname "$0")/../.." && pwd)}
root=$(root_folder "$suite")
debs=$(packages_folder "$suite")
layers=$root.build
[ "$debs" = "$root.packages" ] || { [ -e "$debs/Packages" ] && exit 0; }
if [ -z "${MAKE_INSIDE:-}" ]; then
	MAKE_INSIDE=1 exec unshare --mount --pid --fork --kill-child --mount-proc bash "$(realpath "$0")" "$suite"
fi
exec 8>"$root.lock" && flock 8 || exit

# The tree as it is checked in, or as the tarball brought it.
sources() {
	if git -C "$source" rev-parse 2>/dev/null; then
		git -C "$source" ls-files -z
	else
		(cd "$source" && find . -type f ! -path './build*' -print0)
	fi
}
stamp=$(cd "$source" && sources | grep -zvE '^(./)?tests/' | xargs -0 sha256sum 2>/dev/null | sha256sum)
[ "$(cat "$debs/stamp" 2>/dev/null)" != "$stamp" ] || exit 0

work=$layers
mkdir -p "$layers/root" "$layers/upper" "$layers/work" || exit
mount -t overlay -o "lowerdir=$root,upperdir=$layers/upper,workdir=$layers/work" overlay "$layers/root" || exit
trap 'rm -rf "$layers/root/src"' EXIT
debs=/nowhere layer_devices "$layers/root" || exit
rm -rf "$layers/root/src" && mkdir -p "$layers/root/src/coterie" "$layers/root/ccache" || exit
(cd "$source" && sources | tar --null --ignore-failed-read -T - -c) | tar -C "$layers/root/src/coterie" -x || exit
apt root update || exit
apt root install --no-install-recommends build-essential ccache fakeroot lintian || exit
apt root build-dep --no-install-recommends /src/coterie || exit
quietly inside root sh -c 'cd /src/coterie && PATH=/usr/lib/ccache:$PATH CCACHE_DIR=/ccache \
	DEB_BUILD_OPTIONS="nocheck noautodbgsym parallel='"$(nproc)"'" nice -n 10 dpkg-buildpackage -us -uc -b' || exit
inside root lintian --suppress-tags initial-upload-closes-no-bugs --allow-root --fail-on error,warning \
	"/src/$(basename "$layers"/root/src/coterie_*.changes)" >"$layers/lintian" 2>&1
echo "lintian: status $?" >>"$layers/lintian"
rm -rf "$debs" && mkdir -p "$debs" && mv "$layers"/root/src/*.deb "$layers"/root/src/*.changes "$layers/lintian" "$debs/" &&
	repository "$debs" && echo "$stamp" >"$debs/stamp"
