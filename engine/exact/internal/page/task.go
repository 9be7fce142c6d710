package page

import (
	"time"

	"detgen/record"
)

// Task is the job part's content, as JSON.
type Task struct {
	Epoch   time.Time        `json:"epoch"`   // where the wall clock starts
	Entropy []byte           `json:"entropy"` // for the kernel's random number generator
	Run     *record.Run      `json:"run"`
	Images  map[string][]int `json:"images"` // image digest -> slots of its layers, top layer first
}

// Answer is the first file of the result part, AnswerFile: what lab.Execute gave. The files of
// the run directory follow it.
type Answer struct {
	Result *record.Result `json:"result"`
	Error  string         `json:"error,omitempty"`
}

// AnswerFile is the name of the file that holds the Answer, as JSON.
const AnswerFile = "answer.json"

// StagePrefix begins the lines of the guest's console that say what the lab is doing.
const StagePrefix = "detgen stage: "
