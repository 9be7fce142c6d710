package check

import (
	"context"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"detgen/internal/labtest"
	"detgen/internal/oracle"
	"detgen/model"
	"detgen/model/items"
)

// fit trains a scikit-learn forest on a table's first two columns, with a robust scaler, and saves them as people do.
const fit = `
import csv, joblib, json, sys
from sklearn.ensemble import RandomForestClassifier
from sklearn.preprocessing import RobustScaler
rows = list(csv.reader(open(sys.argv[1])))[1:]
x, y = [[float(a), float(b)] for a, b, _, _ in rows], [label for *_, label in rows]
scaler = RobustScaler().fit(x)
joblib.dump(scaler, sys.argv[2] + "/scaler.joblib")
joblib.dump(RandomForestClassifier(20, random_state=1).fit(scaler.transform(x), y), sys.argv[2] + "/forest.joblib")
json.dump(["a", "b"], open(sys.argv[2] + "/columns.json", "w"))
`

// checked checks the model of a specification on a dataset.
func checked(t *testing.T, specification string, d *items.Dataset) *Report {
	t.Helper()
	m, err := model.Open(specification, model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	r, err := Run(context.Background(), m, d, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestScikitLearnExample checks a scikit-learn model through the script of examples/models.
func TestScikitLearnExample(t *testing.T) {
	if testing.Short() {
		t.Skip("asks scikit-learn")
	}
	d := table(t)
	folder := t.TempDir()
	if said, err := exec.Command("/usr/bin/python3", "-c", fit, d.Path, folder).CombinedOutput(); err != nil {
		t.Fatalf("scikit-learn (scripts/install): %v: %s", err, said)
	}
	r := checked(t, "cmd:/usr/bin/python3 ../../examples/models/sklearn_model.py "+folder+"/forest.joblib "+folder+"/columns.json "+folder+"/scaler.joblib", d)
	if r.Faults() > 0 || *r.AUC < 0.95 || len(r.Model.Columns) != 2 || r.Lowest < 0 || r.Highest > 1 {
		t.Errorf("report %+v", r)
	}
	if err := os.WriteFile(filepath.Join(folder, "columns.json"), []byte(`["a", "x"]`), 0o644); err != nil {
		t.Fatal(err)
	}
	wrong, err := model.Open("cmd:/usr/bin/python3 ../../examples/models/sklearn_model.py "+folder+"/forest.joblib "+folder+"/columns.json", model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer wrong.Close()
	if _, err := Run(context.Background(), wrong, d, Options{}); err == nil {
		t.Error("a column that the table does not have is no error")
	}
}

// boost trains an XGBoost model on the same columns and saves it.
const boost = `
import csv, json, sys, xgboost, numpy
rows = list(csv.reader(open(sys.argv[1])))[1:]
x, y = numpy.array([[float(a), float(b)] for a, b, _, _ in rows]), [label.upper() != "BENIGN" for *_, label in rows]
xgboost.train({"objective": "binary:logistic", "nthread": 1}, xgboost.DMatrix(x, label=y, feature_names=["a", "b"]), 5).save_model(sys.argv[2] + "/boost.json")
`

// unroll saves a network over packets as TorchScript.
const unroll = `
import sys, torch
class Steps(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm, self.out = torch.nn.LSTM(10, 4, batch_first=True), torch.nn.Linear(4, 1)
    def forward(self, x):
        return self.out(self.lstm(x)[0])[:, :, 0]
torch.manual_seed(1)
torch.jit.script(Steps()).save(sys.argv[1] + "/steps.pt")
`

func python(t *testing.T, program string, args ...string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "program.py") // TorchScript reads its source
	if err := os.WriteFile(file, []byte(program), 0o644); err != nil {
		t.Fatal(err)
	}
	if said, err := exec.Command("/usr/bin/python3", append([]string{file}, args...)...).CombinedOutput(); err != nil {
		t.Fatalf("python3 (scripts/install): %v: %s", err, said)
	}
}

// TestXGBoostExample checks an XGBoost model through its script.
func TestXGBoostExample(t *testing.T) {
	if testing.Short() {
		t.Skip("asks XGBoost")
	}
	d, folder := table(t), t.TempDir()
	python(t, boost, d.Path, folder)
	r := checked(t, "cmd:/usr/bin/python3 ../../examples/models/xgboost_model.py "+folder+"/boost.json", d)
	if r.Faults() > 0 || *r.AUC < 0.95 || len(r.Model.Columns) != 2 {
		t.Errorf("report %+v", r)
	}
}

// TestPyTorchExample scores sequences with a network over packets through its script.
func TestPyTorchExample(t *testing.T) {
	if testing.Short() {
		t.Skip("asks PyTorch")
	}
	folder := t.TempDir()
	python(t, unroll, folder)
	m, err := model.Open("cmd:/usr/bin/python3 ../../examples/models/pytorch_model.py "+folder+"/steps.pt", model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	items := []model.Item{{ID: "a", Steps: [][]float32{make([]float32, 10), make([]float32, 10)}}, {ID: "b", Steps: [][]float32{make([]float32, 10)}}}
	scores, err := m.Score(context.Background(), items)
	if err != nil {
		t.Fatal(err)
	}
	if len(scores[0].Steps) != 2 || scores[0].Steps[0] != scores[1].Score || scores[0].Score != scores[0].Steps[1] || scores[0].Score == scores[1].Score {
		t.Errorf("scores %+v", scores)
	}
}

// TestKitsuneExample scores a capture's packets through the script for models of that kind, and looks at what the script
// gives by another way, on the capture of the side that models see: the farthest of a sender's packets from the mean of those before it.
func TestKitsuneExample(t *testing.T) {
	if testing.Short() {
		t.Skip("asks Python")
	}
	const run = "../../report/testdata/run"
	d, err := items.Open(run)
	if err != nil {
		t.Fatal(err)
	}
	r := checked(t, "cmd:/usr/bin/python3 ../../examples/models/kitsune_like.py {pcap} {items} {out}", d)
	var want float64
	streams := map[string]*struct{ at, w, sum, squares float64 }{}
	for _, p := range oracle.Tshark(t, run+"/captures/server.pcap", "ip", "frame.time_epoch", "ip.src", "frame.len") {
		at, _ := strconv.ParseFloat(p[0], 64)
		size, _ := strconv.ParseFloat(p[2], 64)
		s := streams[p[1]]
		if s == nil {
			s = &struct{ at, w, sum, squares float64 }{at: at}
			streams[p[1]] = s
		}
		fade := math.Exp2(-(at - s.at))
		s.at, s.w, s.sum, s.squares = at, s.w*fade, s.sum*fade, s.squares*fade
		if s.w > 0 {
			mean := s.sum / s.w
			want = max(want, math.Abs(size-mean)/math.Sqrt(math.Abs(s.squares/s.w-mean*mean)+100))
		}
		s.w, s.sum, s.squares = s.w+1, s.sum+size, s.squares+size*size
	}
	if r.Items != 1 || r.AUC != nil || r.Faults() > 0 || math.Abs(r.Highest-want) > 1e-3*want || r.Lowest != r.Highest {
		t.Errorf("%d items, AUC %v, %d faults, score %g, want %g", r.Items, r.AUC, r.Faults(), r.Highest, want)
	}
}

// twoForms makes ONNX files of one classifier over two columns: probabilities, and maps of labels to them.
const twoForms = `
import onnx, sys
from onnx import TensorProto as T, helper as h
def node(kind, into, out, **more):
    return h.make_node(kind, into, out, domain="ai.onnx.ml", **more)
base = [node("LinearClassifier", ["x"], ["label", "raw"], coefficients=[-0.2, 0.01, 0.2, -0.01], intercepts=[2.0, -2.0], classlabels_ints=[0, 1], post_transform="NONE"), h.make_node("Softmax", ["raw"], ["p"], axis=1)]
maps = onnx.ValueInfoProto(name="maps")
maps.type.sequence_type.elem_type.map_type.key_type = T.INT64
maps.type.sequence_type.elem_type.map_type.value_type.tensor_type.elem_type = T.FLOAT
for name, nodes, out in ("tensor", base, h.make_tensor_value_info("p", T.FLOAT, ["n", 2])), ("maps", base + [node("ZipMap", ["p"], ["maps"], classlabels_int64s=[0, 1])], maps):
    graph = h.make_graph(nodes, name, [h.make_tensor_value_info("x", T.FLOAT, ["n", 2])], [h.make_tensor_value_info("label", T.INT64, ["n"]), out])
    onnx.save(h.make_model(graph, opset_imports=[h.make_opsetid("", 13), h.make_opsetid("ai.onnx.ml", 1)], ir_version=7), sys.argv[1] + "/" + name + ".onnx")
    open(sys.argv[1] + "/" + name + ".json", "w").write('{"columns": ["a", "b"], "class": 1}')
open(sys.argv[1] + "/columns", "w").write('["a", "b"]')
`

// TestONNXRuntimeExample scores ONNX files through the script for ONNX Runtime's Python package, and as detgen runs them
// itself: the scores are the same.
func TestONNXRuntimeExample(t *testing.T) {
	if testing.Short() {
		t.Skip("unpacks Debian 13's Python and fetches ONNX Runtime")
	}
	asked := func(script string) string {
		path, err := exec.Command("../../scripts/" + script).Output()
		if err != nil {
			t.Fatalf("scripts/%s: %v", script, err)
		}
		return strings.TrimSpace(string(path))
	}
	interpreter, library := asked("onnxruntime-python"), asked("onnxruntime")
	d, folder := table(t), t.TempDir()
	python(t, twoForms, folder)
	t.Setenv("DETGEN_ONNX", labtest.ONNXProgram(t))
	for _, form := range []string{"tensor", "maps"} {
		script := interpreter + " ../../examples/models/onnxruntime_model.py " + folder + "/" + form + ".onnx " + folder + "/columns"
		if r := checked(t, "cmd:"+script, d); r.Faults() > 0 || *r.AUC < 0.8 || r.Items != 200 || len(r.Model.Columns) != 2 {
			t.Errorf("%s: %+v", form, r)
		}
		if r := checked(t, "cmd:"+script+" 0", d); r.Faults() != 1 || *r.AUC > 0.2 {
			t.Errorf("%s: the other column is upside down: %+v", form, r)
		}
		var both [2][]model.Score
		for i, specification := range []string{"cmd:" + script, folder + "/" + form + ".onnx"} {
			m, err := model.Open(specification, model.Options{Runtime: library})
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			made, err := d.Make(context.Background(), m.Describe(), nil)
			if err != nil {
				t.Fatal(err)
			}
			if both[i], err = m.Score(context.Background(), made.Items); err != nil {
				t.Fatal(err)
			}
		}
		for i := range both[0] {
			if math.Abs(both[0][i].Score-both[1][i].Score) > 1e-6 {
				t.Fatalf("%s: item %d has %v by the script, %v by detgen", form, i, both[0][i], both[1][i])
			}
		}
	}
}

// TestMissingPackage asks a script whose package is not there: ONNX Runtime, which Debian 12 does not have.
func TestMissingPackage(t *testing.T) {
	if testing.Short() {
		t.Skip("asks Python")
	}
	// -S and -E: nothing but Python's own library is found, whatever is installed.
	_, err := model.Open("cmd:/usr/bin/python3 -S -E ../../examples/models/onnxruntime_model.py x.onnx columns.json", model.Options{})
	if err == nil || !strings.Contains(err.Error(), "onnxruntime_model.py: No module named 'onnxruntime': pip install onnxruntime") || strings.Contains(err.Error(), "Traceback") {
		t.Errorf("a missing package: %v", err)
	}
}
