package main

import (
	"debug/buildinfo"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"martinella/dashboards"
)

// bom is a software bill of materials in JSON, as CycloneDX 1.6 has it
// (https://cyclonedx.org/docs/1.6/json). It holds no time and no random number:
// the same program gives the same list.
type bom struct {
	Format       string       `json:"bomFormat"`
	Spec         string       `json:"specVersion"`
	Version      int          `json:"version"`
	Metadata     bomMetadata  `json:"metadata"`
	Components   []component  `json:"components"`
	Dependencies []dependency `json:"dependencies"`
}

type bomMetadata struct {
	Component component `json:"component"`
}

type component struct {
	Type       string          `json:"type"` // application, library
	Ref        string          `json:"bom-ref"`
	Name       string          `json:"name"`
	Version    string          `json:"version"`
	Hashes     []bomHash       `json:"hashes,omitempty"`
	Licences   []bomLicence    `json:"licenses,omitempty"`
	PURL       string          `json:"purl,omitempty"` // https://github.com/package-url/purl-spec
	Properties []nameWithValue `json:"properties,omitempty"`
}

type bomHash struct {
	Algorithm string `json:"alg"`
	Content   string `json:"content"` // hexadecimal
}

type bomLicence struct {
	Expression string `json:"expression"` // SPDX
}

type nameWithValue struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type dependency struct {
	Ref       string   `json:"ref"`
	DependsOn []string `json:"dependsOn,omitempty"`
}

// materials lists what a program was built of: the modules that the linker
// wrote into it, the standard library, and the packages of the map.
func materials(info *debug.BuildInfo, release string, packages []dashboards.Bundled) (*bom, error) {
	self := component{Type: "application", Ref: "martinella", Name: "martinella", Version: release, Licences: []bomLicence{{"EUPL-1.2"}}}
	for _, s := range info.Settings {
		switch s.Key {
		case "GOOS", "GOARCH", "CGO_ENABLED", "vcs.revision", "vcs.modified":
			self.Properties = append(self.Properties, nameWithValue{"go:" + s.Key, s.Value})
		}
	}
	std := strings.TrimPrefix(info.GoVersion, "go")
	list := []component{{Type: "library", Ref: "pkg:golang/std@" + std, Name: "std", Version: std, PURL: "pkg:golang/std@" + std, Licences: []bomLicence{{"BSD-3-Clause"}}}}
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		purl := "pkg:golang/" + strings.ToLower(m.Path) + "@" + m.Version
		c := component{Type: "library", Ref: purl, Name: m.Path, Version: m.Version, PURL: purl}
		if m.Sum != "" { // of all files of the module, as in go.sum: none of the algorithms of CycloneDX
			c.Properties = []nameWithValue{{"go:sum", m.Sum}}
		}
		list = append(list, c)
	}
	for _, p := range packages {
		purl := "pkg:npm/" + strings.Replace(p.Name, "@", "%40", 1) + "@" + p.Version
		c := component{Type: "library", Ref: purl, Name: p.Name, Version: p.Version, PURL: purl}
		if p.Licence != "" {
			c.Licences = []bomLicence{{p.Licence}}
		}
		if digest, ok := strings.CutPrefix(p.Integrity, "sha512-"); ok {
			sum, err := base64.StdEncoding.DecodeString(digest)
			if err != nil {
				return nil, fmt.Errorf("read the digest of %s: %w", p.Name, err)
			}
			c.Hashes = []bomHash{{"SHA-512", hex.EncodeToString(sum)}}
		}
		list = append(list, c)
	}
	needs := dependency{Ref: self.Ref}
	for _, c := range list {
		needs.DependsOn = append(needs.DependsOn, c.Ref)
	}
	return &bom{Format: "CycloneDX", Spec: "1.6", Version: 1, Metadata: bomMetadata{self}, Components: list, Dependencies: []dependency{needs}}, nil
}

// builtOf is what the go command wrote into this program, or into that file.
func builtOf(files []string) (*debug.BuildInfo, error) {
	if len(files) == 0 {
		info, ok := debug.ReadBuildInfo()
		if !ok {
			return nil, errors.New("this program does not know what it was built of")
		}
		return info, nil
	}
	info, err := buildinfo.ReadFile(files[0])
	if err != nil {
		return nil, fmt.Errorf("read what a program was built of: %w", err)
	}
	if info.Path != "martinella/cmd/martinella" {
		return nil, fmt.Errorf("%s is another program: %s", files[0], info.Path)
	}
	return info, nil
}

func sbomCommand(sh shell) *cobra.Command {
	return &cobra.Command{
		Use:   "sbom [PROGRAM]",
		Short: "List what this program is made of, in CycloneDX (a software bill of materials)",
		Long: `Print the modules of Go, the version of its standard library and the packages of
npm that this program carries, as JSON of CycloneDX 1.6, for a scanner of known
vulnerabilities. The program lists itself: nothing is read from elsewhere.

With the file of a program that was built from the same sources for another
machine, list that one.`,
		Example: "  martinella sbom > martinella.cdx.json\n  martinella sbom martinella-arm64 > martinella-arm64.cdx.json",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			info, err := builtOf(args)
			if err != nil {
				return refused(err, "build it with make build")
			}
			packages, err := dashboards.BundledPackages()
			if err != nil {
				return refused(err, "build it anew")
			}
			list, err := materials(info, version(), packages)
			if err != nil {
				return refused(err, "build it anew")
			}
			out := json.NewEncoder(sh.out)
			out.SetEscapeHTML(false)
			out.SetIndent("", " ")
			return out.Encode(list)
		},
	}
}
