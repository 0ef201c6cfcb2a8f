# The whole way at smoke scale, on the real images: search, child, evaluation; and that the search
# decided: its child stands above random genotypes with the same shared weights.
# timeout: 240
# cores: 2
smoke=$SRC/configs/search/smoke.yaml
run snas-search "$smoke" --dry-run --json
status 0
json 'd["bytes"] > 1e6 and d["minutes"] > 0 and len(d["units"]) == 5 and d["steps"] > 0'
no runs
run snas-search "$smoke" --json
status 0
json 'd["child"]["connected"] and d["warnings"] == []'
json 'd["entropy_share"] <= 0.5'
json 'd["child"]["pruned"]["params"] <= d["child"]["described"]["params"]'
stderr_like '^epoch 1/[0-9]+: loss '
have runs/smoke/child.safetensors
[ "$(readlink runs/latest)" = smoke ] || fail "runs/latest does not point to smoke"
accuracy=$(/usr/bin/python3 -c 'import json; print(json.load(open("runs/smoke/result.json"))["child"]["test_accuracy"])')

run snas-search "$smoke"
status 1
stderr_has 'a finished run'

run snas-eval runs/smoke --json
status 0
json "abs(d['accuracy'] - $accuracy) < 1e-9 and d['images'] == 10000"
json 'sum(map(sum, d["confusion"])) == 10000 and d["classes"][9]["name"] == "Ankle boot"'
run snas-eval runs/smoke
status 0
stdout_like 'runs/smoke by the engine on the test images of fashion-mnist: [0-9.]+% of 10000 images'

run snas-eval runs/smoke --random 20 --json
status 0
json 'd["child"] >= d["mean"] + 0.03 and d["beaten"] >= 19 and len(d["random"]) == 20'
run snas-eval runs/smoke --genotype runs/smoke/genotype/epoch-001.json --json
status 0
json '0 <= d["accuracy"] <= 1'

run snas-export model.onnx --images 0 --json
status 0
json 'd["verified"] and [r["name"].split()[0] for r in d["runtimes"]] == ["ONNX", "OpenCV"]'
json 'd["images"] == 10000'
run snas-eval model.onnx --json
status 0
json "abs(d['accuracy'] - $accuracy) < 0.0005"
run snas-show
status 0
stdout_has 'runs/latest: snas on fashion-mnist'
