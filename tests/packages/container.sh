#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The container image that conf/container/make-image makes of the packages of this tree: container.sh SUITE. Its layout is
# sound. Three of it are one encrypted ring, and each is one process without any right of root.
# CONTAINER_IMAGE=FOLDER: that image, and none is made.
#
# shellcheck disable=SC2317 # functions are called through tap_check
# shellcheck source=tests/packages/roots.sh
. "$(dirname "$0")/roots.sh"
# shellcheck source=tests/packages/hub.sh
. "$(dirname "$0")/hub.sh"
source=${abs_top_srcdir:-$(cd "$ROOTS_HERE/../.." && pwd)}
roots_open "${1:-bookworm}"
command -v mmdebstrap >/dev/null || tap_skip "no mmdebstrap"

image=$work/image
pids=()

make_image() {
	# The suite's root has the mirror that apt uses here.
	mirror=$(apt-cache policy 2>/dev/null | sed -n 's/^ *[0-9]* \([a-z]*:[^ ]*\) [a-z]*\/main .*/\1/p' | head -n 1)
	[ -z "${CONTAINER_IMAGE:-}" ] || { image=$CONTAINER_IMAGE && return; }
	TMPDIR=$work quietly env MAKE_IMAGE_MIRROR="$mirror" "$source/conf/container/make-image" "$debs" "$image" "$suite"
}
# Each blob has the sum that its name and its descriptor say, and each that is named is there.
layout_is_sound() {
	python3 - "$image" <<-'PYTHON'
		import gzip, hashlib, json, os, sys
		folder = sys.argv[1]
		assert json.load(open(f"{folder}/oci-layout")) == {"imageLayoutVersion": "1.0.0"}
		seen = set()
		def blob(descriptor):
		    kind, digest = descriptor["digest"].split(":")
		    data = open(f"{folder}/blobs/{kind}/{digest}", "rb").read()
		    assert kind == "sha256" and hashlib.sha256(data).hexdigest() == digest and len(data) == descriptor["size"]
		    seen.add(digest)
		    return data
		manifest = json.loads(blob(json.load(open(f"{folder}/index.json"))["manifests"][0]))
		config = json.loads(blob(manifest["config"]))
		layers = [gzip.decompress(blob(layer)) for layer in manifest["layers"]]
		assert config["rootfs"]["diff_ids"] == ["sha256:" + hashlib.sha256(layer).hexdigest() for layer in layers]
		assert config["config"]["User"] not in ("", "0", "root") and config["os"] == "linux"
		assert set(os.listdir(f"{folder}/blobs/sha256")) == seen
	PYTHON
}
of_config() { # EXPRESSION of c
	python3 - "$image" "$1" <<-'PYTHON'
		import json, sys
		def blob(descriptor):
		    return json.load(open(sys.argv[1] + "/blobs/" + descriptor["digest"].replace(":", "/")))
		c = blob(blob(json.load(open(sys.argv[1] + "/index.json"))["manifests"][0])["config"])["config"]
		print(eval(sys.argv[2]))
	PYTHON
}
layer() {
	python3 -c '
import json, sys
def name(descriptor):
    return sys.argv[1] + "/blobs/" + descriptor["digest"].replace(":", "/")
print(name(json.load(open(name(json.load(open(sys.argv[1] + "/index.json"))["manifests"][0])))["layers"][0]))' "$image"
}

# Files that an operator gives to all three: one config, one key that the image's user can read.
give() {
	local node

	mkdir -p "$work/given" && head -c 256 /dev/urandom >"$work/given/authkey" && chown "$user" "$work/given/authkey" &&
		chmod 400 "$work/given/authkey" || return
	{
		printf 'transport knet {}\ncluster { name = "inside" }\nservice metrics {}\n'
		for node in 1 2 3; do
			printf 'node n%d {\n\tid = %d\n\taddress = 10.0.0.%d\n}\n' "$node" "$node" "$node"
		done
	} >"$work/given/coterie.conf"
}

