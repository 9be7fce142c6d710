// Package probe finds where a model fails and why: it relates the model's errors to the labels that the generator set
// and to what was measured on the wire (the paper's section 2). A Set is a dataset with a model's scores; Run judges it
// as it is, Sweep along a factor, Twin step by step over two runs of one seed; package correct changes what the model
// sees. What a result is made of, docs/probing.md tells.
package probe
