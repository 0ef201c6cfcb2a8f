#!/usr/bin/env python3
"""Turn pictures, a directory per class, into an IDX data set.

usage: make_idx.py PICTURES DEST [--size 32x32] [--gray] [--test-part 6]

PICTURES/cat/*.jpg, PICTURES/dog/*.png, ... -> DEST/train-images-idx4-ubyte (idx3 with --gray),
train-labels-idx1-ubyte, the same for t10k, and class-names.txt. Pictures are cut to the shape and
scaled; of every --test-part pictures of a class, one goes to the test set. Needs python3-pil.
"""
import argparse, os, struct, sys
from PIL import Image, ImageOps

args = argparse.ArgumentParser()
args.add_argument("pictures")
args.add_argument("dest")
args.add_argument("--size", default="32x32", help="HEIGHTxWIDTH")
args.add_argument("--gray", action="store_true")
args.add_argument("--test-part", type=int, default=6)
args = args.parse_args()
height, width = map(int, args.size.split("x"))

classes = sorted(e.name for e in os.scandir(args.pictures) if e.is_dir())
if not 2 <= len(classes) <= 256:
    sys.exit(f"{args.pictures}: {len(classes)} directories; a class each, 2 to 256 of them")
parts = {"train": ([], []), "t10k": ([], [])}
for label, name in enumerate(classes):
    for i, file in enumerate(sorted(os.listdir(os.path.join(args.pictures, name)))):
        with Image.open(os.path.join(args.pictures, name, file)) as picture:
            picture = ImageOps.exif_transpose(picture).convert("L" if args.gray else "RGB")
            picture = ImageOps.fit(picture, (width, height))
        images, labels = parts["t10k" if i % args.test_part == args.test_part - 1 else "train"]
        images.append(picture.tobytes())
        labels.append(label)

os.makedirs(args.dest, exist_ok=True)
for part, (images, labels) in parts.items():
    shape = (len(images), height, width) if args.gray else (len(images), height, width, 3)
    with open(f"{args.dest}/{part}-images-idx{len(shape)}-ubyte", "wb") as out:
        out.write(struct.pack(f">{1 + len(shape)}I", 0x800 + len(shape), *shape) + b"".join(images))
    with open(f"{args.dest}/{part}-labels-idx1-ubyte", "wb") as out:
        out.write(struct.pack(">2I", 0x801, len(labels)) + bytes(labels))
    print(f"{part}: {len(images)} images of {len(classes)} classes")
with open(f"{args.dest}/class-names.txt", "w", encoding="utf-8") as out:
    out.writelines(f"{name}\n" for name in classes)
