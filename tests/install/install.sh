#!/bin/sh
# SPDX-License-Identifier: MIT
# install.sh ROOT BUILD CC: install BUILD, move it, and build and run somebody else's programs with it
# in each way there is: CMake package, pkg-config, one cc line, add_subdirectory; shared and static.
# shellcheck disable=SC2046,SC2086 # pkg-config's words are meant to split
set -eu
root=$1
build=$2
cc=$3
here=$root/tests/install
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
strict='-std=c11 -Wall -Wextra -Werror' # and -pedantic for gor.h: gtrace.h is GNU C
cd "$work"

fail()
{
	printf 'install: %s\n' "$*"
	exit 1
}

# check PROGRAM: runs, records itself, and the installed analyzer finds nothing wrong with it
check()
{
	rm -f run.gtrace
	out=$(GTRACE=run.gtrace "$@") || fail "$* failed"
	[ "$out" = 49 ] || fail "$*: said '$out'"
	"$prefix/bin/gtrace" info run.gtrace >info.txt || fail "$*: no readable trace"
	checked=$((checked + 1))
}

# check_reader PROGRAM: counts the two goroutines of the trace that check() left
check_reader()
{
	out=$("$@" run.gtrace) || fail "$* failed"
	[ "$out" = 2 ] || fail "$*: counted '$out' goroutines"
	checked=$((checked + 1))
}

checked=0
DESTDIR='' cmake --install "$build" --prefix "$work/first" >install.txt
mv first moved
prefix=$work/moved
libdir=$(dirname "$(find "$prefix" -name libgor.a)")

cmake -S "$here/consumer" -B package -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_C_COMPILER="$cc" \
	-DCMAKE_BUILD_TYPE=Release -DCMAKE_C_FLAGS="$strict" >package.txt 2>&1 || { cat package.txt; exit 1; }
cmake --build package >package.txt 2>&1 || { cat package.txt; exit 1; }
check package/static
check_reader package/reader_static
check package/shared
check_reader package/reader_shared

PKG_CONFIG_PATH=$libdir/pkgconfig
export PKG_CONFIG_PATH
$cc $strict -pedantic $(pkg-config --cflags gor) "$here/consumer/main.c" $(pkg-config --libs gor) -o pc_shared
check env LD_LIBRARY_PATH="$libdir" ./pc_shared
pkg-config --cflags gor | grep -q -- -fno-omit-frame-pointer || fail 'gor.pc keeps no frame pointers'
$cc $strict $(pkg-config --cflags gtrace) "$here/consumer/reader.c" $(pkg-config --libs gtrace) \
	-o pc_reader
check_reader env LD_LIBRARY_PATH="$libdir" ./pc_reader
$cc $strict -pedantic "$here/consumer/main.c" -static $(pkg-config --static --cflags --libs gor) -o pc_static
check ./pc_static

for std in c11 c17 c2x gnu11; do
	$cc $strict -pedantic -std=$std -I"$prefix/include" "$here/consumer/main.c" -L"$libdir" -lgor \
		-Wl,-rpath,"$libdir" -o bare_$std
	check ./bare_$std
done
$cc -I"$prefix/include" "$here/consumer/main.c" "$libdir/libgor.a" "$libdir/libgtrace.a" -lzstd \
	-pthread -o bare_static
check ./bare_static

if command -v g++ >/dev/null; then
	g++ -std=c++11 -Wall -Wextra -Werror $(pkg-config --cflags gor) "$root/tests/headers/thin.cpp" \
		$(pkg-config --libs gor) -o thin
	LD_LIBRARY_PATH="$libdir" ./thin || fail 'gor.hpp'
	checked=$((checked + 1))
fi

# gdb takes the script that lies beside the library, if it may
if command -v gdb >/dev/null; then
	gdb -nx -batch -iex 'set debuginfod enabled off' -iex "add-auto-load-safe-path $libdir" \
		-ex 'break square' -ex run -ex 'info goroutines' -ex 'goroutine 1 bt' ./bare_c11 >gdb.txt 2>&1 </dev/null
	if grep -q 'ptrace: Operation not permitted' gdb.txt; then
		printf 'install: gdb may not trace here: not tried\n'
	else
		grep -q -E '^\* 2 +running .*square' gdb.txt && grep -q -E '^#[0-9]+ .* in app ' gdb.txt ||
			{ cat gdb.txt; fail 'gdb shows no goroutines'; }
	fi
fi

cmake -S "$here/inside" -B inside -DGTRACE_SOURCE="$root" -DCMAKE_C_COMPILER="$cc" \
	-DGTRACE_ANALYZER=OFF >inside.txt 2>&1 || { cat inside.txt; exit 1; }
cmake --build inside -j 2 >inside.txt 2>&1 || { cat inside.txt; exit 1; }
check inside/static
check inside/shared

[ "$("$prefix/bin/gtrace" --version)" = "gtrace 0.1.0" ] || fail 'the program does not say its version'
if command -v sqlite3 >/dev/null; then
	out=$(sqlite3 :memory: ".load $libdir/gtrace/gtrace" \
		"SELECT count(*) FROM gtrace_event('run.gtrace') WHERE event = 'GO_NEW'") || fail 'the extension of SQLite'
	[ "$out" = 2 ] || fail "the extension of SQLite: counted '$out' goroutines"
	checked=$((checked + 1))
fi
printf 'install: %s programs built and run\n' $checked
