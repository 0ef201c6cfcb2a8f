#!/usr/bin/env bash
# Runs one case of a command: a script, and what it expects of exit status, stdout and stderr.
#
# usage: run.sh CASE.sh        in the environment that tests/cli/CMakeLists.txt sets
#
# The case is sourced in a new empty directory, which is removed unless the case fails. It says:
#   run COMMAND [ARG ...]      runs it (stdin empty); status, stdout and stderr are kept
#   run_for SECONDS SIGNAL COMMAND ...   the same, and sends the signal after so many seconds; $took
#                              is how long the command ran, in ms
#   kill_rounds N MS COMMAND ...         runs a command that goes on where it was: N times killed at
#                              a random moment, 1/10 to 3/4 of the MS that it takes when left alone,
#                              then to its end
#   status N                   the exit status was N
#   stdout_is, stderr_is       the output was exactly this (here-document; '' for nothing)
#   stdout_has, stderr_has TEXT          the output contains this text
#   stdout_like, stderr_like REGEX       a line of the output matches (grep -E)
#   stdout_lacks, stderr_lacks REGEX     no line does
#   json EXPRESSION            stdout is JSON, and the Python expression over `d` is true
#   same FILE FILE             byte-equal;  same_tree DIR DIR [NAME ...]: all files but those named
#   have FILE, no FILE         the file is there, is not there
#   need_shared                ends the case as skipped where ../shared is not beside the checkout
#   fail TEXT                  ends the case
# $SRC is the source tree, $FIXTURES holds what tests/cli/fixtures/*.sh made.
set -uo pipefail

[[ $1 == /* ]] && case_file=$1 || case_file=$PWD/$1
name=${1##*/}
name=${name%.sh}
: "${SNAS_BIN:?directory of the binaries}" "${SRC:?source tree}" "${FIXTURES:?fixtures}"
work=$(mktemp -d "${TMPDIR:-/tmp}/snas-cli.XXXXXX")
out=$work/.stdout
err=$work/.stderr
ran='(nothing yet)'
got=none
took=0
: >"$out"
: >"$err"
export PATH=$SNAS_BIN:$PATH LC_ALL=C
export SNAS_DATA_DIR=$SRC
# What ONNX Runtime keeps to the end of a process is not ours (as in tests/unit/export/pipeline.h).
echo leak:libonnxruntime >"$work/.lsan"
export LSAN_OPTIONS=suppressions=$work/.lsan:print_suppressions=0

fail()
{
    {
        echo "FAILED $name: $*"
        echo "command: $ran"
        echo "status: $got"
        echo "--- stdout"
        tail -n 40 "$out"
        echo "--- stderr"
        tail -n 40 "$err"
        echo "--- kept: $work"
    } >&2
    trap - EXIT
    exit 1
}
trap 'rm -rf "$work"' EXIT

run()
{
    ran=$*
    "$@" >"$out" 2>"$err" </dev/null
    got=$?
    [ "$got" -lt 132 ] || [ "$got" = 137 ] || [ "$got" = 143 ] || fail "died of a signal"
    [[ $(<"$err") != *Sanitizer:* && $(<"$err") != *"runtime error:"* ]] || fail "a sanitizer spoke"
}

run_for()
{
    local seconds=$1 signal=$2 pid waker start=${EPOCHREALTIME/./}
    shift 2
    ran="$* (SIG$signal after $seconds s)"
    # A job of its own: an interactive shell's background children would ignore SIGINT.
    set -m
    "$@" >"$out" 2>"$err" </dev/null &
    pid=$!
    (
        sleep "$seconds"
        kill -s "$signal" "$pid" 2>/dev/null
    ) </dev/null >/dev/null 2>&1 &
    waker=$!
    set +m
    wait "$pid" 2>/dev/null
    got=$?
    # shellcheck disable=SC2034  # cases read it
    took=$(((${EPOCHREALTIME/./} - start) / 1000))
    # With its sleep, which would hold what ctest reads to the end.
    kill -- "-$waker" 2>/dev/null
    wait "$waker" 2>/dev/null
}

kill_rounds()
{
    local rounds=$1 alone=$2 kills=0 moments='' moment ms
    shift 2
    RANDOM=$$
    while ((rounds-- > 0)); do
        ms=$((alone / 10 + RANDOM * (alone * 65 / 100) / 32768))
        moment=$(printf '%d.%03d' $((ms / 1000)) $((ms % 1000)))
        moments="$moments $moment"
        run_for "$moment" KILL "$@"
        ran="$ran after$moments"
        case $got in
        0) ;;
        137) kills=$((kills + 1)) ;;
        *) fail "neither killed nor finished" ;;
        esac
    done
    [ "$kills" -gt 0 ] || fail "was never killed in the $alone ms that it takes alone"
    run_for 600 KILL "$@"
    status 0
}

status() { [ "$got" = "$1" ] || fail "expected exit status $1"; }

exactly()
{
    local file=$1 label=$2 want
    if [ "$#" -gt 2 ]; then want=$3; else want=$(cat); fi
    [ "$(<"$file")" = "$want" ] || fail "$label is not:
$want"
}
stdout_is() { exactly "$out" stdout "$@"; }
stderr_is() { exactly "$err" stderr "$@"; }
stdout_has() { [[ $(<"$out") == *"$1"* ]] || fail "stdout lacks: $1"; }
stderr_has() { [[ $(<"$err") == *"$1"* ]] || fail "stderr lacks: $1"; }
stdout_like() { grep -qE -e "$1" "$out" || fail "no line of stdout matches: $1"; }
stderr_like() { grep -qE -e "$1" "$err" || fail "no line of stderr matches: $1"; }
stdout_lacks() { ! grep -qE -e "$1" "$out" || fail "stdout must not match: $1"; }
stderr_lacks() { ! grep -qE -e "$1" "$err" || fail "stderr must not match: $1"; }

json()
{
    /usr/bin/python3 -c '
import json, sys
d = json.load(open(sys.argv[1]))
sys.exit(0 if eval(sys.argv[2]) else 1)' "$out" "$1" || fail "stdout as JSON: not true: $1"
}

same() { cmp "$1" "$2" >&2 || fail "$1 and $2 differ"; }

same_tree()
{
    local a=$1 b=$2 skip=() n
    shift 2
    for n in "$@"; do skip+=(-x "$n"); done
    diff -rq "${skip[@]}" "$a" "$b" >&2 || fail "$a and $b differ"
}

have() { [ -e "$1" ] || fail "no file $1"; }
no() { [ ! -e "$1" ] || fail "$1 must not be there"; }

need_shared()
{
    [ -d "$SRC/../shared" ] || {
        echo "skipped: needs ../shared beside the checkout"
        exit 77
    }
}

cd "$work" || exit 1
# shellcheck disable=SC1090
. "$case_file"
