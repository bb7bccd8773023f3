#!/bin/sh
# Builds the test objects of this folder, and the assembly of one of them, with the compilers that made the
# committed ones. Debug information is dropped, BTF stays; no path of the building machine gets in.
set -eu
cd "$(dirname "$0")"
flags="-target bpf -mcpu=v3 -O2 -g -Wall -Wno-unused-const-variable -fdebug-compilation-dir=."
for version in 14 19; do
  for source in *.bpf.c; do
    object="${source%.bpf.c}.clang$version.o"
    "clang-$version" $flags -c "$source" -o "$object"
    "llvm-strip-$version" -g "$object"
  done
done
# DWARF makes up most of the text; the loader skips it in any case.
clang-19 $flags -S counters.bpf.c -o - |
  awk '/^\t\.section\t/ || /^\t\.(text|data|bss)$/ { skip = /\.debug_/ } !skip' >counters.clang19.s
