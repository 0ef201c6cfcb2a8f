# What is committed: nothing generated, no unfinished marks, lock files that name no host.
cd "$SRC" || fail "no source tree"
git rev-parse --git-dir >/dev/null 2>&1 || fail "needs a git checkout"
ran='git ls-files'
generated=$(git ls-files | grep -E '\.(o|a|so|onnx|pyc|gcda|gcno|safetensors)$|\.pb-c\.[ch]$|(^|/)(build|node_modules|runs)/' |
    grep -vE '^tests/.*\.(onnx|safetensors)$')
[ -z "$generated" ] || fail "generated files are committed: $generated"
marks=$(git grep -nwE 'TO''DO|FIX''ME|XX''X' -- '*.c' '*.h' '*.cpp' '*.sh' '*.py' '*.cmake' '*CMakeLists.txt' tools)
[ -z "$marks" ] || fail "unfinished marks:
$marks"
locks=$(git ls-files '*package-lock.json')
[ -n "$locks" ] || fail "no lock file"
for lock in $locks; do
    ! grep -nE '"resolved"|https?://|registry' "$lock" >&2 || fail "$lock names a host"
    /usr/bin/python3 - "$lock" <<'END' || fail "$lock: a package without its hash"
import json, sys
packages = json.load(open(sys.argv[1]))["packages"]
sys.exit(any(name and "integrity" not in p for name, p in packages.items()))
END
done
