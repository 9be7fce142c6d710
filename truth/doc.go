// Package truth finds out what happened to every frame of a run: from the captures of all hosts,
// which share one clock, it pairs each received frame with the frame that was sent, and so
// decides the fate of each sent frame (delivered after so many ns, lost, corrupted, duplicated,
// overtaken); and it tells to which connection, activity and phase each frame belongs. Labels
// come from the record of the run, never from ports.
package truth
