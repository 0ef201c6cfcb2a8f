"""What the bench scripts share: a bench-step that stays and answers, rounds, the machine's name."""
import glob
import json
import os
import platform
import subprocess
import sys


class Ours:
    """bench-step --serve: a shape, and for each call the times of some steps of it."""

    def __init__(self, program, **shape):
        words = []
        for name, value in shape.items():
            if value is not None:
                words += ["--" + name.replace("_", "-"), str(value)]
        try:
            self.process = subprocess.Popen([program, "--serve"] + words, text=True,
                                            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        except OSError as e:
            sys.exit("%s: %s: build it first, or say where it is with --bench-step" % (
                program, e.strerror))

    def run(self, **options):
        words = " ".join("--%s %s" % (k.replace("_", "-"), v) for k, v in options.items())
        try:
            self.process.stdin.write(words + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            sys.exit("bench-step ended early")
        line = self.process.stdout.readline()
        if not line:
            sys.exit("bench-step ended early")
        return json.loads(line)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def tcmalloc():
    """The library that PyTorch is fastest with, or None."""
    found = sorted(glob.glob("/usr/lib/*/libtcmalloc.so.4") +
                   glob.glob("/usr/lib/*/libtcmalloc_minimal.so.4"))
    return found[0] if found else None


class Peer:
    """A script's own --worker, which prints a line about itself and then, for every line it reads,
    a list of times."""

    def __init__(self, script, arguments, preload):
        env = dict(os.environ)
        if preload:
            env["LD_PRELOAD"] = preload
        self.script = script
        self.process = subprocess.Popen([sys.executable, script] + arguments, env=env, text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.about = self.read()

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit("%s: the PyTorch process ended early" % os.path.basename(self.script))
        return json.loads(line)

    def times(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self.read()

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def machine():
    model = platform.processor() or platform.machine()
    with open("/proc/cpuinfo") as f:
        for line in f:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    return {"processor": model, "cores": len(os.sched_getaffinity(0)),
            "load": round(os.getloadavg()[0], 2)}


def shape_options(parser, channels=16, layers=8, batch=64, side=32, input_channels=3):
    parser.add_argument("--bench-step", default="build/release/bin/bench-step")
    parser.add_argument("--channels", type=int, default=channels)
    parser.add_argument("--layers", type=int, default=layers)
    parser.add_argument("--batch", type=int, default=batch)
    parser.add_argument("--side", type=int, default=side)
    parser.add_argument("--input-channels", type=int, default=input_channels)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))


def shape_of(o):
    return {k: getattr(o, k)
            for k in ("channels", "layers", "batch", "side", "input_channels", "threads")}


def say_shape(o):
    m = machine()
    print("%s, %d cores, load %.1f\nC=%d, %d cells, %d px x %d, batch %d, %d threads" % (
        m["processor"], m["cores"], m["load"], o.channels, o.layers, o.side, o.input_channels,
        o.batch, o.threads), flush=True)
