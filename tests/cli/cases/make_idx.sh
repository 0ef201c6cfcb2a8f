# docs/examples/make_idx.py: pictures, a directory per class, become an IDX set.
/usr/bin/python3 - <<'END' || fail "cannot make pictures (python3-pil)"
import os
from PIL import Image
for label, name in enumerate(["cat", "dog"]):
    os.makedirs(f"pictures/{name}")
    for k in range(13):
        Image.new("RGB", (40 + k, 50), (200 * label, 10 * k, 3)).save(f"pictures/{name}/{k:02}.png")
END
hex() { od -An -tx1 -v "$1" | tr -d ' \n'; }
pixels() # COLOURS...: of the 6 x 5 pixels of every image
{
    local colour
    for colour in "$@"; do printf "$colour%.0s" {1..30}; done
}

run /usr/bin/python3 "$SRC/docs/examples/make_idx.py" pictures mine --size 6x5
status 0
stdout_is <<'END'
train: 22 images of 2 classes
t10k: 4 images of 2 classes
END
[ "$(hex mine/t10k-images-idx4-ubyte)" = "0000080400000004000000060000000500000003$(pixels 003203 006e03 c83203 c86e03)" ] ||
    fail "t10k-images-idx4-ubyte"
[ "$(hex mine/t10k-labels-idx1-ubyte)" = 000008010000000400000101 ] || fail "t10k-labels-idx1-ubyte"
[ "$(stat -c %s mine/train-images-idx4-ubyte)" = $((20 + 22 * 90)) ] || fail "train-images-idx4-ubyte"
[ "$(cat mine/class-names.txt)" = $'cat\ndog' ] || fail "class-names.txt"

run /usr/bin/python3 "$SRC/docs/examples/make_idx.py" pictures gray --size 6x5 --gray
status 0
[ "$(stat -c %s gray/train-images-idx3-ubyte)" = $((16 + 22 * 30)) ] || fail "train-images-idx3-ubyte"
[ "$(head -c 16 gray/train-images-idx3-ubyte | od -An -tx1 | tr -d ' \n')" = 00000803000000160000000600000005 ] ||
    fail "header of train-images-idx3-ubyte"
