#!/bin/sh
# Builds holder-x86_64 and holder-aarch64 beside this script, and records which sources they are made of.
#
#   build.sh               both, in place (what is committed; Debian's gcc and gcc-aarch64-linux-gnu)
#   build.sh ARCH FOLDER   one of them, into another folder
#
# Nothing of the machine, the time or the folder enters a binary: the same compiler gives the same bytes.
set -eu
export LC_ALL=C
cd "$(dirname "$0")"

build() { # architecture, folder
    case "$1" in
        x86_64) compiler=${CC_X86_64:-x86_64-linux-gnu-gcc} ;;
        aarch64) compiler=${CC_AARCH64:-aarch64-linux-gnu-gcc} ;;
        *) echo "build.sh: no such architecture: $1 (x86_64 or aarch64)" >&2; exit 2 ;;
    esac
    # There is no C library: so no start files, no stack protector, and no calls that the optimiser invents.
    "$compiler" -std=c11 -Os -Wall -Wextra -Werror \
        -ffreestanding -nostdlib -static -fno-pie -no-pie -fno-stack-protector \
        -fno-asynchronous-unwind-tables -fno-unwind-tables -fno-tree-loop-distribute-patterns -fno-ident \
        -ffunction-sections -Wl,--gc-sections -Wl,--build-id=none -Wl,-z,noseparate-code \
        -Wl,-z,noexecstack -s -o "$2/holder-$1" source/start.S source/*.c
}

if [ $# -eq 2 ]; then
    build "$1" "$2"
elif [ $# -eq 0 ]; then
    build x86_64 .
    build aarch64 .
    sha256sum build.sh source/* holder-x86_64 holder-aarch64 > holder.sha256
else
    echo "usage: build.sh [ARCHITECTURE FOLDER]" >&2
    exit 2
fi