# start NODE: what a container engine does with the image: namespaces, the user, no capability, the entry point as process 1.
start() {
	local node=$1 top=$work/run$1 entry

	mkdir -p "$top" "$work/.run$node/upper" "$work/.run$node/work" || return
	mapfile -t entry < <(of_config '"\n".join(["env", "-i"] + c["Env"] + c["Entrypoint"])')
	rm -f "$work/ready$node"
	# shellcheck disable=SC2016 # of the inner shell
	unshare --net --mount --pid --ipc --uts --fork --kill-child bash -c '
		top=$1; node=$2; work=$3; user=$4; shift 4
		hostname "n$node" && mount -t overlay -o "lowerdir=$work/unpacked,upperdir=$work/.run$node/upper,workdir=$work/.run$node/work" \
			overlay "$top" && mount -t proc proc "$top/proc" && mount -t tmpfs dev "$top/dev" && mkdir -m 1777 "$top/dev/shm" &&
			mount -t tmpfs shm "$top/dev/shm" && mknod -m 666 "$top/dev/null" c 1 3 && mknod -m 666 "$top/dev/urandom" c 1 9 &&
			ln -s /proc/self/fd "$top/dev/fd" &&
			cp -p "$work/given/coterie.conf" "$work/given/authkey" "$top/etc/coterie/" && touch "$work/ready$node" || exit
		until [ -e "$work/joined$node" ]; do sleep 0.05; done
		exec chroot "$top" setpriv --reuid "${user%:*}" --regid "${user#*:}" --clear-groups --bounding-set=-all --inh-caps=-all \
			--no-new-privs "$@"' - "$top" "$node" "$work" "$user" "${entry[@]}" >"$work/log$node" 2>&1 </dev/null &
	pids[node]=$!
	until [ -e "$work/ready$node" ]; do
		kill -0 "${pids[node]}" || return
		sleep 0.05
	done
	hub_join "$node" "${pids[node]}" && touch "$work/joined$node" && first[node]=$(cat "/proc/${pids[node]}/task/${pids[node]}/children")
}
first=() # of each container, seen from here: its process 1

# ctl NODE WORD...: coterie-ctl in the container, as its user.
ctl() {
	nsenter -t "${first[$1]// /}" -n -m -p -i -u chroot "$work/run$1" setpriv --reuid "${user%:*}" --regid "${user#*:}" \
		--clear-groups coterie-ctl "${@:2}"
}
members_are() { ctl "$2" --json members | python3 -c '
import json, sys
sys.exit(sum(one["state"] == "joined" for one in json.load(sys.stdin)["data"]["members"]) != int(sys.argv[1]))' "$1"; }
processes_of() { find "/proc/${first[$1]// /}/root/proc" -maxdepth 1 -regex '.*/[0-9]+' | wc -l; }
status_of() { sed -n "s/^$2:[[:space:]]*//p" "/proc/${first[$1]// /}/status"; }
has_no_right() {
	[ "$(status_of "$1" CapEff)$(status_of "$1" CapPrm)$(status_of "$1" CapBnd)" = "$(printf '0%.0s' {1..48})" ] &&
		[ "$(status_of "$1" NoNewPrivs)" = 1 ] && [ "$(status_of "$1" Uid | cut -f 1)" = "${user%:*}" ]
}
# stops NODE: by the image's signal, with status 0, within ten seconds.
stops() {
	kill "-${signal#SIG}" "${first[$1]// /}" && timeout 10 tail --pid="${pids[$1]}" -f /dev/null && wait "${pids[$1]}"
}

make_image
tap $? "an image of the packages" || tap_end
tap_note "$(du -sh "$image" | cut -f 1) packed"
tap_check "its layout is sound" layout_is_sound || tap_end
user=$(of_config 'c["User"]')
signal=$(of_config 'c["StopSignal"]')
mkdir "$work/unpacked" && tar -C "$work/unpacked" --numeric-owner -xzf "$(layer)"
tap $? "its layer unpacks" || tap_end
tap_check "it has no config of a node and no key" test ! -e "$work/unpacked/etc/coterie/coterie.conf" -a ! -e "$work/unpacked/etc/coterie/authkey"
tap_check "a config and a key for three" give
hub_open
for node in 1 2 3; do
	start $node
	tap $? "container $node starts" || { tap_note "$(cat "$work/log$node")" && tap_end; }
done
for node in 1 2 3; do
	tap_check "container $node is in a ring of three" await members_are 3 $node || tap_note "$(tail -n 20 "$work/log$node")"
	tap_check "it is one process" test "$(processes_of $node)" = 1
	tap_check "without any right of root" has_no_right $node
done
ctl 1 key status >"$work/told"
tap_check "the ring is encrypted" grep -q '^Cipher *aes256' "$work/told" || tap_note "$(cat "$work/told")"
tap_check "the log goes to the standard error" grep -q 'membership' "$work/log2"
for node in 3 2 1; do
	stops $node
	tap $? "container $node stops by $signal" || tap_note "$(tail -n 5 "$work/log$node")"
	[ $node = 1 ] || tap_check "the others go on" await members_are $((node - 1)) 1
done
tap_end
