# A budget that the last child misses: the best child of the epochs that was within it is kept, said
# where, and exported like any other; the command fails, also when it is asked again.
# fixtures: fashion-small
# timeout: 600
data=$FIXTURES/fashion-small
few="--set network.channels=2 --set data.path=$data --set search.epochs=4 --set search.images_per_epoch=256 --set data.held_out=200 --set evaluation.hard_samples=0 --set evaluation.estimate_images=64 --set evaluation.epoch_images=100"
# shellcheck disable=SC2086
search() { run snas-search "$SRC/configs/search/smoke.yaml" $few --quiet --threads 1 "$@"; }
column() { /usr/bin/python3 -c 'import csv, sys; print(*(r[sys.argv[2]] for r in csv.DictReader(open(sys.argv[1]))))' "$1/metrics.csv" "$2"; }

# Nothing pushes, and the limit is what the cheapest epoch has: the last child of some seed has more.
for seed in 1 2 3 4 5 6; do
    search --seed $seed --out free$seed
    status 0
    limit=$(column free$seed child_params | tr ' ' '\n' | sort -n | head -1)
    last=$(column free$seed child_params | tr ' ' '\n' | tail -1)
    [ "$last" -gt "$limit" ] || continue
    miss="--seed $seed --set budget.params=$limit --set budget.rate=0 --set budget.damping=0"
    rm -rf missed
    # shellcheck disable=SC2086
    search $miss --out missed
    [ "$got" = 0 ] || break
    no missed/child-within-budget.safetensors
done
status 1
stderr_like 'the child is not within its budget; the best that was, of epoch [1-3]: missed/child-within-budget.safetensors, [0-9]+ parameters, [0-9]+ multiply-adds, validation [0-9.]+%'
have missed/child.safetensors
have missed/child-within-budget.safetensors
run cat missed/result.json
json "not d['budget']['met'] and d['budget']['params']['child'] > $limit"
json "d['budget']['offered']['file'] == 'child-within-budget.safetensors' and d['budget']['offered']['params'] <= $limit"
json "0 < d['budget']['offered']['validation_accuracy'] <= 1 and 1 <= d['budget']['offered']['epoch'] <= 3"
run snas-export within.onnx --child missed/child-within-budget.safetensors --data "$data" --images 20
status 0
have within.onnx
run snas-show missed/child-within-budget.safetensors
status 0
# shellcheck disable=SC2086
search $miss --out missed --resume
status 1
stderr_has 'not within its budget'

# Killed and gone on with, the same files.
for moment in 0.8 1.4; do
    # shellcheck disable=SC2086
    run_for "$moment" KILL snas-search "$SRC/configs/search/smoke.yaml" $few --quiet --threads 1 $miss --out killed --resume
done
# shellcheck disable=SC2086
search $miss --out killed --resume
status 1
same_tree missed killed timing.csv log.txt

# No epoch's child was within it.
search --set budget.params=$((limit / 2)) --set budget.rate=0 --set budget.damping=0 --out never
status 1
stderr_has 'nor was that of any epoch'
no never/child-within-budget.safetensors

# One that is met leaves nothing behind.
search --seed $seed --set budget.params=$((limit * 9 / 10)) --out met
status 0
no met/child-within-budget.safetensors
