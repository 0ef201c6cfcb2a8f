#!/bin/sh
# The kernels on 64-bit ARM: search/kernels and its unit tests, cross-compiled by Debian's
# gcc-aarch64-linux-gnu, linked statically and run by qemu. What counts is the results, not the time;
# so that the test is quick the tests sweep fewer shapes (SNAS_TEST_REDUCED).
#
# usage: kernels-aarch64.sh SOURCE_DIR WORK_DIR
set -eu

source=$1 work=$2
compiler=aarch64-linux-gnu-gcc objdump=aarch64-linux-gnu-objdump
qemu=$(command -v qemu-aarch64 || command -v qemu-aarch64-static || true)
if ! command -v $compiler >/dev/null || [ -z "$qemu" ]; then
    echo "needs $compiler and qemu-aarch64: tools/install-deps check" >&2
    exit 1
fi

rm -rf "$work"
mkdir -p "$work/include"
for room in base kernels; do
    ln -s "$source/search/$room" "$work/include/$room"
done
build()
{
    echo "$compiler $*"
    $compiler -std=gnu11 -O3 -fno-math-errno -fno-trapping-math -Wall -Wextra -Werror \
        -DSNAS_TEST_REDUCED=1 -I "$work/include" -I "$source/tests/cross/aarch64" "$@"
}

cd "$work"
for file in "$source"/search/kernels/*.c; do
    case $file in
    *_avx2.c | *_avx512.c) ;;
    *) build -c "$file" ;;
    esac
done
build -c "$source/search/base/rng.c"
build -c "$source/search/base/status.c"

# Four lanes of plain C are a NEON register: multiply and add must have become one instruction.
fused=$($objdump -d kernels_generic.o | grep -cE '[[:space:]]fmla[[:space:]]+v[0-9]+\.4s' || true)
echo "kernels_generic.o: $fused fmla of four floats"
[ "$fused" -gt 100 ] || {
    echo "the kernels do not use NEON" >&2
    exit 1
}

for test in "$source"/tests/unit/kernels/test_*.c; do
    name=$(basename "$test" .c)
    build "$test" ./*.o -static -lm -o "$name"
    "$qemu" "./$name"
done
