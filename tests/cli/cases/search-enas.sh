# snas-search by ENAS: the files of a run that was killed are those of an undisturbed one, whatever
# the threads; its child is exported and verified.
# timeout: 300
# fixtures: fashion-small
# cores: 2
search()
{
    run_for "$1" KILL snas-search "$SRC/configs/search/smoke.yaml" \
        --set data.path="$FIXTURES/fashion-small" --set search.method=enas \
        --set search.epochs=3 --set search.images_per_epoch=320 --set search.batch=16 \
        --set checkpoint.minutes=0.002 --set enas.updates=3 --set enas.samples=4 \
        --set enas.marginal_samples=50 --set derive.samples=8 --set derive.images=50 \
        --set evaluation.estimate_images=128 --set evaluation.epoch_images=100 "${@:2}"
}
clock_files=(timing.csv log.txt)

search 600 --out one --threads 1
status 0
search 600 --out two --threads 2
status 0
same_tree one two "${clock_files[@]}"

RANDOM=$$
kills=0
for _ in 1 2 3 4; do
    moment=$(printf '0.%03d' $((200 + RANDOM % 700)))
    search "$moment" --out killed --resume
    ran="$ran after $moment"
    case $got in
    0) ;;
    137) kills=$((kills + 1)) ;;
    *) fail "neither killed nor finished" ;;
    esac
done
[ "$kills" -gt 0 ] || fail "was never killed: the moments are too late"
search 600 --out killed --resume
status 0
same_tree one killed "${clock_files[@]}"

[ "$(/usr/bin/python3 -c 'import json; print(json.load(open("one/result.json"))["method"])')" = enas ] ||
    fail "result.json does not say enas"
run snas-export model.onnx --run one --json
status 0
json 'd["verified"]'
