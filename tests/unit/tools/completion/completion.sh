#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Completion as it is installed, in the shells themselves: someone types a line and presses the tabulator.
. "$(dirname "$0")/../../../tap.sh"
here=$(cd "$(dirname "$0")" && pwd)
build=${abs_top_builddir:-$PWD}
ctl=$build/tools/.libs/coterie-ctl
[ -x "$ctl" ] || ctl=$build/tools/coterie-ctl
"$ctl" --version >/dev/null 2>&1 || LD_LIBRARY_PATH=$build/.libs "$ctl" --version >/dev/null 2>&1 ||
	tap_skip "coterie-ctl is not built"
command -v python3 >/dev/null || tap_skip "no python3 to type with"
shells=
for shell in bash zsh fish; do
	command -v $shell >/dev/null && shells+=" $shell" || tap_without "$shell" "no $shell"
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
share=$work/usr/share
tap_check "installed" env MAKEFLAGS='' make -s -C "$build" install-completion DESTDIR="$work" datadir=/usr/share \
	bashcompletiondir=/usr/share/bash-completion/completions \
	zshcompletiondir=/usr/share/zsh/site-functions fishcompletiondir=/usr/share/fish/vendor_completions.d
names=(coterie-ctl corosync-{blackbox,cfgtool,cmapctl,cpgtool,keygen,notifyd,quorumtool,vqsim})
for name in "${names[@]}"; do
	tap_check "$name: for bash" test -s "$share/bash-completion/completions/$name"
	tap_check "$name: for fish" test -s "$share/fish/vendor_completions.d/$name.fish"
	tap_check "$name: for zsh" grep -qE "^#compdef .*\b$name\b" "$share/zsh/site-functions/_coterie-ctl"
done

# Without the last folder fish reads all man pages of the host in the background, for half a minute of a processor.
mkdir -p "$work/bin" "$work/home/.config/fish" "$work/here" "$work/home/fish/generated_completions"
for name in "${names[@]}"; do
	printf '#!/bin/sh\nexit 0\n' >"$work/bin/$name" && chmod +x "$work/bin/$name"
done
# No other daemon's values.
printf '#!/bin/sh\nCOTERIE_INSTANCE=nobody LD_LIBRARY_PATH=%s exec %s "$@"\n' "$build/.libs" "$ctl" >"$work/bin/coterie-ctl"
touch "$work/here/a-file"
cp "$work/bin/corosync-cfgtool" "$work/here"

# Start files of each shell, with which it finds completions where they are installed. For bash it does
# the same as bash-completion with a command that it does not know yet.
cat >"$work/home/bash" <<-END
	PS1='ready> '
	load() { . "$share/bash-completion/completions/\${1##*/}" && return 124; }
	complete -D -F load
END
cat >"$work/home/.zshrc" <<-END
	PS1='ready> '
	fpath=("$share/zsh/site-functions" \$fpath)
	autoload -U compinit && compinit -u -d "$work/home/dump"
END
cat >"$work/home/.config/fish/config.fish" <<-END
	function fish_prompt; printf 'ready> '; end
	function fish_greeting; end
END

# begin SHELL: its command line.
begin() {
	case $1 in
	bash) echo bash --noprofile --rcfile "$work/home/bash" -i ;;
	*) echo "$1" -i ;;
	esac
}

# line SHELL KEYS: what stands on the command line when the keys are typed. It is then made an argument of echo.
line() {
	local shell=$1 keys=$2

	: >"$work/line"
	# shellcheck disable=SC2046 # words
	(cd "$work/here" && HOME=$work/home ZDOTDIR=$work/home XDG_CONFIG_HOME=$work/home/.config \
		XDG_DATA_HOME=$work/home XDG_DATA_DIRS=$share:/usr/share TERM=dumb PATH=$work/bin:$PATH \
		python3 "$here/typed.py" "$keys\\x01echo >$work/line \\nexit\\n" $(begin "$shell") 2>"$work/screen")
	cat "$work/line"
}

# becomes SHELL KEYS LINE
becomes() {
	local seen

	seen=$(line "$1" "$2")
	[ "$seen" = "$3" ] || { echo "not '$3' but '$seen'" && cat "$work/screen" && return 1; }
}

while IFS='|' read -r title keys wanted; do
	for shell in $shells; do
		tap_check "$shell: $title" becomes "$shell" "$keys" "$wanted"
	done
done <<-'END'
	a subcommand|coterie-ctl memb\t|coterie-ctl members
	a key of the ring|coterie-ctl key cre\t|coterie-ctl key create
	another key|coterie-ctl key ro\t|coterie-ctl key rotate
	a cluster by commands|coterie-ctl cluster cr\t|coterie-ctl cluster create
	its option|coterie-ctl cluster create --no-e\t|coterie-ctl cluster create --no-encryption
	a transport|coterie-ctl cluster create --transport kn\t|coterie-ctl cluster create --transport knet
	what it is|coterie-ctl key st\t|coterie-ctl key status
	its own subcommand|coterie-ctl quorum set-e\t|coterie-ctl quorum set-expected
	as far as it is one|coterie-ctl quorum s\t|coterie-ctl quorum set-
	behind an option with a value|coterie-ctl --timeout 3 quorum unb\t|coterie-ctl --timeout 3 quorum unblock
	an option|coterie-ctl config show --eff\t|coterie-ctl config show --effective
	a value in the same word|coterie-ctl status --format=te\t|coterie-ctl status --format=text
	a value in a word of its own|coterie-ctl status --format te\t|coterie-ctl status --format text
	a type|coterie-ctl config set some.key fl\t|coterie-ctl config set some.key flt
	a tool|corosync-cmapctl -C kn\t|corosync-cmapctl -C knet
	a tool with its folder|corosync-cfgtool --rel\t\x15./corosync-cfgtool --stat\t|./corosync-cfgtool --status
	once more|coterie-ctl memb\t\x15coterie-ctl quor\t|coterie-ctl quorum
	a file where no word can stand|corosync-keygen -k a-f\t|corosync-keygen -k a-file
	a check of doctor|coterie-ctl doctor net.one\t|coterie-ctl doctor net.one_way
	the next word|coterie-ctl comp\tz\t|coterie-ctl completion zsh
END
for shell in $shells; do
	tap_check "$shell: the script that coterie-ctl prints is what is installed" cmp \
		<("$work/bin/coterie-ctl" completion "$shell") "$(case $shell in
		bash) echo "$share/bash-completion/completions/coterie-ctl" ;;
		zsh) echo "$share/zsh/site-functions/_coterie-ctl" ;;
		fish) echo "$share/fish/vendor_completions.d/coterie-ctl.fish" ;;
		esac)"
done
tap_end
