#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The Python package has the types that it promises: mypy, strict, over the package and over programs that use it.
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
# shellcheck source=tests/python/common.sh
. "$(dirname "$0")/common.sh"
python_need
command -v mypy >/dev/null || tap_skip "no mypy"
MYPY_CACHE_DIR=$(mktemp -d) || exit 1
trap 'rm -rf "$MYPY_CACHE_DIR"' EXIT
export MYPY_CACHE_DIR MYPYPATH=$python_source/bindings/python
cd "$python_source" || exit 1

tap_check "the package" mypy --strict --no-error-summary bindings/python/coterie
tap_check "programs that use it, right and wrong" mypy --strict --no-error-summary tests/python/uses.py
tap_check "its tests" mypy --no-error-summary --check-untyped-defs tests/python/services.py tests/python/table.py tests/python/watch.py
tap_check "it says that it is typed (PEP 561)" test -f bindings/python/coterie/py.typed

# missing: public names without a docstring.
missing() {
	local found

	found=$("$PYTHON" - <<-'PYTHON'
		import inspect, coterie
		def look(place, thing):
		    if not inspect.getdoc(thing):
		        print(place)
		    if inspect.isclass(thing):
		        for name, member in vars(thing).items():
		            if not name.startswith("_") and callable(member) and not inspect.isclass(member):
		                look(f"{place}.{name}", member)
		for module in (coterie, coterie.aio):
		    look(module.__name__, module)
		    for name in module.__all__:
		        look(f"{module.__name__}.{name}", getattr(module, name))
	PYTHON
	)
	[ -z "$found" ] || {
		echo "$found"
		return 1
	}
}
tap_check "all public names have docstrings" missing
tap_end
