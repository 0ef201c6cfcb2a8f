# snas-cost: wrong tables and results end in one clear line that names the file and the line.
printf 'name: mine\nspace: tiny\nnetwork: {channels: 4, layers: 1}\n' >mine.yaml
cost="--input 3x16x16"
run snas-cost show mine.yaml $cost --yaml -o table.yaml
status 0
run snas-cost check mine.yaml $cost --table table.yaml
status 1
stderr_has 'table.yaml has no latencies: snas-cost measure makes one'
# Rows that are missing, given twice, of another network; a file that was cut short.
sed '8d' table.yaml >missing.yaml
run snas-cost show mine.yaml $cost --table missing.yaml
status 1
stdout_is ''
stderr_is 'snas-cost: missing.yaml:5:3: 1 of 20 rows are missing: cell 0 node 0 from 0 sep_conv_3x3'
sed '8p' table.yaml >twice.yaml
run snas-cost show mine.yaml $cost --table twice.yaml
status 1
stderr_is 'snas-cost: twice.yaml:9:5: this op of this edge was given before, in line 8'
run snas-cost show mine.yaml --input 3x18x18 --table table.yaml
status 1
stderr_has 'table.yaml:3:'
stderr_has 'input: 16 where the network has 18'
run snas-cost show mine.yaml $cost --set space=darts --table table.yaml
status 1
stderr_has "space is 'tiny' where 'darts' is expected"
sed 's/^version: 1/version: 9/' table.yaml >version.yaml
run snas-cost show mine.yaml $cost --table version.yaml
status 1
stderr_is 'snas-cost: version.yaml:2:10: version 9: this program knows version 1'
head -c 900 table.yaml >cut.yaml
run snas-cost show mine.yaml $cost --table cut.yaml
status 1
stderr_has 'cut.yaml:'
sed 's/}$/, latency_ms: 0.01}/; 9s/0.01}/nan}/; 10s/0.01}/-3}/' table.yaml |
    sed '3s/, latency_ms: 0.01//' >numbers.yaml
run snas-cost show mine.yaml $cost --table numbers.yaml
status 1
stderr_has 'numbers.yaml:9:'
stderr_has 'latency_ms: nan is not finite'
stderr_has 'numbers.yaml:10:'
stderr_has 'latency_ms: -3 is negative'
run snas-cost show mine.yaml $cost --table nowhere.yaml
status 1
stderr_has nowhere.yaml

# Results of another machine.
printf 'model,median_ms\nnull_c8_16x16_s2,0.1\nsep_conv_3x3_c8_16x16_s2.onnx,nan\n' >bad.csv
printf 'sep_conv_9x9_c8_16x16_s2,1\nnull_c8_16x16_s2,0.1\nmax_pool_3x3_c8_16x16_s2\n' >>bad.csv
run snas-cost import mine.yaml bad.csv $cost -o bad.yaml
status 1
no bad.yaml
stderr_has "bad.csv:3: median_ms: 'nan' is no time"
stderr_has "bad.csv:4: 'sep_conv_9x9_c8_16x16_s2' is no model of this configuration"
stderr_has 'bad.csv:5: null_c8_16x16_s2 was given before, in line 2'
stderr_has 'bad.csv:6: 1 fields where the first line has more'
stderr_has 'bad.csv: 6 of 8 models are missing: max_pool_3x3_c8_16x16_s2, skip_connect_c8_16x16_s2,'
printf 'a,b\n1,2\n' >columns.csv
run snas-cost import mine.yaml columns.csv $cost -o bad.yaml
status 1
stderr_is 'snas-cost: columns.csv:1: the first line names the columns: model,median_ms[,min_ms,p90_ms,runs]'

run snas-cost measure mine.yaml $cost
status 2
stderr_has 'measure needs -o FILE'
run snas-cost check mine.yaml
status 2
stderr_has 'check needs --table FILE'
run snas-cost import mine.yaml -o x
status 2
stderr_has 'import takes 2 operands, not 1'
run snas-cost show mine.yaml $cost --csv --json
status 2
run snas-cost show mine.yaml --input 16x16
status 1
stderr_has "'16x16'"
run snas-cost measure mine.yaml $cost -o t.yaml --runtime cuda
status 1
stderr_has '--runtime cuda: it is ort or engine'
