# Sourced by tools/quickstart, tools/check and tools/install-deps: how a long step shows that it
# lives. `step TITLE COMMAND ...` keeps the command's output in $STEP_LOG and shows one line with
# the seconds so far (on a terminal) or a line at start and end (elsewhere). When the command fails
# the end of its output is shown and its status returned.
# shellcheck shell=sh

say() { printf '%s\n' "$*"; }
complain() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

step()
{
    step_title=$1
    shift
    step_began=$(date +%s)
    : "${STEP_LOG:?}"
    printf '== %s: %s\n' "$step_title" "$*" >>"$STEP_LOG"
    step_from=$(($(wc -l <"$STEP_LOG") + 1))
    [ -t 1 ] || printf '%s ...\n' "$step_title"
    "$@" >>"$STEP_LOG" 2>&1 </dev/null &
    step_pid=$!
    trap 'kill "$step_pid" 2>/dev/null; wait "$step_pid" 2>/dev/null; exit 130' INT
    trap 'kill "$step_pid" 2>/dev/null; wait "$step_pid" 2>/dev/null; exit 143' TERM
    while [ -t 1 ] && kill -0 "$step_pid" 2>/dev/null; do
        printf '\r%s ... %d s ' "$step_title" "$(($(date +%s) - step_began))"
        sleep 0.5
    done
    step_status=0
    wait "$step_pid" || step_status=$?
    trap - INT TERM
    [ -t 1 ] && printf '\r'
    if [ "$step_status" = 0 ]; then
        printf '%s: done in %d s\n' "$step_title" "$(($(date +%s) - step_began))"
        return 0
    fi
    printf '%s: failed after %d s; the end of its output:\n' "$step_title" "$(($(date +%s) - step_began))"
    tail -n "+$step_from" "$STEP_LOG" | tail -n 40 | sed 's/^/    /'
    say "all of it: $STEP_LOG"
    return "$step_status"
}
