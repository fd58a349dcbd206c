package replay

import "fmt"

// checkRoutes refuses a route that leads nowhere.
func (d *Dispatcher) checkRoutes() error {
	for name := range d.o.Routes {
		if d.sender(name) == nil {
			return fmt.Errorf("a route is for %s, which is no target", name)
		}
	}
	return nil
}

// TargetsFor names the targets that an arrival of this delivery is for, in their
// order: those without a route, and those whose route chooses it, or with
// FirstMatch the first of them. It is for Incoming, and may be called at the
// same time.
func (d *Dispatcher) TargetsFor(arrived *Delivery) []string {
	var names []string
	for _, s := range d.senders {
		if route, ok := d.o.Routes[s.name]; ok && !route.Match(arrived) {
			continue
		}
		names = append(names, s.name)
		if d.o.FirstMatch {
			break
		}
	}
	return names
}
