package sample

// What people say in the samples. Order matters: the seed picks by number.

var questions = []string{
	"How was the evaluation set chosen?",
	"Licence of the training data",
	"Typo in the second table",
	"Does it run on a CPU?",
	"Results differ from the paper",
	"Could you add a smaller version?",
	"Größe des Kontextfensters?",
	"トークナイザーについて 🤗",
}

var proposals = []string{
	"Describe the intended use",
	"Add a licence to the card",
	"Convert the weights to safetensors",
	"Correct the citation",
	"Add evaluation results",
	"Pin the version of the SDK",
}

var remarks = []string{
	"Thanks for looking into this.",
	"I see the same with the newest version.",
	"Works for me:\n\n```python\npipe = pipeline(\"text-classification\")\n```",
	"The card says *something else*, see **Limitations**.",
	"Could a maintainer have a look?",
	"Fertig, danke für die schnelle Antwort! 👍",
	"| split | rows |\n|---|---|\n| train | 12,000 |\n| test | 1,500 |",
}

var branches = []string{"fp16", "experiments/lr-3e-5", "next", "release/2.x", "cleanup"}

var versions = []string{"v1.0", "v1.1.0", "v2.0-rc1", "2026.09"}

var paths = []string{
	"data/train-00000-of-00004.parquet",
	"checkpoints/step-4000/model.safetensors",
	"logs/run 12/events.jsonl",
	"bilder/größe.png",
	"README.md",
}

// Text that does something where it is not expected: to a terminal, a page, a
// spreadsheet, a shell, a chat.
const (
	hostileTitle = "\x1b[31mred\x1b[0m \u202edesrever\u202c <img src=x onerror=alert(1)> {{7*7}}"

	hostileComment = "bell \a, title \x1b]0;owned\x07, clear \x1b[2J, back\rover, nul \x00, C1 \u009b31m, " +
		"zero\u200bwidth, bidi \u2066\u202e\u2069, line\u2028separator, tag \U000e0041, " +
		"<script>alert(document.cookie)</script>, '; DROP TABLE comments; --, =cmd|'/C calc'!A0, " +
		"$(reboot), `reboot`, %s%n, ../../etc/passwd, @everyone, \\u0000"

	// Git allows all of these in the name of a branch.
	hostileBranch = "x;reboot|$(reboot)&`reboot`<b>'\"é\u00a0%2e%2e"

	hostilePath = "../../.ssh/authorized_keys\n$(reboot)\u202egpj.exe"
)
