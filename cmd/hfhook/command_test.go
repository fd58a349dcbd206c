package main

import (
	"bufio"
	"crypto/sha256"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
)

// commandProgram is a command of a user: a program of its own that tells what it
// got of a delivery, and does what its flags say.
func commandProgram() {
	exit := flag.Int("exit", 0, "exit code")
	say := flag.String("say", "", "text for stdout")
	complain := flag.String("complain", "", "text for stderr")
	env := flag.Bool("env", false, "print the names of all variables")
	lines := flag.Int("lines", 0, "print so many lines")
	stay := flag.String("stay", "", "connect to this address and stay until it hangs up")
	flag.Parse()

	stdin, _ := io.ReadAll(os.Stdin)
	file, _ := os.ReadFile(os.Getenv("WEBHOOK_PAYLOAD_FILE"))
	payload, isSet := os.LookupEnv("WEBHOOK_PAYLOAD")
	fmt.Printf("stdin=%x file=%x ", sha256.Sum256(stdin), sha256.Sum256(file))
	if isSet {
		fmt.Printf("variable=%x ", sha256.Sum256([]byte(payload)))
	}
	fmt.Printf("repo=%s type=%s id=%s ", os.Getenv("WEBHOOK_REPO_ID"), os.Getenv("WEBHOOK_REPO_TYPE"), os.Getenv("WEBHOOK_ID"))
	fmt.Printf("secret=%x\n", sha256.Sum256([]byte(os.Getenv("WEBHOOK_SECRET"))))
	if *env {
		var names []string
		for _, entry := range os.Environ() {
			name, _, _ := strings.Cut(entry, "=")
			names = append(names, name)
		}
		slices.Sort(names)
		fmt.Println("env", strings.Join(names, " "))
	}
	for i := range *lines {
		fmt.Println("line", i+1)
	}
	if *say != "" {
		fmt.Println(*say)
	}
	if *complain != "" {
		fmt.Fprintln(os.Stderr, *complain)
	}
	if *stay != "" {
		c, err := net.Dial("tcp", *stay)
		if err == nil {
			fmt.Println("staying")
			_, _ = bufio.NewReader(c).ReadString('\n')
		}
	}
	os.Exit(*exit)
}
