package scenario

import _ "embed"

// Schema is the JSON Schema (2020-12) of scenario.yaml, made from the types of this package.
//
//go:generate go run ./generate
//go:embed schema.json
var Schema []byte
