package dashboards

import (
	"net/http"
	"time"

	"martinella/broadcast"
)

// part is a section by the keys of its words.
type part struct {
	heading    string
	paragraphs []string
}

// accessibility is our own statement; an institution that published one links
// to it instead.
func (p *pages) accessibility(w http.ResponseWriter, r *http.Request) {
	p.words(w, r, "accessibility", "accessibility_title", true, []string{"accessibility_1", "accessibility_2", "accessibility_3"},
		part{"access_state", []string{"access_state_1", "access_state_2"}},
		part{"access_limits", []string{"access_limits_1", "access_limits_2", "access_limits_3"}},
		part{"access_report", []string{"access_report_1"}})
}

func (p *pages) privacy(w http.ResponseWriter, r *http.Request) {
	receive := part{"privacy_receive", []string{"privacy_receive_1", "privacy_receive_2"}}
	if p.s.TextsStop {
		receive.paragraphs = append(receive.paragraphs, "privacy_receive_stop")
	}
	receive.paragraphs = append(receive.paragraphs, "privacy_receive_3")
	p.words(w, r, "privacy", "privacy_title", false, []string{"privacy_1", "privacy_2", "privacy_3"},
		part{"privacy_read", []string{"privacy_read_1"}},
		receive,
		part{"privacy_who", []string{"privacy_who_1"}})
}

// policy is how the office warns and answers.
func (p *pages) policy(w http.ResponseWriter, r *http.Request) {
	answers := part{"policy_answer", []string{"policy_answer_1"}}
	if p.s.face().Contact != "" {
		answers.paragraphs = append(answers.paragraphs, "policy_answer_2")
	}
	p.words(w, r, "policy", "policy_title", false, nil,
		part{"policy_warn", []string{"policy_warn_1", "policy_warn_2", "policy_warn_3"}},
		part{"policy_never", []string{"policy_never_1"}},
		answers,
		part{"policy_reuse", []string{"policy_reuse_1"}})
}

// feedback is how readers tell of what is wrong with the pages.
func (p *pages) feedback(w http.ResponseWriter, r *http.Request) {
	words := []string{"feedback_112", "feedback_what"}
	if f := p.s.face(); f.Feedback == "" && f.Contact == "" {
		words = append(words, "feedback_nobody")
	}
	p.words(w, r, "feedback", "feedback_title", true, words)
}

// words is a page of sentences; mail adds where readers write to.
func (p *pages) words(w http.ResponseWriter, r *http.Request, name, title string, mail bool, sentences []string, parts ...part) {
	p.serve(w, r, leaf{name: name, make: func(l *locale, _ *broadcast.View, _ time.Time) (view, error) {
		face := p.s.face()
		said := func(keys []string) (all []string) {
			for _, k := range keys {
				all = append(all, l.must(k, "Name", p.s.Authority.Name, "Contact", face.Contact))
			}
			return all
		}
		t := textPage{Title: l.must(title), Paragraphs: said(sentences)}
		if mail {
			t.Feedback = face.Feedback
			if name == "feedback" {
				t.Contact = face.Contact
			}
		}
		for _, one := range parts {
			t.Sections = append(t.Sections, textSection{l.must(one.heading), said(one.paragraphs)})
		}
		return view{name: "text", title: t.Title, content: t}, nil
	}})
}
