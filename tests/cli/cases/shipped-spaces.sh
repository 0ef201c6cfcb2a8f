# Every shipped space describes a network, every shipped genotype fits one of them.
for file in "$SRC"/configs/spaces/*.yaml; do
    run snas-cost network --supernet --space "$file" --channels 8 --layers 6 --input 3x64x64 --json
    status 0
    json "d['described']['params'] > 0 and d['connected']"
done
for file in "$SRC"/configs/genotypes/*; do
    fits=0
    for space in darts nasnet; do
        snas-cost network --genotype "$file" --space "$space" >/dev/null 2>&1 && fits=1
    done
    ran="snas-cost network --genotype $file"
    [ $fits = 1 ] || fail "$file fits neither space"
done
