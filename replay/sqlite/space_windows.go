package sqlite

import "golang.org/x/sys/windows"

// FreeSpace is how many bytes the user can still write to the disk that a
// folder is on.
func FreeSpace(folder string) (bytes uint64, known bool) {
	name, err := windows.UTF16PtrFromString(folder)
	if err != nil {
		return 0, false
	}
	var free uint64
	err = windows.GetDiskFreeSpaceEx(name, &free, nil, nil)
	return free, err == nil
}
