//go:build linux

package faultfs_test

import (
	"database/sql"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	driver "modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"github.com/hfhook/hfhook/replay/sqlite/faultfs"
)

func install(t *testing.T) *faultfs.FS {
	t.Helper()
	f, err := faultfs.Install()
	require.NoError(t, err)
	t.Cleanup(func() {
		f.Heal()
		f.Record(nil)
	})
	return f
}

func database(t *testing.T) (db *sql.DB, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "a.db")
	db, err := sql.Open("sqlite", path+"?_pragma=journal_mode(wal)&_pragma=synchronous(full)&_pragma=wal_autocheckpoint(0)")
	require.NoError(t, err)
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { _ = db.Close() })
	_, err = db.Exec("CREATE TABLE t (x)")
	require.NoError(t, err)
	return db, path
}

func TestFaults(t *testing.T) {
	f := install(t)
	for name, c := range map[string]struct {
		fault faultfs.Fault
		want  int
	}{
		"a write":       {faultfs.Fault{Op: faultfs.Write, File: "-wal"}, lib.SQLITE_IOERR_WRITE},
		"a full disk":   {faultfs.Fault{Op: faultfs.Write, File: "-wal", Way: faultfs.Full}, lib.SQLITE_FULL},
		"half a write":  {faultfs.Fault{Op: faultfs.Write, File: "-wal", First: 2, Way: faultfs.Short}, lib.SQLITE_FULL},
		"a sync":        {faultfs.Fault{Op: faultfs.Sync, File: "-wal"}, lib.SQLITE_IOERR_FSYNC},
		"another file":  {faultfs.Fault{Op: faultfs.Write, File: "b.db"}, 0},
		"a later write": {faultfs.Fault{Op: faultfs.Write, First: 1000}, 0},
		"a file that is not there": {faultfs.Fault{
			Op: faultfs.Write, While: filepath.Join(t.TempDir(), "none"),
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			db, _ := database(t)
			f.Inject(c.fault)
			_, err := db.Exec("INSERT INTO t VALUES (1)")
			code := 0
			if e, ok := errors.AsType[*driver.Error](err); ok {
				code = e.Code()
			}
			assert.Equal(t, c.want, code, "%v", err)
			assert.Equal(t, c.want != 0, f.Heal() > 0)
			_, err = db.Exec("INSERT INTO t VALUES (1)")
			assert.NoError(t, err, "healed")
			require.NoError(t, db.Close())
		})
	}
}

func TestTimes(t *testing.T) {
	f := install(t)
	db, _ := database(t)
	f.Inject(faultfs.Fault{Op: faultfs.Sync, File: "-wal", First: 2, Times: 2})
	var failed []bool
	for range 5 {
		_, err := db.Exec("INSERT INTO t VALUES (1)")
		failed = append(failed, err != nil)
	}
	assert.Equal(t, []bool{false, true, true, false, false}, failed)
}

// A power loss that takes nothing leaves what the process saw, and one that takes
// all that was not synced leaves what was committed.
func TestPowerLoss(t *testing.T) {
	f := install(t)
	logPath := filepath.Join(t.TempDir(), "log")
	log, err := faultfs.OpenLog(logPath)
	require.NoError(t, err)
	f.Record(log)
	db, path := database(t)
	for range 50 {
		_, err := db.Exec("INSERT INTO t VALUES (randomblob(5000))")
		require.NoError(t, err)
		log.Mark("committed")
	}
	_, err = db.Exec("PRAGMA wal_checkpoint(PASSIVE)")
	require.NoError(t, err)
	f.Record(nil)
	require.NoError(t, log.Close())

	records, err := faultfs.ReadLog(logPath)
	require.NoError(t, err)
	disk, committed := faultfs.NewDisk(1, records), 0
	rng := rand.New(rand.NewPCG(1, 2))
	rows := func(loss faultfs.Loss) (n int) {
		folder := t.TempDir()
		require.NoError(t, faultfs.WriteFiles(folder, disk.PowerLoss(loss, rng)))
		left, err := sql.Open("sqlite", filepath.Join(folder, "a.db"))
		require.NoError(t, err)
		require.NoError(t, left.QueryRow("SELECT count(*) FROM t").Scan(&n))
		require.NoError(t, left.Close())
		return n
	}
	for _, r := range records {
		disk.Apply(r)
		if r.Kind != faultfs.Marked {
			continue
		}
		if committed++; committed%10 == 0 {
			for _, loss := range faultfs.Losses {
				assert.Equal(t, committed, rows(loss), loss)
			}
		}
	}
	assert.Equal(t, 50, committed)
	for file, b := range disk.PowerLoss(faultfs.LoseNothing, rng) {
		there, err := os.ReadFile(file)
		require.NoError(t, err)
		assert.Equal(t, there, b, file)
	}
	require.NoError(t, db.Close())
	assert.Equal(t, "a.db", filepath.Base(path))
}

