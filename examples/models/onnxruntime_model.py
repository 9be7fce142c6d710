#!/usr/bin/python3
"""An ONNX file through ONNX Runtime's Python package; detgen runs ONNX files by itself too (docs/models.md).

    detgen model check "cmd:python3 onnxruntime_model.py MODEL.onnx COLUMNS.json [CLASS]" DATASET

CLASS is the column of the output that is the attack's: the last one without it.
"""
import json
import sys

from detgen_model import need, rows, serve

onnxruntime = need("onnxruntime", "pip install onnxruntime; detgen runs ONNX files without it, too")

session = onnxruntime.InferenceSession(sys.argv[1])
wanted = session.get_inputs()[0].name
column = int(sys.argv[3]) if len(sys.argv) > 3 else -1


def score(batch):
    out = session.run(None, {wanted: rows(batch).astype("float32")})[-1]
    if isinstance(out, list):  # a ZipMap: a dict for each row
        return [list(p.values())[column] for p in out]
    return out.reshape(len(batch), -1)[:, column]


serve({"name": sys.argv[1], "kind": "flow", "columns": json.load(open(sys.argv[2]))}, score)
