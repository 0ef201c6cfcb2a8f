# snas-compare --latency: measured, kept in the run directory, found again; unequal ways are said so.
# fixtures: fashion-small
# timeout: 120
set_all="--set search.epochs=1 --set search.images_per_epoch=256 --set evaluation.hard_samples=0"
cp "$SRC/configs/search/smoke.yaml" .
for n in 1 2; do
    run snas-search smoke.yaml --quiet --seed $n --out r$n --threads 1 $set_all --set data.path=$FIXTURES/fashion-small \
        --set data.held_out=500 --set network.channels=2 --set evaluation.estimate_images=64
    status 0
done

# Nothing is measured unasked.
run snas-compare r1 r2 --format json
status 0
json 'all(r["latency_ms"] is None and r["bytes"] is None and "latency" not in r for r in d["runs"])'
no r1/latency.json

export SNAS_RUNTIMES=none # the engine, which is everywhere
few="--rounds 2 --runs 3"
run snas-compare r1 r2 --latency $few --format json
status 0
json 'all(0 < r["latency_min_ms"] <= r["latency_ms"] <= r["latency_p90_ms"] for r in d["runs"])'
json 'all(r["latency"]["runtime"].startswith("the engine") and r["latency"]["threads"] == 1 for r in d["runs"])'
json 'all(r["latency"]["rounds"] == 2 and r["latency"]["runs"] == 3 for r in d["runs"]) and d["latency_protocols"] == 1'
run snas-export --run r1 model.onnx --no-verify
run snas-compare r1 --format json
json "d['runs'][0]['bytes'] == $(stat -c %s model.onnx)"

# A second call measures nothing: the files stay as they are.
cp r1/latency.json first.json
run snas-compare r1 r2 --latency $few
status 0
same r1/latency.json first.json
stdout_has 'the engine'
stdout_has '2 rounds of 3 runs: 2 runs'

# Another way, and the same once more for both.
run snas-compare r1 --latency --rounds 1 --runs 4
status 0
run snas-compare r1 r2
status 0
stdout_has 'measured in 2 ways'
stdout_has '1 rounds of 4 runs: 1 run'
run snas-compare r1 r2 --latency $few --format markdown
status 0
stdout_lacks 'ways'

# Latency of a child that has changed since is not that of the run.
cp r2/child.safetensors r1/child.safetensors
run snas-compare r1 --format csv
status 0
stdout_like ',,,,,"","",,"complete",'
printf '{"format": "snas-latency 1", "child": 3}' >r1/latency.json
run snas-compare r1
status 1
stderr_has "'r1/latency.json' is no record of a latency; remove it to measure anew"
run snas-compare r1 --latency $few
status 0
run snas-compare r1 --latency --runtime ort
status 1
stderr_has '--runtime ort'
stderr_has 'left out by SNAS_RUNTIMES'
