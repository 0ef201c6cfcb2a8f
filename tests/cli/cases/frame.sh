# The frame itself: a wrong expectation must end a case, and a right one must not.
cat >inner.sh <<'END'
run sh -c 'echo out; echo err >&2; exit 3'
status 3
stdout_is out
stderr_is err
stderr_like '^e.r$'
stdout_lacks err
run echo '{"a": [1, 2]}'
json 'd["a"][1] == 2'
printf x >f
have f
no g
END
run "$SRC/tests/cli/run.sh" inner.sh
status 0
for wrong in 'status 2' 'stdout_is other' 'stderr_is ""' 'stdout_has err' 'stderr_lacks err' \
    'stdout_like zz' 'json "d"' 'have g' 'no .stdout' 'same .stdout .stderr'; do
    # In a subshell each: all of them must end it.
    echo "($wrong) 2>.said && echo 'let through: $wrong'"
done >checks
{
    echo "run sh -c 'echo out; echo err >&2; exit 3'"
    cat checks
    echo 'fail the-end'
} >wrong.sh
TMPDIR=$PWD run "$SRC/tests/cli/run.sh" wrong.sh
status 1
stdout_is ''
stderr_has 'FAILED wrong: the-end'
echo 'run_for 0.2 INT sleep 20; status 130' >signal.sh
run "$SRC/tests/cli/run.sh" signal.sh
status 0
