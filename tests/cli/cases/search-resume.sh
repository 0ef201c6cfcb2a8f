# snas-search: the files of a run that was killed, interrupted, or run with other threads are those
# of an undisturbed one.
# timeout: 300
# fixtures: fashion-small
# cores: 2
config=$SRC/configs/search/smoke.yaml
search()
{
    run_for "$1" "$2" snas-search "$config" --set data.path="$FIXTURES/fashion-small" \
        --set search.epochs=3 --set search.images_per_epoch=320 --set search.batch=16 \
        --set checkpoint.minutes=0.002 --set evaluation.hard_samples=2 \
        --set evaluation.estimate_images=128 --set evaluation.epoch_images=100 "${@:3}"
}
clock_files=(timing.csv log.txt)

search 600 KILL --out one --threads 1
status 0
search 600 KILL --out two --threads 2
status 0
same_tree one two "${clock_files[@]}"

# Killed at five moments, wherever they fall.
RANDOM=$$
moments=
kills=0
for _ in 1 2 3 4 5; do
    moment=$(printf '%d.%03d' 0 $((100 + RANDOM % 700)))
    moments="$moments $moment"
    search "$moment" KILL --out killed --resume
    ran="$ran after$moments"
    case $got in
    0) ;;
    137) kills=$((kills + 1)) ;;
    *) fail "neither killed nor finished" ;;
    esac
done
[ "$kills" -gt 0 ] || fail "was never killed: the moments are too late"
search 600 KILL --out killed --resume
status 0
same_tree one killed "${clock_files[@]}"

# Interrupted: saved, and it says how to go on.
search 0.5 INT --out interrupted
if [ "$got" != 0 ]; then
    status 130
    stderr_has 'interrupted: saved after step'
    stderr_like '^to go on: snas-search .* --resume$'
fi
search 0.5 TERM --out interrupted --resume
[ "$got" = 0 ] || status 143
search 600 KILL --out interrupted --resume
status 0
same_tree one interrupted "${clock_files[@]}"

# A finished run stays as it is.
search 600 KILL --out interrupted --resume
status 0
stderr_has 'finished already'
same_tree one interrupted "${clock_files[@]}"
