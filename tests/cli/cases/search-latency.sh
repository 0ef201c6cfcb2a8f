# A table of latencies in a search: as a penalty, as a budget; bad tables; a resumed run.
# fixtures: fashion-small
# timeout: 180
data=$FIXTURES/fashion-small
cp "$SRC/configs/search/smoke.yaml" .
small="--set network.channels=2 --set data.path=$data"
few="$small --set search.epochs=2 --set search.images_per_epoch=512 --set data.held_out=200 --set evaluation.hard_samples=0 --set evaluation.estimate_images=64"
# shellcheck disable=SC2086
run snas-cost show smoke.yaml $small --yaml -o bare.yaml
status 0
# As if measured: 5 us and a nanosecond for each multiply-add; `none` takes no time.
/usr/bin/python3 - <<'END' || fail "cannot make a table"
import re
def ms(line):
    madds, mac = (float(re.search(rf"\b{k}: ([0-9.e+]+)", line).group(1)) for k in ("madds", "mac"))
    return 0.005 + 1e-6 * madds if mac else 0
with open("table.yaml", "w") as out:
    for line in open("bare.yaml"):
        if line == "rows:\n":
            out.write("fit: {networks: 20, a_ms: 0.1, b: 1.2, mean_error: 0.02, worst_error: 0.1, spearman: 0.99}\n")
        out.write(line if not line.startswith("  - ") else line.replace("}\n", f", latency_ms: {ms(line):.9g}}}\n"))
END

# shellcheck disable=SC2086
search() { run snas-search smoke.yaml $few --quiet --threads 1 "$@"; }
search --out none --set penalty.latency=1
status 1
stderr_has 'penalty.latency needs costs.table'
search --out none --set budget.latency_ms=1
status 1
stderr_has 'budget.latency_ms needs costs.table'
search --out none --set costs.table=missing.yaml --set budget.latency_ms=1
status 1
stderr_has 'missing.yaml'
search --out none --set costs.table=bare.yaml --set budget.latency_ms=1
status 1
stderr_has 'budget.latency_ms needs a table of measured latencies'
search --out none --set costs.table=table.yaml --set budget.latency_ms=0.1
status 1
stderr_like 'budget.latency_ms 0.1000 cannot be met: the cheapest connected child .* has 0\.1'
sed 20d table.yaml >short.yaml
search --out none --set costs.table=short.yaml --set penalty.latency=1
status 1
stderr_like 'short.yaml:[0-9:]+ 1 of [0-9]+ rows are missing: cell 0'
sed '20s/latency_ms: [^}]*/latency_ms: nan/; 21s/latency_ms: [^}]*/latency_ms: -1/' table.yaml >numbers.yaml
search --out none --set costs.table=numbers.yaml --set penalty.latency=1
status 1
stderr_like 'numbers.yaml:20:[0-9]+: latency_ms: nan is not finite'
stderr_like 'numbers.yaml:21:[0-9]+: latency_ms: -1 is negative'
search --out none --set costs.table=table.yaml --set penalty.latency=1 --set network.channels=4
status 1
stderr_has 'channels is 2 where the network has 4'
no none

search --out free --set costs.table=table.yaml
status 0
have free/costs.yaml
same free/costs.yaml table.yaml
head -1 free/metrics.csv >header
grep -q 'child_latency_ms.*expected_latency_ms' header || fail "no latency in metrics.csv"
free=$(/usr/bin/python3 -c 'import csv; print(list(csv.DictReader(open("free/metrics.csv")))[-1]["child_latency_ms"])')
limit=$(awk "BEGIN { printf \"%.4f\", 0.1 + 0.7 * ($free - 0.1) }")
search --out tight --set costs.table=table.yaml --set budget.latency_ms="$limit"
status 0
run cat tight/result.json
json "d['budget']['met'] and d['budget']['latency_ms']['limit'] == $limit"
json "0.1 < d['budget']['latency_ms']['child'] <= $limit"
grep -q "^  hash: [0-9a-f]\{16\}$\|hash: \"*[0-9a-f]\{16\}" tight/config.yaml || fail "no hash of the table in config.yaml"
run snas-eval tight --random 3 --within-budget --data "$data" --json
status 0
json 'len(d["random"]) == 3'
run snas-eval tight --within-budget
status 2

# Every estimator and form takes the column.
for e in score analytic policy; do
    search --out $e --set costs.table=table.yaml --set penalty.latency=1 --set penalty.params=0 --set penalty.madds=0 \
        --set penalty.mac=0 --set penalty.strength=2 --set penalty.estimator=$e --set search.epochs=1 --set penalty.form=log
    status 0
done

# Stopped and gone on with: the same bytes; with another table, refused.
run_for 1.5 TERM snas-search smoke.yaml $few --quiet --threads 1 --set costs.table=table.yaml --set budget.latency_ms="$limit" --out again
cp table.yaml moved.yaml
if [ "$got" != 0 ]; then
    sed 's/spearman: 0.99/spearman: 0.98/' table.yaml >other.yaml
    search --resume --out again --set costs.table=other.yaml --set budget.latency_ms="$limit"
    status 1
    stderr_has 'another configuration'
    stderr_has 'hash'
    search --resume --out again --set costs.table=moved.yaml --set budget.latency_ms="$limit"
    status 0
fi
same_tree again tight timing.csv log.txt
search --out none --set costs.table=table.yaml --set costs.hash=0123456789abcdef
status 1
stderr_has 'is not the table of costs.hash 0123456789abcdef'
