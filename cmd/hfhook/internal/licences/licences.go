// Package licences has the licences of what the program is made of: they ask
// to travel with it.
package licences

import _ "embed"

// Text lists the modules by their licences, and has the licences and notices of
// all of them, in lines of at most 80 columns. make licences writes it anew.
//
//go:embed licences.txt
var Text string
