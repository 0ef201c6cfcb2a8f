# snas-search: the files of a run that was killed, interrupted, or run with other threads are those
# of an undisturbed one.
# timeout: 300
# fixtures: fashion-small
# cores: 2
set=(--set data.path="$FIXTURES/fashion-small" --set search.epochs=3
    --set search.images_per_epoch=320 --set search.batch=16 --set checkpoint.minutes=0.002
    --set evaluation.hard_samples=2 --set evaluation.estimate_images=128
    --set evaluation.epoch_images=100)
search=(snas-search "$SRC/configs/search/smoke.yaml" "${set[@]}")
clock_files=(timing.csv log.txt)

run_for 600 KILL "${search[@]}" --out one --threads 1
status 0
run_for 600 KILL "${search[@]}" --out two --threads 2
status 0
same_tree one two "${clock_files[@]}"

# Killed at five moments, wherever they fall.
kill_rounds 5 "$took" "${search[@]}" --out killed --resume
same_tree one killed "${clock_files[@]}"

# Interrupted: saved, and it says how to go on.
run_for 0.5 INT "${search[@]}" --out interrupted
if [ "$got" != 0 ]; then
    status 130
    stderr_has 'interrupted: saved after step'
    stderr_like '^to go on: snas-search .* --resume$'
fi
run_for 0.5 TERM "${search[@]}" --out interrupted --resume
[ "$got" = 0 ] || status 143
run_for 600 KILL "${search[@]}" --out interrupted --resume
status 0
same_tree one interrupted "${clock_files[@]}"

# A finished run stays as it is.
run_for 600 KILL "${search[@]}" --out interrupted --resume
status 0
stderr_has 'finished already'
same_tree one interrupted "${clock_files[@]}"
