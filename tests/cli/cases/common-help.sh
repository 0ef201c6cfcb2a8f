# Every command: --help, --help=man, --version, an unknown option and its nearest neighbour.
for command in "$SNAS_BIN"/snas-*; do
    name=${command##*/}
    run "$name" --help
    status 0
    stdout_like "^Usage: $name "
    stdout_like '^ +-h, --help'
    stderr_is ''
    run "$name" --help=man
    status 0
    stdout_like '^\.TH '
    stderr_is ''
    run "$name" --version
    status 0
    stdout_like "^$name [0-9]+\.[0-9]+\.[0-9]+$"
    stderr_is ''
    run "$name" --versio-n
    status 2
    stdout_is ''
    stderr_like "^$name: .*--versio-n.*--version"
    stderr_like "^Try '$name --help'"
    # A full disk under the output is a failure, not silence.
    ran="$name --help >/dev/full"
    "$name" --help >/dev/full 2>"$err"
    got=$?
    status 1
    stderr_like 'No space left'
done
