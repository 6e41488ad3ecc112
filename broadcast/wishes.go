package broadcast

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/channels"
)

// Wish is what somebody asks by a reply about being written to at all.
type Wish string

// The wishes; "" is none.
const (
	WishStop  Wish = "stop"
	WishStart Wish = "start"
)

// The words of wishes in Italian, English, German, French and Slovene, without case and
// accents, and those that may stand beside them. Any other word makes a text
// something else: "stop al traffico?" is not a wish, nor is "don't stop".
var (
	stopWords = []string{
		"stop", "stopp", "stopall", "cancella", "cancellami", "cancellare", "cancellatemi", "cancellazione", "disiscrivi", "disiscrivimi", "disiscrizione", "disattiva", "basta",
		"annulla", "rimuovi", "rimuovimi", "unsubscribe", "cancel", "quit", "optout", "abbestellen", "abmelden", "austragen", "abmeldung",
		"desabonner", "desabonnement", "desinscrire", "desinscription", "arret", "arreter",
		"ustavi", "ustavite", "odjava", "odjavi", "odjavite", "preklici", "preklicite", "preklic", "izbrisi", "izbrisite", "nehaj", "nehajte",
	}
	startWords = []string{
		"start", "unstop", "inizia", "iscrivi", "iscrivimi", "iscrizione", "riattiva", "attiva", "riprendi", "subscribe", "resume", "anmelden", "anmeldung", "fortsetzen", "abonner", "reprendre",
		"prijava", "prijavi", "prijavite", "narocam", "naroci", "zacni", "nadaljuj",
	}
	politeWords = []string{"grazie", "prego", "per", "favore", "please", "thanks", "thank", "you", "bitte", "danke", "merci", "svp", "prosim", "hvala", "sporocil", "sporocila", "opozoril", "opozorila", "vse", "takoj", "sms", "email", "mail", "messaggi", "messages", "nachrichten", "all", "tutto", "tutti", "alles", "mi", "me", "mich", "now", "subito", "sofort", "da", "questa", "lista", "iscrizione"}
)

// WishOf reads a reply. What holds anything but the words of one wish is none:
// it is for whoever reads replies.
func WishOf(text string) Wish {
	if len(text) > 200 {
		return ""
	}
	words := plainWords(text)
	var wish Wish
	for _, w := range words {
		var one Wish
		switch {
		case slices.Contains(stopWords, w):
			one = WishStop
		case slices.Contains(startWords, w) && !slices.Contains(politeWords, w):
			one = WishStart
		case slices.Contains(politeWords, w):
			continue
		}
		if one == "" || wish != "" && wish != one {
			return ""
		}
		wish = one
	}
	if wish == "" && len(words) == 1 && slices.Contains(startWords, words[0]) {
		return WishStart
	}
	return wish
}

var accentless = strings.NewReplacer("à", "a", "á", "a", "â", "a", "è", "e", "é", "e", "ê", "e", "ë", "e", "ì", "i", "î", "i", "ò", "o", "ô", "o", "ù", "u", "û", "u", "ü", "u", "ö", "o", "ä", "a", "ç", "c", "č", "c", "ć", "c", "š", "s", "ž", "z")

// plainWords are the words of a text without case, accents and marks; letters
// that stand alone ("S.T.O.P.") are one word.
func plainWords(text string) []string {
	text = strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) || unicode.Is(unicode.Cf, r) {
			return -1
		}
		return unicode.ToLower(r)
	}, text)
	words := strings.FieldsFunc(accentless.Replace(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) })
	if len(words) > 1 && !slices.ContainsFunc(words, func(w string) bool { return len([]rune(w)) > 1 }) {
		return []string{strings.Join(words, "")}
	}
	return words
}

// Fulfilled is a wish that was carried out.
type Fulfilled struct {
	Number   uint32
	Language string
	Changed  bool // it was not so before
}

// Fulfil carries a wish out for one contact, alerts.ErrNotFound where nobody
// has it. STOP is honoured for everything that goes to that contact, emergencies
// and lists of the public task too: from then on, also within an alert that is
// being sent, the store gives no address for it. Each change is an act (who by
// number, which kind of contact, via what), so that the authority sees whom it
// can no longer warn there. START undoes a STOP, and nothing else: it confirms
// no sign-up.
func Fulfil(ctx context.Context, roll Roll, wish Wish, kind, address, via string, now time.Time) (Fulfilled, error) {
	var done Fulfilled
	number, err := roll.Lookup(ctx, kind, address)
	if err != nil {
		return done, fmt.Errorf("fulfil a wish: %w", err)
	}
	now = now.UTC().Truncate(time.Second)
	act := &alerts.Act{V: 1, At: now, By: alerts.By{ID: fmt.Sprintf("person:%d", number)}, Verb: "stopped", Reason: kind, Via: via}
	if wish == WishStart {
		act.Verb = "resumed"
	}
	err = roll.Change(ctx, number, act, func(m *Member) (bool, error) {
		if m.Contacts[kind] != address {
			return false, alerts.ErrNotFound // it is another one's by now
		}
		_, stopped := m.Stopped[kind]
		done = Fulfilled{number, m.Language, stopped != (wish == WishStop)}
		switch {
		case !done.Changed:
		case wish == WishStop:
			m.stop(kind, now)
		default:
			delete(m.Stopped, kind)
			if len(m.Stopped) == 0 {
				m.Stopped = nil
			}
		}
		return done.Changed, nil
	})
	if err != nil {
		return Fulfilled{}, fmt.Errorf("fulfil a wish: %w", err)
	}
	return done, nil
}

