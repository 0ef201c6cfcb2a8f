# snas-export: what goes wrong is said, leaves no file, and keeps the model that stood there.
# timeout: 120
# fixtures: children
children=$FIXTURES/children
run snas-export
status 2
run snas-export model.onnx --run a --child b
status 2
run snas-export model.onnx
status 1
stderr_is <<'END'
snas-export: there is no 'runs/latest' here: give --run DIR or --child FILE
END
mkdir empty
run snas-export model.onnx --run empty
status 1
stderr_has "'empty' has no child.safetensors"
echo good >model.onnx
cp model.onnx before
# Disconnected: every path from the image to the classes is cut.
run snas-export model.onnx --child "$children/disconnected.safetensors"
status 1
stderr_has 'the child is disconnected'
head -c 5000 "$children/large.safetensors" >cut.safetensors
run snas-export model.onnx --child cut.safetensors
status 1
stderr_has cut.safetensors
run snas-export model.onnx --child "$children/large.safetensors" --data nowhere
status 1
stderr_has nowhere
run env SNAS_ORT_LIBRARY=/nowhere/libonnxruntime.so SNAS_RUNTIMES=ort \
    snas-export model.onnx --child "$children/large.safetensors" --json
status 0
stderr_has "'model.onnx' is UNVERIFIED"
stderr_has 'SNAS_ORT_LIBRARY'
json 'not d["verified"] and d["runtimes"] == []'
mv before model.onnx
run env SNAS_RUNTIMES=none snas-export unseen.onnx --child "$children/large.safetensors"
status 0
stdout_like '^  UNVERIFIED +no runtime is here'
stderr_has UNVERIFIED
run snas-export unseen.onnx --child "$children/large.safetensors" --no-verify
status 0
stderr_has 'UNVERIFIED: as --no-verify asks'
run snas-export nowhere/model.onnx --child "$children/large.safetensors"
status 1
stderr_has nowhere/model.onnx
[ "$(cat model.onnx)" = good ] || fail "the model that stood there is gone"
[ "$(ls | sort | tr '\n' ' ')" = 'cut.safetensors empty model.onnx unseen.onnx ' ] || fail "left behind: $(ls)"
