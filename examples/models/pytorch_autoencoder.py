#!/usr/bin/python3
"""A PyTorch autoencoder for flows with its scaler, as many projects publish it; the score is the reconstruction error.

    detgen model check "cmd:unshare -rn python3 pytorch_autoencoder.py FOLDER" DATASET

FOLDER has a state dict (*.pt) of Linear, BatchNorm1d, LeakyReLU(0.2) and Dropout layers called encoder and decoder,
feature_names.json, scaler.joblib and, if values are to be clipped, percentiles.joblib (p01, p99). These files are
pickles: loading them runs code that is in them, so give the process no network (unshare -rn) and nothing to lose.
"""
import glob
import json
import os
import sys
import warnings

import numpy
import numpy.core.multiarray

# files that NumPy 2 wrote call its inside by another name
sys.modules.setdefault("numpy._core", numpy.core)
sys.modules.setdefault("numpy._core.multiarray", numpy.core.multiarray)
warnings.simplefilter("ignore")

from detgen_model import need, rows, serve

joblib = need("joblib", "apt install python3-joblib")
torch = need("torch", "apt install python3-torch")
nn = torch.nn

folder = sys.argv[1]
columns = json.load(open(os.path.join(folder, "feature_names.json")))
scaler = joblib.load(os.path.join(folder, "scaler.joblib"))
clip = os.path.join(folder, "percentiles.joblib")
clip = joblib.load(clip) if os.path.exists(clip) else None
weights = torch.load(glob.glob(os.path.join(folder, "*.pt"))[0], map_location="cpu")
weights = weights.get("model_state_dict", weights)


def layers(part):
    """The layers of a part, from the shapes of its weights: what has no weights is an activation and a dropout."""
    at = sorted({int(k.split(".")[1]) for k in weights if k.startswith(part + ".")})
    modules = {}
    for i in at:
        w = weights[f"{part}.{i}.weight"]
        modules[i] = nn.Linear(w.shape[1], w.shape[0]) if w.dim() == 2 else nn.BatchNorm1d(w.shape[0])
    out = nn.Sequential(*[modules.get(i, nn.LeakyReLU(0.2) if i - 1 in modules else nn.Identity()) for i in range(at[-1] + 1)])
    out.load_state_dict({k[len(part) + 1:]: v for k, v in weights.items() if k.startswith(part + ".")})
    return out.eval()


torch.set_num_threads(1)
encoder, decoder = layers("encoder"), layers("decoder")


def score(batch):
    x = numpy.nan_to_num(rows(batch), nan=0.0, posinf=numpy.finfo("float32").max, neginf=0.0)
    if clip is not None:
        x = numpy.clip(x, clip["p01"], clip["p99"])
    x = torch.tensor(scaler.transform(x), dtype=torch.float32)
    with torch.no_grad():
        return ((decoder(encoder(x)) - x) ** 2).mean(1)


serve({"name": "autoencoder " + os.path.basename(os.path.abspath(folder)), "kind": "flow", "columns": columns}, score)
