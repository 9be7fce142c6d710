#!/usr/bin/python3
"""An XGBoost model (JSON, UBJ or binary).

    detgen model check "cmd:python3 xgboost_model.py MODEL.json [COLUMNS.json]" DATASET

Without COLUMNS.json the names are those that the model was trained with.
"""
import json
import sys

from detgen_model import need, rows, serve

xgboost = need("xgboost", "apt install python3-xgboost")

model = xgboost.Booster(model_file=sys.argv[1])
columns = json.load(open(sys.argv[2])) if len(sys.argv) > 2 else model.feature_names
if not columns:
    sys.exit("the model does not know its columns: name a COLUMNS.json")


def score(batch):
    p = model.predict(xgboost.DMatrix(rows(batch), feature_names=model.feature_names))
    return p if p.ndim == 1 else 1 - p[:, 0]  # several classes: the first is benign


serve({"name": sys.argv[1], "kind": "flow", "columns": columns}, score)
