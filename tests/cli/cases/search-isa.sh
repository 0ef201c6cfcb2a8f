# The same short search by the reference and by every instruction set of this machine: they end
# their epoch at the same loss within rounding, which the steps let grow.
# timeout: 240
# fixtures: fashion-small
isas='ref generic'
for isa in avx2 avx512f; do
    ! grep -qwm1 "$isa" /proc/cpuinfo || isas="$isas ${isa%f}"
done
for isa in $isas; do
    run env SNAS_ISA="$isa" snas-search "$SRC/configs/search/smoke.yaml" \
        --set data.path="$FIXTURES/fashion-small" --set search.epochs=1 \
        --set search.images_per_epoch=64 --set data.held_out=100 --set evaluation.epoch_images=64 \
        --set evaluation.hard_samples=1 --set evaluation.estimate_images=64 --out "$isa"
    status 0
    case $isa in
    ref) share=100 ;;
    *) share=0 ;;
    esac
    grep -q "$isa kernels, $share% of the work by the reference" "$isa/log.txt" ||
        fail "$isa did not run the search"
done
# shellcheck disable=SC2086
/usr/bin/python3 - $isas <<'END' || fail "the losses differ"
import csv, sys
runs = {isa: next(csv.DictReader(open(f"{isa}/metrics.csv"))) for isa in sys.argv[1:]}
truth = float(runs["ref"]["train_loss"])
for isa, row in runs.items():
    error = abs(float(row["train_loss"]) / truth - 1)
    print(f"loss by {isa}: {row['train_loss']}, {error:.1e} from the reference", file=sys.stderr)
    if not error <= 1e-5:
        sys.exit(1)
END
run env SNAS_ISA=avx1024 snas-search "$SRC/configs/search/smoke.yaml" \
    --set data.path="$FIXTURES/fashion-small" --out unknown
status 1
stderr_has 'SNAS_ISA=avx1024: this processor has ref, generic'
