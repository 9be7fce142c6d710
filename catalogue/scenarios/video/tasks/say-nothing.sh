# Nobody publishes: let the viewer begin.
signal ready
signal cut
