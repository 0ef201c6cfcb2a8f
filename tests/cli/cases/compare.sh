# snas-compare: two groups of runs, written by hand; every format, bounds, and wrong input.
make_run() # DIR SEED STRENGTH TEST PARAMS
{
    mkdir -p "$1/genotype" "$1/alpha"
    printf 'kind,node,slot,op,alpha,probability,credit,cost_share\nnormal,0,0,none,1,1,0,1\n' >"$1/alpha/epoch-001.csv"
    printf 'name: tried\nspace: tiny\nseed: %s\npenalty: {strength: %s}\n' "$2" "$3" >"$1/config.yaml"
    printf 'epoch,child_accuracy\n1,0.5\n' >"$1/metrics.csv"
    local g='{"normal": {"nodes": [[["skip_connect", 0]], [["sep_conv_3x3", 1]]], "concat": [0, 1]}, "reduce": {"nodes": [[["skip_connect", 0]], []], "concat": [0, 1]}}'
    printf '%s' "$g" >"$1/genotype/epoch-001.json"
    printf '{"method": "snas", "dataset": "d", "epochs": 1, "best_epoch": 1, "entropy_share": 0.1, "child": {"connected": true, "genotype": %s, "validation_accuracy": %s, "test_accuracy": %s, "pruned": {"params": %s, "madds": 2000000}}}' \
        "$g" "$4" "$4" "$5" >"$1/result.json"
}
make_run a1 1 0 0.90 1000
make_run a2 2 0 0.80 1100
make_run b1 1 0.5 0.89 600
make_run b2 2 0.5 0.77 660

run snas-compare a1 b2 a2 b1 --format json
status 0
json '[r["run"] for r in d["runs"]] == ["a1", "a2", "b1", "b2"]'
json '[g["label"] for g in d["groups"]] == ["tried, snas", "tried, snas, penalty 0.5"]'
json 'abs(d["groups"][0]["mean"]["test_accuracy"]["mean"] - 0.85) < 1e-9'
json 'abs(d["groups"][0]["mean"]["test_accuracy"]["sd"] - 0.0707106781) < 1e-9'
json 'abs(d["groups"][1]["difference"]["test_accuracy"]["mean"] + 0.02) < 1e-9'
json 'abs(d["groups"][1]["difference"]["test_accuracy"]["sd"] - 0.0141421356) < 1e-9'
json 'd["groups"][1]["difference"]["params"] == {"n": 2, "mean": -420, "sd": d["groups"][1]["difference"]["params"]["sd"]}'
json 'd["runs"][0]["skips"] == 2 and d["runs"][0]["dead_nodes"] == 1 and d["runs"][0]["latency_ms"] is None'
run snas-compare a1 a2 b1 b2
status 0
stdout_like '^a2 +snas +0 +2 +1 +1 +80.00% +80.00% '
stdout_like '^tried, snas +2 .*85.00 \+- 7.07%'
stdout_has 'Against "tried, snas", seed by seed:'
stdout_like '^tried, snas, penalty 0.5 +2 .*-2.00 \+- 1.41%'

# One run by three names is one run.
ln -s b1 again
run snas-compare a1 a2 b1 b2 ./b1/ again a1 --format json
status 0
json '[r["run"] for r in d["runs"]] == ["a1", "a2", "b1", "b2"]'
json 'd["groups"][1]["difference"]["params"]["n"] == 2'
stderr_is "warning: './b1/' is the run 'b1' again: it counts once
warning: 'again' is the run 'b1' again: it counts once
warning: 'a1' is the run 'a1' again: it counts once"
run snas-compare a1 nowhere nowhere
status 1
stderr_lacks again

run snas-compare a1 b1 --format csv
status 0
/usr/bin/python3 -c '
import csv, sys
rows = list(csv.DictReader(open(sys.argv[1])))
assert [r["test_accuracy"] for r in rows] == ["0.9", "0.89"] and rows[1]["params"] == "600", rows' "$out" ||
    fail "the CSV is not what was put in"
run snas-compare a1 b1 --format markdown
status 0
stdout_like '^\| run \| method \| penalty \|'
stdout_like '^\|---\|---:\|'

# Whose child and why: a run that says so beside one of before there was a choice, which stays blank.
cp -r b2 c3
printf 'name: tried\nspace: tiny\nseed: 3\nchoose: {every: 1}\n' >c3/config.yaml
/usr/bin/python3 - <<'END' || fail "cannot edit c3/result.json"
import json
d = json.load(open("c3/result.json"))
d["chosen"] = {"epoch": 4, "reason": 'the child of epoch 4, says "a, b"'}
d["outcome"], d["cells"], d["margin"], d["sampled_accuracy"] = "collapsed", {"normal": 1, "reduce": 0}, 0.25, 0.7
d["child"]["validation_accuracy_before_estimate"] = 0.6
json.dump(d, open("c3/result.json", "w"))
END
run snas-compare a1 c3
status 0
stdout_like '^run +method +penalty +seed +epoch +chosen +best +sampled +child +BN re-est. +test +entropy +margin +edges +depth +skips +dead +params +madds$'
stdout_like '^a1 +snas +0 +1 +1 +- +1 +- +- +90.00% +90.00% +10.00% +- +3 +- +2 +1 +1000 +2000000$'
stdout_like '^c3 +snas \(collapsed\) +0 +3 +1 +4 +1 +70.00% +60.00% +77.00% +77.00% +10.00% +0.25 +2 +1 +1 +0 +660 +2000000$'
stdout_like '^  c3: the child of epoch 4, says "a, b"$'
stdout_lacks '^  a1:'
run snas-compare a1 c3 --format markdown
status 0
stdout_like '^- c3: the child of epoch 4'
run snas-compare a1 c3 --format json
status 0
json '[(r["chosen_epoch"], r["chosen"], r["outcome"]) for r in d["runs"]] == [(None, None, None), (4, "the child of epoch 4, says \"a, b\"", "collapsed")]'
run snas-compare a1 c3 --format csv
status 0
/usr/bin/python3 -c '
import csv, sys
a, c = csv.DictReader(open(sys.argv[1]))
assert (a["chosen_epoch"], a["chosen"], a["outcome"]) == ("", "", ""), a
assert (c["chosen_epoch"], c["chosen"], c["outcome"]) == ("4", "the child of epoch 4, says \"a, b\"", "collapsed"), c' "$out" ||
    fail "the CSV does not say whose child it is"

printf 'max: {params: 1k, madds: 2M}\nmin: {test_accuracy: 0.9}\n' >bounds.yaml
run snas-compare a1 --check bounds.yaml
status 0
run snas-compare a1 a2 b1 --check bounds.yaml
status 1
stderr_has 'a2: params is 1100, more than 1000'
stderr_has 'b1: test_accuracy is 0.89, less than 0.9'
printf 'max: {latency_ms: 2}\n' >bounds.yaml
run snas-compare a1 --check bounds.yaml
status 1
stderr_has 'a1: latency_ms is not known'
printf 'max: {parms: 1k}\n' >bounds.yaml
run snas-compare a1 --check bounds.yaml
status 1
stderr_has "bounds.yaml:1:"
stderr_has "max.params"

rm b1/result.json
run snas-compare a1 b1
status 0
stdout_like '^b1 +unfinished'
echo nonsense >>a1/metrics.csv
run snas-compare a1 b1 nowhere
status 1
stderr_has 'a1/metrics.csv:3:'
stderr_has "'nowhere' holds no config.yaml"
run snas-compare b1 --format yaml
status 2
