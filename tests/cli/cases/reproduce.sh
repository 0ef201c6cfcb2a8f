# snas-reproduce and tools/reproduce: a tiny experiment, stopped and gone on with; the report has its
# parts and its figures are those of the runs' own files; mistakes are said before anything runs.
# timeout: 240
# fixtures: fashion-small
# cores: 2
cat >tiny.yaml <<'END'
name: tried
search: configs/search/smoke.yaml
set:
  space: tiny
  search.epochs: 2
  search.images_per_epoch: 128
  search.batch: 16
  data.held_out: 128
  evaluation.epoch_images: 64
  evaluation.estimate_images: 64
  evaluation.hard_samples: 0
  derive.samples: 2
  derive.images: 64
  derive.rescored: 1
seeds: [3, 5]
methods:
  snas: [{evaluation.bias_samples: 2, evaluation.bias_images: 64}, {alpha.learning_rate: 0.01}]
  darts: [{search.method: darts}, {search.method: darts, alpha.learning_rate: 0.01}]
  random: [{search.method: random}, {search.method: random, theta.learning_rate: 0.1}]
last: [darts]
penalty: {of: snas, strengths: [0.1, 0.5]}
random: {of: random, genotypes: 2}
credit:
  config: configs/search/credit.yaml
  set: {network.channels: 4, search.epochs: 1, search.images_per_epoch: 64, search.batch: 16, data.held_out: 128, evaluation.epoch_images: 64}
  options: [--images, "8", --steps, "2", --repeats, "2"]
trials: {seed: 9, set: {search.epochs: 1}}
END
data="--set data.path=$FIXTURES/fashion-small"

# shellcheck disable=SC2086
run "$SRC/tools/reproduce" tiny.yaml --out there $data --dry-run
status 0
[ "$(grep -c ^there/runs/ "$out")" = 10 ] || fail "not ten searches: $(<"$out")"
[ "$(grep -c ^there/trials/ "$out")" = 6 ] || fail "not six trials: $(<"$out")"
stdout_like '^there/runs/snas-penalty-0.5-seed-5$'
[ "$(tail -1 "$out")" = there/runs/darts-seed-5 ] || fail "what is named under last is not last"
no there

# Killed in the middle, called again.
# shellcheck disable=SC2086
snas-reproduce tiny.yaml --out there $data --jobs 2 --quiet >/dev/null 2>stop.txt &
pid=$!
for _ in $(seq 400); do
    [ -f there/runs/snas-seed-3/config.yaml ] && break
    sleep 0.05
