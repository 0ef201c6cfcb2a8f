# Measured latency of whole networks in a search: by a command, by the engine; killed and resumed,
# replayed; a tool that dies, hangs, or prints what is no time.
# fixtures: fashion-small
# timeout: 600
data=$FIXTURES/fashion-small
cp "$SRC/configs/search/smoke.yaml" .
few="--set network.channels=2 --set data.path=$data --set search.epochs=2 --set search.images_per_epoch=256 --set data.held_out=200 --set evaluation.hard_samples=0 --set evaluation.estimate_images=64 --set evaluation.epoch_images=100"
# shellcheck disable=SC2086
search() { run snas-search smoke.yaml $few --quiet --threads 1 --set measured.strength=2 "$@"; }
# The time is the model's size: the same for the same network.
cat >tool.sh <<'END'
#!/bin/sh
[ -s "$1" ] && grep -q normal "$2" || exit 9
stat -c %s "$1" | awk '{ printf "%.6f\n", $1 / 1e5 }'
END
chmod +x tool.sh
tool="--set measured.command=./tool.sh --set measured.share=0.4"

# shellcheck disable=SC2086
search $tool --out one
status 0
head -1 one/measured.csv >header
run cat header
stdout_is 'step,network,latency_ms,baseline_ms'
[ "$(wc -l <one/measured.csv)" -gt 3 ] || fail "hardly anything was measured"
head -1 one/metrics.csv | grep -q 'measured_networks,measured_baseline_ms,measured_reference_ms' || fail "no columns in metrics.csv"
grep -q "measured latency: relative strength 2, measured by './tool.sh'" one/log.txt || fail "log.txt does not say what measures"

# The same run from its log alone.
# shellcheck disable=SC2086
search $tool --set measured.replay=one/measured.csv --out replayed
status 0
same_tree one replayed timing.csv log.txt

# Killed at moments that fall anywhere, and gone on with: what its own log says.
kills=0
for moment in 0.6 0.9 1.3; do
    # shellcheck disable=SC2086
    run_for "$moment" KILL snas-search smoke.yaml $few --quiet --threads 1 --set measured.strength=2 $tool \
        --set checkpoint.minutes=0.002 --out killed --resume
    [ "$got" != 137 ] || kills=$((kills + 1))
done
[ "$kills" -gt 0 ] || fail "was never killed: the moments are too late"
# shellcheck disable=SC2086
search $tool --out killed --resume
status 0
# shellcheck disable=SC2086
search $tool --set measured.replay=killed/measured.csv --out killed-replayed
status 0
same_tree killed killed-replayed timing.csv log.txt

# A log of another run.
sed '2s/,[0-9]\([^,]*\),/,7\1,/; 2s/,77/,70/' one/measured.csv >other.csv
# shellcheck disable=SC2086
search $tool --seed 2 --set measured.replay=one/measured.csv --out other
status 1
stderr_like 'one/measured.csv:2: the log has another network before this step'

# Tools that fail: one line, the state is saved, and a better tool goes on.
fails() # WORDS SCRIPT [KEY=VALUE]
{
    rm -rf broken
    printf '#!/bin/sh\n%s\n' "$2" >broken.sh
    chmod +x broken.sh
    search --set measured.command=./broken.sh --set measured.share=1 ${3:+--set "$3"} --out broken
    status 1
    stderr_like "measuring before step [0-9]+: measured.command './broken.sh' $1"
    # a shell adds that it was killed
    [ "$(grep -c snas-search "$work/.stderr")" = 1 ] || fail "more than one line"
    have broken/checkpoint.safetensors
    no broken/result.json
}
fails 'failed: exit status 3' 'exit 3'
fails 'was killed by signal 9' 'kill -9 $$'
fails "printed 'nan': milliseconds are finite and above 0" 'echo nan'
fails "printed '-2': milliseconds are finite and above 0" 'echo -2'
fails "printed 'about a second': one number is expected" 'echo about a second'
fails 'printed nothing' ':'
fails 'prints more than one number' 'yes 1.0'
fails 'has not ended within 0.3 s and was killed' 'sleep 60' measured.timeout=0.3
fails 'has not ended within 0.3 s and was killed' 'echo 1; exec >/dev/null; sleep 60' measured.timeout=0.3
# dies later, and is mended
fails 'failed: exit status 1' 'echo x >>calls; [ "$(wc -l <calls)" -lt 5 ] && echo 0.5'
grep -q 'saved after step [1-9]' broken/log.txt || fail "log.txt does not say what was saved"
before=$(wc -l <broken/measured.csv)
search --set measured.command=./broken.sh --set measured.share=1 --out broken --resume
status 1
printf '#!/bin/sh\necho 0.25\n' >broken.sh
search --set measured.command=./broken.sh --set measured.share=1 --out broken --resume
status 0
[ "$(wc -l <broken/measured.csv)" -gt "$before" ] || fail "nothing was measured after the tool was mended"
search --set measured.command=./missing.sh --out none
status 1
stderr_has "measured.command './missing.sh' cannot be run"

# Interrupted in the middle of a measurement: saved, the tool is gone.
rm -rf slow
printf '#!/bin/sh\nsleep 60\n' >slow.sh
chmod +x slow.sh
# shellcheck disable=SC2086
run_for 1.5 INT snas-search smoke.yaml $few --quiet --threads 1 --set measured.strength=2 --set measured.command=./slow.sh --out slow
status 130
stderr_has 'interrupted: saved after step'

# By the engine, as a runtime that is always here.
search --set measured.runtime=engine --set measured.runs=3 --out engine
status 0
grep -q 'measured latency: relative strength 2, the engine' engine/log.txt || fail "not by the engine"
search --set search.method=random --out none2
status 1
stderr_has 'measured.strength is 2, but search.method random'
