# docs/configuration.md is what the table of keys says; `snas-search --keys=markdown` makes it.
run snas-search --keys=markdown
status 0
same "$out" "$SRC/docs/configuration.md"
