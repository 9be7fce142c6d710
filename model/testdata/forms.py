# Makes ONNX files of one classifier over 20 columns in the forms in which people have them, each with the manifest that
# it takes: forms.json has the rows, and for each file the scores that PyTorch or NumPy gives.
import copy
import json
import sys

import numpy
import onnx
import torch
from onnx import TensorProto, helper
from sklearn.preprocessing import RobustScaler

folder = sys.argv[1]
columns = json.load(open(folder + "/columns.json"))
width = len(columns)
random = numpy.random.default_rng(8)
x = numpy.exp(random.normal(size=(40, width)) * 4)
x[3, 9], x[4, 9], x[5, 10] = numpy.inf, -numpy.inf, numpy.nan
clean = numpy.nan_to_num(x, nan=0.0, posinf=0.0, neginf=0.0)
scaler = RobustScaler().fit(clean)
z = numpy.clip(scaler.transform(clean), -10, 10)
torch.manual_seed(3)
net = torch.nn.Sequential(torch.nn.Linear(width, 16), torch.nn.ReLU(), torch.nn.Linear(16, 2)).double().eval()
with torch.no_grad():
    logits = net(torch.tensor(z)).numpy()
attack = (1 / (1 + numpy.exp(logits[:, 0] - logits[:, 1]))).tolist()
margin = (logits[:, 1] - logits[:, 0]).tolist()
outside = {"kind": "robust", "center_": scaler.center_.tolist(), "scale_": scaler.scale_.tolist(), "clip": [-10, 10]}
forms = []


class Wrapped(torch.nn.Module):
    """The classifier with the scaler in front, and whatever comes behind."""

    def __init__(self, scaled, behind):
        super().__init__()
        self.net, self.scaled, self.behind = copy.deepcopy(net), scaled, behind
        self.register_buffer("centre", torch.tensor(scaler.center_))
        self.register_buffer("scale", torch.tensor(scaler.scale_))

    def forward(self, *x):
        x = torch.cat(x, 1) if len(x) > 1 else x[0]
        if self.scaled:
            x = torch.clamp((x - self.centre) / self.scale, -10, 10)
        return self.behind(x, self.net)


def say(name, manifest, scores):
    json.dump({"columns": columns, **manifest}, open(f"{folder}/{name}.json", "w"))
    forms.append({"name": name, "scores": [float(s) for s in scores]})


def export(name, manifest, scores, behind, scaled=False, kind=torch.float32, inputs=(torch.zeros(2, width),), any_number=True, names=("x",), outputs=("out",)):
    if not scaled:
        manifest = {"scaler": outside, **manifest}
    model = Wrapped(scaled, behind).to(kind)
    axes = {n: {0: "n"} for n in names + outputs} if any_number else None
    torch.onnx.export(model, tuple(i.to(kind) for i in inputs), f"{folder}/{name}.onnx", input_names=list(names), output_names=list(outputs), dynamic_axes=axes, opset_version=13)
    say(name, manifest, scores)


export("logits", {"class": 1, "activation": "softmax", "probability": True}, attack, lambda x, f: f(x))
export("scaler-inside", {"class": 1, "activation": "softmax", "probability": True}, attack, lambda x, f: f(x), scaled=True)
export("double", {"benign_class": 0, "activation": "softmax"}, attack, lambda x, f: f(x), scaled=True, kind=torch.float64)
export("one-at-a-time", {"class": 1}, attack, lambda x, f: f(x).softmax(1), inputs=(torch.zeros(1, width),), any_number=False)
export("three-at-a-time", {"class": 1}, attack, lambda x, f: f(x).softmax(1), inputs=(torch.zeros(3, width),), any_number=False)
export("no-dimension-of-items", {"class": 1}, attack, lambda x, f: f(x).softmax(0), inputs=(torch.zeros(width),), any_number=False)
export("one-logit", {"activation": "sigmoid"}, attack, lambda x, f: (f(x)[:, 1] - f(x)[:, 0]).unsqueeze(1))
export("flat", {}, margin, lambda x, f: f(x)[:, 1] - f(x)[:, 0])
export("lower", {"direction": "lower"}, margin, lambda x, f: f(x)[:, 0] - f(x)[:, 1])
export("channel", {"class": 1}, attack, lambda x, f: f(x.flatten(1)).softmax(1), inputs=(torch.zeros(2, 1, width),))
export("a-column-each", {"class": 1}, attack, lambda x, f: f(x).softmax(1), inputs=tuple(torch.zeros(2, 1) for _ in columns), names=tuple(f"x{i}" for i in range(width)))
back = columns[::-1]
export("columns-by-name", {"class": 1}, attack, lambda x, f: f(x.flip(1)).softmax(1), inputs=tuple(torch.zeros(2, 1) for _ in columns), names=tuple(c.replace("/", "_") for c in back))
export("labels", {"class": 1}, [m > 0 for m in margin], lambda x, f: f(x).argmax(1))
export("benign-label", {"benign_class": 0}, [m > 0 for m in margin], lambda x, f: f(x).argmax(1, keepdim=True))
export("truth", {}, [m > 0 for m in margin], lambda x, f: f(x)[:, 1] > f(x)[:, 0])
export("two-outputs", {"output": "p", "class": 1}, attack, lambda x, f: (f(x).softmax(1), x), outputs=("p", "latent"))
export("two-outputs-unnamed", {"class": 1}, attack, lambda x, f: (f(x).softmax(1), x), outputs=("p", "latent"))


