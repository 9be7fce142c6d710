package probe

import (
	"context"
	"strings"
	"testing"

	"detgen/model"
)

// TestPaperRefuses a model that steps 4 and 5 cannot be done with, before anything is scored.
func TestPaperRefuses(t *testing.T) {
	dir, scores := world{runs: 30, each: 2, score: depleted}.write(t)
	m, err := model.Open(scores, model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Paper(context.Background(), dir, m, PaperOptions{}); err == nil || !strings.Contains(err.Error(), "steps 4 and 5 take one of kind packets") {
		t.Errorf("a file of scores: %v", err)
	}
}
