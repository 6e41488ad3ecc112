package main

import (
	"bufio"
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

// terminal asks a person, line by line. It is for one goroutine.
type terminal struct {
	in    *bufio.Reader
	out   io.Writer
	typed *os.File // nil: not a terminal, so nothing is hidden
}

var _ channels.Prompt = (*terminal)(nil)

func newTerminal(sh shell) *terminal {
	t := &terminal{in: bufio.NewReader(sh.in), out: sh.err}
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

// read gives one line without the space around it.
func (t *terminal) read(secret bool) (string, error) {
	if secret && t.typed != nil && t.in.Buffered() == 0 {
		b, err := term.ReadPassword(int(t.typed.Fd()))
		fmt.Fprintln(t.out)
		return strings.TrimSpace(string(b)), err
	}
	var line []byte
	for {
		part, more, err := t.in.ReadLine()
		if err != nil {
			if errors.Is(err, io.EOF) {
				return "", errors.New("the input ended before everything was answered")
			}
			return "", err
		}
		if line = append(line, part...); len(line) > longestAnswer {
			return "", fmt.Errorf("an answer has more than %d bytes", longestAnswer)
		}
		if !more {
			return strings.TrimSpace(string(line)), nil
		}
	}
}