def classifier(name, manifest, scores, labels, zipmap, only=None):
    """A linear classifier as skl2onnx writes it: labels and probabilities, which may be maps."""
    w = numpy.zeros((2, width), dtype=numpy.float32)
    w[1, :] = numpy.linspace(-0.05, 0.05, width)
    w[0, :] = -w[1, :]
    text = isinstance(labels[0], str)
    mine = [1 / (1 + numpy.exp(-2 * float(r @ w[1]))) for r in z]
    nodes = [helper.make_node("LinearClassifier", ["x"], ["label", "raw"], domain="ai.onnx.ml", coefficients=w.flatten().tolist(), intercepts=[0.0, 0.0], multi_class=0, post_transform="NONE",
                              **{"classlabels_strings" if text else "classlabels_ints": labels}),
             helper.make_node("Softmax", ["raw"], ["p"], axis=1)]
    label = helper.make_tensor_value_info("label", TensorProto.STRING if text else TensorProto.INT64, ["n"])
    out = helper.make_tensor_value_info("p", TensorProto.FLOAT, ["n", 2])
    if zipmap:
        nodes.append(helper.make_node("ZipMap", ["p"], ["maps"], domain="ai.onnx.ml", **{"classlabels_strings" if text else "classlabels_int64s": labels}))
        key = TensorProto.STRING if text else TensorProto.INT64
        out = onnx.ValueInfoProto(name="maps")
        of = out.type.sequence_type.elem_type.map_type
        of.key_type = key
        of.value_type.tensor_type.elem_type = TensorProto.FLOAT
    graph = helper.make_graph(nodes, name, [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", width])], [label] if only else [label, out])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13), helper.make_opsetid("ai.onnx.ml", 1)], ir_version=7)
    onnx.save(model, f"{folder}/{name}.onnx")
    say(name, {"scaler": outside, **manifest}, scores(numpy.array(mine)))


second, first, called = lambda p: p, lambda p: 1 - p, lambda p: p > 0.5
classifier("sklearn", {}, second, [0, 1], False)
classifier("sklearn-maps", {}, second, [0, 1], True)
classifier("sklearn-maps-from-1", {"class": 1}, first, [1, 2], True)
# The keys of maps are sorted, so these come in another order than the classifier has them.
classifier("sklearn-texts", {"class": "ATTACK"}, second, ["BENIGN", "ATTACK"], True)
classifier("sklearn-benign-text", {"benign_class": "BENIGN"}, second, ["BENIGN", "ATTACK"], True)
classifier("sklearn-texts-unnamed", {}, second, ["BENIGN", "ATTACK"], True)
classifier("sklearn-texts-unknown", {"class": "attack"}, second, ["BENIGN", "ATTACK"], True)
classifier("sklearn-called", {"class": "ATTACK"}, called, ["BENIGN", "ATTACK"], False, only="label")
classifier("sklearn-output", {"output": "label", "benign_class": "BENIGN"}, called, ["BENIGN", "ATTACK"], True)

# What is no number stays one: the model has a value for it.
graph = helper.make_graph(
    [helper.make_node("IsNaN", ["x"], ["nan"]), helper.make_node("Cast", ["nan"], ["one"], to=TensorProto.FLOAT), helper.make_node("ReduceSum", ["one", "axis"], ["out"], keepdims=0)],
    "nan", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", width])], [helper.make_tensor_value_info("out", TensorProto.FLOAT, ["n"])],
    [helper.make_tensor("axis", TensorProto.INT64, [1], [1])])
onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7), folder + "/nan.onnx")
say("nan", {"missing": "nan", "infinite": 0}, numpy.isnan(x).sum(1))

# Weights in a file beside it, as PyTorch 2 writes them.
model = onnx.load(folder + "/logits.onnx")
onnx.save_model(model, folder + "/beside.onnx", save_as_external_data=True, all_tensors_to_one_file=True, location="beside.onnx.data", size_threshold=0)
say("beside", {"scaler": outside, "class": 1, "activation": "softmax"}, attack)

json.dump({"rows": [["inf" if v == numpy.inf else "-inf" if v == -numpy.inf else "nan" if v != v else repr(float(v)) for v in row] for row in x], "forms": forms}, open(folder + "/forms.json", "w"))
