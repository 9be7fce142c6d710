// Package items makes what models look at: from a dataset, a run directory or a table of flows that anyone made, it
// gives the items of a model's kind: rows of any mode of package flow, packet sequences by a recipe, sessions of a
// host's connections, or captures. Training, probing and export share it, so that all see the same numbers.
//
// An item is a connection (for sessions: several that follow each other). docs/models.md lists the recipes.
package items
