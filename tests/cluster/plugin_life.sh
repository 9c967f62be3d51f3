#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Plugins come, go and are replaced in a ring of three that carries traffic: every service of node 3 is unloaded,
# loaded and replaced LIFE_COUNT times while nodes 1 and 2 load a group, and node 1's are replaced under the
# hands of its clients. Not one message is lost or reordered, the membership does not change, nothing leaks.
# LIFE_COUNT: 3; 100 in make check-long.
# shellcheck disable=SC2034 # read by lab.sh
LAB_TOTEM="}
		quorum {
			provider: corosync_votequorum
		}
		service {
			name: tally"
# shellcheck source=tests/cluster/lab.sh
. "$(dirname "$0")/lab.sh"
# shellcheck source=tests/cluster/life_lab.sh
. "$(dirname "$0")/life_lab.sh"

lab_open coterie coterie coterie

# variant WORD: life.so, misbehaving so, in a folder of its own.
variant() {
	local dots=.........

	mkdir -p "$LAB_DIR/$1"
	sed "s/LIFE:good\.\.\.\./LIFE:$1${dots:0:$((8 - ${#1}))}/" "$life" >"$LAB_DIR/$1/life.so"
}

folders
lab_start 1 2 3
tap_check "a ring of three" lab_ring 3 1 2 3 || lab_close
before=$(memberships)
tap_check "once, to warm up" come_and_go evs
for service in cmap cfg evs cpg quorum tally pload mon wd kv metrics; do
	[ -e "$LAB_DIR/3/plugins/$service.so" ] || continue
	way=come_and_go
	ctl 3 plugin list && says "^$service " || way=go_and_come
	unnoticed $way $service
done
for service in cpg cmap cfg votequorum quorum evs control tally; do
	tap_check "$service is replaced $count times under its clients" traffic be_replaced $service
done
tap_check "the membership has not changed" test "$(memberships)" = "$before"
tap_check "nothing leaked" bash -c "! grep -h Leak '$LAB_DIR'/[123]/log"

# The verdict goes on.
tap_check "the ring is quorate" bash -c "grep -q 'primary component and will provide' '$LAB_DIR/1/log' &&
	! grep -q 'non-primary' '$LAB_DIR/1/log'"
tap_check "the quorum provider stays" refused 7 1 plugin unload votequorum
tap_check "and the transport" refused 7 1 plugin unload udpu
tap_check "and who would unload itself" refused 7 1 plugin unload control

# Files that are no good.
for mode in good fails refuses crashes hangs drags sleeps; do
	variant $mode
done
tap_check "a file by its path, with an option" ctl 1 plugin load "$LAB_DIR/good/life.so" step=2
# The nodes tell each other their plugins a moment after the change.
lists() { LAB_PATIENCE=10 lab_await lists_now "$1"; }
lists_now() { ctl 1 plugin list && says "$1"; }
tap_check "the list names those that lack it, by their numbers" lists 'life .*(not on node 2 3)'
tap_check "one that fails is refused" refused 1 1 plugin replace life "$LAB_DIR/fails/life.so"
tap_check "one that refuses the state is refused" refused 7 1 plugin replace life "$LAB_DIR/refuses/life.so"
tap_check "one that crashes is refused" refused 1 1 plugin replace life "$LAB_DIR/crashes/life.so"
tap_check "and says so" says 'crashes when it starts'
tap_check "one that hangs is refused" refused 6 1 plugin replace life "$LAB_DIR/hangs/life.so"
# The ring has a token timeout of a second.
tap_check "one that starts in 1.5 s is refused" refused 1 1 plugin replace life "$LAB_DIR/drags/life.so"
tap_check "and says so" says 'its start takes more than 500 ms'
tap_check "one that starts in 3 s is refused" refused 1 1 plugin load "$LAB_DIR/sleeps/life.so"
tap_check "and says so" says 'its start takes more than 500 ms'
tap_check "an option that is none is refused" refused 8 2 plugin load "$LAB_DIR/good/life.so" step=99
tap_check "the old one serves on" ctl 1 plugin list
tap_check "as before" says 'life .*good/life.so'
tap_check "with force it starts cold" ctl 1 plugin replace life "$LAB_DIR/refuses/life.so" --force
tap_check "it goes" ctl 1 plugin unload life --drain 1
tap_check "and is not there" refused 5 1 plugin unload life
tap_check "the membership has not changed at all" test "$(memberships)" = "$before"

# By the config file.
sed -i 's/name: tally/name: pload/' "$LAB_DIR"/[123]/corosync.conf
tap_check "the file is read again" ctl 1 reload
sleep 1
tap_check "the list" ctl 1 plugin list
tap_check "what it names has come" says '^pload .*active'
tap_check "what it names no more has gone" bash -c "! grep '^tally' '$LAB_DIR/said'"
tap_check "the daemons are all there" lab_alive 1 2 3
lab_traffic "and the ring" 1000 1 2 3
lab_stop 1 2 3
tap $? "all stop with status 0"
lab_close
