# The reduced CIFAR-10 config on the real images, shortened: search, child, verified model.
# timeout: 300
# labels: needs-shared
# fixtures: cifar10
# cores: 2
need_shared
run snas-search "$SRC/configs/search/cifar10.yaml" --set data.path="$FIXTURES/cifar10" \
    --set network.channels=4 --set network.layers=3 --set search.epochs=2 \
    --set search.images_per_epoch=640 --set evaluation.epoch_images=200 \
    --set evaluation.hard_samples=2 --set evaluation.estimate_images=256 --json
status 0
json 'd["dataset"] == "cifar10" and 0.1 < d["child"]["test_accuracy"] <= 1'
run snas-export model.onnx --data "$FIXTURES/cifar10" --json
status 0
json 'd["verified"] and d["labels"][0] == "airplane"'
