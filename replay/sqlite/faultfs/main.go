package faultfs

import (
	"encoding/json"
	"fmt"
	"os"
)

// Plan is for a process of its own: what it is to do from its start on.
type Plan struct {
	Faults []Fault
	Record string // path of a log; "" for none
}

const planEnv = "HFHOOK_TEST_FAULTFS"

// Env is the variable that makes a program which calls Main follow the plan.
func (p Plan) Env() string {
	b, err := json.Marshal(p)
	if err != nil {
		panic(err) // there is nothing in it that JSON cannot say
	}
	return planEnv + "=" + string(b)
}

// Main follows the plan in this process's environment, if there is one. It is
// for the TestMain of a test binary that is also the program.
func Main() {
	text, ok := os.LookupEnv(planEnv)
	if !ok {
		return
	}
	if err := follow(text); err != nil {
		fmt.Fprintln(os.Stderr, "faultfs:", err)
		os.Exit(1)
	}
}

func follow(text string) error {
	var p Plan
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		return err
	}
	f, err := Install()
	if err != nil {
		return err
	}
	if p.Record != "" {
		log, err := OpenLog(p.Record)
		if err != nil {
			return err
		}
		f.Record(log)
	}
	f.Inject(p.Faults...)
	return nil
}
