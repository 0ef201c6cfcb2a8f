# snas-cost show, measure, check, models, import: the costs of a search's candidate ops.
# timeout: 120
printf 'name: mine\nspace: tiny\nnetwork: {channels: 4, layers: 3}\n' >mine.yaml
run snas-cost show mine.yaml --input 3x16x16
status 0
stdout_has 'mine.yaml: space tiny, 3 cells, C = 4, input 3x16x16; 15 edges with 60 candidate ops'
stdout_like '^normal cell 0, 5 edges of stride 1: C = 4, 16 x 16 behind them'
stdout_like '^  sep_conv_3x3 +104 +26624 +26624 +32768 +8296 '
stdout_lacks 'latency'
# The authors' numbers: C = 16, 8 cells, 32 pixels.
printf 'name: paper\nnetwork: {channels: 16, layers: 8}\n' >paper.yaml
run snas-cost show paper.yaml --input 3x32x32
status 0
stdout_like '^  sep_conv_3x3 +800 +819200 +819200 +917504 +131872 .* 10\.697$'
stdout_has '846.718610 over the normal and 287.459651 over'
stdout_has '141.119768 + 143.729826'
run snas-cost show paper.yaml --input 3x32x32 --json
json 'len(d) == 8 * 14 * 8 and d[4]["op"] == "sep_conv_3x3" and d[4]["params"] == 800'
json 'abs(d[4]["log"] - 10.697) < 1e-3 and abs(d[3]["log"] - 3.466) < 1e-3'
run snas-cost show paper.yaml --input 3x32x32 --csv -o table.csv
status 0
[ "$(wc -l <table.csv)" = 897 ] || fail 'table.csv has not a line per entry and one more'
grep -q '^7,normal,3,4,dil_conv_5x5,64,8,8,1,5696,' table.csv || fail 'no last entry in table.csv'

# Without a runtime, the engine.
export SNAS_RUNTIMES=none
run snas-cost measure mine.yaml --input 3x16x16 -o engine.yaml --rounds 3 --runs 5
status 0
stdout_has 'engine.yaml: latency of 60 candidate ops, from 20 micro-networks, 15 runs each'
stdout_has 'the engine'
no engine.yaml.slices
run snas-cost show mine.yaml --input 3x16x16 --table engine.yaml --yaml
status 0
stdout_is "$(<engine.yaml)"
run snas-cost check mine.yaml --input 3x16x16 --table engine.yaml --rounds 2 --runs 5 --children 5 --json
status 0
json 'len(d["networks"]) == 5 and all(n["measured_ms"] > 0 for n in d["networks"])'
json '"engine" in d["runtime"] and -1 <= d["spearman"] <= 1'
run snas-cost measure mine.yaml --input 3x16x16 -o engine.yaml --runtime ort
status 1
stderr_has 'left out by SNAS_RUNTIMES'
unset SNAS_RUNTIMES

# ONNX Runtime; killed in the middle, the same command goes on.
run_for 4 TERM snas-cost measure mine.yaml --input 3x16x16 -o table.yaml --rounds 10000
status 143
stderr_has 'the same command goes on from there'
have table.yaml.slices
no table.yaml
before=$(wc -l <table.yaml.slices)
run snas-cost measure mine.yaml --input 3x16x16 -o table.yaml --rounds 9999
status 1
stderr_has 'table.yaml.slices:1: this is the rest of another measurement'
rm table.yaml.slices
run_for 0.3 INT snas-cost measure mine.yaml --input 3x16x16 -o table.yaml --rounds 40 --runs 40
[ "$got" = 130 ] || [ "$got" = 0 ] || fail "expected 130, or 0 on a very fast machine"
run snas-cost measure mine.yaml --input 3x16x16 -o table.yaml --rounds 40 --runs 40
status 0
stdout_like 'ONNX Runtime [0-9.]+ on .*, 1 thread, one image at a time'
no table.yaml.slices
[ "$before" -gt 1 ] || fail 'the kill lost all slices'
run snas-cost check mine.yaml --input 3x16x16 --table table.yaml --rounds 5 --children 8 -o checked.yaml
status 0
stdout_like 'latency = .* ms \+ .* x sum of rows'
stdout_like 'rank correlation \(Spearman\) [0-9.]+'
run snas-cost show mine.yaml --input 3x16x16 --table checked.yaml
status 0
stdout_like 'a whole network: .* x sum of rows; on 8 networks'

# Elsewhere.
run snas-cost models mine.yaml models --input 3x16x16
status 0
stdout_has 'models: 20 models for 60 candidate ops; models/RECIPE.txt'
[ "$(ls models/*.onnx | wc -l)" = 20 ] || fail 'models/ does not hold 20 models'
sed -n '/^  import glob/,/^$/s/^  //p' models/RECIPE.txt >recipe.py
(cd models && ran=recipe.py && PYTHONPATH=$SRC/tests/cli/stand-in /usr/bin/python3 ../recipe.py) ||
    fail "the recipe's program does not run"
run snas-cost import mine.yaml models/results.csv --input 3x16x16 -o phone.yaml \
    --device 'a phone' --runtime 'a runtime'
status 0
stdout_has 'phone.yaml: latency of 60 candidate ops from 20 models of models/results.csv'
grep -q '^measured: {runtime: "a runtime", device: "a phone", threads: 1' phone.yaml ||
    fail 'phone.yaml does not say where it is from'
