# About 600 lines a file: above 700 it has to be cut.
cd "$SRC" || fail "no source tree"
ran='wc -l'
long=$(git ls-files -z '*.c' '*.h' '*.cpp' '*.sh' '*.py' '*.cmake' tools/check tools/quickstart |
    xargs -0 wc -l | awk '$1 > 700 && $2 != "total"')
[ -z "$long" ] || fail "too long: $long"
