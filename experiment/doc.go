// Package experiment makes many runs by a plan and measures how alike they are: the determinism experiment of the DetGen
// paper (section 5: the same settings again and again) and the influence of factors (section 3: one setting changed).
// Every finished run stays: an experiment that was interrupted goes on where it was.
package experiment
