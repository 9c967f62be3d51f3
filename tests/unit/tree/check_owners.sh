#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Each part of the engine's state is changed by the file that owns it: exec/totem/state.h has the rule and its exceptions.
. "$(dirname "$0")/../../tap.sh"
cd "$(dirname "$0")/../../.." || exit 1

found=$(python3 tests/unit/tree/owners.py exec/totem exec/totem/state.h totem_engine \
	engine '*' sign suspicion extension commit late commit)
tap $? "each part of the engine's state is changed by its owner alone" || tap_note "$found"
tap_check "the parts are found at all" test "$(sed -n 's/ members have owners$//p' <<<"$found")" -ge 20
members=$(sed -n '/^struct totem_engine {/,/^};/p' exec/totem/state.h | grep -c ';')
tap_check "struct totem_engine has few members: $members" test "$members" -le 50
tap_end