done
kill -TERM $pid
wait $pid && fail "a stopped experiment ended with 0"
grep -q 'to go on: the same command' stop.txt || fail "a stopped experiment does not say how to go on: $(<stop.txt)"
no there/report/report.md
# shellcheck disable=SC2086
run snas-reproduce tiny.yaml --out there $data --jobs 2
status 0
stdout_has there/report/report.md
stderr_has 'there/runs/darts-seed-5 is done'
before=$(stat -c %Y-%i there/runs/*/result.json there/trials/*/result.json there/credit/credit.json there/runs/*.random.json)
cp there/report/report.json first.json
# shellcheck disable=SC2086
run snas-reproduce tiny.yaml --out there $data --quiet
status 0
stderr_is ''
[ "$(stat -c %Y-%i there/runs/*/result.json there/trials/*/result.json there/credit/credit.json there/runs/*.random.json)" = "$before" ] ||
    fail "what was finished was run again"
same first.json there/report/report.json

# The report: its parts, its pictures, its figures against the runs' files.
/usr/bin/python3 - <<'END' || fail "the report is not that of the runs"
import csv, glob, json, math, os, re, statistics as st, sys
report = json.load(open("there/report/report.json"))
text = open("there/report/report.md").read()
page = open("there/report/report.html").read()
need = lambda ok, what: ok or sys.exit("not so: " + what)
for part in ["The claims", "Methods", "Equal terms", "Validation accuracy against epochs",
             "Search accuracy against the child's, without retraining", "Entropy of the distributions",
             "Penalty strengths", "Evolution of the cells under the strong penalty", "The bias of the mixture",
             "Credit assignment", "Settings"]:
    need(f"## {part}\n" in text and part.replace("'", "'") in page, part)
pictures = re.findall(r"\]\(([^)]+\.svg)\)", text)
need(len(pictures) >= 8, "pictures")
for name in pictures:
    need(open("there/report/" + name).read().rstrip().endswith("</svg>"), name)
need(page.count("data:image/svg+xml;base64,") == len(pictures), "pictures of the page")
need(not re.search(r'(src|href)="?https?:', page), "the page loads something")

def runs(pattern):
    return [json.load(open(f"there/runs/{pattern}-seed-{s}/result.json")) for s in (3, 5)]
def close(moments, values, what):
    values = [v for v in values if v is not None]
    need(moments["n"] == len(values), what + ": n")
    if values:
        need(abs(moments["mean"] - st.mean(values)) < 1e-6 * max(1, abs(st.mean(values))), what + ": mean")
    if len(values) > 1:
        need(abs(moments["sd"] - st.stdev(values)) < 1e-6 * max(1, st.stdev(values)), what + ": sd")
for e in report["entries"]:
    pattern = e["method"] + (f"-penalty-{e['penalty']}" if e["penalty"] else "")
    found = runs(pattern)
    close(e["search_accuracy"], [r["sampled_accuracy"] for r in found], pattern)
    close(e["test_accuracy"], [r["child"].get("test_accuracy") for r in found], pattern)
    close(e["entropy_share"], [r["entropy_share"] for r in found], pattern)
    close(e["params"], [r["child"]["pruned"]["params"] if r["child"]["connected"] else None for r in found], pattern)
    m = e["search_accuracy"]
    row = next(l for l in text.split("## Methods")[1].splitlines() if l.startswith(f"| {e['label']} |"))
    need(f"{100 * m['mean']:.2f} +- {100 * m['sd']:.2f}%" in row, "row of " + pattern)

# A claim by hand: entropy of darts - snas; the verdict by Student's t, 95% on one side, of 2 seeds.
claim = next(c for c in report["claims"] if c["measured"] == "entropy, share of uniform, darts - snas")
d = [a["entropy_share"] - b["entropy_share"] for a, b in zip(runs("darts"), runs("snas"))]
close(claim["value"], d, "the claim of entropy")
margin = 6.314 * st.stdev(d) / math.sqrt(2)
want = (["undecided, against it", "undecided, for it"] if abs(st.mean(d)) <= margin
        else ["does not hold", "holds"])[st.mean(d) > 0]
need(claim["here"] == want, f"{claim['here']}, not {want}")
need({c["here"] for c in report["claims"] if "enas" in c["measured"]} == {"not tested"}, "claims without their methods")
child = {s: json.load(open(f"there/trials/snas-setting-{s}/result.json"))["child"].get("validation_accuracy", -1) for s in (1, 2)}
chosen = 1 if child[1] >= child[2] else 2
row = [l for l in text.split("## Settings")[1].splitlines() if l.startswith("| snas |")][chosen - 1]
need(row.endswith(f"| {100 * child[chosen]:.2f}% | yes |"), "the setting that the trials chose")
need([s["used"] for s in report["settings"]["snas"]] == [chosen == 1, chosen == 2], "the settings of report.json")
config = open("there/runs/snas-seed-3/config.yaml").read()
need(("learning_rate: 0.01\n" in config.split("alpha:")[1]) == (chosen == 2), "the runs have the chosen setting")
END

# What is finished was made by another experiment: it does not count as this one's, run or report.
sed 's/search.batch: 16/search.batch: 8/' tiny.yaml >other.yaml
for how in --quiet --report; do
    # shellcheck disable=SC2086
    run snas-reproduce other.yaml --out there $data $how
    status 1
    stderr_has "'there/trials/snas-setting-1' is finished, but with another search.batch than the experiment says now"
done
/usr/bin/python3 - <<'END' || fail "cannot exchange the trials' accuracies"
import json
paths = [f"there/trials/snas-setting-{s}/result.json" for s in (1, 2)]
both = [json.load(open(p)) for p in paths]
accuracy = [d["child"].get("validation_accuracy", -1) for d in both]
both[accuracy[0] >= accuracy[1]]["child"]["validation_accuracy"] = 0.999
for path, d in zip(paths, both):
    json.dump(d, open(path, "w"))
END
# shellcheck disable=SC2086
run snas-reproduce tiny.yaml --out there $data --report
status 1
stderr_has "'there/runs/snas-seed-3' is finished, but with another"

# A part that is there is reported without running the rest; one run that fails does not stop the others.
mkdir -p bad/runs/snas-seed-3
echo 'name: other' >bad/runs/snas-seed-3/config.yaml
sed -e '/^credit:/,$d' -e '/^penalty/d' -e '/^random:/d' -e 's/, {[^}]*}\]/]/' tiny.yaml >less.yaml
# shellcheck disable=SC2086
run snas-reproduce less.yaml --out bad $data
status 1
stderr_like 'bad/runs/snas-seed-3 failed: see bad/runs/snas-seed-3.log \(.+\)'
stderr_has 'the same command tries them again'
grep -q '5 of 6 searches are finished' bad/report/report.md || fail "the report does not say what is missing"
run snas-reproduce less.yaml --out empty --report
status 1
stderr_has 'nothing to report'

# Mistakes.
wrong() # SED TEXT: the experiment so changed is refused with the text
{
    sed "$1" less.yaml >wrong.yaml
    # shellcheck disable=SC2086
    run snas-reproduce wrong.yaml --out wrong $data
    status 1
    stderr_has "$2"
    no wrong
}
wrong 's/^seeds:.*/seed: [1]/' 'wrong.yaml:15:1: unknown key'
wrong 's/^seeds:.*/seeds: [1, 1]/' 'wrong.yaml:15:12: this comes twice'
wrong 's/darts: \[/darts: [{},/' 'every method must have the same number of settings'
wrong 's/^last:.*/last: [drats]/' 'this is none of the methods'
wrong 's/search.epochs: 2/search.epoch: 2/' 'did you mean'
sed 's/trials: {seed: 9/trials: {seed: 5/' tiny.yaml >same.yaml
run snas-reproduce same.yaml --dry-run
status 1
stderr_has 'settings are tried with a seed that is none of the result'
echo 'penalty: {of: snas, strengths: [1, 0.5]}' >>less.yaml
wrong '' 'the smallest first'
sed -i '$d' less.yaml
# shellcheck disable=SC2086
run env PATH="$SNAS_BIN" snas-reproduce less.yaml --out wrong $data
status 1
stderr_has 'tools/install-deps reproduce'
for file in "$SRC"/configs/reproduce/*.yaml; do
    run snas-reproduce "$file" --dry-run --set data.path="$FIXTURES/fashion-small" --set data.format=auto
    status 0
    stdout_like '/runs/snas-seed-1$'
done
