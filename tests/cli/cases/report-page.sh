# The report page in a real browser: it opens without an error, its points are there, a click picks a
# run, the slider moves through the cells; desktop and phone, dark and light.
# timeout: 240
browser=$(command -v chromium || command -v chromium-browser || true)
[ -n "$browser" ] || fail "chromium is not here (tools/install-deps check)"
[ -f "$SRC/build/page/report.js" ] || fail "the page's script is not here (tools/report/page/build)"

make_run() # DIR SEED TEST PARAMS
{
    mkdir -p "$1/genotype" "$1/alpha"
    printf 'name: tried\nspace: tiny\nseed: %s\n' "$2" >"$1/config.yaml"
    printf 'epoch,train_accuracy,sampled_accuracy,child_accuracy,normal_entropy,reduce_entropy,expected_params,expected_madds\n1,0.4,0.5,0.45,1.2,1.3,900,3000\n2,0.6,0.7,0.65,0.5,0.2,700,2500\n3,0.7,0.8,,0.2,0.1,500,2200\n' >"$1/metrics.csv"
    local e op
    for e in 1 2 3; do
        op=$([ $e = 2 ] && echo max_pool_3x3 || echo sep_conv_3x3)
        printf '{"normal": {"nodes": [[["skip_connect", 0]], [["%s", 1]]], "concat": [0, 1]}, "reduce": {"nodes": [[["skip_connect", 0]], []], "concat": [0, 1]}}' "$op" >"$1/genotype/epoch-00$e.json"
        printf 'kind,node,slot,op,alpha,probability,credit,cost_share\nnormal,0,0,none,1,1,0,0.6\nnormal,1,2,none,1,1,0,0.4\n' >"$1/alpha/epoch-00$e.csv"
    done
    printf '{"method": "snas", "dataset": "d", "epochs": 3, "best_epoch": 2, "entropy_share": 0.1, "child": {"connected": true, "genotype": %s, "validation_accuracy": %s, "test_accuracy": %s, "pruned": {"params": %s, "madds": 2000000}}}' \
        "$(cat "$1/genotype/epoch-003.json")" "$3" "$3" "$4" >"$1/result.json"
}
make_run a 1 0.90 1000
make_run b 2 0.80 1100
make_run 'c<b>' 3 0.92 1500
sed -i 's/"epochs": 3/"chosen": {"epoch": 2, "reason": "the best <of> all"}, &/' 'c<b>/result.json'
run snas-compare a b 'c<b>' --html report.html
status 0
! grep -qE '(src|href)="?https?:' report.html || fail "the page loads something from elsewhere"

# What a reader would do, done by a script behind the page's own; its findings end up in the DOM.
cat >probe.html <<'PROBE'
<script>
(async () => {
  const wait = (ms) => new Promise((done) => setTimeout(done, ms)), found = { errors };
  for (let i = 0; i < 100 && document.documentElement.dataset.ready !== "yes"; i++) await wait(50);
  await wait(300);
  const text = (id) => document.getElementById(id).textContent;
  const mouse = (e, type, x, y) => e.dispatchEvent(new MouseEvent(type, { bubbles: true, clientX: x, clientY: y }));
  found.rows = document.querySelectorAll("#runs tbody tr").length;
  found.picked = text("picked");
  found.svgs = document.querySelectorAll("#cells svg.snas-cell").length;
  const points = [...document.querySelectorAll("#by-params path")].filter((p) => ["#0072b2"].includes(p.getAttribute("fill")));
  found.points = points.length;
  const box = points[points.length - 1].getBoundingClientRect(), host = document.querySelector("#by-params svg");
  const plot = () => document.querySelector("#by-params").textContent;
  const at = [box.x + box.width / 2, box.y + box.height / 2];
  mouse(host.parentElement, "mousemove", ...at);
  await wait(400);
  found.tooltip = plot().includes("c<b>");
  for (const type of ["mousedown", "mouseup", "click"]) mouse(host.parentElement, type, ...at);
  await wait(200);
  found.clicked = text("picked");
  found.chosen = text("chosen") + "; " + text("epoch-text");
  document.querySelectorAll("#runs tbody tr")[1].click();
  found.row = text("picked");
  const slider = document.getElementById("epoch"), before = document.getElementById("cells").innerHTML;
  found.at = text("epoch-text");
  slider.value = 2;
  slider.dispatchEvent(new Event("input"));
  found.moved = text("epoch-text");
  found.changed = document.getElementById("cells").innerHTML !== before && document.getElementById("cells").textContent.includes("max_pool_3x3");
  found.lines = ["accuracies", "entropies", "costs"].map((id) => document.querySelectorAll(`#${id} svg path`).length > 4);
  found.shares = document.querySelector("#shares svg").textContent.includes("normal: in0 to node0");
  found.background = getComputedStyle(document.body).backgroundColor;
  found.overflow = document.documentElement.scrollWidth > window.innerWidth;
  document.body.append(Object.assign(document.createElement("pre"), { id: "found", textContent: JSON.stringify(found) }));
})();
</script>
PROBE
{
    echo '<script>const errors = []; window.onerror = (m) => errors.push(m); console.error = (...m) => errors.push(m.join(" "));</script>'
    cat report.html probe.html
} >probed.html

