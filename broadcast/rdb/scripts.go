package rdb

import (
	"embed"
	"strings"

	"github.com/redis/go-redis/v9"
)

//go:embed scripts/*.lua
var scriptFiles embed.FS

// scripts holds every script, each with the shared part that it needs before
// it. They go by EVALSHA and are loaded again when Redis has forgotten them.
type scripts struct {
	intake, move, note, publish, sitrep                     *redis.Script
	plan, begin, again, finish, park, report                *redis.Script
	retry, due, bury, replay, takeover, forget, join, touch *redis.Script
	resend, redial, undead, posted                          *redis.Script
	lease, pace, hold, trim, epoch                          *redis.Script
	person, erase, rewritten, notepeople                    *redis.Script
	grow, head                                              *redis.Script
	member, unmember, ticket, session, seen, attempt        *redis.Script
	paper                                                   *redis.Script
	keep, key                                               *redis.Script
	ring, takering, putring                                 *redis.Script
	warning, answer, ringwarning                            *redis.Script
	opencall, changecall, answercall, attendcall, hurrycall *redis.Script
	takecall, pagecall, forgetcalled, messagecall           *redis.Script
	unsure, enter, turn                                     *redis.Script
}

func loadScripts() (*scripts, error) {
	var failed error
	script := func(names ...string) *redis.Script {
		var text strings.Builder
		for _, name := range names {
			b, err := scriptFiles.ReadFile("scripts/" + name + ".lua")
			if err != nil {
				failed = err
			}
			text.Write(b)
		}
		return redis.NewScript(text.String())
	}
	s := &scripts{
		intake: script("acts", "intake"), move: script("acts", "move"), note: script("acts", "note"), publish: script("acts", "publish"), sitrep: script("acts", "sitrep"),
		plan: script("plan"), begin: script("states", "begin"), again: script("states", "again"), finish: script("states", "receipts", "finish"),
		park: script("park"), report: script("states", "report"),
		retry: script("states", "retry"), due: script("due"), bury: script("states", "bury"), replay: script("states", "replay"),
		unsure: script("states", "unsure"), enter: script("acts", "enter"), turn: script("turn"),
		resend: script("acts", "states", "resend"), redial: script("states", "redial"), undead: script("states", "undead"),
		posted:   script("acts", "states", "posted"),
		takeover: script("takeover"), forget: script("forget"), join: script("join"), touch: script("touch"),
		lease: script("lease"), pace: script("pace"), hold: script("hold"), trim: script("trim"), epoch: script("epoch"),
		person: script("acts", "person"), erase: script("acts", "erase"), rewritten: script("rewritten"), notepeople: script("acts", "notepeople"),
		grow: script("grow"), head: script("head"),
		member: script("acts", "member"), unmember: script("acts", "unmember"), ticket: script("acts", "ticket"), keep: script("acts", "keep"), key: script("acts", "key"),
		session: script("session"), seen: script("seen"), attempt: script("attempt"),
		paper: script("paper"),
		ring:  script("acts", "rings", "ring"), takering: script("takering"), putring: script("putring"),
		warning: script("acts", "rings", "warning"), answer: script("acts", "answer"), ringwarning: script("acts", "rings", "ringwarning"),
		opencall: script("acts", "states", "calls", "opencall"), changecall: script("acts", "states", "calls", "changecall"),
		answercall: script("acts", "states", "calls", "answercall"), attendcall: script("acts", "states", "calls", "attendcall"), hurrycall: script("hurrycall"),
		takecall: script("takecall"), pagecall: script("acts", "states", "calls", "pagecall"), forgetcalled: script("states", "calls", "forgetcalled"), messagecall: script("messagecall"),
	}
	return s, failed
}
