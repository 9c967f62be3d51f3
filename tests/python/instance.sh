# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# A daemon of ours as an instance that any user may run: instance_start, which sets COTERIE_INSTANCE and the libraries.
# It ends with the script. $instance_work is a folder that ends with it, too.

instance_start() {
	local port end

	[ -x "$python_build/exec/coterie" ] || tap_skip "exec/coterie is not built"
	instance_work=$(mktemp -d) || return
	trap instance_end EXIT
	mkdir "$instance_work/state"
	port=$((20000 + $$ % 10000))
	cat >"$instance_work/coterie.conf" <<-CONFIG
		cluster { name = "python" }
		transport udpu { port = $port  encryption = none }
		node n1 { id = 1  address = 127.0.0.1 }
		quorum { provider = votequorum  expected-votes = 1 }
		service kv {}
		totem { token = 1000ms }
		process { realtime = no  lock-memory = no  state-dir = "$instance_work/state" }
		log { stderr = yes  syslog = no }
	CONFIG
	export COTERIE_INSTANCE=python$$ COTERIE_PLUGIN_PATH=$python_build
	export LD_LIBRARY_PATH=$python_build/.libs${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
	"$python_build/exec/coterie" --node n1 -f -c "$instance_work/coterie.conf" >"$instance_work/log" 2>&1 &
	instance_pid=$!
	end=$((SECONDS + 20))
	until grep -q 'Completed service synchronization' "$instance_work/log"; do
		if [ $SECONDS -ge $end ] || ! kill -0 $instance_pid 2>/dev/null; then
			tap_note "$(cat "$instance_work/log")"
			return 1
		fi
		sleep 0.05
	done
}

instance_end() {
	[ "$tap_failed" -eq 0 ] || tap_note "$(tail -n 20 "$instance_work/log")"
	kill "$instance_pid" 2>/dev/null
	wait "$instance_pid" 2>/dev/null
	rm -rf "$instance_work"
}
