# About 600 lines a file: above 700 it has to be cut.
cd "$SRC" || fail "no source tree"
for file in $(git ls-files '*.c' '*.h' '*.cpp' '*.sh' '*.py' '*.cmake' tools/check tools/quickstart); do
    lines=$(wc -l <"$file")
    [ "$lines" -le 700 ] || fail "$file has $lines lines"
done
