package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/term"

	"martinella/channels"
)

// terminal asks a person, line by line, until the command is interrupted. It is
// for one goroutine.
type terminal struct {
	ctx   context.Context // a prompt has none of its own
	in    *bufio.Reader
	out   io.Writer
	typed *os.File // nil: not a terminal, so nothing is hidden
}

var _ channels.Prompt = (*terminal)(nil)

func newTerminal(ctx context.Context, sh shell) *terminal {
	t := &terminal{ctx: ctx, in: bufio.NewReader(sh.in), out: sh.err}
	if f, ok := sh.in.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		t.typed = f
	}
	return t
}

// longestAnswer bounds one line, in bytes: tokens have some hundreds.
const longestAnswer = 8 << 10

// Tell implements [channels.Prompt].
func (t *terminal) Tell(text string) { fmt.Fprintln(t.out, text) }

// Ask implements [channels.Prompt].
func (t *terminal) Ask(q channels.Question) (string, error) {
	for i, choice := range q.Choices {
		if len(q.Choices) > 2 {
			fmt.Fprintf(t.out, "  %d  %s\n", i+1, choice)
		}
	}
	for {
		fmt.Fprint(t.out, q.Text)
		if len(q.Choices) == 2 {
			fmt.Fprintf(t.out, " (%s)", strings.Join(q.Choices, " or "))
		}
		if q.Default != "" {
			fmt.Fprintf(t.out, " [%s]", q.Default)
		}
		fmt.Fprint(t.out, ": ")
		answer, err := t.read(q.Secret)
		if err != nil {
			return "", err
		}
		if answer == "" {
			answer = q.Default
		}
		answer, err = judge(q, answer)
		if err == nil {
			return answer, nil
		}
		fmt.Fprintf(t.out, "  %v\n", err)
	}
}

// judge gives the answer as it is meant, or what is wrong with it.
func judge(q channels.Question, answer string) (string, error) {
	if len(q.Choices) > 0 {
		if n, err := strconv.Atoi(answer); err == nil && n >= 1 && n <= len(q.Choices) && !slices.Contains(q.Choices, answer) {
			answer = q.Choices[n-1]
		}
		var near []string
		for _, choice := range q.Choices {
			if strings.EqualFold(choice, answer) {
				near = []string{choice}
				break
			}
			if answer != "" && strings.HasPrefix(strings.ToLower(choice), strings.ToLower(answer)) {
				near = append(near, choice)
			}
		}
		if len(near) != 1 {
			return "", fmt.Errorf("answer with one of: %s", strings.Join(q.Choices, ", "))
		}
		answer = near[0]
	}
	if q.Check != nil {
		if err := q.Check(answer); err != nil {
			return "", err
		}
		return answer, nil
	}
	if answer == "" && len(q.Choices) == 0 {
		return "", errors.New("an answer is needed")
	}
	return answer, nil
}

// typedLine is what came of waiting for a line.
type typedLine struct {
	text string
	err  error
}

// errInterrupted is the end of a question that nobody answers any more.
var errInterrupted = errors.New("interrupted")

// read gives one line without the space around it. Nothing can end the wait for
// a line but the line: after an interrupt it is left waiting, and the command
// ends without it.
func (t *terminal) read(secret bool) (string, error) {
	hidden := secret && t.typed != nil && t.in.Buffered() == 0
	var before *term.State
	if hidden {
		before, _ = term.GetState(int(t.typed.Fd())) // nil: it is left as it is
	}
	got := make(chan typedLine, 1)
	go func() {
		text, err := t.line(hidden)
		got <- typedLine{text, err}
	}()
	select {
	case <-t.ctx.Done():
		if before != nil {
			_ = term.Restore(int(t.typed.Fd()), before) // what is typed is seen again
		}
		fmt.Fprintln(t.out)
		return "", errInterrupted
	case one := <-got:
		if hidden {
			fmt.Fprintln(t.out)
		}
		if errors.Is(one.err, io.EOF) {
			one.err = errors.New("the input ended before everything was answered")
		}
		return strings.TrimSpace(one.text), one.err
	}
}

func (t *terminal) line(hidden bool) (string, error) {
	if hidden {
		b, err := term.ReadPassword(int(t.typed.Fd()))
		return string(b), err
	}
	var line []byte
	for {
		part, more, err := t.in.ReadLine()
		if err != nil {
			return "", err
		}
		if line = append(line, part...); len(line) > longestAnswer {
			return "", fmt.Errorf("an answer has more than %d bytes", longestAnswer)
		}
		if !more {
			return string(line), nil
		}
	}
}
