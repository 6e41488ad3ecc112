package channeltest

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"martinella/alerts"
	"martinella/alerts/cap"
)

// RealMessages gives every real CAP message of the examples beside the checkout
// as a record in its own languages: each file of nature "real" in their manifest
// and every alert within a feed. Messages that are no alert (Ack, Error) are
// left out. Where the examples are absent the test is skipped and says so.
func RealMessages(t testing.TB) []*alerts.Record {
	t.Helper()
	dir := filepath.Join(ModuleDir(t), "..", "shared", "testdata", "cap")
	b, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
	if err != nil {
		t.Skipf("SKIP: the examples %s are not beside the checkout: nothing is rendered of real messages", dir)
	}
	var rows []struct{ File, Nature string }
	if err := json.Unmarshal(b, &rows); err != nil {
		t.Fatal(err)
	}
	var out []*alerts.Record
	for _, row := range rows {
		feed := strings.HasPrefix(row.File, "feeds/")
		if row.Nature != "real" && !feed {
			continue
		}
		b, err := os.ReadFile(filepath.Join(dir, row.File))
		if err != nil {
			t.Fatal(err)
		}
		documents, err := documentsOf(row.File, b)
		if err != nil {
			if row.Nature == "real" {
				t.Errorf("%s: %v", row.File, err)
			}
			continue
		}
		for _, d := range documents {
			if r := recordOf(d, len(out)); r != nil {
				out = append(out, r)
			}
		}
	}
	if len(out) < 40 {
		t.Fatalf("only %d real messages", len(out))
	}
	return out
}

// documentsOf reads a file of the examples: an alert, a feed, or alerts within
// the JSON of a weather service.
func documentsOf(file string, b []byte) ([]*cap.Document, error) {
	switch {
	case strings.HasPrefix(file, "feeds/"):
		feed, err := cap.ReadContainer(b, cap.Container)
		if err != nil {
			return nil, err
		}
		var out []*cap.Document
		for _, item := range feed.Items {
			for _, e := range item.Alerts {
				if e.Document != nil {
					out = append(out, e.Document)
				}
			}
		}
		return out, nil
	case strings.HasPrefix(file, "json/"):
		var all struct {
			Warnings   []struct{ Alert json.RawMessage }
			Properties *feature
		}
		if err := json.Unmarshal(b, &all); err != nil {
			return nil, err
		}
		if all.Properties != nil {
			return []*cap.Document{all.Properties.document()}, nil
		}
		var out []*cap.Document
		var errs []error
		for _, w := range all.Warnings {
			d, err := cap.ParseJSON(w.Alert, cap.Submit)
			if errs = append(errs, err); err == nil {
				out = append(out, d)
			}
		}
		return out, errors.Join(errs...)
	}
	d, err := cap.Parse(b, cap.National)
	if err != nil {
		return nil, err
	}
	return []*cap.Document{d}, nil
}

// feature is an alert as the weather service of the United States puts it into
// GeoJSON; its dates are left open in the examples.
type feature struct {
	ID, AreaDesc, Event, Headline, Description, Instruction, SenderName string
	Status                                                              alerts.Status
	MessageType                                                         alerts.MsgType
	Severity                                                            alerts.Severity
}

func (f *feature) document() *cap.Document {
	return &cap.Document{Version: "1.2", Alert: &alerts.Alert{Identifier: f.ID, Sender: "w-nws.webmaster@noaa.gov", Sent: SampleSent, Status: f.Status, MsgType: f.MessageType,
		Scope: alerts.ScopePublic, Infos: []alerts.Info{{Language: "en-US", Event: f.Event, Headline: f.Headline, Description: f.Description, Instruction: f.Instruction,
			SenderName: f.SenderName, Severity: f.Severity, Areas: []alerts.Area{{Description: f.AreaDesc}}}}}}
}

// recordOf is what the desk would publish of somebody else's message.
func recordOf(d *cap.Document, n int) *alerts.Record {
	change := alerts.ChangeIssued
	switch d.Alert.MsgType {
	case alerts.MsgAlert:
	case alerts.MsgUpdate:
		if change = alerts.ChangeUpdated; d.Alert.AllClear() {
			change = alerts.ChangeEnded
		}
	case alerts.MsgCancel:
		change = alerts.ChangeCancelled
	default:
		return nil
	}
	id := alerts.ID(fmt.Sprintf("01KAK3Z8G0FLD1RST000%06d", n))
	return &alerts.Record{V: alerts.RecordVersion, ID: id, Event: id, Revision: 1, State: alerts.StateIssued, Change: change,
		Alert: d.Alert, Author: alerts.By{ID: "p1", Name: "Anna"}, Via: "feed", Received: SampleSent, Published: SampleSent}
}
