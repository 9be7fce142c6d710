package check

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"detgen/model"
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
	m, err := model.Open("cmd:/usr/bin/python3 ../../examples/models/sklearn_model.py "+folder+"/forest.joblib "+folder+"/columns.json "+folder+"/scaler.joblib", model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	r, err := Run(context.Background(), m, d, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if r.Faults() > 0 || r.AUC < 0.95 || len(r.Model.Columns) != 2 || r.Lowest < 0 || r.Highest > 1 {
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
