package faultfs

import (
	"modernc.org/libc"
)

// These pass on what does not fail here.

func fileSize(tls *libc.TLS, file, result uintptr) int32 {
	real, m, _ := under(file)
	return from[resultFunc](m.FxFileSize)(tls, real, result)
}

func fileLock(tls *libc.TLS, file uintptr, level int32) int32 {
	real, m, _ := under(file)
	return from[numberFunc](m.FxLock)(tls, real, level)
}

func fileUnlock(tls *libc.TLS, file uintptr, level int32) int32 {
	real, m, _ := under(file)
	return from[numberFunc](m.FxUnlock)(tls, real, level)
}

func fileReserved(tls *libc.TLS, file, result uintptr) int32 {
	real, m, _ := under(file)
	return from[resultFunc](m.FxCheckReservedLock)(tls, real, result)
}

func fileControl(tls *libc.TLS, file uintptr, op int32, arg uintptr) int32 {
	real, m, _ := under(file)
	return from[controlFunc](m.FxFileControl)(tls, real, op, arg)
}

func fileSectorSize(tls *libc.TLS, file uintptr) int32 {
	real, m, _ := under(file)
	return from[closeFunc](m.FxSectorSize)(tls, real)
}

func fileCharacteristics(tls *libc.TLS, file uintptr) int32 {
	real, m, _ := under(file)
	return from[closeFunc](m.FxDeviceCharacteristics)(tls, real)
}

func shmLock(tls *libc.TLS, file uintptr, off, n, flags int32) int32 {
	real, m, _ := under(file)
	return from[shmLockFunc](m.FxShmLock)(tls, real, off, n, flags)
}

func shmBarrier(tls *libc.TLS, file uintptr) {
	real, m, _ := under(file)
	from[barrierFunc](m.FxShmBarrier)(tls, real)
}

func shmUnmap(tls *libc.TLS, file uintptr, remove int32) int32 {
	real, m, _ := under(file)
	return from[numberFunc](m.FxShmUnmap)(tls, real, remove)
}

func fileFetch(tls *libc.TLS, file uintptr, off int64, n int32, result uintptr) int32 {
	real, m, _ := under(file)
	return from[fetchFunc](m.FxFetch)(tls, real, off, n, result)
}

func fileUnfetch(tls *libc.TLS, file uintptr, off int64, p uintptr) int32 {
	real, m, _ := under(file)
	return from[unfetchFunc](m.FxUnfetch)(tls, real, off, p)
}
