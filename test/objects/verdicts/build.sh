#!/bin/sh
# Builds the objects of this folder with the compiler that made the committed ones: clang 14, or 19 for type tags, with
# libbpf's headers 1.1.
set -eu
cd "$(dirname "$0")"
headers="/usr/include/$(uname -m)-linux-gnu"
for source in *.bpf.c; do
  object="${source%.bpf.c}.o"
  version=14
  if [ "$source" = kptrs.bpf.c ]; then version=19; fi
  "clang-$version" -target bpf -mcpu=v3 -O2 -g -Wno-everything \
    -fdebug-compilation-dir=. -idirafter "$headers" -c "$source" -o "$object"
  "llvm-strip-$version" -g "$object"
done
