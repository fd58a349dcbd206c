package command_test

import (
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/replay/command"
)

// BenchmarkSend runs a program that ends at once; its floor is the bare
// os/exec.
func BenchmarkSend(b *testing.B) {
	b.Run("command", func(b *testing.B) {
		made, err := command.New([]string{os.Args[0], "perform", "exit", "0"}, command.Options{Folder: b.TempDir()})
		require.NoError(b, err)
		defer made.Close()
		d := delivery(body)
		for b.Loop() {
			if a := made.Send(b.Context(), d); !a.OK() {
				b.Fatal(a.Error)
			}
		}
	})
	b.Run("floor", func(b *testing.B) {
		for b.Loop() {
			if err := exec.Command(os.Args[0], "perform", "exit", "0").Run(); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkOutput is about a program that prints 10 MB in lines of 40 bytes.
func BenchmarkOutput(b *testing.B) {
	file := b.TempDir() + "/text"
	text := make([]byte, 10<<20)
	for i := range text {
		text[i] = 'x'
		if i%40 == 39 {
			text[i] = '\n'
		}
	}
	require.NoError(b, os.WriteFile(file, text, 0o600))
	for name, o := range map[string]command.Options{
		"kept":        {Secret: "0123456789abcdef"},
		"kept, shown": {Secret: "0123456789abcdef", Output: func(command.Line) {}},
	} {
		b.Run(name, func(b *testing.B) {
			o.Folder = b.TempDir()
			made, err := command.New([]string{os.Args[0], "perform", "cat", file}, o)
			require.NoError(b, err)
			defer made.Close()
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				if a := made.Send(b.Context(), delivery(body)); !a.OK() {
					b.Fatal(a.Error)
				}
			}
		})
	}
}
