package edit

import "github.com/tailscale/hujson"

// merge makes a merge patch (RFC 7396): null takes a member away, an object is
// merged with the one that is there, all else is put in its place.
func merge(target *hujson.Value, changes *hujson.Object) {
	o, ok := target.Value.(*hujson.Object)
	if !ok {
		o = &hujson.Object{}
		target.Value = o
	}
	last := make(map[string]int, len(changes.Members))
	for i := range changes.Members {
		last[nameOf(changes.Members[i])] = i
	}
	for i := range changes.Members {
		name, value := nameOf(changes.Members[i]), &changes.Members[i].Value
		if last[name] != i {
			continue
		}
		if isNull(value) {
			removeMember(o, name)
			continue
		}
		var at *hujson.Value
		if found := member(o, name); found >= 0 {
			at = &o.Members[dropEarlier(o, found)].Value
		} else {
			at = addMember(o, name)
		}
		if inner, ok := value.Value.(*hujson.Object); ok {
			merge(at, inner)
			continue
		}
		at.Value = bare(*value).Value
	}
}
