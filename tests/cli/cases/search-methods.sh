# snas-search: every method goes from data to a child that snas-eval scores as the report says, and
# a sweep sets random search beside SNAS.
# timeout: 300
# fixtures: fashion-small
# cores: 2
small="--set data.path=$FIXTURES/fashion-small --set search.images_per_epoch=320 --set search.batch=16 --set data.held_out=128 --set evaluation.epoch_images=64 --set evaluation.estimate_images=128 --set evaluation.hard_samples=2 --set derive.samples=4 --set derive.images=64 --set derive.rescored=2"
config=$SRC/configs/search/smoke.yaml

# The method in the report, the columns in metrics.csv, and the child's accuracy by another command.
goes()
{
    method=$1
    dir=$2
    # shellcheck disable=SC2086
    run snas-search "$config" $small --set search.epochs=2 --out "$dir" "${@:3}" --json
    status 0
    json "d['method'] == '$method' and d['epochs'] == 2"
    head -1 "$dir/metrics.csv" | grep -q '^epoch,temperature,' || fail "$dir: metrics.csv"
    [ "$(wc -l <"$dir/metrics.csv")" = 3 ] || fail "$dir: metrics.csv has not a row per epoch"
    have "$dir/genotype/epoch-002.json"
    have "$dir/alpha/epoch-002.csv"
    [ -f "$dir/child.safetensors" ] || return 0 # disconnected: the report said so
    accuracy=$(/usr/bin/python3 -c "import json; print(json.load(open('$dir/result.json'))['child']['test_accuracy'])")
    run snas-eval "$dir" --data "$FIXTURES/fashion-small" --json
    status 0
    json "abs(d['accuracy'] - $accuracy) < 1e-9"
}

goes random random --set search.method=random
json_file() { /usr/bin/python3 -c "import json,sys; d = json.load(open('$1')); sys.exit(not ($2))" || fail "$1: not $2"; }
json_file random/result.json 'd["child"]["connected"] and d["warnings"] == [] and d["entropy_share"] > 0.999'
# Its child is none of the epochs' samples: beside random genotypes stands the one that the report has.
run snas-eval random --random 2 --data "$FIXTURES/fashion-small" --json
status 0
accuracy=$(/usr/bin/python3 -c 'import json; print(json.load(open("random/result.json"))["child"]["validation_accuracy"])')
json "abs(d['child'] - $accuracy) < 1e-9"
run snas-export random.onnx --run random --images 8 --data "$FIXTURES/fashion-small"
status 0
goes dsnas dsnas --set search.method=dsnas --set penalty.strength=0.3
goes darts darts --set search.method=darts --set penalty.strength=0.3
json_file darts/result.json 'all(len(n) == 2 for n in d["child"]["genotype"]["normal"]["nodes"])'
goes snas top2 --set derive.rule=top2
json_file top2/result.json 'all(len(n) == 2 for n in d["child"]["genotype"]["normal"]["nodes"])'
goes snas best --set derive.rule=best

# Any other method can be asked for any other rule.
for pair in dsnas-top2 dsnas-best darts-argmax darts-best enas-argmax enas-top2 random-top2; do
    method=${pair%-*}
    rule=${pair#*-}
    # shellcheck disable=SC2086
    run snas-search "$config" $small --set search.epochs=1 --set search.images_per_epoch=64 --set enas.updates=1 \
        --set enas.samples=2 --set search.method="$method" --set derive.rule="$rule" --out "rule-$pair" --json
    status 0
    json "d['method'] == '$method'"
    [ "$rule" != top2 ] || json 'all(len(n) == 2 for n in d["child"]["genotype"]["normal"]["nodes"])'
done

# shellcheck disable=SC2086
run snas-sweep "$config" $small --set search.epochs=1 --method snas,random --penalty 0.5 --out sweep
status 0
stdout_like '^sweep/random-seed-1 +random '
stdout_like '^sweep/snas-penalty-0.5-seed-1 +snas '
run snas-search "$config" --set search.method=random --set penalty.strength=1 --dry-run
status 1
stderr_has 'has no gradient'
run snas-search "$config" --set search.method=darts --set budget.params=100k --dry-run
status 1
stderr_has "derive.rule top2 (darts' own) keeps two edges of every node"
run snas-search "$config" --set search.method=darts --set penalty.strength=1 --set penalty.estimator=policy --dry-run
status 1
stderr_has 'draws no samples'
