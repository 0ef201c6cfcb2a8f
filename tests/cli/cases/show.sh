# snas-show: a run, a genotype, a child file and an exported model, as text, SVG and DOT.
# fixtures: children
run snas-show DARTS_V2
status 0
stdout_has 'DARTS_V2: space darts'
stdout_like '^ +cell19 +normal +576x8x8 '
stdout_like '^ +all +3349342 +528359040 '
run snas-show SNAS_mild --svg pictures --dot cells.dot
status 0
have pictures/normal.svg
have pictures/reduce.svg
grep -q 'sep_conv_3x3' cells.dot || fail "no op in cells.dot"
/usr/bin/python3 -c 'import sys, xml.dom.minidom as m; [m.parse(f) for f in sys.argv[1:]]' \
    pictures/normal.svg pictures/reduce.svg || fail "a picture is no XML"
run snas-show SNAS_mild --dot -
status 0
stdout_like '^digraph cells'

for model in "$FIXTURES"/children/*.onnx; do
    run snas-show "$model"
    status 0
    stdout_like '^ +all +[0-9]+ +[0-9]+ '
done

printf 'not a model' >bad.onnx
run snas-show bad.onnx
status 1
stderr_has bad.onnx
run snas-show SNAS_mild --epoch 2
status 1
stderr_has "'SNAS_mild' is no directory"
run snas-show SNAS_mild --input 3x32
status 1
stderr_has "'3x32' is not like 3x32x32"
run snas-show SNAS_mild --json
status 2
