# Makes ONNX files of networks over 20 columns with PyTorch, the manifest of a robust scaler that scikit-learn fitted, and
# what both say of the rows: mlp.onnx (two classes), sequence.onnx (an LSTM with a logit for each step).
import json
import sys

import numpy
import torch
from sklearn.preprocessing import RobustScaler

folder = sys.argv[1]
columns = json.load(open(folder + "/columns.json"))
random = numpy.random.default_rng(5)
x = numpy.exp(random.normal(size=(300, len(columns))) * 4)
x[:20, 9] = numpy.inf
x[20:40, 10] = numpy.nan
scaler = RobustScaler().fit(numpy.nan_to_num(x, posinf=0.0))
z = torch.tensor(scaler.transform(numpy.nan_to_num(x, nan=0.0, posinf=0.0)), dtype=torch.float32).clamp(-10, 10)
torch.manual_seed(1)
net = torch.nn.Sequential(torch.nn.Linear(len(columns), 32), torch.nn.ReLU(), torch.nn.BatchNorm1d(32), torch.nn.Linear(32, 2), torch.nn.Softmax(1))
net(z)  # for the statistics of the batch norm
net.eval()
torch.onnx.export(net, z[:2], folder + "/mlp.onnx", input_names=["input"], output_names=["p"], dynamic_axes={"input": {0: "n"}, "p": {0: "n"}}, opset_version=13)


class Steps(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm, self.head = torch.nn.LSTM(5, 16, batch_first=True), torch.nn.Linear(16, 1)

    def forward(self, s):
        return self.head(self.lstm(s)[0])


steps = Steps().eval()
s = torch.tensor(random.integers(0, 8, size=(3, 12, 5)), dtype=torch.float32)
torch.onnx.export(steps, s[:1], folder + "/sequence.onnx", input_names=["s"], output_names=["logits"], dynamic_axes={"s": {0: "n", 1: "t"}, "logits": {0: "n", 1: "t"}}, opset_version=13)
with torch.no_grad():
    json.dump({
        "scaler": {"kind": "robust", "center": scaler.center_.tolist(), "scale": scaler.scale_.tolist(), "clip": [-10, 10]},
        "rows": [["inf" if v == numpy.inf else "nan" if v != v else repr(float(v)) for v in row] for row in x],
        "scores": net(z)[:, 1].tolist(),
        "steps": s.tolist(),
        "step_scores": torch.sigmoid(steps(s))[:, :, 0].tolist(),
    }, open(folder + "/said.json", "w"))
