# snas-search: the best epoch's child is the child and goes on to a model; warnings come when they are
# due; a collapsed search ends early, with 0 and a child; warm-up and entropy schedule.
# timeout: 180
# fixtures: fashion-small
small="--set data.path=$FIXTURES/fashion-small --set search.images_per_epoch=128 --set data.held_out=128 --set evaluation.epoch_images=64 --set evaluation.estimate_images=64 --set evaluation.hard_samples=2"
config=$SRC/configs/search/smoke.yaml

# A penalty that takes every edge away comes late: the last child is disconnected. (At a higher rate
# some rows are one-hot before it comes, and a penalty has no slope there.)
# shellcheck disable=SC2086
run snas-search "$config" $small --set choose.every=1 --set penalty.strength=1000 --set penalty.estimator=analytic --set penalty.warmup_epochs=3 --set alpha.learning_rate=0.5 --set alpha.clip=0 --set search.epochs=5 --out late
status 0
stderr_like '^the child of epoch [1-4]: [0-9.]+% after re-estimation; the last is disconnected$'
epoch=$(/usr/bin/python3 - <<'END'
import json
d = json.load(open("late/result.json"))
c = d["chosen"]
assert 1 <= c["epoch"] <= 4 and c["last"] == {"epoch": 5, "connected": False}, c
assert d["child"]["connected"] and d["epochs"] == 5 and d["outcome"] == "complete", d
g, k = json.load(open(f"late/genotype/epoch-{c['epoch']:03d}.json")), d["child"]["genotype"]
assert all(g[kind] == k[kind] for kind in ("normal", "reduce")), "the child is not that of the epoch"
print(c["epoch"])
END
) || fail "late/result.json"
accuracy=$(/usr/bin/python3 -c 'import json; print(json.load(open("late/result.json"))["child"]["test_accuracy"])')
run snas-eval late --data "$FIXTURES/fashion-small" --json
status 0
json "abs(d['accuracy'] - $accuracy) < 1e-9"
run snas-export late.onnx --run late --images 8 --data "$FIXTURES/fashion-small"
status 0
have late.onnx

# Its row in the comparison names the epoch, and a column says why.
run snas-compare late --format json
status 0
json "d['runs'][0]['chosen_epoch'] == $epoch and 'the last is disconnected' in d['runs'][0]['chosen']"

# A preset is a strength: the run says which, and keeps the number alone.
# shellcheck disable=SC2086
run snas-search "$config" $small --set search.epochs=1 --preset aggressive --set preset.aggressive=0.25 --out preset
status 0
stderr_like '^penalty: aggressive, relative strength 0.25 '
grep -q 'strength: 0.25' preset/config.yaml || fail "the resolved configuration lacks the strength"
grep -q preset preset/config.yaml && fail "the resolved configuration has the preset"
run snas-search "$config" --preset strong --dry-run
status 1
stderr_has 'expects one of none, mild, moderate, aggressive'

# Alpha that does not move: both warnings, once, in the log and in the report.
# shellcheck disable=SC2086
run snas-search "$config" $small --set alpha.learning_rate=0 --out still
status 0
stderr_like '^warning: after epoch 2 of 4 the entropy is still 100% of uniform: .*raise alpha.learning_rate$'
stderr_like '^warning: after epoch 3 of 4 the first op of an edge leads by only 0\.00'
run cat still/result.json
json "len([w for w in d['warnings'] if w.startswith('after epoch ')]) == 2"

# Any skip or pool counts as a collapse here; the search stops after two epochs of it.
# shellcheck disable=SC2086
run snas-search "$config" $small --set guard.collapse_share=0.01 --set guard.collapse_epochs=2 --set guard.stop=true --set choose.every=1 --out collapsed
status 0
stderr_like '^warning: collapsed at epoch 2: [0-9]+% of the edges of the cells with stride 1 are skips and pools, at least 1% for 2 epochs$'
run cat collapsed/result.json
json "d['outcome'] == 'collapsed' and d['epochs'] == 2 and d['child']['connected'] and any(w.startswith('collapsed at epoch 2') for w in d['warnings'])"
run snas-compare collapsed
status 0
stdout_like '^collapsed +snas \(collapsed\) '
stdout_like '^  collapsed: the child of '
[ "$(wc -l <collapsed/metrics.csv)" = 3 ] || fail "metrics.csv has not a row per epoch"
run snas-export collapsed.onnx --run collapsed --images 8 --data "$FIXTURES/fashion-small"
status 0
run snas-search "$config" --set guard.collapse_share=2 --dry-run
status 1
stderr_has guard.collapse_share

# Warm-up: alpha as it began, the temperature too; then the schedule's weight, and less entropy with it.
column() { /usr/bin/python3 -c 'import csv, sys; print(*[r[sys.argv[2]] for r in csv.DictReader(open(sys.argv[1] + "/metrics.csv"))])' "$1" "$2"; }
# shellcheck disable=SC2086
run snas-search "$config" $small --set alpha.warmup_epochs=2 --set entropy.start=-1 --set entropy.end=1 --out warm
status 0
[ "$(cut -d, -f1-6 warm/alpha/epoch-001.csv)" = "$(cut -d, -f1-6 warm/alpha/epoch-002.csv)" ] || fail "alpha moved during its warm-up"
[ "$(cut -d, -f1-6 warm/alpha/epoch-002.csv)" != "$(cut -d, -f1-6 warm/alpha/epoch-003.csv)" ] || fail "alpha did not move after its warm-up"
[ "$(column warm temperature)" = "1 1 0.515 0.03" ] || fail "temperature: $(column warm temperature)"
[ "$(column warm entropy_weight)" = "-1 -1 -1 1" ] || fail "entropy_weight: $(column warm entropy_weight)"
run snas-search "$config" --set alpha.warmup_epochs=4 --dry-run
status 1
stderr_has 'leaves no epoch in which alpha moves'
run snas-search "$config" --set alpha.warmup_epochs=2 --set temperature.epochs=3 --dry-run
status 1
stderr_has 'alpha.warmup_epochs (2) and temperature.epochs (3) are more than search.epochs (4)'
