package replay

import "fmt"

// route gives each sender its route, and refuses one that leads nowhere.
func (d *Dispatcher) route(routes map[string]Filter) error {
	for name, f := range routes {
		s := d.sender(name)
		if s == nil {
			return fmt.Errorf("a route is for %s, which is no target", name)
		}
		s.route = &f
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
		if s.route != nil && !s.route.Match(arrived) {
			continue
		}
		names = append(names, s.name)
		if d.o.FirstMatch {
			break
		}
	}
	return names
}
