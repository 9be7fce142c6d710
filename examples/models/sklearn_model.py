#!/usr/bin/python3
"""A scikit-learn model, or anything with predict_proba or decision_function that joblib can load.

    detgen model check "cmd:python3 sklearn_model.py MODEL.joblib COLUMNS.json [SCALER.joblib]" DATASET

COLUMNS.json is a list of CICFlowMeter's names in the order of the training data. A model that was trained on a pandas
table knows its columns: give "-". Loading a joblib file runs code that is in it.
"""
import json
import sys

import joblib
import numpy

from detgen_model import rows, serve

model = joblib.load(sys.argv[1])
columns = list(model.feature_names_in_) if sys.argv[2] == "-" else json.load(open(sys.argv[2]))
scaler = joblib.load(sys.argv[3]) if len(sys.argv) > 3 else None
benign = [i for i, c in enumerate(getattr(model, "classes_", [])) if str(c).lower() in ("benign", "normal", "normal traffic", "0", "false")]


def score(batch):
    x = numpy.nan_to_num(rows(batch), nan=0.0, posinf=0.0, neginf=0.0)
    if scaler is not None:
        x = scaler.transform(x)
    if hasattr(model, "predict_proba"):
        p = model.predict_proba(x)
        return 1 - p[:, benign[0]] if benign else p[:, -1]
    return -model.decision_function(x)  # of outlier detectors: lower is more abnormal


serve({"name": sys.argv[1], "kind": "flow", "columns": columns, "probability": hasattr(model, "predict_proba")}, score)
