# snas-search by the methods that are neither SNAS nor ENAS: the files of a run that was killed are
# those of an undisturbed one, also where alpha has a stream of its own (darts) and where the child
# is drawn and scored at the end (random).
# timeout: 300
# fixtures: fashion-small
# cores: 2
clock_files=(timing.csv log.txt)
for method in random dsnas darts; do
    set=(--set data.path="$FIXTURES/fashion-small" --set search.method="$method"
        --set darts.order=second --set search.epochs=3 --set search.images_per_epoch=96
        --set search.batch=16 --set data.held_out=128 --set checkpoint.minutes=0.001
        --set evaluation.hard_samples=2
        --set evaluation.estimate_images=128 --set evaluation.epoch_images=100
        --set evaluation.bias_samples=2 --set evaluation.bias_images=64
        --set derive.samples=8 --set derive.images=50)
    search=(snas-search "$SRC/configs/search/smoke.yaml" "${set[@]}")
    run_for 600 KILL "${search[@]}" --out "$method"
    status 0
    kill_rounds 3 "$took" "${search[@]}" --out "$method-killed" --resume
    same_tree "$method" "$method-killed" "${clock_files[@]}"
done
