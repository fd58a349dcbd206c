package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/hfhook/hfhook/payload"
	"github.com/hfhook/hfhook/payload/edit"
	cmdtunnel "github.com/hfhook/hfhook/tunnel/command"
)

// editBody has the person change a body in their editor, as indented JSON when
// it is JSON. One that came in one line goes out in one line; one that was not
// changed goes out as it is, bit for bit.
func editBody(c *cli.Context, id int64, body []byte, raw bool) (edited []byte, err error) {
	text, end := forEditor(body)
	if !raw && !json.Valid(text) {
		return nil, failed(fmt.Errorf("the body of delivery %d is no JSON", id), "--raw edits it as it is")
	}
	args, err := editorCommand()
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "hfhook-") // 0700, since some editors write a new file
	if err != nil {
		return nil, failed(fmt.Errorf("make a file for the editor: %w", err), "")
	}
	file := filepath.Join(folder, fmt.Sprintf("delivery-%d.json", id))
	kept := false
	defer func() {
		if !kept {
			os.RemoveAll(folder)
		}
	}()
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return nil, failed(fmt.Errorf("make a file for the editor: %w", err), "")
	}
	for {
		if err := runEditor(c, args, file); err != nil {
			kept = changed(file, text)
			return nil, failed(err, keptText(kept, file))
		}
		edited, err = readEdited(file)
		switch {
		case err != nil:
			kept = true
			return nil, failed(fmt.Errorf("read what was edited: %w", err), keptText(kept, file))
		case bytes.Equal(edited, text):
			return body, nil
		case json.Valid(edited) && end != nil:
			var line bytes.Buffer
			_ = json.Compact(&line, edited) // it is valid
			return append(line.Bytes(), end...), nil
		case json.Valid(edited), raw:
			return edited, nil
		case len(bytes.TrimSpace(edited)) == 0:
			return nil, failed(errors.New("nothing was sent: the edited body is empty"), "--raw sends an empty body")
		}
		wrong := fmt.Errorf("the edited body is no JSON: %w", placeOf(edited))
		again := false
		if canAsk(c) {
			fmt.Fprintf(c.App.ErrWriter, "hfhook: %s\n", payload.Printable(wrong.Error()))
			if again, err = confirm(c, "edit it again?"); err != nil {
				kept = true
				return nil, failed(err, keptText(kept, file))
			}
		}
		if !again {
			kept = true
			return nil, failed(wrong, keptText(kept, file)+"; --raw sends what is no JSON")
		}
	}
}

// forEditor gives a body as it is edited. One that is a line of JSON goes out
// as one, with the same end; nil for somebody's own layout, which stays.
func forEditor(body []byte) (text, end []byte) {
	var line, indented bytes.Buffer
	trimmed := bytes.TrimRight(body, "\r\n")
	if json.Compact(&line, body) != nil || !bytes.Equal(line.Bytes(), trimmed) || json.Indent(&indented, trimmed, "", "  ") != nil {
		return body, nil
	}
	indented.WriteByte('\n')
	return indented.Bytes(), append([]byte{}, body[len(trimmed):]...)
}

// editorCommand is the person's editor and its arguments.
func editorCommand() ([]string, error) {
	for _, name := range []string{"VISUAL", "EDITOR"} {
		line := os.Getenv(name)
		if line == "" {
			continue
		}
		args, err := cmdtunnel.Split(line)
		switch {
		case err != nil:
			return nil, usage(fmt.Sprintf("$%s has %v", name, err), "quote it as for a shell, for example "+name+"='code --wait'")
		case len(args) > 0:
			return args, nil
		}
	}
	if runtime.GOOS == "windows" {
		return []string{"notepad"}, nil
	}
	return []string{"vi"}, nil
}

// runEditor waits until the person has closed the file.
func runEditor(c *cli.Context, args []string, file string) error {
	editor := exec.CommandContext(c.Context, args[0], append(args[1:len(args):len(args)], file)...)
	editor.Stdin, editor.Stdout, editor.Stderr = os.Stdin, os.Stdout, os.Stderr
	if !newScreen(c.App.Writer, true).terminal {
		editor.Stdout = os.Stderr // stdout is for data
	}
	if runtime.GOOS != "windows" {
		editor.Cancel = func() error { return editor.Process.Signal(os.Interrupt) } // so that it leaves the terminal as it was
	}
	editor.WaitDelay = 5 * time.Second
	err := editor.Run()
	switch {
	case c.Context.Err() != nil:
		return errInterrupted
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("there is no editor %s; set VISUAL or EDITOR", args[0])
	case err != nil:
		return fmt.Errorf("nothing was sent: the editor %s ended with %w", args[0], err)
	}
	return nil
}

func readEdited(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, edit.MaxSize+1))
	if err == nil && len(text) > edit.MaxSize {
		err = fmt.Errorf("it has more than %d bytes", edit.MaxSize)
	}
	return text, err
}

func changed(file string, text []byte) bool {
	now, err := readEdited(file)
	return err == nil && !bytes.Equal(now, text)
}

func keptText(kept bool, file string) string {
	if !kept {
		return ""
	}
	return "your text is kept in " + file
}

// placeOf says where a text is no JSON.
func placeOf(text []byte) error {
	var v json.RawMessage
	err := json.Unmarshal(text, &v)
	if s, ok := errors.AsType[*json.SyntaxError](err); ok {
		before := text[:min(int(s.Offset), len(text))]
		return fmt.Errorf("line %d: %w", 1+bytes.Count(before, []byte("\n")), err)
	}
	return err
}
