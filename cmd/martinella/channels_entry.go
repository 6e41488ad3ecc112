package main

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"

	"martinella/channels"
)

// inserted gives the text of a configuration with one more entry at the end of
// its channels. Everything else stays as a person wrote it: order, comments,
// indentation. The error says why it cannot be told where the entry belongs.
func inserted(text []byte, entry []channels.Field) ([]byte, error) {
	out, err := placed(text, entry)
	if err != nil {
		return nil, err
	}
	if !oneMore(text, out, entry) {
		return nil, errors.New("writes its channels in an unusual way")
	}
	return out, nil
}

// oneMore reads both texts and reports whether nothing but the entry came in.
func oneMore(before, after []byte, entry []channels.Field) bool {
	read := func(text []byte) (keys map[string]any, list []any, ok bool) {
		if err := yaml.Unmarshal(text, &keys); err != nil {
			return nil, nil, false
		}
		list, _ = keys["channels"].([]any)
		delete(keys, "channels")
		return keys, list, true
	}
	keys, list, ok := read(before)
	newKeys, newList, newOK := read(after)
	if !ok || !newOK || len(newList) != len(list)+1 || len(keys)+len(newKeys) > 0 && !reflect.DeepEqual(keys, newKeys) || len(list) > 0 && !reflect.DeepEqual(list, newList[:len(list)]) {
		return false
	}
	last, _ := newList[len(list)].(map[string]any)
	return len(last) == len(entry) && fmt.Sprint(last["name"]) == entry[0].Value
}

// placed writes the entry where it seems to belong.
func placed(text []byte, entry []channels.Field) ([]byte, error) {
	tops, err := yamlDocuments(text)
	if err != nil {
		return nil, fmt.Errorf("cannot be read as YAML: %w", err)
	}
	if len(tops) > 1 {
		return nil, errors.New("has several documents")
	}
	lines := strings.SplitAfter(string(text), "\n")
	if last := lines[len(lines)-1]; last == "" {
		lines = lines[:len(lines)-1]
	} else {
		lines[len(lines)-1] = last + "\n"
	}
	newline := "\n"
	if bytes.Contains(text, []byte("\r\n")) {
		newline = "\r\n"
	}
	if len(tops) == 0 || tops[0].Kind == yaml.ScalarNode && tops[0].Tag == "!!null" {
		return []byte(strings.Join(lines, "") + "channels:" + newline + entryText(entry, "  ", newline)), nil
	}
	top := tops[0]
	if top.Kind != yaml.MappingNode || top.Style&yaml.FlowStyle != 0 {
		return nil, errors.New("is not a list of keys, one a line")
	}
	for i := 0; i+1 < len(top.Content); i += 2 {
		key, list := top.Content[i], top.Content[i+1]
		if key.Value != "channels" {
			continue
		}
		empty := len(list.Content) == 0 && (list.Kind == yaml.SequenceNode || list.Tag == "!!null")
		end := len(lines)
		if i+2 < len(top.Content) {
			end = top.Content[i+2].Line - 1
		}
		switch {
		case empty && list.Line <= key.Line:
			head, comment, _ := strings.Cut(strings.TrimRight(lines[key.Line-1], "\r\n"), "#")
			if comment != "" {
				comment = " #" + comment
			}
			head, _, _ = strings.Cut(head, ":")
			lines[key.Line-1] = head + ":" + comment + newline
			return []byte(joinLines(lines[:key.Line], entryText(entry, "  ", newline), lines[key.Line:])), nil
		case empty || list.Kind != yaml.SequenceNode || list.Style&yaml.FlowStyle != 0 || list.Anchor != "" || list.Kind == yaml.AliasNode:
			return nil, errors.New("writes its channels in one line or in another unusual way")
		}
		// Comments and empty lines before the next key belong to that.
		for end > key.Line && belongsToNext(lines[end-1]) {
			end--
		}
		indent := strings.Repeat(" ", max(list.Column-1, 0))
		return []byte(joinLines(lines[:end], entryText(entry, indent, newline), lines[end:])), nil
	}
	return []byte(strings.Join(lines, "") + newline + "channels:" + newline + entryText(entry, "  ", newline)), nil
}

func joinLines(before []string, middle string, after []string) string {
	return strings.Join(before, "") + middle + strings.Join(after, "")
}

// belongsToNext reports whether a line is empty or a comment at the margin.
func belongsToNext(line string) bool {
	return strings.TrimSpace(line) == "" || line[0] == '#'
}

// entryText is an item of a list, with each value quoted where YAML needs it.
func entryText(entry []channels.Field, indent, newline string) string {
	var b strings.Builder
	for i, f := range entry {
		lead := "  "
		if i == 0 {
			lead = "- "
		}
		fmt.Fprintf(&b, "%s%s%s: %s%s", indent, lead, f.Key, scalarText(f.Value), newline)
	}
	return b.String()
}

// scalarText is a value in one line. Figures and truth values stay plain.
func scalarText(value string) string {
	if value == "true" || value == "false" || plainNumber(value) {
		return value
	}
	node := yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value}
	if strings.ContainsAny(value, "\r\n") {
		node.Style = yaml.DoubleQuotedStyle
	}
	b, err := yaml.Marshal(&node)
	if err != nil || bytes.Count(b, []byte("\n")) != 1 {
		return quoted(value)
	}
	return strings.TrimRight(string(b), "\n")
}

// plainNumber: a whole number that is not long enough to be an id, which some
// readers would round.
func plainNumber(value string) bool {
	if value == "" || len(value) > 9 || value[0] == '0' && value != "0" {
		return false
	}
	return strings.Trim(value, "0123456789") == ""
}
