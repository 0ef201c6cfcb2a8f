# snas-search: what is wrong is said in one place, and nothing is written.
# fixtures: fashion-small
data=$FIXTURES/fashion-small
smoke=$SRC/configs/search/smoke.yaml

run snas-search
status 2
stderr_like '^snas-search: .*CONFIG'

run snas-search nowhere.yaml
status 1
stderr_has nowhere.yaml

cat >bad.yaml <<'END'
name: bad
search: {epocs: 3, batch: many}
theta:
  momentum: 7
END
run snas-search bad.yaml
status 1
stderr_like 'bad\.yaml:2:[0-9]+: .*epocs.*epochs'
stderr_like 'bad\.yaml:2:[0-9]+: .*batch'
stderr_like 'bad\.yaml:4:[0-9]+: .*momentum'
stdout_is ''

run snas-search "$smoke" --set search.epochs=0 --set alhpa.clip=3
status 1
stderr_has 'search.epochs'
stderr_has 'alpha.clip'

run snas-search "$smoke" --set data.path=nothing-here
status 1
stderr_has nothing-here

run snas-search "$smoke" --set data.path="$data" --set memory_limit=1MiB
status 1
stderr_like '^snas-search: memory_limit allows .* MB, but data'
run snas-search "$smoke" --set data.path="$data" --memory-limit 30MB
status 1
stderr_like '^snas-search: memory_limit of 30.0 MB, .* in lean memory, .*: a batch of [0-9]+ would fit'
run snas-search "$smoke" --set data.path="$data" --memory fat
status 1
stderr_has 'memory'
stderr_has 'auto, normal, lean'

mkdir cut && cp "$data"/* cut && truncate -s 1000 cut/train-images-idx3-ubyte
run snas-search "$smoke" --set data.path=cut
status 1
stderr_has cut/train-images-idx3-ubyte

run snas-search "$smoke" --set data.path="$data" --set data.held_out=2999
status 1
stderr_has 'data.held_out'

mkdir full && touch full/mine
run snas-search "$smoke" --set data.path="$data" --out full
status 1
stderr_has 'not a run directory'
[ "$(ls full)" = mine ] || fail "full/ was touched"

# A loss that is not a number: the step, and the last good checkpoint stays.
run snas-search "$smoke" --set data.path="$data" --out nan --quiet --set theta.learning_rate=100 \
    --set theta.learning_rate_end=100 --set theta.clip=0 --set theta.weight_decay=1 \
    --set search.epochs=50 --set search.images_per_epoch=64 --set evaluation.epoch_images=32
status 1
stderr_like '^snas-search: step [0-9]+ \(epoch [0-9]+\): '
no nan/result.json
have nan/checkpoint.safetensors

run snas-search "$smoke" --keys=text
status 0
stdout_like '^ *alpha\.learning_rate'
[ ! -e runs ] || fail "runs/ was made"

run snas-eval nowhere
status 1
stderr_has nowhere
run snas-eval nan
status 1
stderr_has child.safetensors
run snas-eval full --random 3
status 1
stderr_has 'not a run directory'
run snas-eval nan --split some
status 2
