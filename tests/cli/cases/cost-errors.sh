# snas-cost: usage errors exit with 2, wrong files with 1 and their places.
run snas-cost
status 2
run snas-cost draw
status 2
stderr_has "unknown operand 'draw'"
run snas-cost show
status 2
stderr_has 'show takes 1 operand, not 0'
run snas-cost network
status 2
stderr_has 'one of --genotype and --supernet'
run snas-cost network --supernet --genotype DARTS_V2
status 2
run snas-cost network --supernet --input 3x32
status 2
stderr_has "--input: '3x32' is not like 3x32x32"
run snas-cost network --genotype DARTS_V9
status 1
stderr_has "genotype 'DARTS_V9'"
run snas-cost network --supernet --space nowhere.yaml
status 1
stderr_has nowhere.yaml
printf "Genotype(normal=[('sep_conv_3x4', 0), ('skip_connect', 2)],\n" >wrong.txt
printf "  normal_concat=[2], reduce=[('max_pool_3x3', 0)], reduce_concat=[2])\n" >>wrong.txt
run snas-cost network --genotype wrong.txt
status 1
stdout_is ''
stderr_is <<'END'
snas-cost: wrong.txt:1:19: space 'darts' has no op 'sep_conv_3x4' (did you mean 'sep_conv_3x3'?)
snas-cost: wrong.txt:1:40: node 0 cannot read slot 2: it has slots 0..1 before it
snas-cost: wrong.txt:2:29: 1 choices: a flat list has two for every node (other numbers are written as a list of lists, one for every node)
END
run snas-cost network --supernet --layers 6 --input 3x2x2
status 1
stderr_has 'the input is too small: 1 x 1 cannot be halved'
run snas-cost network --supernet --channels 60000 --input 3x512x512
status 1
stderr_has 'values in a tensor'
