# snas-search by ENAS: the files of a run that was killed are those of an undisturbed one, whatever
# the threads; its child is exported and verified.
# timeout: 300
# fixtures: fashion-small
# cores: 2
set=(--set data.path="$FIXTURES/fashion-small" --set search.method=enas
    --set search.epochs=3 --set search.images_per_epoch=320 --set search.batch=16
    --set checkpoint.minutes=0.002 --set enas.updates=3 --set enas.samples=4
    --set enas.marginal_samples=50 --set derive.samples=8 --set derive.images=50
    --set evaluation.estimate_images=128 --set evaluation.epoch_images=100)
search=(snas-search "$SRC/configs/search/smoke.yaml" "${set[@]}")
clock_files=(timing.csv log.txt)

run_for 600 KILL "${search[@]}" --out one --threads 1
status 0
run_for 600 KILL "${search[@]}" --out two --threads 2
status 0
same_tree one two "${clock_files[@]}"

kill_rounds 4 "$took" "${search[@]}" --out killed --resume
same_tree one killed "${clock_files[@]}"

[ "$(/usr/bin/python3 -c 'import json; print(json.load(open("one/result.json"))["method"])')" = enas ] ||
    fail "result.json does not say enas"
run snas-eval one --random 2 --data "$FIXTURES/fashion-small" --json
status 0
accuracy=$(/usr/bin/python3 -c 'import json; print(json.load(open("one/result.json"))["child"]["validation_accuracy"])')
json "abs(d['child'] - $accuracy) < 1e-9"
run snas-export model.onnx --run one --json
status 0
json 'd["verified"]'
