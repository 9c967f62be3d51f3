#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# ./configure --enable-python installs the Python package where its Python looks, whole and typed. Without it none comes.
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
# shellcheck source=tests/python/common.sh
. "$(dirname "$0")/common.sh"
python_need
[ -x "$python_source/configure" ] || tap_skip "no configure script"
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
unset MAKEFLAGS PYTHONPATH

# configured FOLDER OPTION...: a build folder with a makefile.
configured() {
	mkdir "$work/$1" && cd "$work/$1" && shift &&
		CONFIG_SHELL=/bin/sh "$python_source/configure" -q --disable-dependency-tracking --prefix="$work/usr" "$@"
}
installed() { make -s -C "$work/with" install-nodist_pycoterieDATA install-nodist_pycoterieaioDATA; }
import_there() {
	(cd / && PYTHONPATH=$(dirname "$folder") "$PYTHON" -W error -c \
		"import coterie; assert coterie.__file__ == '$folder/__init__.py', coterie.__file__
assert coterie.__version__ == '$1', coterie.__version__")
}

tap_check "configure takes --enable-python" configured with --enable-python PYTHON="$PYTHON" || tap_end
tap_check "make installs it" installed || tap_end
folder=$(find "$work/usr" -type d -name coterie -path '*python3*' | head -n 1)
tap_check "all of its files are there" diff <(cd "$python_source/bindings/python/coterie" && find . -type f \( -name '*.py' -o -name py.typed \) \
	! -path '*/__pycache__/*' | sort) <(cd "$folder" && find . -type f | sort)
tap_check "it is imported from there, with the version of the tree" import_there \
	"$(sed -n 's/^AC_INIT(\[coterie\], \[\(.*\)\])/\1/p' "$python_source/configure.ac")"
if command -v mypy >/dev/null; then
	tap_check "mypy finds its types there" env MYPYPATH="$(dirname "$folder")" MYPY_CACHE_DIR="$work/cache" \
		mypy --strict --no-error-summary "$python_tests/uses.py"
fi
without() { [ -z "$(sed -n 's/^pycoteriedir = //p' "$1/Makefile")" ]; }
tap_check "configure without it" configured without && tap_check "does not install it" without "$work/without"
tap_end
