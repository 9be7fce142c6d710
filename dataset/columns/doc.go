// Package columns writes the connections of a dataset's runs in the columns of other data sets and tools: CICIDS-2017 in
// both releases, Zeek's conn.log, UNSW-NB15. Rows are measured from the captures of the host where a connection began,
// and labelled by the truth. docs/datasets.md says what each set has and what is not known.
package columns
