package alerts

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestARecordKeepsFieldsOfANewerProgram(t *testing.T) {
	b, err := json.Marshal(Record{V: 1, ID: "01A", Alert: flood()})
	if err != nil {
		t.Fatal(err)
	}
	var r Record
	if err := json.Unmarshal([]byte(strings.Replace(string(b), `{"v":1`, `{"mood":{"a":[1]},"v":1`, 1)), &r); err != nil {
		t.Fatal(err)
	}
	r.State = StateLapsed
	again, err := json.Marshal(r.Clone())
	if err != nil || !strings.Contains(string(again), `"mood":{"a":[1]}`) || !json.Valid(again) {
		t.Errorf("got %s %v", again, err)
	}
}

func TestARecordOfANewerFormatIsRefused(t *testing.T) {
	for v, ok := range map[string]bool{"0": true, "1": true, "2": false} {
		err := json.Unmarshal([]byte(`{"v":`+v+`,"id":"01A","alert":{}}`), new(Record))
		if (err == nil) != ok {
			t.Errorf("format %s: %v", v, err)
		}
	}
}

// Every field of Record must be in recordFields, or it would be written twice.
func TestEveryFieldIsKnown(t *testing.T) {
	for f := range reflect.TypeFor[Record]().Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name != "" && name != "-" && !recordFields[name] {
			t.Errorf("field %s is not in recordFields", name)
		}
	}
}

func TestTimesAreWrittenAsCAPDemands(t *testing.T) {
	for in, want := range map[string]string{
		"2026-11-21T18:30:00+01:00": "2026-11-21T18:30:00+01:00",
		"2026-11-21T18:30:00-00:00": "2026-11-21T18:30:00-00:00",
		"2026-11-21T18:30:00+00:00": "2026-11-21T18:30:00-00:00",
		"2028-02-29T23:59:59-03:30": "2028-02-29T23:59:59-03:30",
	} {
		got, err := ParseTime(in)
		if err != nil || FormatTime(got) != want {
			t.Errorf("%s: got %s, %v; want %s", in, FormatTime(got), err, want)
		}
	}
	for _, in := range []string{"", "2026-11-21", "2026-11-21T18:30:00Z", "2026-11-21T18:30:00.5+01:00", "2027-02-29T00:00:00+01:00", "2026-13-21T18:30:00+01:00"} {
		if got, err := ParseTime(in); err == nil {
			t.Errorf("%q was read as %v", in, got)
		}
	}
}

func TestAnAlertSurvivesItsJSON(t *testing.T) {
	a := flood(func(a *Alert) {
		a.References = []Reference{{"x@y", "1", noon.Add(-time.Hour)}}
		a.Infos[0].Onset = noon.Add(time.Minute)
		a.Infos[0].Areas[0].Polygons = []Polygon{{{44.1, 11}, {44.2, 11}, {44.2, 11.25}, {44.1, 11}}}
		a.Infos[0].Areas[0].Circles = []Circle{{Point{44.5, 11.5}, 0}}
	})
	b, _ := json.Marshal(a)
	for _, want := range []string{`"sent":"2026-11-21T12:00:00+01:00"`, `"polygon":["44.1,11 44.2,11 44.2,11.25 44.1,11"]`, `"circle":["44.5,11.5 0"]`, `"references":["x@y,1,2026-11-21T11:00:00+01:00"]`} {
		if !strings.Contains(string(b), want) {
			t.Errorf("no %s in %s", want, b)
		}
	}
	if c := a.Clone(); FormatTime(c.Sent) != FormatTime(a.Sent) || !reflect.DeepEqual(c.Infos[0].Areas, a.Infos[0].Areas) {
		t.Errorf("got %+v", c)
	}
}

func TestNumbersThatAreNone(t *testing.T) {
	for _, in := range []string{"NaN,1", "Inf,1", "0x1p-2,1", "1_0,1", "44.1", "44.1;11", "1e999,1"} {
		if err := new(Polygon).UnmarshalText([]byte(in)); err == nil {
			t.Errorf("polygon %q was read", in)
		}
		if err := new(Circle).UnmarshalText([]byte(in + " 5")); err == nil {
			t.Errorf("circle %q was read", in)
		}
	}
}

func TestObstaclesOfSeveralInfos(t *testing.T) {
	a := flood(func(a *Alert) {
		past := a.Infos[0]
		past.Expires = noon.Add(-time.Hour)
		a.Infos = append(a.Infos, past)
	})
	if ps := a.Obstacles(noon); len(ps) > 0 {
		t.Errorf("one info still holds: %v", ps)
	}
	if ps := a.Obstacles(noon.Add(7 * time.Hour)); len(ps) != 1 {
		t.Errorf("all are over: %v", ps)
	}
}

// A copy shares nothing with the original: every slice in an Alert is made
// long, copied, and must not begin at the same place.
func TestACloneSharesNothing(t *testing.T) {
	var a Alert
	fill(reflect.ValueOf(&a).Elem())
	c := a.Clone()
	if !reflect.DeepEqual(&a, c) {
		t.Fatalf("the copy differs:\n%+v\n%+v", &a, c)
	}
	apart(t, "Alert", reflect.ValueOf(a), reflect.ValueOf(*c))
}

func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			fill(v.Index(i))
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			return
		}
		for _, field := range v.Fields() {
			fill(field)
		}
	case reflect.String:
		v.SetString("x")
	}
}

func apart(t *testing.T, path string, a, b reflect.Value) {
	t.Helper()
	switch a.Kind() {
	case reflect.Slice:
		if a.Len() == 0 {
			t.Errorf("%s was not filled", path)
		} else if a.Pointer() == b.Pointer() {
			t.Errorf("%s is shared", path)
		}
		for i := range a.Len() {
			apart(t, path+"[]", a.Index(i), b.Index(i))
		}
	case reflect.Struct:
		if a.Type() == reflect.TypeFor[time.Time]() {
			return
		}
		for i := range a.NumField() {
			apart(t, path+"."+a.Type().Field(i).Name, a.Field(i), b.Field(i))
		}
	}
}
