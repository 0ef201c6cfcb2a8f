# snas-credit: a space of 27 architectures scored, with the credits of SNAS and of learners; its files,
# a run that is there already, a stop in the middle, and what it refuses.
# timeout: 120
# fixtures: fashion-small
cat >small.yaml <<'END'
name: small
cells:
  cell: {inputs: 1, nodes: 2, output: concat, ops: [none, skip_connect, sep_conv_3x3]}
stack: {reduce_at: []}
stem: [{channels: 1, steps: [conv3x3s2, bn]}]
preprocess: {same: [relu, pw, bn], reduce: [relu, fr, bn]}
head: [gap, linear]
END
set="--set space=small.yaml --set data.path=$FIXTURES/fashion-small --set data.held_out=128 --set network.channels=4 --set search.epochs=2 --set search.images_per_epoch=320 --set evaluation.epoch_images=64 --set evaluation.hard_samples=2 --set evaluation.estimate_images=64"
config=$SRC/configs/search/credit.yaml
quick="--images 64 --steps 4 --repeats 3 --temperatures 1,0.1"

# shellcheck disable=SC2086
run snas-credit "$config" $set $quick --out out
status 0
stdout_has 'space small, 3 edges, 27 architectures, loss on 64 held-out images; 3 repeats.'
stdout_like '^\| n \| td0-table \| td0.9-table \| td0-linear \| td0.9-linear \| monte-carlo \| rudder \|$'
cmp "$work/.stdout" out/credit.md || fail "what is printed is not credit.md"
have out/search/result.json
[ "$(wc -l <out/architectures.csv)" = 28 ] || fail "architectures.csv has not a row per architecture"
[ "$(wc -l <out/ops.csv)" = 10 ] || fail "ops.csv has not a row per op of an edge"
head -1 out/ops.csv | grep -q '^kind,node,slot,op,true_change,slope_T1,' || fail "ops.csv: its head"
[ "$(wc -l <out/snas.csv)" = 19 ] || fail "snas.csv is not 2 temperatures x 3 scores x 3 lengths"

# What the table of losses itself says: the true change of an op is its mean loss less the edge's.
/usr/bin/python3 - <<'END' || fail "ops.csv: true_change is not what architectures.csv has"
import csv
rows = [(float(r["loss"]), r["ops"].split()) for r in csv.DictReader(open("out/architectures.csv"))]
assert len({tuple(ops) for _, ops in rows}) == 27
mean = lambda x: sum(x) / len(x)
edges = [(0, 0), (1, 0), (1, 1)]
for r in csv.DictReader(open("out/ops.csv")):
    e = edges.index((int(r["node"]), int(r["slot"])))
    true = mean([l for l, ops in rows if ops[e] == r["op"]]) - mean([l for l, _ in rows])
    assert abs(true - float(r["true_change"])) < 1e-6, r
END

# The same again, from the run: byte for byte, and every figure of JSON as it was.
run snas-credit out/search $quick --data "$FIXTURES/fashion-small" --out again --json --quiet
status 0
stderr_is ''
json "d['architectures'] == 27 and [v['open'] for v in d['monte_carlo_variance']] == [2, 1, 0]"
json "d['monte_carlo_variance'][2]['variance'] == 0 and d['monte_carlo_variance'][0]['variance'] > 0"
json "len(d['needed']) == 6 and set(d['learners']) == {'td0-table', 'td0.9-table', 'td0-linear', 'td0.9-linear', 'monte-carlo', 'rudder'}"
for f in architectures.csv ops.csv snas.csv learners.csv; do same out/$f again/$f; done

# Stopped, it leaves no half file, and the same command ends what it began.
# shellcheck disable=SC2086
run_for 1 INT snas-credit "$config" $set --images 128 --steps 4096 --repeats 200 --out stopped
status 130
no stopped/credit.md
# shellcheck disable=SC2086
run snas-credit "$config" $set $quick --out stopped --quiet
status 0
for f in architectures.csv ops.csv snas.csv learners.csv; do same out/$f stopped/$f; done

# shellcheck disable=SC2086
run snas-credit "$config" $set $quick --out out --limit 26 --quiet
status 1
stderr_has 'space small: '
run snas-credit out/search --set seed=2
status 2
stderr_has "--set belongs to a configuration: 'out/search' is a run"
run snas-credit "$config" --temperatures 1,hot
status 2
stderr_has "not '1,hot'"
run snas-credit nowhere.yaml
status 1
stderr_has nowhere.yaml
mkdir empty
run snas-credit empty
status 1
stderr_has empty
run snas-credit
status 2
