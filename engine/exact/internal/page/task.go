package page

import (
	"time"

	"detgen/record"
)

// Task is the job part's content, as JSON.
type Task struct {
	Epoch   time.Time        `json:"epoch"`   // where the wall clock starts
	Entropy []byte           `json:"entropy"` // for the kernel's random number generator
	Run     *record.Run      `json:"run,omitempty"`
	Images  map[string][]int `json:"images,omitempty"` // image digest -> slots of its layers, top layer first
	Test    *Test            `json:"test,omitempty"`   // in the place of a run
	Kill    string           `json:"kill,omitempty"`   // tests: the process with this argument is killed when the task begins
}

// Test is a program of this project's tests that the guest's init runs, outside of any host: it needs rights over the
// guest's kernel that no host has. No run can ask for it.
type Test struct {
	Program []byte   `json:"program"` // statically linked
	Args    []string `json:"args"`
}

// Answer is the first file of the result part, AnswerFile: what lab.Execute gave. The files of
// the run directory follow it.
type Answer struct {
	Result *record.Result `json:"result"`
	Error  string         `json:"error,omitempty"`
	Output string         `json:"output,omitempty"` // what a test printed
}

// AnswerFile is the name of the file that holds the Answer, as JSON.
const AnswerFile = "answer.json"

// StagePrefix begins the lines of the guest's console that say what the lab is doing.
const StagePrefix = "detgen stage: "
