# snas-show: what is no finished run is said, and nothing is made up about it.
run snas-show nowhere
status 1
stderr_has "genotype 'nowhere': cannot find"
run snas-show
status 2
stderr_has 'there is no runs/latest here'
mkdir run
run snas-show run
status 1
stderr_has "'run' holds no result.json"
for text in '{"method":' '[]' '{}' '7' '{"method": 1, "child": {}}' '{"method": "snas", "child": 3}'; do
    printf '%s' "$text" >run/result.json
    for options in '' --json; do
        # shellcheck disable=SC2086
        run snas-show run $options
        status 1
        stdout_is ''
        stderr_has run/result.json
    done
done
