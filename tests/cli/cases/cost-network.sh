# snas-cost network: the counts of method.md section 5, in text and JSON; and what pruning takes.
run snas-cost network --genotype DARTS_V2 --layers 20 --channels 36 --input 3x32x32 --classes 10
status 0
stderr_is ''
stdout_is <<'END'
DARTS_V2 in space darts: 20 cells, C = 36, input 3x32x32, 10 classes; batch norm affine, none after pools

                                                    as described          pruned
  parameters                                           3,349,342       3,349,342
    of convolutions and the linear layer               3,308,950       3,308,950
  multiply-adds (convolutions and linear)            528,359,040     528,359,040
  multiply-adds (also BN, ReLU, pools, sums)         549,823,104     549,823,104
  bytes of activations, float32                       91,683,112      91,683,112

  pruning takes 0 dead or unread nodes and 0 blocks out
END
for row in DARTS_V1:3169414:500987520 SNAS_mild:2661382:422218368; do
    IFS=: read -r name params madds <<<"$row"
    run snas-cost network --genotype "$name" --json
    status 0
    json "d['described']['params'] == $params and d['described']['madds'] == $madds"
    json "d['pruned'] == d['described'] and d['connected'] is True"
done
run snas-cost network --genotype SNAS_mild --pool-bn --json
json 'd["described"]["params"] == 2663542'
run snas-cost network --genotype DARTS_V2 --space darts-imagenet --channels 48 --layers 14 \
    --input 3x224x224 --classes 1000 --json
json 'd["described"]["params"] == 4718752 and d["described"]["madds"] == 529911552'
run snas-cost network --supernet --channels 16 --layers 8 --json
json 'd["described"]["params"] == 1930618 and d["pruned"] is None'

cat >holes.json <<'END'
{"name": "holes",
 "normal": {"nodes": [[["sep_conv_3x3", 1]], [], [["skip_connect", 0]], [["max_pool_3x3", 3]]],
            "concat": [0, 1, 2, 3]},
 "reduce": {"nodes": [[["sep_conv_3x3", 1]], [], [], []], "concat": [0, 1, 2, 3]}}
END
run snas-cost network --genotype holes.json --layers 8 --channels 16 --json
status 0
json 'd["pruned"]["params"] < d["described"]["params"] and d["dead_nodes"] == 6 * 2 + 2 * 3'

cat >apart.json <<'END'
{"normal": {"nodes": [[], [], [], []]}, "reduce": {"nodes": [[], [], [], []]}}
END
run snas-cost network --genotype apart.json
status 0
stdout_has 'disconnected: no path from the input reaches the classes'