// answers are what is written back, short enough for one SMS (GSM 03.38, 160):
// Slovene is written without carons, as in text messages, which lack them.
var answers = map[Wish]map[string]string{
	WishStop: {
		"it": "Non riceverai più i nostri avvisi su questo recapito. In caso di pericolo chiama il 112. Per riceverli di nuovo rispondi START.",
		"en": "You will get no more of our warnings here. In danger call 112. To get them again reply START.",
		"de": "Sie erhalten hier keine Warnungen mehr von uns. Bei Gefahr 112 anrufen. Mit START erhalten Sie sie wieder.",
		"sl": "Tukaj ne boste vec prejemali nasih opozoril. V nevarnosti poklicite 112. Ce jih zelite spet prejemati, odgovorite START.",
		"fr": "Vous ne recevrez plus nos alertes ici. En cas de danger appelez le 112. Pour les recevoir à nouveau répondez START.",
	},
	WishStart: {
		"it": "Riceverai di nuovo i nostri avvisi su questo recapito. Per non riceverli più rispondi STOP.",
		"en": "You will get our warnings here again. To stop them reply STOP.",
		"de": "Sie erhalten unsere Warnungen hier wieder. Zum Abbestellen STOP antworten.",
		"sl": "Tukaj boste spet prejemali nasa opozorila. Ce jih ne zelite vec, odgovorite STOP.",
		"fr": "Vous recevrez à nouveau nos alertes ici. Pour ne plus en recevoir répondez STOP.",
	},
}

// Answer is what is written back once a wish is carried out, in the person's
// language or else in Italian.
func (w Wish) Answer(language string) string {
	texts := answers[w]
	if text, ok := texts[alerts.PrimaryLanguage(language)]; ok {
		return text
	}
	return texts["it"]
}

// Answers brings a text back to whoever wrote on a channel. It must not block
// long: the platform waits for the reply to be taken.
type Answers func(ctx context.Context, channel, to, text string)

// AddressKinds gives the kind of contact of each addressed channel by its name.
func AddressKinds(routes []Route) map[string]string {
	kinds := map[string]string{}
	for _, r := range routes {
		if kind := r.addressKind(); kind != "" {
			kinds[r.Name()] = kind
		}
	}
	return kinds
}

// fulfil carries out what a reply asks for, durably, and answers it. Who is not
// on the roll has nothing to stop.
func (s *Sink) fulfil(ctx context.Context, channel string, wish Wish, r channels.Reply) error {
	kind := s.Kinds[channel]
	if kind == "" {
		kind = "phone"
	}
	for _, from := range spellings(r.From) {
		done, err := Fulfil(ctx, s.Roll, wish, kind, from, channel, time.Now())
		if errors.Is(err, alerts.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		s.Log.Info("a wish was carried out", zap.String("wish", string(wish)), zap.String("channel", channel), zap.Uint32("person", done.Number), zap.Bool("changed", done.Changed))
		if s.Answer != nil {
			s.Answer(ctx, channel, from, wish.Answer(done.Language)) // in the spelling that the roll has
		}
		return nil
	}
	s.Log.Info("a wish of somebody who is not a subscriber", zap.String("wish", string(wish)), zap.String("channel", channel), zap.String("from", mask(r.From)))
	return nil
}

// Writer finds who has the address that a platform names as a reply's sender, in
// whichever spelling, and gives the one that the roll has. The error wraps
// [alerts.ErrNotFound] where nobody has it. It blocks until the store answered.
func Writer(ctx context.Context, roll interface {
	Lookup(ctx context.Context, kind, address string) (uint32, error)
}, kind, from string) (number uint32, address string, err error) {
	for _, address = range spellings(from) {
		number, err = roll.Lookup(ctx, kind, address)
		if err == nil || !errors.Is(err, alerts.ErrNotFound) {
			return number, address, err
		}
	}
	return 0, "", err
}

// spellings are the forms in which the store may have an address: platforms
// give numbers with a plus, with two zeros, or with nothing before the country.
func spellings(from string) []string {
	from = strings.TrimSpace(from)
	out := []string{from}
	digits := strings.TrimPrefix(strings.TrimPrefix(from, "+"), "00")
	if digits != "" && strings.Trim(digits, "0123456789") == "" {
		out = append(out, "+"+digits)
	} else if lower := strings.ToLower(from); lower != from {
		out = append(out, lower)
	}
	return slices.Compact(out)
}
