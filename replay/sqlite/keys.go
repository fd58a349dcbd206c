package sqlite

import "database/sql/driver"

// keys finds kept deliveries by their key, for the writer. It is a copy in
// memory of what is in the table, about 40 bytes a delivery, read when the first
// arrival asks for it.
type keys struct {
	ids  map[int64]int64 // key to delivery; nil until asked for
	to   int64           // the event up to which it is complete
	undo []keyChange     // of the transaction under way
}

type keyChange struct {
	key, id int64
	had     bool
}

// catchUp reads the keys that another process, or an earlier one, has added.
func (k *keys) catchUp(t *tx) error {
	if k.ids == nil {
		k.ids = map[int64]int64{}
	}
	if k.to >= t.before {
		return nil
	}
	err := t.query(background, "SELECT key, delivery_id FROM arrivals WHERE id > ? AND id <= ? AND key IS NOT NULL",
		[]driver.Value{k.to, t.before}, func(row []driver.Value) bool {
			k.ids[integer(row[0])] = integer(row[1])
			return true
		})
	if err == nil {
		k.to = t.before
	}
	return err
}

// find gives the delivery that was last kept under the key, 0 for none.
// Another process may have removed or changed it.
func (k *keys) find(key int64) int64 { return k.ids[key] }

func (k *keys) add(key, id int64) {
	k.change(key)
	k.ids[key] = id
}

func (k *keys) remove(key, id int64) {
	if k.ids[key] == id {
		k.change(key)
		delete(k.ids, key)
	}
}

func (k *keys) change(key int64) {
	id, had := k.ids[key]
	k.undo = append(k.undo, keyChange{key, id, had})
}

func (k *keys) commit(before, event int64) {
	k.undo = k.undo[:0]
	if k.ids != nil && k.to >= before {
		k.to = event
	}
}

func (k *keys) rollback() {
	for i := len(k.undo) - 1; i >= 0; i-- {
		if c := k.undo[i]; c.had {
			k.ids[c.key] = c.id
		} else {
			delete(k.ids, c.key)
		}
	}
	k.undo = k.undo[:0]
}