func records(kinds ...faultfs.Record) []faultfs.Record {
	for i := range kinds {
		kinds[i].Path, kinds[i].Handle = "/a", 1
	}
	return kinds
}

func TestDisk(t *testing.T) {
	write := func(s string, off int64) faultfs.Record {
		return faultfs.Record{Kind: faultfs.Wrote, Data: []byte(s), Off: off}
	}
	kind := func(k faultfs.Kind) faultfs.Record { return faultfs.Record{Kind: k} }
	found := faultfs.Record{Kind: faultfs.Found, Data: []byte("old")}
	for name, c := range map[string]struct {
		records       []faultfs.Record
		all, nothing  string // what is left, "-" for no file
		sometimesGone bool
	}{
		"nothing synced":          {records(found, write("new", 0)), "old", "new", false},
		"synced":                  {records(found, write("new", 0), kind(faultfs.SyncBegin), kind(faultfs.Synced)), "new", "new", false},
		"written during the sync": {records(found, kind(faultfs.SyncBegin), write("new", 0), kind(faultfs.Synced)), "old", "new", false},
		"a sync that has not ended": {
			records(found, write("new", 0), kind(faultfs.SyncBegin)), "old", "new", false,
		},
		"cut": {records(found, faultfs.Record{Kind: faultfs.Cut, Off: 1}), "old", "o", false},
		"a new name": {
			records(kind(faultfs.Created), write("new", 0), kind(faultfs.SyncBegin), kind(faultfs.Synced)), "-", "new", true,
		},
		"a new name that is safe": {
			records(kind(faultfs.Created), kind(faultfs.NamesBegin), kind(faultfs.NamesSynced)), "", "", false,
		},
		"a name that was taken away": {records(found, kind(faultfs.Deleted)), "old", "-", true},
	} {
		t.Run(name, func(t *testing.T) {
			disk := faultfs.NewDisk(1, c.records)
			for _, r := range c.records {
				disk.Apply(r)
			}
			left := func(loss faultfs.Loss, seed uint64) string {
				files := disk.PowerLoss(loss, rand.New(rand.NewPCG(seed, 1)))
				if b, ok := files["/a"]; ok {
					return string(b)
				}
				return "-"
			}
			assert.Equal(t, c.all, left(faultfs.LoseAll, 1))
			assert.Equal(t, c.nothing, left(faultfs.LoseNothing, 1))
			gone, there := false, false
			for seed := range uint64(50) {
				is := left(faultfs.LoseSome, seed) == "-"
				gone, there = gone || is, there || !is
			}
			assert.Equal(t, c.sometimesGone, gone && there)
		})
	}
}

// What a failed sync was to write is lost although the next one succeeds.
func TestAFailedSyncIsNotMadeGood(t *testing.T) {
	lost := 0
	for seed := range uint64(20) {
		list := records(faultfs.Record{Kind: faultfs.Found, Data: []byte("old")},
			faultfs.Record{Kind: faultfs.Wrote, Data: []byte("new")},
			faultfs.Record{Kind: faultfs.SyncBegin}, faultfs.Record{Kind: faultfs.SyncFailed},
			faultfs.Record{Kind: faultfs.SyncBegin}, faultfs.Record{Kind: faultfs.Synced})
		disk := faultfs.NewDisk(seed, list)
		for _, r := range list {
			disk.Apply(r)
		}
		if string(disk.PowerLoss(faultfs.LoseNothing, rand.New(rand.NewPCG(1, 1)))["/a"]) == "old" {
			lost++
		}
	}
	assert.Greater(t, lost, 10)
	assert.Less(t, lost, 20)
}
