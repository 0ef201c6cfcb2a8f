# The README is true to the tree: its example programs are the files that other tests run, the
# files and folders that it links are there, and its commands are among those that are built.
ran='README.md'
for example in "$SRC"/docs/examples/classify.*; do
    /usr/bin/python3 - "$SRC/README.md" "$example" <<'END' || fail "README.md does not hold $example"
import sys
readme, example = (open(path).read() for path in sys.argv[1:])
sys.exit(example not in readme)
END
done
for link in $(grep -oE '\]\([^)#]+' "$SRC/README.md" "$SRC"/docs/*.md | sed 's/^.*](//' | grep -v '^http'); do
    [ -e "$SRC/$link" ] || [ -e "$SRC/docs/$link" ] || fail "no file $link"
done
for command in $(grep -ohE '(^| |`)snas-[a-z]+' "$SRC/README.md" | tr -d ' `' | sort -u); do
    [ -x "$SNAS_BIN/$command" ] || fail "README.md names $command, which is not built"
done
