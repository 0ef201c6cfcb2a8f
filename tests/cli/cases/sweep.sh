# snas-sweep: a small sweep on real images, killed and gone on with, and its comparison.
# timeout: 300
# cores: 2
# fixtures: fashion-small
common="--set data.path=$FIXTURES/fashion-small --set search.epochs=2 --set search.images_per_epoch=256 --set data.held_out=128 --set evaluation.epoch_images=64 --set evaluation.estimate_images=128 --set evaluation.hard_samples=2"
plan="$SRC/configs/search/smoke.yaml --penalty 0,0.5 --seeds 1,2 --out sweep $common"

# shellcheck disable=SC2086
run snas-sweep $plan --dry-run
status 0
stdout_is 'sweep/snas-penalty-0-seed-1
sweep/snas-penalty-0-seed-2
sweep/snas-penalty-0.5-seed-1
sweep/snas-penalty-0.5-seed-2
sweep/random-seed-1
sweep/random-seed-2'
no sweep
# shellcheck disable=SC2086
run snas-sweep $plan --method snas --seeds 3 --dry-run
status 0
stdout_is 'sweep/snas-penalty-0-seed-3
sweep/snas-penalty-0.5-seed-3'
# A cost that random search cannot take is not asked of it.
# shellcheck disable=SC2086
run snas-sweep $plan --penalty 0 --seeds 1 --set measured.strength=0.1 --dry-run
status 0
stdout_is 'sweep/snas-penalty-0-seed-1
sweep/random-seed-1'

# Presets have names of their own, also where the configuration has one already; random takes none.
# shellcheck disable=SC2086
run snas-sweep $plan --penalty mild,aggressive,2 --seeds 1 --set penalty.preset=moderate --set preset.mild=0.1 --set preset.aggressive=1 --dry-run
status 0
stdout_is 'sweep/snas-penalty-mild-seed-1
sweep/snas-penalty-aggressive-seed-1
sweep/snas-penalty-2-seed-1
sweep/random-seed-1'
# shellcheck disable=SC2086
run snas-sweep ${plan/smoke/cifar10} --penalty mild,0.1 --dry-run
status 1
stderr_has 'cifar10.yaml: there is no preset.mild'

# Stopped in the middle: nothing goes on behind it, and the same command ends what it began.
# shellcheck disable=SC2086
snas-sweep $plan --quiet >/dev/null 2>stop.txt &
pid=$!
for _ in $(seq 200); do
    [ -f sweep/snas-penalty-0-seed-1/config.yaml ] && break
    sleep 0.05
done
kill -TERM $pid
wait $pid && fail "a stopped sweep ended with 0"
grep -q 'to go on: the same command' stop.txt || fail "a stopped sweep does not say how to go on"
pgrep -f "out sweep/snas-penalty.*data.path=$FIXTURES" >/dev/null && fail "a search goes on behind a stopped sweep"
# shellcheck disable=SC2086
run snas-sweep $plan --jobs 2
status 0
stderr_has 'sweep/snas-penalty-0.5-seed-2 is done'
stdout_like '^sweep/snas-penalty-0.5-seed-1 +snas +0.5 +1 +2 '
stdout_like '^sweep/random-seed-2 +random +0 +2 +2 '
stdout_like '^smoke, random +2 '
stdout_has 'seed by seed'
have sweep/comparison.csv
have sweep/comparison.md
[ "$(wc -l <sweep/comparison.csv)" = 7 ] || fail "comparison.csv has not a row per run"
before=$(stat -c %Y-%i sweep/*/result.json)
# shellcheck disable=SC2086
run snas-sweep $plan --quiet
status 0
[ "$(stat -c %Y-%i sweep/*/result.json)" = "$before" ] || fail "a finished run was run again"

# One that cannot be: the others still run, and the log says why.
mkdir -p bad/snas-penalty-0-seed-1
echo 'name: other' >bad/snas-penalty-0-seed-1/config.yaml
# shellcheck disable=SC2086
run snas-sweep ${plan/--out sweep/--out bad} --penalty 0 --seeds 1,3 --method snas
status 1
stderr_has 'bad/snas-penalty-0-seed-1 failed: see bad/snas-penalty-0-seed-1.log'
grep -q 'snas-search: ' bad/snas-penalty-0-seed-1.log || fail "the log does not say why"
have bad/snas-penalty-0-seed-3/result.json

run snas-sweep smoke.yml --seeds 1
status 1
# shellcheck disable=SC2086
run snas-sweep $plan --seeds 1,x
status 1
stderr_has "--seeds: 'x' is no seed"
# shellcheck disable=SC2086
run snas-sweep $plan --penalty soft
status 1
stderr_has "--penalty: 'soft' is no penalty strength, nor mild, moderate or aggressive"
# shellcheck disable=SC2086
run snas-sweep $plan --penalty 1,1
status 1
stderr_has "--penalty: '1' comes twice"
# shellcheck disable=SC2086
run snas-sweep $plan --method enas,darts --penalty 0,0.3 --seeds 1 --dry-run
status 0
stdout_is 'sweep/enas-seed-1
sweep/darts-penalty-0-seed-1
sweep/darts-penalty-0.3-seed-1'
# Orders of DARTS are methods of their own; each run has its order's configuration.
# shellcheck disable=SC2086
run snas-sweep $plan --method darts-second,darts-single --penalty 0 --seeds 1 --dry-run
status 0
stdout_is 'sweep/darts-second-penalty-0-seed-1
sweep/darts-single-penalty-0-seed-1'
# shellcheck disable=SC2086
run snas-sweep ${plan/--out sweep/--out orders} --set search.epochs=1 --set search.images_per_epoch=64 --set darts.order=second --method darts,darts-first,darts-single --penalty 0 --seeds 1 --quiet
status 0
stdout_like '^orders/darts-penalty-0-seed-1 +darts-second '
stdout_like '^orders/darts-first-penalty-0-seed-1 +darts '
stdout_like '^orders/darts-single-penalty-0-seed-1 +darts-single '
stdout_like '^smoke, darts-single +1 '
grep -q '^  order: single$' orders/darts-single-penalty-0-seed-1/config.yaml || fail "darts-single is not of that order"
grep -q ',darts-second,' orders/comparison.csv || fail "the CSV does not say the order"
# shellcheck disable=SC2086
run snas-sweep $plan --method darts-third
status 1
stderr_has 'darts.order'
# shellcheck disable=SC2086
run snas-sweep $plan --method snas,drats
status 1
stderr_has search.method