look() # NAME SIZE SCHEME(0 dark, 1 light): leaves NAME.json and NAME.png
{
    local flags="--headless --no-sandbox --disable-gpu --disable-dev-shm-usage --hide-scrollbars --user-data-dir=$PWD/profile --window-size=$2 --blink-settings=preferredColorScheme=$3"
    # shellcheck disable=SC2086
    timeout 60 "$browser" $flags --virtual-time-budget=9000 --dump-dom "file://$PWD/probed.html" >dom.html 2>browser.log ||
        fail "the browser failed: $(tail -3 browser.log)"
    # shellcheck disable=SC2086
    timeout 60 "$browser" $flags --virtual-time-budget=3000 --screenshot="$PWD/$1.png" "file://$PWD/report.html" >/dev/null 2>&1
    [ "$(stat -c %s "$1.png")" -gt 20000 ] || fail "no screenshot of $1"
    sed -nE 's/.*<pre id="found">(.*)<\/pre>.*/\1/p' dom.html | sed 's/&lt;/</g; s/&gt;/>/g' >"$1.json"
    [ -s "$1.json" ] || fail "the page did not come up: $(tail -3 browser.log)"
    # Its helpers outlive it by a moment and write into the profile.
    for _ in $(seq 100); do
        pgrep -f "user-data-dir=$PWD/profile" >/dev/null || break
        sleep 0.1
    done
    cat "$1.json"
}
for view in 'desktop-light 1280,1800 1' 'desktop-dark 1280,1800 0' 'phone-light 390,2400 1' 'phone-dark 390,2400 0'; do
    # shellcheck disable=SC2086
    run look $view
    status 0
    json 'd["errors"] == []'
    json 'd["rows"] == 3 and d["points"] == 3 and d["picked"] == "a" and d["svgs"] == 2'
    json 'd["tooltip"] and d["clicked"] == "c<b>" and d["row"] == "b"'
    json 'd["chosen"] == "the best <of> all; epoch 2 of 3: its child"'
    json 'd["at"] == "epoch 3 of 3" and d["moved"] == "epoch 2 of 3" and d["changed"]'
    json 'all(d["lines"]) and d["shares"] and not d["overflow"]'
    case $view in
    *dark*) json 'd["background"] == "rgb(18, 22, 29)"' ;;
    *) json 'd["background"] == "rgb(244, 246, 249)"' ;;
    esac
done

run snas-show a --html run.html
status 0
grep -q 'epoch-text' run.html || fail "a run's own page has no slider"
run snas-show DARTS_V2 --html x.html
status 2
run snas-compare a --html /nowhere/report.html
status 1
stderr_has /nowhere/report.html
