# classify.py MODEL IMAGE: the class of an image given as raw bytes [C][H][W]
import json, sys
import numpy as np, onnxruntime

session = onnxruntime.InferenceSession(sys.argv[1])
meta = session.get_modelmeta().custom_metadata_map
mean, std = (np.float32(json.loads(meta[key])).reshape(-1, 1, 1) for key in ("mean", "std"))
pixels = np.fromfile(sys.argv[2], np.uint8).reshape(session.get_inputs()[0].shape[1:])
logits = session.run(None, {"input": ((pixels / np.float32(255) - mean) / std)[None]})[0][0]
print(logits.argmax(), json.loads(meta["class_names"])[logits.argmax()])
