// Package terminal reads and changes the mode of a terminal, and has a Guard
// see to it that a crash leaves it as it was.
//
// It imports next to nothing: a guard is this program once more, which becomes
// one in an init function of this package, before packages with more to do are
// initialised. So it is small.
package terminal
