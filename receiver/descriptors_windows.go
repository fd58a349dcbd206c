package receiver

// descriptors is unlimited here, for what counts.
func descriptors() (n uint64, known bool) { return 0, false }
