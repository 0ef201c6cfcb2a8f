# snas-export: a child becomes a model that was run and found right, the same bytes every time.
# timeout: 120
# fixtures: children
child=$FIXTURES/children/large.safetensors
run snas-export model.onnx --child "$child"
status 0
stderr_lacks .
stdout_like '^model.onnx: [0-9]+ bytes, [0-9]+ nodes, from '
stdout_like 'parameters +[0-9]+ -> [0-9]+ \([0-9.]+% pruned\)'
stdout_has 'of convolutions and the linear layer, one image; before -> after exact pruning'
stdout_like 'verified +ONNX Runtime [0-9.]+ answers as the engine does on 64 random images'
stdout_like 'verified +OpenCV DNN [0-9.]+ answers as the engine does'
stdout_lacks UNVERIFIED
same model.onnx "$FIXTURES/children/large.onnx"
run snas-export again.onnx --child "$child" --threads 2 --json
status 0
json 'd["verified"] and d["nodes"] > 0 and d["after_pruning"]["params"] < d["before_pruning"]["params"]'
json '[r["name"].split()[0] for r in d["runtimes"]] == ["ONNX", "OpenCV"]'
json 'all(r["largest_difference"] < 1e-4 for r in d["runtimes"])'
same model.onnx again.onnx
run snas-export normalised.onnx --child "$child" --normalise --keep-bn --json
status 0
json 'd["normalised_inside"] and d["verified"]'
# A run directory is where the child lies; without one the latest is taken.
mkdir -p runs/mine
cp "$child" runs/mine/child.safetensors
ln -s mine runs/latest
run snas-export latest.onnx
status 0
stdout_has 'from runs/latest/child.safetensors'
run snas-export mine.onnx --run runs/mine
status 0
same latest.onnx model.onnx
same mine.onnx model.onnx
