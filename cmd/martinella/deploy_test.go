package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
	"go.yaml.in/yaml/v3"

	"martinella/channels/channeltest"
)

// composeVariables are what an operator has to say; nothing of it has a
// default.
func composeVariables() types.Mapping {
	return types.Mapping{
		"AUTHORITY_SLUG": "valdemo", "AUTHORITY_NAME": "Comune di Valdemo", "AUTHORITY_SENDER": "pc@comune.valdemo.example",
		"PUBLIC_URL": "https://allerta.comune.valdemo.example", "GRAFANA_PASSWORD_FILE": "./grafana-password",
	}
}

func composeProject(t *testing.T, env types.Mapping, profiles ...string) (*types.Project, error) {
	t.Helper()
	root := channeltest.ModuleDir(t)
	return loader.LoadWithContext(t.Context(), types.ConfigDetails{
		WorkingDir: root, Environment: env,
		ConfigFiles: []types.ConfigFile{{Filename: filepath.Join(root, "docker-compose.yml")}},
	}, loader.WithProfiles(profiles))
}

// watched is the project with the profile watching, and the example in place of
// the file that an operator makes of it.
func watched(t *testing.T) *types.Project {
	t.Helper()
	env := composeVariables()
	env["ALERTMANAGER_FILE"] = "./dashboards/prometheus/alertmanager.yml"
	p, err := composeProject(t, env, "watching")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestComposeFileIsWhole(t *testing.T) {
	p, err := composeProject(t, composeVariables())
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"gateway", "grafana", "prometheus", "redis"}; !slices.Equal(p.ServiceNames(), want) {
		t.Errorf("got the services %v, want %v", p.ServiceNames(), want)
	}
	p = watched(t)
	if want := []string{"alertmanager", "gateway", "grafana", "prometheus", "redis"}; !slices.Equal(p.ServiceNames(), want) {
		t.Errorf("with the profile watching: %v, want %v", p.ServiceNames(), want)
	}
	redis := strings.Join(p.Services["redis"].Command, " ")
	for _, want := range []string{"--appendonly yes", "--appendfsync always", "--maxmemory-policy noeviction"} {
		if !strings.Contains(redis, want) {
			t.Errorf("redis is started without %s: %s", want, redis)
		}
	}
	for name, s := range p.Services {
		for _, v := range s.Volumes {
			if v.Type != types.VolumeTypeBind {
				continue
			}
			if _, err := os.Stat(v.Source); err != nil {
				t.Errorf("%s mounts what is not there: %v", name, err)
			}
		}
		for _, port := range s.Ports {
			if port.HostIP != "127.0.0.1" {
				t.Errorf("%s opens port %s to everybody", name, port.Published)
			}
		}
		if name == "redis" && len(s.Ports) > 0 {
			t.Error("redis can be reached from outside")
		}
		if _, tag, _ := strings.Cut(s.Image, ":"); s.Image != "" && (tag == "" || tag == "latest") {
			t.Errorf("%s runs whatever version is newest: %s", name, s.Image)
		}
	}
	if p.Services["redis"].Volumes[0].Type != types.VolumeTypeVolume {
		t.Error("what redis keeps ends with its container")
	}
}

func TestComposeFileHasNoDefaultPassword(t *testing.T) {
	for name := range composeVariables() {
		env := composeVariables()
		delete(env, name)
		if _, err := composeProject(t, env); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("without %s: got %v, want a refusal that names it", name, err)
		}
	}
	b, err := os.ReadFile(filepath.Join(channeltest.ModuleDir(t), "docker-compose.yml"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		key, value, found := strings.Cut(strings.TrimSpace(line), ":")
		if found && strings.Contains(strings.ToUpper(key), "PASSWORD") && !strings.HasPrefix(key, "#") && strings.TrimSpace(value) != "" && !strings.Contains(value, "/run/secrets/") {
			t.Errorf("a password stands in the file: %s", line)
		}
	}
}

