package plan

import _ "embed"

// Schema is the JSON Schema (2020-12) of a plan, made from the types of this package by "go generate ./scenario".
//
//go:embed schema.json
var Schema []byte
