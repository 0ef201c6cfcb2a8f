# timeout: 120
# What cmake --install makes is complete: commands that find their data away from the source tree,
# a man page each, the configs.
build=$(dirname "$SNAS_BIN")
run cmake --install "$build" --prefix "$PWD/there"
status 0
unset SNAS_DATA_DIR
mv there elsewhere # no path of the install may be compiled in
for command in "$SNAS_BIN"/snas-*; do
    name=$(basename "$command")
    have "elsewhere/bin/$name"
    have "elsewhere/share/man/man1/$name.1"
    run "elsewhere/bin/$name" --version
    status 0
    stdout_like "^$name [0-9]+\.[0-9]+\.[0-9]+"
done
for file in $(cd "$SRC" && git ls-files configs); do
    have "elsewhere/share/snas/$file"
done
