package dashboards

import (
	"slices"
	"strings"
	"testing"
)

func TestWrappedLinesAreJoinedAndListsAreNot(t *testing.T) {
	for what, c := range map[string]struct {
		text string
		list bool
		want []string
	}{
		"a bulletin of the National Weather Service": {`.Recent rainfall from Hurricane Matthew brought minor flooding to
many area rivers and creeks. But as Matthew moves away rainfall will
decrease and allow some river levels to slowly subside while flooding
continue on a couple.
The Flood Warning continues for
The Peace River At Bartow
* Flood stage is 8.0 feet.
* The river is forecast to rise above flood stage by after midnight
continue to rise to near 8.0 feet by after midnight tomorrow.
* Flood history...This crest compares to a previous crest on Aug 18
Bartow 8.0 7.6 Fri 08 AM 8.0 7.9 7.7 7.6 7.5`, false, []string{
			".Recent rainfall from Hurricane Matthew brought minor flooding to many area rivers and creeks. But as Matthew moves away rainfall will decrease and allow some river levels to slowly subside while flooding continue on a couple.",
			"The Flood Warning continues for", "The Peace River At Bartow", "* Flood stage is 8.0 feet.",
			"* The river is forecast to rise above flood stage by after midnight continue to rise to near 8.0 feet by after midnight tomorrow.",
			"* Flood history...This crest compares to a previous crest on Aug 18", "Bartow 8.0 7.6 Fri 08 AM 8.0 7.9 7.7 7.6 7.5"}},
		"an instruction of two sentences": {`Do not drive cars through flooded areas.
Stay tuned to developments by listening to NOAA Weather Radio. The latest
forecasts can also be found on weather.gov/tampabay. You can follow NWSTampaBay
on Twitter and like us on Facebook.`, true, []string{"Do not drive cars through flooded areas.", "Stay tuned to developments by listening to NOAA Weather Radio. The latest forecasts can also be found on weather.gov/tampabay. You can follow NWSTampaBay on Twitter and like us on Facebook."}},
		"a wrapped text in French": {"L’analyse de l’évolution de l’image satellitaire à 15 h 15 du 06/06/2024 montre que le\nsystème nuageux (voir image) dans son évolution pourrait entrainer des pluies modérées\nà fortes dans les 2 heures de temps qui suivent dans les Plateaux et la Maritime ( Lomé\net ses environs).", false,
			[]string{"L’analyse de l’évolution de l’image satellitaire à 15 h 15 du 06/06/2024 montre que le système nuageux (voir image) dans son évolution pourrait entrainer des pluies modérées à fortes dans les 2 heures de temps qui suivent dans les Plateaux et la Maritime ( Lomé et ses environs)."}},
		"a list without marks": {"Salite ai piani alti e portate con voi solo le medicine\nNon usate l'auto e non attraversate mai i sottopassaggi\nAiutate chi non può muoversi e chi abita da solo vicino\nChiamate il 112 solo se serve", true,
			[]string{"Salite ai piani alti e portate con voi solo le medicine", "Non usate l'auto e non attraversate mai i sottopassaggi", "Aiutate chi non può muoversi e chi abita da solo vicino", "Chiamate il 112 solo se serve"}},
		"a list of small letters": {"chiudere le finestre e le porte del piano terra prima di sera\nspegnere il gas e la corrente di cantine e di piani terra ora\nsalire ai piani alti con le medicine e i documenti di tutti\nnon uscire", true,
			[]string{"chiudere le finestre e le porte del piano terra prima di sera", "spegnere il gas e la corrente di cantine e di piani terra ora", "salire ai piani alti con le medicine e i documenti di tutti", "non uscire"}},
		"a list with marks in a wrapped text": {"Restate lontani dal torrente Rivo e dai ponti fino a quando non\nlo diciamo noi, anche se la pioggia si ferma e sembra che l'acqua\nstia calando:\n- non scendete in cantina né in garage per nessuna ragione al mondo\n- non usate l'ascensore\n2) chiudete il gas", true,
			[]string{"Restate lontani dal torrente Rivo e dai ponti fino a quando non lo diciamo noi, anche se la pioggia si ferma e sembra che l'acqua stia calando:", "non scendete in cantina né in garage per nessuna ragione al mondo", "non usate l'ascensore", "chiudete il gas"}},
		"paragraphs": {"Una riga.\n\nUn'altra, che va avanti\ncosì.", false, []string{"Una riga.", "Un'altra, che va avanti", "così."}},
		"nothing":    {"\n \n", false, nil},
	} {
		got := paragraphs(c.text)
		if c.list {
			got = steps(c.text)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s:\n got %q\nwant %q", what, got, c.want)
		}
	}
}

// Every word of every real text stays, in its order.
func TestJoiningLosesNoWord(t *testing.T) {
	joined := 0
	for _, one := range realAlerts(t) {
		for _, in := range one.alert.Infos {
			for _, text := range []string{in.Description, in.Instruction} {
				got := paragraphs(text)
				if strings.Join(got, " ") != tidy(text) {
					t.Errorf("%s: %q", one.name, got)
				}
				if n := len(slices.DeleteFunc(tidyLines(text), func(s string) bool { return s == "" })); n != len(got) {
					joined++
				}
			}
		}
	}
	if joined < 5 {
		t.Errorf("%d texts are joined", joined)
	}
}
