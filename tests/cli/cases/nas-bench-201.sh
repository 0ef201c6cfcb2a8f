# NAS-Bench-201's space through every command: search, show, export, evaluation, costs; the cell is
# printed in the benchmark's own notation, and read back from it.
# timeout: 240
# cores: 2
smoke=$SRC/configs/search/smoke.yaml
fast="--set space=nas-bench-201 --set search.images_per_epoch=1024 --set alpha.learning_rate=0.2"
run snas-search "$smoke" $fast --dry-run --plan
status 0
stdout_has ', 0% of it by the reference'
run snas-search "$smoke" $fast --set network.layers=4 --dry-run
status 1
stderr_has "layers: 4, but space 'nas-bench-201' has 3 stages"

run snas-search "$smoke" $fast
status 0
stderr_has ', 0% of the work by the reference'
cell=$(grep -E "^ +\|.*~0\|" "$out" | tr -d " ")
printf '%s\n' "$cell" | grep -qE '^\|[a-z0-9_]+~0\|\+\|[a-z0-9_]+~0\|[a-z0-9_]+~1\|\+\|[a-z0-9_]+~0\|[a-z0-9_]+~1\|[a-z0-9_]+~2\|$' ||
    fail "no cell in NAS-Bench-201's notation: '$cell'"
params=$(/usr/bin/python3 -c 'import json; print(json.load(open("runs/smoke/result.json"))["child"]["described"]["params"])')
run snas-show --json
status 0
json "d['child']['cell'] == '$cell'"
run snas-show --svg pictures --dot cells.dot
status 0
have pictures/normal.svg
have cells.dot

# The string is a genotype: the same network, affine batch norm in its cells aside.
printf '%s\n' "$cell" >cell.txt
run snas-show cell.txt --space nas-bench-201 --layers 3 --channels 4
status 0
stdout_has "$cell"
run snas-cost network --genotype cell.txt --space nas-bench-201 --layers 3 --channels 4 --input 1x28x28 --json
status 0
json "d['described']['params'] >= $params"

run snas-eval runs/smoke --json
status 0
json 'd["images"] == 10000'
run snas-export model.onnx --json
status 0
json 'd["verified"] and [r["name"].split()[0] for r in d["runtimes"]] == ["ONNX", "OpenCV"]'

# The paper's network of the largest cell (tests/unit/space/test_stages.c counts by hand).
printf '|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|' >largest.txt
run snas-cost network --genotype largest.txt --space nas-bench-201 --layers 15 --channels 16 --json
status 0
json "d['described']['params'] == 1531546 and d['described']['madds'] == 220119680"
