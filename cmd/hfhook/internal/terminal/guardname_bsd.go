//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package terminal

func nameGuard() {}