// The variables that Compose gives the gateway must be ones that it reads.
func TestComposeFileConfiguresTheGateway(t *testing.T) {
	p, err := composeProject(t, composeVariables())
	if err != nil {
		t.Fatal(err)
	}
	sh := shell{getenv: func(name string) string {
		if v := p.Services["gateway"].Environment[name]; v != nil {
			return *v
		}
		return ""
	}}
	for name, v := range p.Services["gateway"].Environment {
		sh.environ = append(sh.environ, name+"="+*v)
	}
	c, err := loadConfigOf(sh, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.Mode != modeLive || c.Authority.Slug != "valdemo" || c.Redis.URL != "redis://redis:6379" || c.PublicURL != "https://allerta.comune.valdemo.example" {
		t.Errorf("got %+v", c)
	}
}

// What Prometheus, Alertmanager and Grafana are told to read lies where Compose
// mounts it.
func TestComposeFileMountsWhatItNames(t *testing.T) {
	p := watched(t)
	root := channeltest.ModuleDir(t)
	// mounted turns a path in a container into one here.
	mounted := func(service, path string) string {
		for _, v := range p.Services[service].Volumes {
			if rest, ok := strings.CutPrefix(path, v.Target); ok && v.Type == types.VolumeTypeBind {
				return v.Source + rest
			}
		}
		t.Fatalf("%s mounts nothing at %s", service, path)
		return ""
	}
	read := func(file string, into any) {
		b, err := os.ReadFile(file)
		if err == nil {
			err = yaml.Unmarshal(b, into)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	var prometheus struct {
		RuleFiles []string `yaml:"rule_files"`
		Scrape    []struct {
			Static []struct{ Targets []string } `yaml:"static_configs"`
		} `yaml:"scrape_configs"`
		Alerting struct {
			Alertmanagers []struct {
				Static []struct{ Targets []string } `yaml:"static_configs"`
			}
		}
	}
	read(mounted("prometheus", "/etc/prometheus/prometheus.yml"), &prometheus)
	if len(prometheus.RuleFiles) == 0 || len(prometheus.Scrape) == 0 || prometheus.Scrape[0].Static[0].Targets[0] != "gateway:9090" {
		t.Errorf("prometheus: %+v", prometheus)
	}
	for _, name := range prometheus.RuleFiles {
		if _, err := os.Stat(filepath.Join(root, "dashboards", "prometheus", name)); err != nil {
			t.Errorf("prometheus: %v", err)
		}
	}
	if targets := prometheus.Alerting.Alertmanagers; len(targets) != 1 || targets[0].Static[0].Targets[0] != "alertmanager:9093" {
		t.Errorf("prometheus tells nobody: %+v", targets)
	}
	var alertmanager struct {
		Global struct {
			Password string `yaml:"smtp_auth_password_file"`
		}
	}
	read(mounted("alertmanager", "/etc/alertmanager/alertmanager.yml"), &alertmanager)
	if want := "/run/secrets/" + p.Services["alertmanager"].Secrets[0].Source; alertmanager.Global.Password != want {
		t.Errorf("alertmanager reads the password from %s, and Compose gives it as %s", alertmanager.Global.Password, want)
	}
	for _, v := range p.Services["alertmanager"].Volumes {
		if v.Type == types.VolumeTypeBind && bool(v.Bind.CreateHostPath) {
			t.Error("a file with the addresses that is missing is not missed")
		}
	}
	var grafana struct {
		Providers []struct{ Options struct{ Path string } }
	}
	read(mounted("grafana", "/etc/grafana/provisioning/dashboards/martinella.yml"), &grafana)
	files, _ := filepath.Glob(filepath.Join(mounted("grafana", grafana.Providers[0].Options.Path), "*.json"))
	if len(files) < 3 {
		t.Errorf("%d Grafana dashboards, want one for each audience", len(files))
	}
}

func TestImageIsStaticAndNobody(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(channeltest.ModuleDir(t), "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"CGO_ENABLED=0", ":nonroot", "USER 65532", "AS build"} {
		if !bytes.Contains(b, []byte(want)) {
			t.Errorf("the Dockerfile lacks %s", want)
		}
	}
}

// publiccode.yml: the required keys of the standard, version 0.4
// (yml.publiccode.tools), and what it shares with the code.
func TestPublicCodeDescribesThisProject(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(channeltest.ModuleDir(t), "publiccode.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var p struct {
		Version     string   `yaml:"publiccodeYmlVersion"`
		Name        string   `yaml:"name"`
		URL         string   `yaml:"url"`
		Platforms   []string `yaml:"platforms"`
		Categories  []string `yaml:"categories"`
		Status      string   `yaml:"developmentStatus"`
		Type        string   `yaml:"softwareType"`
		Description map[string]struct {
			Short    string   `yaml:"shortDescription"`
			Long     string   `yaml:"longDescription"`
			Features []string `yaml:"features"`
		} `yaml:"description"`
		Legal struct {
			License string `yaml:"license"`
		} `yaml:"legal"`
		Maintenance struct {
			Type     string           `yaml:"type"`
			Contacts []map[string]any `yaml:"contacts"`
		} `yaml:"maintenance"`
		Localisation struct {
			Ready     *bool    `yaml:"localisationReady"`
			Languages []string `yaml:"availableLanguages"`
		} `yaml:"localisation"`
	}
	if err := yaml.Unmarshal(b, &p); err != nil {
		t.Fatal(err)
	}
	if p.Version == "" || p.Name != "Martinella" || p.URL == "" || len(p.Platforms) == 0 || len(p.Categories) == 0 || p.Localisation.Ready == nil || len(p.Localisation.Languages) < 2 {
		t.Errorf("a required key is missing: %+v", p)
	}
	if p.Legal.License != "EUPL-1.2" {
		t.Errorf("the licence is %s", p.Legal.License)
	}
	if !slices.Contains([]string{"concept", "development", "beta", "stable", "obsolete"}, p.Status) {
		t.Errorf("the status is %s", p.Status)
	}
	if p.Maintenance.Type != "community" || len(p.Maintenance.Contacts) == 0 {
		t.Error("nobody keeps it")
	}
	for _, language := range []string{"en", "it"} {
		d := p.Description[language]
		if n := len([]rune(d.Short)); n == 0 || n > 150 {
			t.Errorf("%s: the short description has %d characters, want 1 to 150", language, n)
		}
		if n := len([]rune(d.Long)); n < 150 || n > 10000 {
			t.Errorf("%s: the long description has %d characters, want 150 to 10000", language, n)
		}
		for _, f := range d.Features {
			if len([]rune(f)) > 100 {
				t.Errorf("%s: a feature has more than 100 characters: %s", language, f)
			}
		}
	}
	licence, err := os.ReadFile(filepath.Join(channeltest.ModuleDir(t), "LICENSE"))
	if err != nil || !bytes.HasPrefix(licence, []byte("EUROPEAN UNION PUBLIC LICENCE v. 1.2")) || bytes.Count(licence, []byte("\n")) < 150 {
		t.Errorf("LICENSE is not the whole EUPL 1.2 (%v)", err)
	}
}
