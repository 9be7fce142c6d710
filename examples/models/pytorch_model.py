#!/usr/bin/python3
"""A PyTorch network over packet sequences, saved as TorchScript: an LSTM that gives a score at every packet.

    detgen model check "cmd:python3 pytorch_model.py MODEL.pt [RECIPE]" DATASET

The network gets a float tensor (1, packets, columns) and gives (1, packets) logits, or (1,) for the whole. RECIPE is
one of docs/models.md: numbers1 without it.
"""
import sys

from detgen_model import need, serve

torch = need("torch", "apt install python3-torch")

model = torch.jit.load(sys.argv[1], map_location="cpu").eval()
torch.set_num_threads(1)


def score(batch):
    with torch.no_grad():
        for item in batch:
            p = torch.sigmoid(model(torch.tensor([item["steps"]], dtype=torch.float32))).reshape(-1).tolist()
            yield p[-1], p


recipe = sys.argv[2] if len(sys.argv) > 2 else "numbers1"
serve({"name": sys.argv[1], "kind": "packets", "recipe": recipe, "step_scores": True, "probability": True, "max_steps": 200}, score)
