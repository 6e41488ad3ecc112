package paper

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"testing"
)

func key(t testing.TB) ([]byte, string) {
	t.Helper()
	k := make([]byte, 32)
	_, _ = rand.Read(k)
	lines, err := Lines(k)
	if err != nil || len(lines) != Count {
		t.Fatal(lines, err)
	}
	return k, strings.Join(lines, "\n") + "\n"
}

func TestWhatIsTypedIsTheKey(t *testing.T) {
	k, text := key(t)
	numbered := ""
	for i, line := range strings.Split(strings.TrimSpace(text), "\n") {
		numbered += fmt.Sprintf("%d  %s\n", i+1, line)
	}
	for name, typed := range map[string]string{
		"as it stands":               text,
		"in small letters":           strings.ToLower(text),
		"without gaps":               strings.ReplaceAll(text, " ", ""),
		"with dashes":                strings.ReplaceAll(text, " ", "-"),
		"with the lines' numbers":    numbered,
		"with the O that is a zero":  strings.ReplaceAll(strings.ReplaceAll(text, "0", "o"), "1", "l"),
		"with empty lines and notes": "# key of Valdemo\n\n" + strings.ReplaceAll(text, "\n", "\r\n\r\n"),
	} {
		if got, err := Read(typed); err != nil || !bytes.Equal(got, k) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Every single wrong letter, and every two beside each other that changed places,
// are found, and named by line and group.
func TestEveryWrongLetterIsNamed(t *testing.T) {
	_, text := key(t)
	lines := strings.Split(strings.TrimSpace(text), "\n")
	wrong := func(line, group int, typed string) {
		t.Helper()
		lines := append([]string(nil), lines...)
		lines[line] = typed
		_, err := Read(strings.Join(lines, "\n"))
		named, ok := errors.AsType[*WrongGroup](err)
		if !ok || named.Line != line+1 || named.Group != group+1 {
			t.Fatalf("%q in place of %q gives %v", typed, lines[line], err)
		}
		if strings.Contains(err.Error(), typed[:5]) {
			t.Fatalf("the error repeats the key: %v", err)
		}
	}
	for l, line := range lines {
		for i := range line {
			if line[i] == ' ' {
				continue
			}
			for _, c := range letters {
				if byte(c) != line[i] {
					wrong(l, i/6, line[:i]+string(c)+line[i+1:])
				}
			}
			if i%6 < 4 && line[i] != line[i+1] {
				wrong(l, i/6, line[:i]+string(line[i+1])+string(line[i])+line[i+2:])
			}
		}
	}
}

func TestWhatIsNoKeyIsRefused(t *testing.T) {
	_, one := key(t)
	_, two := key(t)
	a, b := strings.Split(one, "\n"), strings.Split(two, "\n")
	for name, c := range map[string]struct{ text, want string }{
		"nothing":               {"", "5 lines"},
		"a line is missing":     {strings.Join(a[:4], "\n"), "5 lines"},
		"a line too many":       {one + a[0], "more than 5"},
		"two lines changed":     {strings.Join([]string{a[1], a[0], a[2], a[3], a[4]}, "\n"), "line 1, group 1"},
		"lines of two sheets":   {strings.Join([]string{a[0], b[1], a[2], a[3], a[4]}, "\n"), "one sheet"},
		"a letter is missing":   {one[1:], "line 1: it has 14 letters"},
		"a sign of another set": {"?" + one[1:], "line 1, group 1: there is a sign"},
	} {
		if _, err := Read(c.text); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	k := bytes.Repeat([]byte{0xa5}, 32)
	lines, err := Lines(k)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(strings.Join(lines, "\n"))
	f.Add("1 ÀÀÀ\n2")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := Read(text)
		if err != nil {
			return
		}
		again, err := Lines(got)
		if err != nil {
			t.Fatal(err)
		}
		back, err := Read(strings.Join(again, "\n"))
		if err != nil || !bytes.Equal(back, got) {
			t.Fatalf("%x comes back as %x, %v", got, back, err)
		}
	})
}
